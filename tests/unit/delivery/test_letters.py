"""What the writers of dead letters write, their reader reads; and messages are what Lambda's records say."""

import dataclasses
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.delivery.deadletters import read_letter
from floodgate.delivery.message import Message
from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.updates import QUEUE_LIMIT_BYTES
from floodgate.state.dead_letter import DeadLetter
from tests.unit.delivery.conftest import SENT_AT, message

UPDATE = json.dumps({"update_id": 7, "message": {"chat": {"id": 7001}, "text": "жук"}})
optional_text = st.none() | st.text()


@given(
    raw=st.binary() | st.text().map(str.encode),
    reason=st.sampled_from(["poison", "bug"]),
    detail=st.text(),
    times=st.tuples(st.floats(0, 4e9), st.floats(0, 4e9)),
    error=optional_text,
    group=st.none() | st.just("chat:7001"),
    attempts=st.integers(0, 1000),
    message_id=st.none() | st.uuids().map(str),
    fingerprint=optional_text,
    handler=optional_text,
    stack=st.lists(st.text()),
)
def test_a_letter_is_read_as_it_was_written(
    raw: bytes,
    reason: str,
    detail: str,
    times: tuple[float, float],
    error: str | None,
    group: str | None,
    attempts: int,
    message_id: str | None,
    fingerprint: str | None,
    handler: str | None,
    stack: list[str],
) -> None:
    """Every field comes back, whatever bytes were given up."""
    body, letter = dead_letter(
        raw,
        reason=reason,
        detail=detail,
        at=times[1],
        first_at=times[0],
        error=error,
        group=group,
        attempts=attempts,
        message_id=message_id,
        fingerprint=fingerprint,
        handler=handler,
        stack=stack,
    )
    assert read_letter(message("letter", body=body)).model_dump() == letter


def test_a_letter_of_an_older_deployment_is_read() -> None:
    """It may have waited in the queue while a new one was deployed: what it does not know yet has its default."""
    _, letter = dead_letter(UPDATE.encode(), reason="failed", detail="its handler failed 3 times", at=SENT_AT)
    old = {name: value for name, value in letter.items() if name not in {"fingerprint", "stack", "handler"}}
    assert read_letter(message("letter", body=json.dumps(old))).model_dump() == letter


@pytest.mark.parametrize("size", [512 * 1024, QUEUE_LIMIT_BYTES])
def test_a_letter_fits_into_its_queue(size: int) -> None:
    """The largest update there can be makes a letter that SQS takes, and its length and hash are those of the whole."""
    raw = ('{"update_id": 7, "x": "' + "\x01" * size)[:size].encode()
    body, _ = dead_letter(raw, reason="failed", detail="its handler failed 3 times", at=SENT_AT)
    letter = read_letter(message("letter", body=body))
    assert len(body.encode()) <= QUEUE_LIMIT_BYTES
    assert (letter.length, letter.sha256) == (size, hashlib.sha256(raw).hexdigest())
    assert raw.decode().startswith(letter.update)


@given(st.just(UPDATE) | st.text() | st.dictionaries(st.text(), st.integers()).map(json.dumps))
def test_anything_else_is_a_letter_of_its_own(body: str) -> None:
    """SQS's redrive moves the bare update; it becomes a letter that says so, from the message around it."""
    letter = read_letter(message("gone", body=body))
    assert letter.model_dump() == {
        "reason": "redriven",
        "detail": "the queue gave it up after its maximum of receives",
        "error": None,
        "attempts": 0,
        "first_at": SENT_AT,
        "last_at": SENT_AT,
        "trace_id": None,
        "message_id": "gone",
        "fingerprint": None,
        "stack": [],
        "handler": None,
        "group": "chat:7001",
        "queue": "updates",
        "update": body,
        "length": len(body.encode()),
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
    }


def test_a_message_is_what_its_record_says() -> None:
    """Times are seconds, counts are numbers, and the group is the one that orders."""
    record = {
        "messageId": "m",
        "receiptHandle": "receipt of m",
        "body": UPDATE,
        "attributes": {
            "ApproximateReceiveCount": "3",
            "ApproximateFirstReceiveTimestamp": "1781136000250",
            "SentTimestamp": "1781136000250",
            "MessageGroupId": "chat:7001",
            "MessageDeduplicationId": "7",
        },
        "eventSource": "aws:sqs",
    }
    assert Message.from_record(record) == message("m", body=UPDATE, receive_count=3, origin="m")


@pytest.mark.parametrize(
    ("update", "is_whole"), [(UPDATE, True), ("[" * 1_100_000, False), ("\udcff", False)], ids=["whole", "part", "odd"]
)
def test_a_letter_knows_whether_its_update_is_whole(update: str, is_whole: bool) -> None:  # noqa: FBT001 - a case
    """What was cut, or was no UTF-8, cannot be handled again."""
    _, letter = dead_letter(update.encode("utf-8", "surrogateescape"), reason="bug", detail="it failed", at=SENT_AT)
    assert DeadLetter.model_validate(letter).is_whole is is_whole


@pytest.mark.parametrize(("queue", "name"), [("UpdatesQueue", "updates"), ("TasksQueue", "tasks")])
def test_a_redriven_message_is_known_by_its_queue(queue: str, name: str) -> None:
    """What SQS moves here by itself says which queue it is from, so that a retry can go back there."""
    arn = f"arn:aws:sqs:eu-central-1:123456789012:floodgate-{queue}-1A2B3C.fifo"
    gone = dataclasses.replace(message("gone", body=UPDATE), redriven_from=arn)
    assert read_letter(gone).queue == name
