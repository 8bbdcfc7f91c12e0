"""Real AWS clients whose wire is scripted: requests are serialised, answers and errors parsed as in production."""

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from floodgate.ingress.webhook import Webhook
from floodgate.settings import WebhookSettings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# One session for every test: it reads botocore's descriptions of the services once.
_SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
SETTINGS = WebhookSettings(
    updates_queue_url="https://sqs.eu-central-1.amazonaws.com/123456789012/updates.fifo",
    dead_queue_url="https://sqs.eu-central-1.amazonaws.com/123456789012/dead.fifo",
    webhook_secret_arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhook-AbCdEf",
    early_acknowledgement=False,
    metrics_namespace="Floodgate/garden",
    retry_after_s=7,
)


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass
class Wire:
    """What the clients sent, by operation, and what they get: the secret, success, or the next scripted fault."""

    secret: str = "the-secret"
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[str, list[Exception | tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """By queue URL or secret ARN: an exception of the transport, or a status and an error code of the service."""

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Stand in for the network; registered as botocore's `before-send`."""
        operation = cast("bytes", request.headers["X-Amz-Target"]).decode().rpartition(".")[2]
        asked = json.loads(cast("bytes", request.body))
        self.sent[operation].append(asked)
        faults = self.faults[asked.get("QueueUrl") or asked["SecretId"]]
        fault = faults.pop(0) if faults else None
        if isinstance(fault, Exception):
            raise fault
        status, code = fault or (200, "")
        headers = HTTPHeaders()
        if code and operation == "SendMessage":
            headers["x-amzn-query-error"] = f"{code};Sender"
        said = (
            {"__type": f"com.amazonaws#{code}", "message": "quotes the request"}
            if code
            else {"GetSecretValue": {"SecretString": self.secret}, "SendMessage": {"MessageId": "m"}}[operation]
        )
        return AWSResponse(request.url, status, headers, _Raw(json.dumps(said).encode()))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Every message that was sent to a queue, in order."""
        return self.sent["SendMessage"]


@dataclass
class Clock:
    """Unix time in seconds, moved by hand."""

    now: float = 1_781_136_000.0

    def __call__(self) -> float:
        """Return the time that it is now."""
        return self.now


@pytest.fixture
def wire() -> Wire:
    """A wire on which everything succeeds."""
    return Wire()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def webhook(wire: Wire, clock: Clock) -> Webhook:
    """A webhook on that wire."""
    return _webhook(SETTINGS, wire, clock)


@pytest.fixture
def early_webhook(wire: Wire, clock: Clock) -> Webhook:
    """A webhook on that wire that is told to acknowledge early."""
    return _webhook(replace(SETTINGS, early_acknowledgement=True), wire, clock)


def _webhook(settings: WebhookSettings, wire: Wire, clock: Clock) -> Webhook:
    # One attempt per call, since botocore's retries would sleep.
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    sqs: SQSClient = _SESSION.client("sqs", config=config)
    secrets: SecretsManagerClient = _SESSION.client("secretsmanager", config=config)
    answer = cast("Callable[..., None]", wire.answer)  # the stubs know nothing of hooks that answer
    sqs.meta.events.register("before-send.sqs", answer)
    secrets.meta.events.register("before-send.secrets-manager", answer)
    return Webhook(settings, sqs, secrets, clock)
