"""Wires the alerts function: the worker asks it for a report, with `{"status": true}`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import boto3

from floodgate import aws
from floodgate.alerts.status import StatusReport
from floodgate.ingress.trace import VARIABLE, trace_id, tracing
from floodgate.monitoring.logger import redact_libraries
from floodgate.monitoring.metrics import ALERTS, Metrics
from floodgate.settings import AlertsSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

redact_libraries()
_settings = AlertsSettings.from_env(os.environ)
_metrics = Metrics(_settings.metrics_namespace, ALERTS)
_status = StatusReport(
    namespace=_settings.metrics_namespace,
    stack_name=_settings.stack_name,
    state_table=_settings.bot.state_table,
    queues={
        "updates": _settings.updates_queue_url,
        "tasks": _settings.tasks_queue_url,
        "dead": _settings.dead_queue_url,
    },
    cloudwatch=boto3.client("cloudwatch", config=aws.CONFIG),
    sqs=boto3.client("sqs", config=aws.CONFIG),
    dynamodb=boto3.client("dynamodb", config=aws.CONFIG),
    clock=time.time,
)


def handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Return how the bot is doing: the report's text and its picture."""
    with tracing(trace_id(os.environ.get(VARIABLE))), _metrics.measuring():
        return _status.report()
