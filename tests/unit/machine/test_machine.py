"""The right half of the page as it is fed: what it shows, and how much of it, whatever comes in."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import machine as module
from local.machine.account import Look
from local.machine.feed import NAME
from local.machine.machine import FRAME_EVERY_S, SETTLED_AFTER_S, Machine
from local.machine.recent import SHOWN
from local.telegram import app as telegram
from local.telegram.speaking import say
from local.telegram.updates import Pending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.telegram.emulator import Emulator

NOW = 1_800_000_000.0
FRAME_BYTES = 64 * 1024


class Now:
    """A clock to be set."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        """Return the time."""
        return self.at


@pytest.fixture
def now() -> Now:
    """The time that the machine sees."""
    return Now()


@pytest.fixture
def machine(tmp_path: Path, now: Now) -> Machine:
    """A machine with a stack's folder."""
    return Machine(tmp_path, None, clock=now)


def _pending(update_id: int, at: float, text: str = "hi") -> Pending:
    chat = {"id": update_id, "type": "private", "first_name": f"Person {update_id}"}
    message = {"message_id": 1, "from": chat, "chat": chat, "text": text}
    return Pending({"update_id": update_id, "message": message}, "message", f"chat:{update_id}", at, at + 60)


def _deliver(machine: Machine, update_id: int, at: float, text: str = "hi") -> None:
    pending = _pending(update_id, at, text)
    machine.arrived(pending)
    pending.attempts.append({"at": at, "status": None})
    machine.delivering(pending)
    pending.attempts[-1] |= {"status": 200, "latency_ms": 30.0}
    machine.attempted(pending)


def _began(invocation: str, at: float, update_ids: list[int]) -> dict[str, Any]:
    messages = [{"id": f"m{one}", "receipt": "r", "queue": "q", "update_id": one, "receives": 1} for one in update_ids]
    return {"at": at, "event": "began", "id": invocation, "function": "WorkerFunction", "messages": messages}


def _ended(invocation: str, at: float, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    said = [json.dumps(line) for line in lines]
    event = {"at": at, "event": "ended", "id": invocation, "function": "WorkerFunction", "took_ms": 5.0}
    return {**event, "error": None, "put_back": [], "lines": said, **more}


def _line(update_id: int, outcome: str = "done", **more: Any) -> dict[str, Any]:
    return {"message": "update", "update_id": update_id, "outcome": outcome, "took_s": 0.2, "trace_id": "t", **more}


def _row(machine: Machine) -> dict[str, Any]:
    row: dict[str, Any] = machine.snapshot()["rows"][0]
    return row


def test_an_update_is_shown_with_its_way_and_its_times(machine: Machine, now: Now) -> None:
    """Who it is from, how it begins, and how long each part took."""
    _deliver(machine, 7, NOW, "/start now")
    machine.take(_began("a", NOW + 0.53, [7]))
    machine.take(_ended("a", NOW + 0.9, [_line(7, handler="bot.start")]))
    now.at = NOW + 1
    assert _row(machine) == {
        "n": 1, "id": 7, "type": "message", "who": "Person 7", "text": "/start now", "station": "answered", "at": NOW,
        "accepted_ms": 30, "waited_ms": 500, "worked_ms": 200, "tries": 1, "outcome": "done", "handler": "bot.start",
    }  # fmt: skip


def test_what_was_put_back_says_what_it_waits_for(machine: Machine) -> None:
    """Its next try, if it failed, or its chat; in work again it waits for nothing."""
    machine.take(_began("a", NOW, [7]))
    machine.take(_ended("a", NOW + 1, [_line(7, "bug", wait_s=4.5)], put_back=["m7"]))
    assert (_row(machine)["station"], _row(machine)["next_at"]) == ("back", NOW + 5.5)
    machine.take(_began("b", NOW + 6, [7]))
    assert "next_at" not in _row(machine)
    machine.take(_ended("b", NOW + 7, [], put_back=["m7"]))
    assert (_row(machine)["station"], _row(machine)["held"]) == ("back", True)
    assert "next_at" not in _row(machine)
    machine.take(_began("c", NOW + 8, [7]))
    machine.take(_ended("c", NOW + 9, [_line(7)]))
    assert not {"next_at", "held"} & _row(machine).keys()


def test_each_update_stands_in_the_numbers(machine: Machine, now: Now) -> None:
    """Of now and of all, with the rate of the last seconds."""
    for update_id in range(10):
        _deliver(machine, update_id, NOW)
    machine.take(_began("a", NOW + 1, [0, 1, 2]))
    machine.take(_ended("a", NOW + 2, [_line(0), _line(1, "drop", reason="user_limit")], put_back=["m2"]))
    now.at = NOW + 3
    shown = machine.snapshot()
    assert {name: number for name, number in shown["stations"].items() if number} == {
        "waiting": 7, "back": 1, "answered": 1, "dropped": 1,
    }  # fmt: skip
    assert (shown["totals"]["accepted"], shown["totals"]["began"], shown["rates"]["accepted"]) == (10, 3, 2.0)


def test_metrics_and_freezes_are_the_functions_own(machine: Machine, now: Now) -> None:
    """From the lines in the embedded metric format, of whichever function, and from what says that a chat is frozen."""
    metrics = {
        "_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "AnswerTime"}, {"Name": "UpdatesLimited"}]}]},
        "AnswerTime": [100, 300],
        "UpdatesLimited": 4,
    }
    frozen = {"message": "chat frozen by Telegram", "chat": "0a1b", "wait_s": 10}
    machine.take(_ended("a", NOW, [metrics, frozen], function="TasksFunction"))
    now.at = NOW + 1
    shown = machine.snapshot()
    assert (shown["answer_ms"], shown["frozen"]) == ({"p50": 100.0, "p99": 300.0}, 1)
    assert (shown["minute"]["UpdatesLimited"], shown["counted"]["UpdatesLimited"]) == (4, 4)
    now.at = NOW + 11
    assert machine.snapshot()["frozen"] == 0


def test_a_clicked_updates_lines_are_found(machine: Machine) -> None:
    """Those that name it, and those that share its trace or its reference, of any function; no other's."""
    machine.take(_ended("a", NOW, [_line(7, "bug", reference="K7QM2-XWD3A", trace_id="t7"), _line(8, trace_id="t8")]))
    given_up = {"message": "update given up", "reference": "K7QM2-XWD3A"}
    machine.take(_ended("b", NOW + 1, [given_up, {"message": "no"}], function="DeadletterFunction"))
    machine.take(_ended("c", NOW + 1, [{"message": "own words", "trace_id": "t7"}]))
    lines = machine.lines.of(7)
    assert [(line["function"], line["said"]["message"]) for line in lines] == [
        ("Worker", "update"), ("Deadletter", "update given up"), ("Worker", "own words"),
    ]  # fmt: skip
    assert machine.lines.of(9) == []


def test_broken_lines_and_plain_words_harm_nothing(machine: Machine) -> None:
    """A function may print anything."""
    machine.take({**_ended("a", NOW, []), "lines": ["", "{", "[1]", "Traceback: …", '{"message": "update"}', "{}"]})
    assert machine.snapshot()["stations"]["answered"] == 0


async def test_events_of_another_shape_are_passed_over(machine: Machine, tmp_path: Path) -> None:
    """What follows them is read all the same."""
    odd = [
        {"at": NOW, "event": "ended", "lines": [1], "function": "WorkerFunction"},
        {"at": NOW, "event": "began", "function": "WorkerFunction", "messages": "none"},
        {"at": NOW, "event": "began", "function": "WorkerFunction", "messages": [{"id": "m", "update_id": 1}]},
    ]
    (tmp_path / NAME).write_text("".join(json.dumps(event) + "\n" for event in [*odd, _began("a", NOW, [7])]))
    reading = asyncio.create_task(machine.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [row["id"] for row in machine.snapshot()["rows"]] == [7]
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


def test_the_halfs_state_is_the_stacks(machine: Machine, now: Now) -> None:
    """Without a stack it says how to get one; while it is made, there or gone, it says that."""
    bare = Machine(None, None, clock=now)
    assert bare.snapshot()["stack"] == {"state": "none", "said": module.NO_STACK}
    assert machine.snapshot()["stack"]["state"] == "awaited"
    depths = {name: {"waiting": 0, "in_hand": 0} for name in ("updates", "tasks", "dead")}
    machine.seen(Look(NOW, depths, ()))
    assert machine.snapshot()["stack"] == {"state": "up", "said": ""}
    machine.seen(Look(NOW))
    assert machine.snapshot()["stack"]["state"] == "gone"


def test_what_an_empty_queue_does_not_hold_is_out_of_sight(machine: Machine) -> None:
    """A stack that was stopped took its updates with it; the page does not count them for ever."""
    _deliver(machine, 7, NOW)
    depths = {name: {"waiting": 0, "in_hand": 0} for name in ("updates", "tasks", "dead")}
    machine.seen(Look(NOW + SETTLED_AFTER_S - 1, depths, ()))
    assert _row(machine)["station"] == "waiting"
    machine.seen(Look(NOW + SETTLED_AFTER_S + 1, {**depths, "updates": {"waiting": 1, "in_hand": 0}}, ()))
    assert _row(machine)["station"] == "waiting"
    machine.seen(Look(NOW + SETTLED_AFTER_S + 1, depths, ()))
    assert _row(machine)["station"] == "lost"


def test_changes_are_what_has_changed(machine: Machine, now: Now) -> None:
    """Nothing twice, and nothing sooner than a frame after the one before."""
    _deliver(machine, 7, NOW)
    first = machine.changes()
    assert first is not None
    assert [row["id"] for row in first["rows"]] == [7]
    _deliver(machine, 8, NOW)
    now.at += FRAME_EVERY_S / 2
    assert machine.changes() is None
    now.at += FRAME_EVERY_S
    second = machine.changes()
    assert second is not None
    assert second.keys() == {"stations", "totals", "rows"}
    assert [row["id"] for row in second["rows"]] == [8]


def _flood(seconds: int, each_second: int) -> Iterator[tuple[float, int]]:
    for second in range(seconds):
        for i in range(each_second):
            yield NOW + second + i / each_second, second * each_second + i


def test_a_thousand_events_a_second_are_a_bounded_stream(machine: Machine, now: Now) -> None:
    """At most five frames a second, each of at most 64 KB and 100 rows, and at the end every update is counted."""
    frames = []
    for at, update_id in _flood(20, 334):
        now.at = at
        _deliver(machine, update_id, at, "x" * 4096)
        machine.take(_began(f"i{update_id}", at, [update_id]))
        long = {"handler": "h" * 500, "reason": "r" * 500, "error": "e" * 500}
        machine.take(_ended(f"i{update_id}", at, [_line(update_id, "done" if update_id % 2 else "drop", **long)]))
        if update_id % 33 == 0 and (frame := machine.changes()) is not None:
            frames.append(frame)
    sizes = [len(json.dumps(frame, ensure_ascii=False).encode()) for frame in [*frames, machine.snapshot()]]
    assert len(frames) <= 20 * 5 + 1
    assert max(len(frame.get("rows", [])) for frame in frames) <= SHOWN
    assert max(sizes) <= FRAME_BYTES
    assert [machine.snapshot()["totals"][name] for name in ("accepted", "answered", "dropped")] == [6680, 3340, 3340]
    assert len(machine.snapshot()["rows"]) == SHOWN


async def test_it_watches_the_local_telegram(machine: Machine) -> None:
    """An update that somebody says is at Telegram, until Telegram gives it up; calls are counted."""
    emulator: Emulator = telegram.create_app().state.emulator
    emulator.updates.watchers.append(machine)
    say(emulator, {"chat_id": 5, "text": "hi"})
    assert machine.snapshot()["stations"]["telegram"] == 1
    emulator.updates.clear()
    assert (machine.snapshot()["stations"]["dropped"], machine.snapshot()["totals"]["dropped"]) == (1, 1)
    machine.called({"at": NOW, "method": "sendMessage", "status": 429})
    assert (machine.snapshot()["totals"]["calls"], machine.snapshot()["totals"]["limited"]) == (1, 1)
