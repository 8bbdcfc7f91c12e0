"""Whoever watches the emulator is told what happens, as it happens."""

from typing import Any

import httpx

from local.telegram.faults import Fault, Faults
from local.telegram.updates import Pending
from tests.unit.telegram_emulator.harness import Harness


class _Watcher:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def arrived(self, pending: Pending) -> None:
        """Write it down."""
        self.told.append(("arrived", pending.outcome))

    def delivering(self, pending: Pending) -> None:
        """Write it down."""
        self.told.append(("delivering", len(pending.attempts)))

    def attempted(self, pending: Pending) -> None:
        """Write it down."""
        self.told.append(("attempted", pending.attempts[-1]["status"]))

    def settled(self, pending: Pending) -> None:
        """Write it down."""
        self.told.append(("settled", pending.outcome))

    def called(self, call: dict[str, Any]) -> None:
        """Write it down."""
        self.told.append((call["method"], call["status"]))


def _watched(telegram: Harness) -> _Watcher:
    watcher = _Watcher()
    telegram.emulator.updates.clear()
    telegram.emulator.updates.watchers.append(watcher)
    return watcher


async def test_an_update_is_watched_from_its_coming_to_its_end(telegram: Harness) -> None:
    """Each attempt, before and after, and what became of it."""
    answers = [httpx.Response(500), httpx.Response(200)]
    telegram.endpoint.answer = lambda _: answers.pop(0)
    await telegram.hook()
    watcher = _watched(telegram)
    await telegram.order("messages", chat_id=5, text="x")
    await telegram.clock.advance(1)
    assert watcher.told == [
        ("arrived", "pending"), ("delivering", 1), ("attempted", 500), ("delivering", 2), ("attempted", 200),
        ("settled", "delivered"),
    ]  # fmt: skip


async def test_what_is_not_allowed_and_what_is_dropped_is_told_too(telegram: Harness) -> None:
    """With its outcome, at once."""
    watcher = _watched(telegram)
    await telegram.order("messages", chat_id=5, text="x")
    telegram.emulator.updates.clear()
    reaction = {"chat": {"id": 5, "type": "private"}, "message_id": 1}
    await telegram.order("updates", message_reaction=reaction)
    assert watcher.told == [("arrived", "pending"), ("settled", "dropped"), ("arrived", "not allowed")]


async def test_calls_are_told_with_their_answer(telegram: Harness) -> None:
    """Also when there is none, because the connection was dropped."""
    watcher = _watched(telegram)
    await telegram.result("getMe")
    await telegram.order("faults", method="getMe", count=1, error_code=500)
    await telegram.call("getMe")
    assert watcher.told == [("getMe", 200), ("getMe", 500)]


def test_a_fault_without_a_count_lasts_until_it_is_removed() -> None:
    """One with a count is used up meanwhile; what is removed is that fault and no equal one."""
    faults = Faults()
    lasting, equal = Fault("sendMessage", None, error_code=500), Fault("sendMessage", None, error_code=500)
    faults.add(lasting)
    faults.add(equal)
    assert [faults.take("sendMessage") for _ in range(1_000)] == [lasting] * 1_000
    faults.remove(lasting)
    assert (lasting in faults, equal in faults) == (False, True)
    assert faults.take("sendMessage") is equal
