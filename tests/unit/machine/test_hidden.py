"""What the queue hides and no worker has, by the feed, and that it can be had back at once."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from local.errors import LocalError
from local.machine.hidden import GiveBack, Hidden, give_back
from local.machine.levers import on_telegram
from local.telegram import app as telegram


class Queue:
    """An SQS that notes which receipts it is shown."""

    def __init__(self, *stale: str) -> None:
        self.shown: list[str] = []
        self.asked: list[int] = []
        self.is_there = True
        self._stale = stale

    @property
    def sqs(self) -> Queue:
        """Return itself, for it is the AWS as well."""
        return self

    def change_message_visibility_batch(self, **order: Any) -> dict[str, Any]:
        """Show those that are hidden under these receipts."""
        if not self.is_there:
            raise EndpointConnectionError(endpoint_url="http://aws")
        assert order["QueueUrl"] == "updates.fifo"
        entries = [one for one in order["Entries"] if one["VisibilityTimeout"] == 0]
        self.asked.append(len(entries))
        shown = [one for one in entries if one["ReceiptHandle"] not in self._stale]
        self.shown += [one["ReceiptHandle"] for one in shown]
        return {"Successful": [{"Id": one["Id"]} for one in shown], "Failed": []}


def _began(invocation: str, at: float, **receipts: str) -> dict[str, Any]:
    messages = [{"id": one, "receipt": receipt, "queue": "updates.fifo"} for one, receipt in receipts.items()]
    return {"at": at, "event": "began", "id": invocation, "function": "WorkerFunction", "messages": messages}


def _ended(invocation: str, at: float, *put_back: str, error: str | None = None) -> dict[str, Any]:
    return {
        "at": at, "event": "ended", "id": invocation, "function": "WorkerFunction", "error": error,
        "put_back": list(put_back), "lines": [],
    }  # fmt: skip


def _hidden(*events: dict[str, Any], messages: int = 100) -> Hidden:
    hidden = Hidden(messages)
    for event in events:
        hidden.take(event)
    return hidden


def _receipts(hidden: Hidden, before: float = 1e9) -> list[str]:
    return [message["receipt"] for message in hidden.forget(before)]


def test_what_was_put_back_or_lost_is_hidden() -> None:
    """Not what was answered; of a failed invocation it is all that it had."""
    hidden = _hidden(
        _began("one", 1, a="a1", b="b1"),
        _began("two", 1, c="c1"),
        _ended("one", 2, "a"),
        _ended("two", 2, error="Worker process died"),
    )
    assert _receipts(hidden) == ["a1", "c1"]
    assert _receipts(hidden) == []


def test_the_last_receipt_counts() -> None:
    """In hand again it is hidden no more; put back again, it is under its new receipt."""
    events = [_began("one", 1, a="a1"), _ended("one", 2, "a"), _began("two", 3, a="a2")]
    assert _receipts(_hidden(*events)) == []
    assert _receipts(_hidden(*events, _ended("two", 4, "a"))) == ["a2"]
    assert _receipts(_hidden(*events, _ended("two", 4))) == []


def test_it_remembers_so_many() -> None:
    """The oldest come by themselves."""
    hidden = _hidden(_began("one", 1, a="a1", b="b1", c="c1"), _ended("one", 2, "a", "b", "c"), messages=2)
    assert _receipts(hidden) == ["b1", "c1"]


def test_a_queue_takes_ten_back_at_a_time() -> None:
    """And says how many of them it still hid."""
    queue = Queue("9", "10", "11")
    messages = [{"queue": "updates.fifo", "receipt": str(number)} for number in range(12)]
    assert give_back(queue, messages) == 9  # type: ignore[arg-type] # it has what is asked of it
    assert queue.asked == [10, 2]


async def test_what_a_worker_has_in_hand_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It met the failure too; what began later did not, and waits for whatever it waits for."""
    monkeypatch.setattr("local.machine.hidden._POLL_S", 0)
    hidden = _hidden(_began("one", 1, a="a1"), _ended("one", 2, "a"), _began("two", 3, b="b1"))
    queue = Queue()
    giving = GiveBack(hidden, queue, clock=lambda: 4)  # type: ignore[arg-type] # likewise
    assert await giving() == 1
    hidden.take(_began("three", 5, c="c1"))
    hidden.take(_ended("three", 6, "c"))
    hidden.take(_ended("two", 7, "b"))
    await giving.followed()
    assert queue.shown == ["a1", "b1"]


@pytest.mark.parametrize("name", ["broken", "silent"])
async def test_undoing_a_failure_gives_back_what_it_put_back(name: str) -> None:
    """At once, and only if the lever was on; the sentence says how many."""
    hidden = _hidden(_began("one", 1, a="a1", b="b1"), _ended("one", 2, "a", "b"))
    queue = Queue()
    giving = GiveBack(hidden, queue)  # type: ignore[arg-type] # likewise
    levers = {lever.name: lever for lever in on_telegram(telegram.create_app().state.emulator, giving)}
    await levers[name].undo()
    await levers["limited"].pull({"on": True})
    await levers["limited"].undo()  # frozen chats stay frozen
    assert queue.shown == []
    await levers[name].pull({"on": True})
    await levers[name].undo()
    assert queue.shown == ["a1", "b1"]
    said = "2 updates were waiting to be tried again: now."
    assert levers[name].state() == {"on": False, "busy": False, "said": said}
    await levers[name].pull({"on": True})
    await levers[name].undo()
    assert levers[name].state()["said"] == ""
    await giving.followed()


async def test_a_queue_that_is_gone_takes_nothing_back() -> None:
    """The failure is over all the same, and the sentence says that the rest comes by itself."""
    queue = Queue()
    queue.is_there = False
    giving = GiveBack(_hidden(_began("one", 1, a="a1"), _ended("one", 2, "a")), queue)  # type: ignore[arg-type] # likewise
    levers = {lever.name: lever for lever in on_telegram(telegram.create_app().state.emulator, giving)}
    await levers["broken"].pull({"on": True})
    with pytest.raises(LocalError, match="come by themselves"):
        await levers["broken"].undo()
    assert levers["broken"].state() == {"on": False, "busy": False, "said": ""}
