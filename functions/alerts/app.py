"""Wires the alerts function: SNS hands it what alarms say, a schedule has it look, the worker asks it for a report."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from floodgate import aws
from floodgate.alerts.function import AlertsFunction
from floodgate.ingress.trace import VARIABLE, trace_id, tracing
from floodgate.monitoring import pseudonyms
from floodgate.monitoring.logger import redact_libraries
from floodgate.monitoring.metrics import ALERTS, Metrics
from floodgate.settings import AlertsSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from floodgate.alerts.status import StatusReport

redact_libraries()
pseudonyms.key_with(os.environ["BOT_TOKEN_SECRET_ARN"])
_settings = AlertsSettings.from_env(os.environ)
_metrics = Metrics(_settings.metrics_namespace, ALERTS)
_cloudwatch = boto3.client("cloudwatch", config=aws.CONFIG)
_dynamodb = boto3.client("dynamodb", config=aws.CONFIG)
_function = AlertsFunction(
    _settings,
    cloudwatch=_cloudwatch,
    dynamodb=_dynamodb,
    secrets=boto3.client("secretsmanager", config=aws.CONFIG),
    clock=time.time,
)


@cache
def _status() -> StatusReport:
    # What draws is loaded with the first report: an alarm must not wait for it, or fail with it.
    from floodgate.alerts.status import StatusReport  # noqa: PLC0415

    return StatusReport(
        namespace=_settings.metrics_namespace,
        stack_name=_settings.stack_name,
        state_table=_settings.bot.state_table,
        queues={
            "updates": _settings.updates_queue_url,
            "tasks": _settings.tasks_queue_url,
            "dead": _settings.dead_queue_url,
        },
        cloudwatch=_cloudwatch,
        sqs=boto3.client("sqs", config=aws.CONFIG),
        dynamodb=_dynamodb,
        clock=time.time,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """Tell what an SNS event has, or for `{"sweep": true}` what was missed; return a report for `{"status": true}`."""

    def remaining_s() -> float:
        return context.get_remaining_time_in_millis() / 1000

    with tracing(trace_id(os.environ.get(VARIABLE))), _metrics.measuring():
        if event.get("status"):
            return _status().report()
        if event.get("sweep"):
            _function.sweep(remaining_s)
        else:
            _function.tell(event, remaining_s)
    return None
