"""The log lines of one update, found by the reference that a user quotes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from local.trace import Line, Logs, NotTraced, reference, told

NOW = datetime(2026, 6, 10, 12, 0, 0, tzinfo=UTC).timestamp()
REFERENCE = "K7QM2-XWD3A"
TRACE = "1-5759e988-bd862e3fe1be46a994272793"
OUTPUTS = {
    "WorkerLogGroup": "/worker",
    "WebhookLogGroup": "/webhook",
    "DeadletterLogGroup": "/deadletter",
    "StateTable": "not a log",
}


def line(at: str, **said: Any) -> str:
    """Return a line that was written at that time of the day."""
    return json.dumps({"level": "INFO", "timestamp": f"2026-06-10T{at}+00:00", **said})


class FakeLogs:
    """CloudWatch Logs, which shows one event at a time, and those that the pattern's words are in."""

    def __init__(self, **groups: list[str]) -> None:
        self._groups = groups
        self.asked: list[tuple[str, int]] = []

    def filter_log_events(
        self,
        logGroupName: str,  # noqa: N803 - boto3's names
        filterPattern: str,  # noqa: N803
        startTime: int,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        """Return one event, and where the next one is."""
        if logGroupName == "/webhook" and "webhook" not in self._groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "FilterLogEvents")
        self.asked.append((logGroupName, startTime))
        term = filterPattern.strip('"')
        found = [text for text in self._groups.get(logGroupName[1:], []) if term in text][int(nextToken) :]
        # All of one invocation's lines have one time in the local AWS.
        events = [{"timestamp": int(NOW * 1000), "message": f"{text}\n"} for text in found[:1]]
        return {"events": events, **({"nextToken": str(int(nextToken) + 1)} if len(found) > 1 else {})}


def logs(client: FakeLogs) -> Logs:
    """Return the logs of the stack."""
    return Logs(cast("Any", client), OUTPUTS, now=NOW)


GIVEN_UP = line("11:00:09.500", message="update", reference=REFERENCE, trace_id=TRACE, message_id="m1", queued_s=9.0)
KEPT = line("11:00:10.000", message="update given up", reference=REFERENCE, trace_id="1-other", message_id="m1")


def test_all_functions_lines_of_the_update_in_order_of_time() -> None:
    """Before it was given up and after: whatever shares one of its ids, once, and nothing else."""
    first = line("11:00:01.000", message="queued", trace_id=TRACE)
    tried = line("11:00:02.000", message="update", trace_id=TRACE, message_id="m1", outcome="failed")
    again = line("11:30:00.000", message="update", message_id="m1", outcome="done")
    another = line("11:00:03.000", message="update", message_id="m2", detail=f"like {TRACE}")
    client = FakeLogs(webhook=[first], worker=[GIVEN_UP, tried, another, again], deadletter=[KEPT])
    found = logs(client).of_reference(REFERENCE)
    assert [(one.function, one.text) for one in found] == [
        ("webhook", first),
        ("worker", tried),
        ("worker", GIVEN_UP),
        ("deadletter", KEPT),
        ("worker", again),
    ]


def test_the_search_is_bounded() -> None:
    """The reference is looked for in fourteen days of the smallest log; the rest from when the update came."""
    client = FakeLogs(webhook=[], worker=[GIVEN_UP], deadletter=[KEPT])
    logs(client).of_reference(REFERENCE)
    assert client.asked[0] == ("/deadletter", int((NOW - 14 * 86_400) * 1000))
    assert min(since for _, since in client.asked[1:]) > (NOW - 2 * 3600) * 1000


def test_what_no_log_has_is_said_with_what_may_be_wrong() -> None:
    """A reference that is mistyped, another stack's, or older than the logs."""
    with pytest.raises(NotTraced, match=f"No log of the last 14 days has {REFERENCE}"):
        logs(FakeLogs(webhook=[], worker=[line("11:00:00.000", message="update")])).of_reference(REFERENCE)


def test_a_log_that_cannot_be_read_is_named() -> None:
    """AWS's own words say why."""
    with pytest.raises(NotTraced, match=r"log group /webhook: .*ResourceNotFoundException"):
        logs(FakeLogs(deadletter=[KEPT])).of_reference(REFERENCE)


@pytest.mark.parametrize("given", ["K7QM2-XWD3A", "k7qm2-xwd3a", " K7QM2XWD3A. ", "K7QM2 XWD3A"])
def test_a_reference_as_people_write_it(given: str) -> None:
    """In small letters, without the dash, with the sentence's full stop."""
    assert reference(given) == REFERENCE


@pytest.mark.parametrize("given", ["", "K7QM2", "K7QM2-XWD3A-1", "K7QM2-XWD3!", "K0QM2-XWD3A"])
def test_what_is_no_reference_is_refused(given: str) -> None:
    """With one that is one, to compare."""
    with pytest.raises(NotTraced, match="is no reference"):
        reference(given)


def test_lines_are_readable() -> None:
    """The ids once above, then time, function, level, words, what else it says, and the stack below it."""
    failed = Line(0, "worker", line("11:00:02.250", message="update", message_id="m1", attempts=1, stack=["a", "b"]))
    plain = Line(int(NOW * 1000), "webhook", "Task timed out")
    worded = Line(0, "worker", line("11:00:03.000", message="update", detail="in words", requestId="r"))
    assert told(REFERENCE, [failed, worded, plain]).splitlines() == [
        "K7QM2-XWD3A: message m1",
        "",
        "2026-06-10 11:00:02.250  worker   INFO     update  attempts=1",
        "                                           a",
        "                                           b",
        '2026-06-10 11:00:03.000  worker   INFO     update  detail="in words"',
        "2026-06-10 12:00:00.000  webhook           Task timed out",
        "",
    ]
