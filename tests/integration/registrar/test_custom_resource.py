"""CloudFormation gets an answer to every request, with the one physical id, and a reason that a person understands."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from floodgate.telegram.custom_resource import answer_request
from tests.integration.registrar.conftest import WEBHOOK_URL, LambdaWire
from tests.integration.worker.deployed import bot_environ, deployed
from tests.integration.worker.scenes import measured
from tests.unit.telegram.wire import TOKEN, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from floodgate.telegram.registration import Registrar
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html: "4096 bytes".
ANSWER_BYTES = 4096
STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack/" + "s" * 128 + "/51af3dc0-da77-11e4-872e-1234567db123"


class Answer(NamedTuple):
    """One PUT to the signed URL."""

    path: str
    content_type: str | None
    body: bytes


class CloudFormation(HTTPServer):
    """The far end of the signed URL, on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []

    def request(self, kind: str) -> dict[str, Any]:
        """Return the event of a request."""
        return {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{self.server_address[1]}/answer?signature=abc",
            "StackId": STACK,
            "RequestId": "request-1",
            "LogicalResourceId": "Registration",
            "ResourceProperties": {"WebhookUrl": WEBHOOK_URL},
        }

    @property
    def said(self) -> dict[str, Any]:
        """The only answer that came."""
        [answer] = self.answers
        body: dict[str, Any] = json.loads(answer.body)
        return body


class _Handler(BaseHTTPRequestHandler):
    server: CloudFormation

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.append(Answer(self.path, self.headers["Content-Type"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    """A CloudFormation that waits for an answer."""
    with CloudFormation() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_registration_is_answered(
    cloudformation: CloudFormation, telegram: TelegramWire, registrar: Registrar, kind: str
) -> None:
    """SUCCESS to the signed URL as it came, without a content type, which the signature would not cover."""
    answer_request(cloudformation.request(kind), registrar)
    assert cloudformation.said == {
        "Status": "SUCCESS",
        "Reason": "registered",
        "PhysicalResourceId": "telegram-registration",
        "StackId": STACK,
        "RequestId": "request-1",
        "LogicalResourceId": "Registration",
    }
    assert cloudformation.answers[0].path == "/answer?signature=abc"
    assert not cloudformation.answers[0].content_type
    assert telegram.webhook["url"] == WEBHOOK_URL


def test_a_failure_is_answered_with_its_sentence(
    cloudformation: CloudFormation, functions: LambdaWire, registrar: Registrar
) -> None:
    """The owner reads it in the stack's events."""
    functions.answers.append({"errorType": "SyntaxError", "errorMessage": "invalid syntax (start.py, line 3)"})
    answer_request(cloudformation.request("Create"), registrar)
    said = cloudformation.said
    assert (said["Status"], said["PhysicalResourceId"]) == ("FAILED", "telegram-registration")
    assert said["Reason"] == "The bot does not start. SyntaxError: invalid syntax (start.py, line 3)"


def test_an_unforeseen_failure_is_answered_too(
    cloudformation: CloudFormation, functions: LambdaWire, registrar: Registrar
) -> None:
    """Whatever went wrong, CloudFormation does not wait until its timeout; and no token gets out."""
    functions.answers.append(RuntimeError(f"cannot reach /bot{TOKEN}/getMe"))
    answer_request(cloudformation.request("Create"), registrar)
    assert cloudformation.said["Status"] == "FAILED"
    assert cloudformation.said["Reason"] == ("The registrar failed with RuntimeError: cannot reach /bot7900:***/getMe")


@pytest.mark.parametrize("letter", ["x", "ж", "🪲", "\n", "\x1b", '"'], ids=ascii)
def test_a_long_reason_is_cut_to_what_an_answer_holds(
    cloudformation: CloudFormation, functions: LambdaWire, registrar: Registrar, letter: str
) -> None:
    """The author's exception may be long and in any script; the beginning of it arrives."""
    functions.answers.append({"errorType": "ValueError", "errorMessage": letter * 5000})
    answer_request(cloudformation.request("Create"), registrar)
    assert len(cloudformation.answers[0].body) <= ANSWER_BYTES
    assert cloudformation.said["Reason"].startswith(f"The bot does not start. ValueError: {letter * 100}")


def test_deletion_removes_our_webhook(
    cloudformation: CloudFormation, telegram: TelegramWire, registrar: Registrar
) -> None:
    """SUCCESS under the same physical id, and Telegram delivers nowhere."""
    answer_request(cloudformation.request("Create"), registrar)
    cloudformation.answers.clear()
    answer_request(cloudformation.request("Delete"), registrar)
    assert (cloudformation.said["Status"], telegram.webhook) == ("SUCCESS", {})
    assert cloudformation.said["PhysicalResourceId"] == "telegram-registration"


def changed_bot(cloudformation: CloudFormation) -> dict[str, Any]:
    """Return the request that follows when another bot's token was deployed."""
    request = cloudformation.request("Update")
    request["ResourceProperties"]["BotId"] = TOKEN.partition(":")[0]
    request["OldResourceProperties"] = {"BotId": "7800"}
    return request


def test_another_bot_takes_the_webhook_of_the_one_before(
    cloud: Cloud, cloudformation: CloudFormation, telegram: TelegramWire, registrar: Registrar
) -> None:
    """The old bot's updates would come to the new one's handlers; its webhook is removed with its own token."""
    cloud.secrets.put_secret_value(SecretId=cloud.token_arn, SecretString="7800:before")
    cloud.secrets.put_secret_value(SecretId=cloud.token_arn, SecretString=TOKEN)
    answer_request(changed_bot(cloudformation), registrar)
    assert cloudformation.said["Status"] == "SUCCESS"
    # This Telegram knows one bot: that the old one's token is refused stops nothing.
    assert telegram.methods == ["getMe", *["setMyCommands"] * 2, "setWebhook", "getWebhookInfo", "getMe"]
    telegram.token = "7800:before"
    assert asyncio.run(registrar.unregister_previous()) is True
    assert telegram.webhook == {}


def test_an_update_of_the_same_bot_leaves_its_webhook(
    cloudformation: CloudFormation, telegram: TelegramWire, registrar: Registrar
) -> None:
    """Nothing is removed when only a parameter changed."""
    request = changed_bot(cloudformation)
    request["OldResourceProperties"] = request["ResourceProperties"]
    answer_request(request, registrar)
    assert "deleteWebhook" not in telegram.methods


@pytest.mark.parametrize("trouble", ["token gone", "token refused", "telegram down", "not ours"])
def test_deletion_always_succeeds(
    cloud: Cloud, cloudformation: CloudFormation, telegram: TelegramWire, registrar: Registrar, trouble: str
) -> None:
    """A stack can be deleted whatever has become of the bot."""
    match trouble:
        case "token gone":
            cloud.secrets.delete_secret(SecretId=cloud.token_arn, ForceDeleteWithoutRecovery=True)
        case "token refused":
            telegram.token = "7900:another"
        case "telegram down":
            telegram.faults["getWebhookInfo"] = [refusal(502, "Bad Gateway")]
        case _:
            telegram.webhook = {"url": "https://other.example/hook"}
    answer_request(cloudformation.request("Delete"), registrar)
    assert cloudformation.said["Status"] == "SUCCESS"
    assert "deleteWebhook" not in telegram.methods


def test_an_answer_that_cannot_be_given_is_an_error(registrar: Registrar) -> None:
    """Lambda then calls again."""
    with CloudFormation() as closed:
        request = closed.request("Create")
    with pytest.raises(OSError, match="refused"):
        answer_request(request, registrar)


@pytest.mark.usefixtures("loops")
def test_people_may_register_by_hand(
    cloud: Cloud,
    telegram: TelegramWire,
    functions: LambdaWire,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The deployed function answers with what Telegram has, or one sentence; its calls are counted."""
    environ = {
        **bot_environ(cloud),
        "WEBHOOK_SECRET_ARN": cloud.webhook_secret_arn,
        "WEBHOOK_URL": WEBHOOK_URL,
        "WORKER_FUNCTIONS": "worker,tasks",
        "MAX_CONNECTIONS": "40",
    }
    functions.install(monkeypatch)
    with deployed("registrar", environ, monkeypatch) as handler:
        assert handler({"register": True}, None)["webhook_url"] == WEBHOOK_URL
        telegram.token = "7900:another"
        assert handler({"register": True}, None)["error"].startswith("Telegram does not accept the bot token")
    lines = measured(capsys)
    assert [line.get("ColdStarts") for line in lines] == [[1], None]
    assert [line.get("TelegramCallsRefused") for line in lines] == [None, [1]]
