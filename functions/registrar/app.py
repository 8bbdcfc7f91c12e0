"""Wires the registrar: CloudFormation calls it for the resource `Registration`, people with `{"register": true}`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import boto3

from floodgate import aws
from floodgate.ingress.trace import VARIABLE, trace_id, tracing
from floodgate.monitoring.logger import redact_libraries
from floodgate.monitoring.metrics import REGISTRAR, Metrics
from floodgate.settings import RegistrarSettings
from floodgate.telegram.custom_resource import answer_request
from floodgate.telegram.registration import Registrar, RegistrationFailed

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

redact_libraries()
_settings = RegistrarSettings.from_env(os.environ)
_metrics = Metrics(_settings.metrics_namespace, REGISTRAR)
_registrar = Registrar(
    _settings,
    dynamodb=boto3.client("dynamodb", config=aws.CONFIG),
    secrets=boto3.client("secretsmanager", config=aws.CONFIG),
    functions=boto3.client("lambda", config=aws.SLOW_CONFIG),
)


def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation; or register and return what Telegram has now, or `{"error": <sentence>}`."""
    with tracing(trace_id(os.environ.get(VARIABLE))), _metrics.measuring():
        return _answer(event)


def _answer(event: dict[str, Any]) -> dict[str, Any]:
    if "RequestType" in event:
        answer_request(event, _registrar)
        return {}
    try:
        return asyncio.run(_registrar.register())
    except RegistrationFailed as error:
        return {"error": str(error)}
