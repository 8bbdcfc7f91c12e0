"""The files that tell of each invocation."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tools.ministack.invocations import Invocations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = 1_800_000_000.25
LIMIT_BYTES = 1000


@pytest.fixture
def invocations(tmp_path: Path) -> Iterator[Invocations]:
    """Both files in the test's folder, in which a thousand bytes are much."""
    found = Invocations(
        tmp_path, lambda arn: f"http://sqs/{arn.rpartition(':')[2]}", clock=lambda: AT, limit_bytes=LIMIT_BYTES
    )
    yield found
    found.close()


def told(folder: Path) -> list[dict[str, Any]]:
    """Return what stands in the feed."""
    return [json.loads(line) for line in (folder / "invocations.jsonl").read_text().splitlines()]


def record(body: str, receives: int = 1) -> dict[str, Any]:
    """Return a message as a function of a queue gets it."""
    return {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:updates.fifo",
    }


def test_what_a_queue_gives_a_function_is_told_when_it_begins(invocations: Invocations, tmp_path: Path) -> None:
    """Each message with its queue's address, how often it was received, and the update that it is."""
    invocations.began("i-1", "WorkerFunction", {"Records": [record('{"update_id": 7, "message": {}}', receives=3)]})
    assert told(tmp_path) == [
        {
            "at": AT,
            "event": "began",
            "id": "i-1",
            "function": "WorkerFunction",
            "messages": [
                {"id": "m-1", "receipt": "r-1", "queue": "http://sqs/updates.fifo", "update_id": 7, "receives": 3}
            ],
        }
    ]


@pytest.mark.parametrize("body", ["poison", "[7]", "{}", '{"update_id": "7"}'])
def test_a_message_that_is_no_update_has_no_update_id(invocations: Invocations, tmp_path: Path, body: str) -> None:
    """Whatever it is, it is told of."""
    invocations.began("i-1", "DeadletterFunction", {"Records": [record(body)]})
    assert told(tmp_path)[0]["messages"][0]["update_id"] is None


@pytest.mark.parametrize(
    "event", [{"rawPath": "/"}, None, "text", {"Records": [{"EventSource": "aws:sns"}]}, {"Records": "none"}]
)
def test_what_no_queue_invokes_has_no_messages(invocations: Invocations, tmp_path: Path, event: Any) -> None:
    """An event of any other shape."""
    invocations.began("i-1", "WebhookFunction", event)
    assert told(tmp_path)[0]["messages"] == []


@pytest.mark.parametrize("as_text", [False, True])
def test_what_a_function_puts_back_is_told_when_it_ends(
    invocations: Invocations, tmp_path: Path, *, as_text: bool
) -> None:
    """With how long it took and all that it logged, whichever shape its answer has."""
    answer: Any = {"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": ""}]}
    result = {"body": json.dumps(answer) if as_text else answer, "log": '{"message": "update"}\nWarning \n'}
    invocations.ended("i-1", "WorkerFunction", 12.3456, result)
    assert told(tmp_path) == [
        {
            "at": AT,
            "event": "ended",
            "id": "i-1",
            "function": "WorkerFunction",
            "took_ms": 12.346,
            "error": None,
            "put_back": ["m-1"],
            "lines": ['{"message": "update"}', "Warning"],
        }
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"errorMessage": "Worker process died", "errorType": "Runtime.HandlerError"}, "Worker process died"),
        ({}, "failed"),
        (None, "failed"),
    ],
)
def test_an_invocation_that_fails_says_why(invocations: Invocations, tmp_path: Path, body: Any, error: str) -> None:
    """A killed process, a timeout, an exception: the words of the local AWS, and what was logged until then."""
    invocations.ended("i-1", "WorkerFunction", 1, {"body": body, "error": True, "log": "Traceback"})
    (said,) = told(tmp_path)
    assert (said["error"], said["put_back"], said["lines"]) == (error, [], ["Traceback"])


@pytest.mark.parametrize("body", [None, "", "text", "[]", {"batchItemFailures": None}, {"statusCode": 200}])
def test_any_other_answer_puts_nothing_back(invocations: Invocations, tmp_path: Path, body: Any) -> None:
    """What a webhook or a custom resource answers."""
    invocations.ended("i-1", "WebhookFunction", 1, {"body": body})
    assert told(tmp_path)[0]["put_back"] == []


def test_what_functions_log_stands_in_one_file_for_people(invocations: Invocations, tmp_path: Path) -> None:
    """Each line behind its function's name, also of one that no stack made."""
    invocations.ended("i-1", "WorkerFunction", 1, {"log": "one\ntwo ü\n"})
    invocations.ended("i-2", "mine", 1, {"log": "three"})
    invocations.ended("i-3", "WebhookFunction", 1, {"log": ""})
    assert (tmp_path / "functions.log").read_text() == "Worker: one\nWorker: two ü\nmine: three\n"


def test_the_feed_is_begun_anew_when_it_is_full(invocations: Invocations, tmp_path: Path) -> None:
    """As another file, with whole lines, the latest among them; what people read keeps all."""
    file = tmp_path / "invocations.jsonl"
    seen = [file.stat()]
    for number in range(100):
        invocations.ended(f"i-{number}", "WorkerFunction", 1, {"log": f"line {number}"})
        seen.append(file.stat())
    begun_anew = [later.st_ino != one.st_ino for one, later in pairwise(seen) if later.st_size < one.st_size]
    assert len(begun_anew) > 1
    assert all(begun_anew)
    assert max(one.st_size for one in seen) <= LIMIT_BYTES
    assert [said["id"] for said in told(tmp_path)][-1] == "i-99"
    assert len((tmp_path / "functions.log").read_text().splitlines()) == 100


def test_lines_of_many_threads_stay_whole(invocations: Invocations, tmp_path: Path) -> None:
    """Functions run side by side."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: invocations.ended(str(number), "F", 1, {"log": "x" * number}), range(200)))
    lines = (tmp_path / "functions.log").read_text().splitlines()
    assert sorted(len(line.removeprefix("F: ")) for line in lines) == list(range(1, 200))
    assert all(said["event"] == "ended" for said in told(tmp_path))


def test_a_folder_that_is_gone_fails_no_function(invocations: Invocations, tmp_path: Path) -> None:
    """Somebody may clean up while it runs."""
    for name in ("invocations.jsonl", "functions.log"):
        (tmp_path / name).unlink()
    tmp_path.rmdir()
    for number in range(100):
        invocations.ended(str(number), "WorkerFunction", 1, {"log": "still here"})
    tmp_path.mkdir()
    invocations.ended("after", "WorkerFunction", 1, {})
    assert "after" in {said["id"] for said in told(tmp_path)}
