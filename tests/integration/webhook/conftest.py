"""The webhook function as deployed, on an AWS that lives in this process."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

ROOT = Path(__file__).parents[3]
FIFO: Mapping[QueueAttributeNameType, str] = {
    "FifoQueue": "true",
    "DeduplicationScope": "messageGroup",
    "FifoThroughputLimit": "perMessageGroupId",
}


@dataclass
class Cloud:
    """Both queues, the secret, and the function wired to them."""

    sqs: SQSClient
    secrets: SecretsManagerClient
    secret_arn: str
    updates_url: str
    dead_url: str
    handler: Callable[[dict[str, Any], object], dict[str, Any]]

    def rotate(self, secret: str) -> None:
        """Give the secret another value."""
        self.secrets.put_secret_value(SecretId=self.secret_arn, SecretString=secret)

    def received(self, url: str) -> list[tuple[str, str, str]]:
        """Take everything out of a queue: body, group and deduplication id of each message."""
        taken = []
        while messages := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                assert "MessageAttributes" not in message
                attributes = message["Attributes"]
                taken.append((message["Body"], attributes["MessageGroupId"], attributes["MessageDeduplicationId"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    @property
    def updates(self) -> list[tuple[str, str, str]]:
        """What is in `updates.fifo`; it is empty afterwards."""
        return self.received(self.updates_url)

    @property
    def dead(self) -> list[tuple[str, str, str]]:
        """What is in `dead.fifo`; it is empty afterwards."""
        return self.received(self.dead_url)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """A cloud with empty queues and the secret that the events present; a param is the EARLY_ACKNOWLEDGEMENT."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-6a2a1b80-0123456789abcdef00000000")
    with mock_aws():
        sqs: SQSClient = boto3.client("sqs")
        secrets: SecretsManagerClient = boto3.client("secretsmanager")
        arn = secrets.create_secret(Name="webhook", SecretString="local-webhook-secret")["ARN"]
        updates, dead = (
            sqs.create_queue(QueueName=f"{name}.fifo", Attributes=FIFO)["QueueUrl"] for name in ("updates", "dead")
        )
        monkeypatch.setenv("UPDATES_QUEUE_URL", updates)
        monkeypatch.setenv("DEAD_QUEUE_URL", dead)
        monkeypatch.setenv("WEBHOOK_SECRET_ARN", arn)
        monkeypatch.setenv("METRICS_NAMESPACE", "Floodgate/garden")
        monkeypatch.setenv("EARLY_ACKNOWLEDGEMENT", getattr(request, "param", "off"))
        spec = importlib.util.spec_from_file_location("webhook_app", ROOT / "functions" / "webhook" / "app.py")
        assert spec is not None
        assert spec.loader is not None
        app = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(app)
        yield Cloud(sqs, secrets, arn, updates, dead, app.handler)


@pytest.fixture
def event(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The event that the test names: `events/webhook__<param>.json`."""
    loaded: dict[str, Any] = json.loads((ROOT / "events" / f"webhook__{request.param}.json").read_text())
    return loaded
