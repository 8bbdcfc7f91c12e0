"""A worker that is killed outright: the first time nobody is blamed, the second time the culprit; nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from telegram.error import BadRequest

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.dying import VISIBILITY_S, deliver_to_its_death, die, fresh
from tests.integration.worker.scenes import BOBS, awake, only, queue, said, settle
from tests.integration.worker.test_failure import GardenFlooded
from tests.integration.worker.test_replayed import about_journal
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

CAROLS = {"id": 7003, "type": "private", "first_name": "Carol"}
SLOW_S = 4.0


async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer; before that `slow` takes its time, and `kill` ends the worker once it has said something."""
    assert update.effective_message
    words = update.effective_message.text or "?"
    if words == "kill":
        await context.bot.send_message(update.effective_message.chat.id, "about to die")
        await asyncio.sleep(SLOW_S / 2)
        await die()
    await asyncio.sleep(SLOW_S if words == "slow" else 0)
    await update.effective_message.reply_text(f"{words} answered")


def marked(cloud: Cloud) -> list[str]:
    """Return the updates that the journal says have begun, and not that they are done."""
    return [
        item["pk"]["S"].removeprefix("journal#")
        for item in cloud.items("traffic")
        if "started_at" in item and not item.get("done", {}).get("BOOL")
    ]


def marks(cloud: Cloud) -> int:
    """Return how often such a mark was written."""
    return sum("started_at" in params["Item"] for params in cloud.wire.asked("PutItem"))


@pytest.mark.parametrize("culprit_first", [True, False])
def test_the_second_crash_has_its_culprit(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, *, culprit_first: bool
) -> None:
    """It is given up as `killed`, and whoever was in hand with it is answered: once more than once at the most."""
    batch = [text("kill"), text("slow", chat=BOBS)]
    ids = queue(cloud, *(batch if culprit_first else batch[::-1]), text("quick", chat=CAROLS))
    drain = fresh(workers, only(act))
    deliver_to_its_death(cloud, drain)
    assert (marks(cloud), cloud.letters()) == (0, [])
    deliver_to_its_death(cloud, drain)
    settle(cloud, drain)
    [letter] = cloud.letters()
    assert (letter["reason"], letter["message_id"]) == ("killed", ids[0 if culprit_first else 1])
    assert (letter["attempts"], letter["error"], letter["_group"]) == (1, "WorkerDied", ANNS_CHAT)
    assert said(telegram, 7001) == ["about to die"] * 2
    assert said(telegram, 7002) == ["slow answered"]
    assert said(telegram, 7003) == ["quick answered"]
    assert marked(cloud) == []


def test_what_stands_behind_the_culprit_is_answered(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Its chat's later messages wait for its end, and are blamed for nothing."""
    ids = queue(cloud, text("first"), text("kill"), text("last"))
    drain = fresh(workers, only(act))
    deliver_to_its_death(cloud, drain)
    deliver_to_its_death(cloud, drain)
    settle(cloud, drain)
    assert [letter["message_id"] for letter in cloud.letters()] == [ids[1]]
    assert said(telegram, 7001) == ["first answered", "about to die", "about to die", "last answered"]


def test_suspects_run_after_the_others_and_one_at_a_time(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """What is done is deleted before the next one starts, so that the second crash repeats nothing."""
    running: list[str] = []
    seen: list[tuple[str, list[str], int]] = []

    async def watch(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        words = update.effective_message.text or "?"
        seen.append((words, list(running), cloud.left()))
        running.append(words)
        await act(update, context)
        running.remove(words)

    drain = fresh(workers, only(watch))
    queue(cloud, text("slow"), text("kill", chat=BOBS), text("slow", chat=CAROLS))
    deliver_to_its_death(cloud, drain)
    running.clear()
    seen.clear()
    dan = {"id": 7004, "type": "private", "first_name": "Dan"}
    queue(cloud, text("new", chat=dan))
    deliver_to_its_death(cloud, drain)
    assert seen == [("new", [], 4), ("slow", [], 3), ("kill", [], 2)]
    running.clear()
    settle(cloud, drain)
    assert [len(said(telegram, chat)) for chat in (7001, 7003, 7004)] == [1, 1, 1]
    assert [letter["reason"] for letter in cloud.letters()] == ["killed"]


@pytest.mark.parametrize("at", ["before its send", "after its send", "between send and delete"])
def test_the_first_crash_blames_nobody(cloud: Cloud, telegram: TelegramWire, workers: Workers, at: str) -> None:
    """Wherever it comes, the update is tried again and answered, twice at most; and that is all that is left of it."""
    dies = [True]

    async def once_only(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        if at == "before its send" and dies:
            dies.pop()
            await die()
        await context.bot.send_message(7001, "hello")
        if at == "after its send" and dies:
            dies.pop()
            await die()

    cloud.queue(text("hello"), ANNS_CHAT)
    drain = fresh(workers, only(once_only))
    if at == "between send and delete":
        drain({"Records": cloud.records()})
        cloud.clock.advance(VISIBILITY_S)
    else:
        deliver_to_its_death(cloud, drain)
    drain({"Records": cloud.records()})  # and once more nobody deletes it
    cloud.clock.advance(VISIBILITY_S)
    settle(cloud, drain)
    assert len(said(telegram, 7001)) == (1 if at == "before its send" else 2)
    assert (cloud.letters(), marked(cloud)) == ([], [])


def test_a_suspect_costs_four_requests_more(cloud: Cloud, workers: Workers) -> None:
    """Two reads, for its order and for its calls, its mark, and the end of it."""
    queue(cloud, text("hello"))
    cloud.records()
    cloud.clock.advance(VISIBILITY_S)
    drain = awake(cloud, workers.drain(only(act)))
    assert cloud.deliver(drain) == []
    assert about_journal(cloud) == ["GetItem", "GetItem", "PutItem", "UpdateItem"]


async def fail(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Fail."""
    raise GardenFlooded


async def refuse(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Fail for good."""
    raise BadRequest("x")


async def too_late(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer a query that is too old."""
    raise BadRequest("Query is too old and response timeout expired or query id is invalid")


async def overrun(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Take too long."""
    await asyncio.sleep(100)


async def blocked(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write to who has blocked the bot."""
    await context.bot.send_message(7001, "blocked")


async def flooded(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write to a chat that has had too much."""
    await context.bot.send_message(7001, "flooded")


@pytest.mark.parametrize("callback", [act, fail, refuse, too_late, overrun, blocked, flooded])
def test_every_end_of_a_suspect_takes_its_mark_away(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, callback: Callable[..., Awaitable[None]]
) -> None:
    """However an attempt ended, the next is not taken for a second crash."""
    queue(cloud, text("hello"))
    cloud.records()
    cloud.clock.advance(VISIBILITY_S)
    telegram.faults["sendMessage"] = [
        refusal(403, "Forbidden: bot was blocked by the user") if callback is blocked else flood(60)
    ]
    cloud.deliver(fresh(workers, only(callback)))  # type: ignore[arg-type] # a callback
    assert marks(cloud) == 1
    assert marked(cloud) == []
    assert "killed" not in [letter["reason"] for letter in cloud.letters()]


@pytest.mark.parametrize("asked_s", [4, 110, 116, 125, 500, 10_072, 43_000])
def test_an_orderly_wait_is_no_crash(cloud: Cloud, telegram: TelegramWire, workers: Workers, asked_s: int) -> None:
    """Neither what waits for Telegram, however long, nor what waits behind it is suspected of anything."""
    queue(cloud, text("first"), text("second"))
    telegram.faults["sendMessage"] = [flood(asked_s)]
    drain = fresh(workers, only(act))
    settle(cloud, drain, within_s=50_000)
    assert said(telegram, 7001) == ["first answered", "first answered", "second answered"]
    assert marks(cloud) == 0


def test_an_orderly_failure_is_no_crash(cloud: Cloud, workers: Workers) -> None:
    """Twenty attempts in an hour and a half, each read and written once."""

    async def unconnected(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise ConnectionResetError

    queue(cloud, text("hello"))
    settle(cloud, fresh(workers, only(unconnected)), within_s=10_000)
    assert [letter["attempts"] for letter in cloud.letters()] == [20]
    assert marks(cloud) == 0


def test_what_was_not_tried_for_want_of_time_is_answered(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """It goes back a few times, for longer than the queue hides it; nobody has noted that, so it runs marked, once."""
    queue(cloud, text("hello"))
    for _ in range(15):
        cloud.deliver(workers.drain(only(act), left_s=5.0))
        cloud.clock.advance(10)
    settle(cloud, fresh(workers, only(act)))
    assert (said(telegram, 7001), marks(cloud), cloud.letters()) == (["hello answered"], 1, [])


def test_a_crash_after_failures_is_the_first_crash(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What failed before is still counted, and what was sent before it is not sent again."""
    fates = ["fails", "dies", "fails", "answers"]

    async def unlucky(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, "one")
        fate = fates.pop(0)
        if fate == "dies":
            await die()
        if fate == "fails":
            raise GardenFlooded
        await context.bot.send_message(7001, "two")

    queue(cloud, text("hello"))
    drain = fresh(workers, only(unlucky))
    cloud.deliver(drain)
    cloud.clock.advance(2.1)
    deliver_to_its_death(cloud, drain)
    settle(cloud, drain)
    assert (said(telegram, 7001), cloud.letters(), fates) == (["one", "two"], [], [])


def test_a_suspect_that_was_not_tried_stays_one(cloud: Cloud, workers: Workers) -> None:
    """Put back for want of time, after a worker died with it, it is marked when it is tried at last."""
    queue(cloud, text("hello"))
    cloud.records()  # by a worker that dies
    cloud.clock.advance(VISIBILITY_S)
    assert cloud.deliver(workers.drain(only(act), left_s=5.0)) != []
    cloud.clock.advance(1)
    assert cloud.deliver(workers.drain(only(act))) == []
    assert marks(cloud) == 1


def test_a_long_queue_makes_no_suspects(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What waited minutes for its first receive, and minutes more for its second, is nobody's crash."""
    queue(cloud, text("hello"))
    cloud.clock.advance(200)
    assert cloud.deliver(workers.drain(only(act), left_s=5.0)) != []
    cloud.clock.advance(200)
    assert cloud.deliver(workers.drain(only(act))) == []
    assert (said(telegram, 7001), marks(cloud)) == (["hello answered"], 0)
