"""Wires the webhook: settings from the environment and one client per service, made while Lambda starts the function.

It loads the standard library and botocore and nothing else: every module more is time that Telegram waits on a cold
start. For that reason it takes botocore and not boto3, whose import adds 60 ms to 410 (on 2 vCPUs, boto3 1.44),
and its own client settings and not those of `floodgate.aws`, which loads asyncio.
At its slowest, with every attempt timing out, one call takes about 13 s: the function's timeout must hold two.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config

from floodgate.ingress.trace import VARIABLE
from floodgate.ingress.webhook import Webhook
from floodgate.monitoring.light import write_lightly
from floodgate.settings import WebhookSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

write_lightly()
_aws = botocore.session.get_session()
_config = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 2},
    tcp_keepalive=True,
)
_webhook = Webhook(
    WebhookSettings.from_env(os.environ),
    sqs=cast("SQSClient", _aws.create_client("sqs", config=_config)),
    secrets=cast("SecretsManagerClient", _aws.create_client("secretsmanager", config=_config)),
    clock=time.time,
)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer one API Gateway event; Lambda's entry point."""
    return _webhook.handle(event, trace=os.environ.get(VARIABLE))
