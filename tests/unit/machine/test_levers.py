"""The levers on the local Telegram: what they do, and that each can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local.machine.levers import AT_ONCE, FLOODER, MESSAGES, ONE_PERSONS, PAUSE_S, RETRY_AFTER_S, on_telegram
from local.telegram import app as telegram
from local.telegram.clock import ManualClock
from local.telegram.speaking import say
from local.telegram.world import ADMIN_ID

if TYPE_CHECKING:
    from local.page.levers import Lever
    from local.telegram.emulator import Emulator

ALL_SAID_S = MESSAGES / AT_ONCE * PAUSE_S


@pytest.fixture
def clock() -> ManualClock:
    """Telegram's time."""
    return ManualClock()


@pytest.fixture
def emulator(clock: ManualClock) -> Emulator:
    """A Telegram without a webhook: what is said stays there."""
    made: Emulator = telegram.create_app(clock=clock).state.emulator
    return made


@pytest.fixture
def levers(emulator: Emulator) -> dict[str, Lever]:
    """Its levers by name."""
    return {lever.name: lever for lever in on_telegram(emulator)}


async def test_a_flood_is_a_thousand_messages_from_one_person(
    emulator: Emulator, clock: ManualClock, levers: dict[str, Lever]
) -> None:
    """As fast as Telegram delivers them, so that it has no more of them in its line than leave room for others."""
    await levers["flood"].pull({"on": True})
    delivered = 0
    while (waiting := len(emulator.updates)) or levers["flood"].state()["busy"]:
        assert waiting <= ONE_PERSONS
        for pending in list(emulator.updates):
            emulator.updates.settle(pending, "delivered")
            delivered += 1
        await clock.advance(PAUSE_S)
    assert delivered == len(emulator.world.chats[FLOODER].messages) == MESSAGES


async def test_a_crowd_is_a_thousand_people(emulator: Emulator, clock: ManualClock, levers: dict[str, Lever]) -> None:
    """Each in a chat of their own, a few at a time, so that another's message finds its place among them."""
    await levers["crowd"].pull({"on": True})
    await clock.advance(1)
    state = levers["crowd"].state()
    assert (state["on"], state["busy"]) == (True, True)
    assert 0 < len(emulator.updates) < MESSAGES
    say(emulator, {"chat_id": 5, "text": "hi"})
    await clock.advance(ALL_SAID_S)
    assert len({pending.queue for pending in emulator.updates}) == MESSAGES + 1
    assert levers["crowd"].state() == {"on": True, "busy": False, "said": "1000 of 1000 said, 1000 at Telegram."}


async def test_a_flood_that_is_at_telegram_is_not_begun_again(
    emulator: Emulator, clock: ManualClock, levers: dict[str, Lever]
) -> None:
    """Pulled twice it is one, and Undo takes back all that is there of it."""
    await levers["crowd"].pull({"on": True})
    await clock.advance(2 * ALL_SAID_S)
    await levers["crowd"].pull({"on": True})
    await clock.advance(2 * ALL_SAID_S)
    assert len(emulator.updates) == MESSAGES
    await levers["crowd"].undo()
    assert len(emulator.updates) == 0


async def test_undoing_a_flood_takes_back_what_is_at_telegram(
    emulator: Emulator, clock: ManualClock, levers: dict[str, Lever]
) -> None:
    """Nothing more is said, what is on its way arrives, and what other people say stays."""
    say(emulator, {"chat_id": 5, "text": "hi"})
    await levers["crowd"].pull({"on": True})
    await clock.advance(1)
    first = list(emulator.updates)[1]
    first.attempts.append({"at": clock.now(), "status": None})
    await levers["crowd"].undo()
    await clock.advance(ALL_SAID_S)
    assert [pending.queue for pending in emulator.updates] == ["chat:5", first.queue]
    assert levers["crowd"].state()["on"] is False


async def test_a_flood_that_the_bot_has_taken_is_over(
    emulator: Emulator, clock: ManualClock, levers: dict[str, Lever]
) -> None:
    """Then the lever is off, and can be pulled again."""
    for _ in range(2):
        await levers["crowd"].pull({"on": True})
        await clock.advance(ALL_SAID_S)
        for pending in list(emulator.updates):
            emulator.updates.settle(pending, "delivered")
        assert levers["crowd"].state() == {"on": False, "busy": False, "said": "All 1000 are with the bot."}
    assert len(emulator.updates.history) == 2 * MESSAGES


async def test_a_failure_is_what_its_name_says(emulator: Emulator, levers: dict[str, Lever]) -> None:
    """A 429 with a time, a 500, and for the third a message that arrives and an answer that does not."""
    faults = {}
    for name in ("limited", "broken", "silent"):
        await levers[name].pull({"on": True})
        fault = emulator.faults.take("sendMessage", "5")
        assert fault is not None
        error = fault.error
        faults[name] = (error and error.code, error and error.retry_after, fault.after_delivery, fault.drop)
        await levers[name].undo()
    assert faults == {
        "limited": (429, RETRY_AFTER_S, False, False),
        "broken": (500, None, False, False),
        "silent": (None, None, True, True),
    }


@pytest.mark.parametrize("name", ["limited", "broken", "silent"])
async def test_a_failure_lasts_until_it_is_undone(emulator: Emulator, levers: dict[str, Lever], name: str) -> None:
    """It meets whoever is written to, again and again, and never the admin."""
    lever = levers[name]
    await lever.pull({"on": True})
    await lever.pull({"on": True})
    for _ in range(50):
        assert emulator.faults.take("sendMessage", "5") is not None
        assert emulator.faults.take("editMessageText", "-7") is not None
        assert emulator.faults.take("sendMessage", str(ADMIN_ID)) is None
        assert emulator.faults.take("setWebhook", "") is None
    assert lever.state()["on"] is True
    await lever.undo()
    assert emulator.faults.take("sendMessage", "5") is None
    assert lever.state() == {"on": False, "busy": False, "said": ""}


async def test_undoing_one_failure_leaves_another(emulator: Emulator, levers: dict[str, Lever]) -> None:
    """Each takes back its own."""
    await levers["limited"].pull({"on": True})
    await levers["broken"].pull({"on": True})
    await levers["limited"].undo()
    fault = emulator.faults.take("sendMessage", "5")
    assert fault is not None
    assert fault.error_code == 500


async def test_faults_that_somebody_forgets_are_off(emulator: Emulator, levers: dict[str, Lever]) -> None:
    """`DELETE /control/faults` takes back the levers' too."""
    await levers["broken"].pull({"on": True})
    emulator.faults.clear()
    assert levers["broken"].state()["on"] is False
    await levers["broken"].undo()


async def test_undoing_what_was_not_pulled_changes_nothing(emulator: Emulator, levers: dict[str, Lever]) -> None:
    """All are off, and nothing was said."""
    for lever in levers.values():
        await lever.undo()
        assert lever.state() == {"on": False, "busy": False, "said": ""}
    assert len(emulator.updates) == 0
