"""Wires the alerts function: SNS hands it what alarms say, and a schedule has it look for what was missed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import boto3

from floodgate import aws
from floodgate.alerts.function import AlertsFunction
from floodgate.monitoring import pseudonyms
from floodgate.monitoring.logger import redact_libraries
from floodgate.settings import AlertsSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

redact_libraries()
pseudonyms.key_with(os.environ["BOT_TOKEN_SECRET_ARN"])
_function = AlertsFunction(
    AlertsSettings.from_env(os.environ),
    cloudwatch=boto3.client("cloudwatch", config=aws.CONFIG),
    dynamodb=boto3.client("dynamodb", config=aws.CONFIG),
    secrets=boto3.client("secretsmanager", config=aws.CONFIG),
    clock=time.time,
)


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Tell what an SNS event has, or, for `{"sweep": true}`, what was not told yet."""

    def remaining_s() -> float:
        return context.get_remaining_time_in_millis() / 1000

    if event.get("sweep"):
        _function.sweep(remaining_s)
    else:
        _function.tell(event, remaining_s)
