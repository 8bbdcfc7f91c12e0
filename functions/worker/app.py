"""Wires a worker: WorkerFunction on updates.fifo, and TasksFunction on tasks.fifo with other settings."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3

import bot
from floodgate import aws
from floodgate.delivery.worker import Worker
from floodgate.ingress.trace import VARIABLE, trace_id
from floodgate.monitoring import pseudonyms
from floodgate.monitoring.logger import redact_libraries
from floodgate.settings import WorkerSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

redact_libraries()
pseudonyms.key_with(os.environ["BOT_TOKEN_SECRET_ARN"])
_worker = Worker(
    WorkerSettings.from_env(os.environ),
    bot.register,
    sqs=boto3.client("sqs", config=aws.CONFIG),
    dynamodb=boto3.client("dynamodb", config=aws.CONFIG),
    secrets=boto3.client("secretsmanager", config=aws.CONFIG),
    scheduler=partial(boto3.client, "scheduler", config=aws.CONFIG),
    clock=time.time,
)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Drain a batch of messages, or answer `{"describe": true}` with what the bot handles."""
    if event.get("describe"):
        return _worker.describe()
    trace = trace_id(os.environ.get(VARIABLE))
    return _worker.drain(event, lambda: context.get_remaining_time_in_millis() / 1000, trace)
