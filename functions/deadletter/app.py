"""Wires the dead-letter function: letters from dead.fifo are kept, their users told, and the admin asked."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import boto3

from floodgate import aws
from floodgate.delivery.deadletters import DeadLetterFunction
from floodgate.monitoring import pseudonyms
from floodgate.monitoring.logger import redact_libraries
from floodgate.settings import DeadletterSettings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

redact_libraries()
pseudonyms.key_with(os.environ["BOT_TOKEN_SECRET_ARN"])
_function = DeadLetterFunction(
    DeadletterSettings.from_env(os.environ),
    sqs=boto3.client("sqs", config=aws.CONFIG),
    dynamodb=boto3.client("dynamodb", config=aws.CONFIG),
    secrets=boto3.client("secretsmanager", config=aws.CONFIG),
    clock=time.time,
)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Keep a batch of letters."""
    return _function.drain(event, lambda: context.get_remaining_time_in_millis() / 1000)
