"""A request becomes one message in one queue, a refusal that costs nothing, or a wish to come again."""

import base64
import hashlib
import json
import logging
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from floodgate.ingress.updates import QUEUE_LIMIT_BYTES
from floodgate.ingress.webhook import Webhook
from tests.unit.ingress.conftest import SETTINGS, Clock, Wire
from tests.unit.ingress.samples import SAMPLES, Sample

SECRET = "the-secret"
URL = "https://aws.example"
UPDATE = '{"update_id": 500000001, "message": {"chat": {"id": 7001}, "text": "жук"}}'
OK: dict[str, Any] = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
REFUSED: dict[str, Any] = {**OK, "statusCode": 403}
LATER: dict[str, Any] = {
    "statusCode": 503,
    "headers": {"content-type": "application/json", "retry-after": "7"},
    "body": "{}",
}
SENT = {
    "QueueUrl": SETTINGS.updates_queue_url,
    "MessageBody": UPDATE,
    "MessageGroupId": "chat:7001",
    "MessageDeduplicationId": "500000001",
}


class Outage(NamedTuple):
    """A fault on the wire, and how the log names it."""

    fault: Exception | tuple[int, str]
    error: str
    code: str | None


each_outage = pytest.mark.parametrize(
    "outage",
    [
        Outage((400, "RequestThrottled"), "RequestThrottled", "RequestThrottled"),
        Outage((400, "QueueDoesNotExist"), "QueueDoesNotExist", "QueueDoesNotExist"),
        Outage((403, "AccessDeniedException"), "ClientError", "AccessDeniedException"),
        Outage((500, "InternalFailure"), "ClientError", "InternalFailure"),
        Outage(ReadTimeoutError(endpoint_url=URL), "ReadTimeoutError", None),
        Outage(ConnectTimeoutError(endpoint_url=URL), "ConnectTimeoutError", None),
        Outage(EndpointConnectionError(endpoint_url=URL), "EndpointConnectionError", None),
        Outage(NoCredentialsError(), "NoCredentialsError", None),
    ],
    ids=lambda outage: outage.code or outage.error,
)


TRACE_ID = "1-6a2a1b80-0123456789abcdef00000000"
#: As Lambda has it; SQS gets the id alone.
TRACE = f"Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0"


class Bad(NamedTuple):
    """A request that can never be processed, its body in bytes, and the reason."""

    event: dict[str, Any]
    raw: bytes
    detail: str


def request(body: str | None = UPDATE, secret: str | None = SECRET, **more: Any) -> dict[str, Any]:
    """Return what the webhook reads of an API Gateway event."""
    headers = {} if secret is None else {"x-telegram-bot-api-secret-token": secret}
    return {"headers": headers, **({} if body is None else {"body": body}), "isBase64Encoded": False, **more}


def encoded(body: bytes) -> dict[str, Any]:
    """Return an event whose body is in base64."""
    return request(base64.b64encode(body).decode(), isBase64Encoded=True)


def logged(caplog: pytest.LogCaptureFixture, *names: str) -> list[tuple[Any, ...]]:
    """Return level, message and the named extras of every line that the webhook logged."""
    return [
        (record.levelname, record.getMessage(), *(getattr(record, name) for name in names))
        for record in caplog.records
        if record.name.startswith("floodgate")
    ]


def test_an_update_is_sent_untouched(webhook: Webhook, wire: Wire) -> None:
    """One message: the body as it came, the chat's group, the update_id against copies, and nothing else."""
    assert webhook.handle(request()) == OK
    assert wire.messages == [SENT]


def test_an_update_in_base64_is_sent_as_text(webhook: Webhook, wire: Wire) -> None:
    """API Gateway may encode a body; the queue gets what Telegram sent."""
    assert webhook.handle(encoded(UPDATE.encode())) == OK
    assert wire.messages == [SENT]


def test_an_accepted_update_has_one_line(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    """So that its way can be followed from its beginning."""
    caplog.set_level(logging.INFO)
    webhook.handle(request())
    assert logged(caplog, "update_id") == [("INFO", "update queued", json.loads(UPDATE)["update_id"])]


@pytest.mark.parametrize("event", [request(secret=None), {}, {"headers": None, "body": UPDATE}])
def test_a_request_without_a_secret_is_refused(
    webhook: Webhook, wire: Wire, caplog: pytest.LogCaptureFixture, event: dict[str, Any]
) -> None:
    """Nothing is sent anywhere, nor is the secret read."""
    assert webhook.handle(event) == REFUSED
    assert wire.sent == {}
    assert logged(caplog, "secret") == [("WARNING", "request refused", "missing")]


@pytest.mark.parametrize(
    "secret", ["", "the-secre", "the-secret ", "THE-SECRET", "ключ", "\udcff", "the-secret,the-secret"]
)
def test_a_wrong_secret_is_refused(webhook: Webhook, wire: Wire, caplog: pytest.LogCaptureFixture, secret: str) -> None:
    """Whatever stands in the header, it changes no queue and breaks no comparison."""
    assert webhook.handle(request(secret=secret)) == REFUSED
    assert wire.messages == []
    assert logged(caplog, "secret") == [("WARNING", "request refused", "wrong")]


def test_a_secret_beyond_ascii_is_accepted(webhook: Webhook, wire: Wire) -> None:
    """Bytes are compared, so that no character is special."""
    wire.secret = "ключ"
    assert webhook.handle(request(secret="ключ")) == OK


def test_the_secret_is_read_once(webhook: Webhook, wire: Wire, clock: Clock) -> None:
    """It is kept for as long as it is presented."""
    for _ in range(3):
        webhook.handle(request())
        clock.now += 3600
    assert wire.sent["GetSecretValue"] == [{"SecretId": SETTINGS.webhook_secret_arn}]


def test_a_rotated_secret_is_found(webhook: Webhook, wire: Wire, clock: Clock) -> None:
    """A minute after the last reading a mismatch makes it be read anew: the new one is right, the old one wrong."""
    webhook.handle(request())
    wire.secret = "the-next-secret"
    clock.now += 59
    assert webhook.handle(request(secret="the-next-secret")) == REFUSED
    clock.now += 1
    assert webhook.handle(request(secret="the-next-secret")) == OK
    assert webhook.handle(request()) == REFUSED


def test_guessing_reads_the_secret_once_a_minute(webhook: Webhook, wire: Wire, clock: Clock) -> None:
    """Each reading costs money, and who guesses must not set the pace."""
    for _ in range(120):
        webhook.handle(request(secret="guess"))
        clock.now += 1
    assert len(wire.sent["GetSecretValue"]) == 2


@each_outage
def test_an_unreadable_secret_puts_the_request_off(
    webhook: Webhook,
    wire: Wire,
    caplog: pytest.LogCaptureFixture,
    outage: Outage,
) -> None:
    """Telegram is asked to come again, and is served once the secret can be read."""
    wire.faults[SETTINGS.webhook_secret_arn] = [outage.fault]
    assert webhook.handle(request()) == LATER
    error = "ClientError" if outage.code else outage.error  # the codes are SQS's own, and unknown to this client
    [line] = logged(caplog, "service", "error", "code")
    assert line == ("ERROR", "request put off", "secretsmanager", error, outage.code)
    assert wire.messages == []
    assert webhook.handle(request()) == OK


def test_an_empty_secret_lets_nobody_in(webhook: Webhook, wire: Wire) -> None:
    """An empty header does not match a secret that is not there."""
    wire.secret = ""
    assert webhook.handle(request(secret="")) == LATER
    assert wire.messages == []


def test_a_rotation_that_cannot_be_checked_puts_the_request_off(webhook: Webhook, wire: Wire, clock: Clock) -> None:
    """Whether the secret is the new one is unknown: 503; the kept one is still accepted, others wait a minute."""
    webhook.handle(request())
    clock.now += 60
    wire.faults[SETTINGS.webhook_secret_arn] = [(500, "InternalServiceError")]
    assert webhook.handle(request(secret="other")) == LATER
    assert webhook.handle(request(secret="other")) == REFUSED
    assert webhook.handle(request()) == OK


@pytest.mark.parametrize(
    ("trace", "header"), [(TRACE, f"Root={TRACE_ID}"), (None, None), ("Root=1-2-3", None), ("garbage;Root=", None)]
)
def test_the_trace_goes_with_the_update(webhook: Webhook, wire: Wire, trace: str | None, header: str | None) -> None:
    """Its id and nothing else, and only one that SQS will understand: it refuses a message with any other."""
    assert webhook.handle(request(UPDATE), trace=trace) == OK
    [message] = wire.messages
    attributes = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}
    assert message.get("MessageSystemAttributes") == (attributes if header else None)


@pytest.mark.parametrize(
    "bad",
    [
        Bad(request("hello"), b"hello", "body is not JSON"),
        Bad(request(""), b"", "body is not JSON"),
        Bad(request(None), b"", "body is not JSON"),
        Bad(request("жук"), "жук".encode(), "body is not JSON"),
        Bad(request('{"message": {}}'), b'{"message": {}}', "update_id is missing or no integer"),
        Bad(request(UPDATE, isBase64Encoded=True), UPDATE.encode(), "body is not JSON"),
        Bad(request("жук=", isBase64Encoded=True), "жук=".encode(), "body is not JSON"),
        Bad(encoded(b"\xff\x00"), b"\xff\x00", "body is not JSON"),
    ],
)
def test_poison_is_buried_and_answered_200(
    webhook: Webhook,
    wire: Wire,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    bad: Bad,
) -> None:
    """What can never be processed goes to the dead letters with its reason, in a group of its own."""
    event, raw, detail = bad
    digest = hashlib.sha256(raw).hexdigest()
    assert webhook.handle(event, trace=TRACE) == OK
    [message] = wire.messages
    assert message == {
        "QueueUrl": SETTINGS.dead_queue_url,
        "MessageBody": message["MessageBody"],
        "MessageGroupId": f"poison:{digest[:32]}",
        "MessageDeduplicationId": digest,
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": f"Root={TRACE_ID}"}},
    }
    assert json.loads(message["MessageBody"]) == {
        "reason": "poison",
        "detail": detail,
        "error": None,
        "attempts": 0,
        "first_at": clock.now,
        "last_at": clock.now,
        "trace_id": TRACE_ID,
        "message_id": None,
        "fingerprint": None,
        "stack": [],
        "handler": None,
        "group": f"poison:{digest[:32]}",
        "queue": "updates",
        "update": raw.decode("utf-8", "backslashreplace"),
        "length": len(raw),
        "sha256": digest,
    }
    assert logged(caplog, "reason", "length", "sha256") == [("WARNING", "poison buried", detail, len(raw), digest)]


@pytest.mark.parametrize(
    "filling", [b"a", b"\x00", b"\xff", b'"', b"\\", "жук".encode(), "🪲".encode(), b"\xef\xbf\xbf"]
)
def test_a_large_poison_leaves_its_beginning(webhook: Webhook, wire: Wire, filling: bytes) -> None:
    """The first 64 KiB, the length and the hash; the message fits into the queue whatever must be escaped."""
    raw = filling * (1_200_000 // len(filling))
    assert webhook.handle(encoded(raw)) == OK
    [message] = wire.messages
    letter = json.loads(message["MessageBody"])
    assert len(message["MessageBody"].encode()) <= QUEUE_LIMIT_BYTES
    assert letter["detail"] == "body of 1200000 bytes is over the queue's limit"
    assert letter["update"] == raw[:65_536].decode("utf-8", "backslashreplace")
    assert (letter["length"], letter["sha256"]) == (1_200_000, hashlib.sha256(raw).hexdigest())


@pytest.mark.parametrize("code", ["InvalidMessageContents", "InvalidParameterValue"])
def test_a_body_that_sqs_refuses_is_poison(webhook: Webhook, wire: Wire, code: str) -> None:
    """SQS would refuse it forever, and 503 forever would stop the bot."""
    wire.faults[SETTINGS.updates_queue_url] = [(400, code)]
    assert webhook.handle(request()) == OK
    [_, message] = wire.messages
    letter = json.loads(message["MessageBody"])
    assert message["QueueUrl"] == SETTINGS.dead_queue_url
    assert (letter["detail"], letter["update"]) == (f"the queue refuses the body: {code}", UPDATE)


@each_outage
@pytest.mark.parametrize("body", [UPDATE, "hello"])
def test_a_queue_that_fails_puts_the_request_off(
    webhook: Webhook,
    wire: Wire,
    caplog: pytest.LogCaptureFixture,
    body: str,
    outage: Outage,
) -> None:
    """Telegram keeps what neither queue took: 503 with Retry-After, and one line with the error's class and code."""
    wire.faults[SETTINGS.updates_queue_url if body == UPDATE else SETTINGS.dead_queue_url] = [outage.fault]
    assert webhook.handle(request(body)) == LATER
    [line] = logged(caplog, "service", "error", "code")
    assert line == ("ERROR", "request put off", "sqs", outage.error, outage.code)
    assert webhook.handle(request(body)) == OK


def test_a_dead_queue_that_refuses_our_own_letter_puts_the_request_off(
    webhook: Webhook, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """The letter is always valid, so the queue is not set up; a poison of poison must not loop."""
    wire.faults[SETTINGS.dead_queue_url] = [(400, "InvalidParameterValue")]
    assert webhook.handle(request("hello")) == LATER
    assert logged(caplog, "code") == [("ERROR", "request put off", "InvalidParameterValue")]


def pressed(query: Any = None, **fields: Any) -> str:
    """Return the body of a pressed button's update: with this as its query, or with these fields in it."""
    sent = {"id": "30070000000000001", "from": {"id": 7001}, "chat_instance": "-55", "data": "water:yes", **fields}
    return json.dumps({"update_id": 500000002, "callback_query": sent if query is None else query})


def test_a_queued_button_is_answered_early(early_webhook: Webhook, wire: Wire) -> None:
    """The update lies in its queue, and the answer to its delivery is the Bot API call that stops the waiting."""
    answer = early_webhook.handle(request(pressed()))
    assert answer == {**OK, "body": answer["body"]}
    assert json.loads(answer["body"]) == {
        "method": "answerCallbackQuery",
        "callback_query_id": "30070000000000001",
    }
    assert [message["MessageBody"] for message in wire.messages] == [pressed()]


def test_a_repeated_button_is_answered_again(early_webhook: Webhook) -> None:
    """Telegram repeats what it got no answer to, so the answer is what was lost."""
    assert early_webhook.handle(request(pressed())) == early_webhook.handle(request(pressed()))


def test_a_button_is_left_to_its_handler(webhook: Webhook) -> None:
    """Without early acknowledgement the answer to every delivery is empty."""
    assert webhook.handle(request(pressed())) == OK


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.type != "callback_query"], ids=lambda s: s.type)
def test_only_buttons_are_answered_early(early_webhook: Webhook, sample: Sample) -> None:
    """No other type of update asks Telegram for anything."""
    assert early_webhook.handle(request(json.dumps(sample.update))) == OK


@pytest.mark.parametrize(
    "body",
    [
        pressed(id=None),
        pressed(id=""),
        pressed(id=30070000000000001),
        pressed(id=["30070000000000001"]),
        pressed({"data": "water:yes"}),
        pressed("30070000000000001"),
        pressed(["id"]),
        pressed(False),
    ],
)
def test_a_button_without_an_id_is_queued_unanswered(early_webhook: Webhook, wire: Wire, body: str) -> None:
    """There is nothing to name to Telegram, and nothing is lost."""
    assert early_webhook.handle(request(body)) == OK
    assert [message["MessageBody"] for message in wire.messages] == [body]


@pytest.mark.parametrize("query_id", ["жук", "\udcff", '"}\n', "a\u0000b"])
def test_an_id_comes_back_as_it_was(early_webhook: Webhook, query_id: str) -> None:
    """Whatever stands in it, the answer is JSON in ASCII that says the same."""
    answer = early_webhook.handle(request(pressed(id=query_id)))
    assert answer["body"].isascii()
    assert json.loads(answer["body"])["callback_query_id"] == query_id


@pytest.mark.parametrize(
    ("fault", "expected"),
    [((500, "InternalFailure"), LATER), ((400, "InvalidMessageContents"), OK)],
    ids=["unavailable", "poison"],
)
def test_a_button_that_was_not_queued_is_not_answered(
    early_webhook: Webhook, wire: Wire, fault: tuple[int, str], expected: dict[str, Any]
) -> None:
    """Nobody is told that something happens while nothing will."""
    wire.faults[SETTINGS.updates_queue_url] = [fault]
    assert early_webhook.handle(request(pressed())) == expected


@pytest.mark.parametrize("secret", [None, "guess"])
def test_a_strangers_button_is_not_answered(early_webhook: Webhook, secret: str | None) -> None:
    """Without the secret nothing of the body comes back."""
    assert early_webhook.handle(request(pressed(), secret=secret)) == REFUSED


@pytest.mark.parametrize(
    ("event", "faults"),
    [
        (request("whisper", secret="whispered-guess"), {}),
        (request("whisper"), {}),
        (request('{"update_id": 1, "message": "whisper"}'), {SETTINGS.updates_queue_url: [(500, "InternalFailure")]}),
        (request("whisper"), {SETTINGS.dead_queue_url: [(400, "RequestThrottled")]}),
        (request("whisper"), {SETTINGS.webhook_secret_arn: [(400, "DecryptionFailure")]}),
    ],
)
def test_no_log_holds_a_body_or_a_secret(
    webhook: Webhook,
    wire: Wire,
    caplog: pytest.LogCaptureFixture,
    event: dict[str, Any],
    faults: dict[str, list[Exception | tuple[int, str]]],
) -> None:
    """Neither what somebody wrote nor what somebody guessed, nor an error's text that may quote it."""
    caplog.set_level(logging.INFO)
    wire.faults.update(faults)
    webhook.handle(event)
    lines = [str(vars(record)) for record in caplog.records if record.name.startswith("floodgate")]
    assert len(lines) == 1
    assert [word for word in ("whisper", "the-secret", "quotes the request") if word in lines[0]] == []
