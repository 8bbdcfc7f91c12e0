"""A 429 freezes its chat for every worker: the chat's own updates wait, everybody else is told and goes on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from telegram.error import RetryAfter, TelegramError
from telegram.ext import CommandHandler

from floodgate.telegram.errors import ChatFrozen
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import BOB, BOBS, echo, echoing, here, only, press, queue, said
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import DATE, GROUP, PRIVATE
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

SENT = (200, {"ok": True, "result": {"message_id": 1, "date": DATE, "chat": PRIVATE, "text": "one"}})


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_no_other_worker_calls_a_frozen_chat(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any]
) -> None:
    """What one worker was told every worker knows: until the time is over nobody sends there, then all is answered."""
    first, second = (workers.drain(echoing) for _ in range(2))
    telegram.faults["sendMessage"] = [flood(300)]
    queue(cloud, text("one", chat=chat))
    began_at = cloud.clock()
    assert cloud.deliver(first) != []
    queue(cloud, text("two", chat=chat))
    cloud.clock.now = began_at + 290
    # In a FIFO queue "two" waits behind "one", unless what was put back got lost: hand it over all the same.
    second({"Records": [record_of(cloud, text("three", chat=chat))]})
    assert said(telegram, chat["id"]) == ["one"]
    cloud.clock.now = began_at + 301
    assert cloud.deliver(second) == []
    assert said(telegram, chat["id"]) == ["one", "one", "two"]
    assert journal(cloud) == []


def record_of(cloud: Cloud, update: dict[str, Any]) -> dict[str, Any]:
    """Return the record of an update that lies alone in another queue."""
    cloud.queue(update, ANNS_CHAT, cloud.tasks_url)
    [record] = cloud.records(cloud.tasks_url)
    return record


def test_a_frozen_chat_freezes_nobody_else(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Bob is answered, by the very worker that Ann's chat told to wait."""
    drain = workers.drain(echoing)
    telegram.faults["sendMessage"] = [flood(300)]
    queue(cloud, text("one"))
    cloud.deliver(drain)
    queue(cloud, here("two", BOB, BOBS))
    assert cloud.deliver(drain) == []
    assert said(telegram, BOB["id"]) == ["two"]


def test_a_persons_frozen_chat_does_not_hold_them_up_elsewhere(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """What is frozen is Ann's private chat, though her limit stands at the same gate: in the group she is answered."""
    drain = workers.drain(echoing)
    telegram.faults["sendMessage"] = [flood(300)]
    queue(cloud, text("one"))
    cloud.deliver(drain)
    queue(cloud, here("two"))
    assert cloud.deliver(drain) == []
    assert said(telegram, GROUP["id"]) == ["two"]


def test_what_no_limit_counts_waits_for_a_frozen_chat_too(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """A 429 on typing freezes the chat as well, and typing waits for it as well."""

    async def act(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_chat_action(7001, "typing")

    telegram.faults["sendChatAction"] = [flood(60)]
    drains = [workers.drain(only(act)) for _ in range(2)]
    queue(cloud, text("hello"))
    cloud.deliver(drains[0])
    assert put_back_for(cloud) == [[60]]
    cloud.clock.now += 50
    drains[1]({"Records": [record_of(cloud, text("and"))]})
    assert len(telegram.calls) == 1
    cloud.clock.now += 11
    assert cloud.deliver(drains[1]) == []
    assert (len(telegram.calls), journal(cloud)) == (2, [])


async def tell_bob(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write to somebody else."""
    await context.bot.send_message(BOB["id"], "hello")


@pytest.mark.parametrize("asked_s", [20, 7200])
def test_another_chats_freeze_reaches_the_handler(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, asked_s: int
) -> None:
    """As a RetryAfter with the time in it, from Telegram and from then on without a call; the update goes on."""
    caught: list[RetryAfter] = []

    async def try_bob(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            await tell_bob(update, context)
        except RetryAfter as error:
            caught.append(error)
        await echo(update, context)

    telegram.faults["sendMessage"] = [flood(asked_s)]
    queue(cloud, text("one"), text("two"))
    assert cloud.deliver(workers.drain(only(try_bob))) == []
    named = [(error.chat, error.wait_s) for error in caught if isinstance(error, ChatFrozen)]
    assert named == [(BOB["id"], asked_s), (BOB["id"], pytest.approx(asked_s, abs=0.1))]
    assert (said(telegram, BOB["id"]), said(telegram, 7001)) == (["hello"], ["one", "two"])


def test_unhandled_it_is_tried_again_within_a_minute(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Bob's two hours are not Ann's: her update fails three times, a minute apart, and what is behind it comes."""

    def register(app: Any) -> None:
        app.add_handler(CommandHandler("bob", tell_bob))
        echoing(app)

    telegram.faults["sendMessage"] = [flood(7200)]
    queue(cloud, text("/bob"), text("and me?"))
    drain = workers.drain(register)
    began_at = cloud.clock()
    while cloud.left():
        cloud.deliver(drain)
        cloud.clock.now += 1
    assert [waits[0] for waits in put_back_for(cloud)] == [60, 60]
    assert cloud.clock() - began_at < 130
    [letter] = cloud.letters()
    assert (letter["attempts"], letter["error"]) == (3, "ChatFrozen")
    assert telegram.sent == [(BOB["id"], "hello"), (7001, "and me?")]


async def swallow(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Try, and go on whatever happens."""
    try:
        await echo(update, context)
    except Exception:  # noqa: BLE001 - what careless handlers do
        await context.bot.send_message(BOB["id"], "did not work")


async def gather_all(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do things side by side, and look at no result."""
    await asyncio.gather(echo(update, context), asyncio.sleep(1), return_exceptions=True)


async def group_tasks(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do things side by side, all or nothing."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.sleep(1))
        tasks.create_task(echo(update, context))


async def group_and_catch(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do things side by side, and catch what can be caught."""
    with suppress(Exception):
        await group_tasks(update, context)


kept: list[asyncio.Task[None]] = []


async def leave_behind(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Start a task and do not wait for it."""
    kept.append(asyncio.create_task(echo(update, context)))


async def catch_everything(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Catch what nobody should."""
    try:
        await echo(update, context)
    except BaseException:  # noqa: BLE001 - what very careless handlers do
        return


@pytest.mark.parametrize(
    "callback", [swallow, gather_all, group_tasks, group_and_catch, leave_behind, catch_everything]
)
def test_no_handler_hides_that_its_update_must_wait(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, callback: Callback
) -> None:
    """Whatever it catches or does not look at, the update comes again when its chat is free, and is not counted."""
    telegram.faults["sendMessage"] = [flood(60)]
    drain = workers.drain(only(callback))
    [message_id] = queue(cloud, text("hello"))
    assert cloud.deliver(drain) == [message_id]
    assert (put_back_for(cloud), journal(cloud), len(telegram.calls)) == ([[60]], [], 1)
    cloud.clock.now += 60.1
    assert cloud.deliver(drain) == []
    assert telegram.sent == [(7001, "hello")] * 2


def test_an_error_handler_does_not_see_that_an_update_waits(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Waiting is no error: the author's error handler apologises to nobody."""
    errors: list[object] = []

    async def note(_update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        errors.append(context.error)

    def register(app: Any) -> None:
        echoing(app)
        app.add_error_handler(note)

    telegram.faults["sendMessage"] = [flood(60)]
    queue(cloud, text("hello"))
    cloud.deliver(workers.drain(register))
    assert errors == []


async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer a button."""
    assert update.callback_query
    await update.callback_query.answer()


def test_a_429_without_a_chat_has_the_update_wait(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Nothing is frozen by it; the update comes again when Telegram said, uncounted."""
    telegram.faults["answerCallbackQuery"] = [flood(40)]
    drain = workers.drain(only(answer))
    [message_id] = queue(cloud, press())
    assert cloud.deliver(drain) == [message_id]
    assert (put_back_for(cloud), journal(cloud)) == ([[40]], [])
    cloud.clock.now += 40.1
    assert cloud.deliver(drain) == []
    assert telegram.methods == ["answerCallbackQuery"] * 2


def test_a_429_without_a_chat_can_be_handled(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A handler may go on without it."""

    async def try_answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        with suppress(TelegramError):
            await answer(update, context)
        await context.bot.send_message(7001, "hello")

    telegram.faults["answerCallbackQuery"] = [flood(4000)]
    queue(cloud, press())
    assert cloud.deliver(workers.drain(only(try_answer))) == []
    assert telegram.methods == ["answerCallbackQuery", "sendMessage"]


def test_a_call_refused_side_by_side_does_not_have_the_other_one_repeated(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """One of two sends arrives and the other is refused: only that one is sent again, and nothing is counted."""

    async def both(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.gather(*(context.bot.send_message(7001, words) for words in ("one", "two")))

    drain = workers.drain(only(both))
    queue(cloud, here("hello", chat=PRIVATE))
    telegram.faults["sendMessage"] = [SENT, flood(40), flood(40)]
    for _ in range(3):
        cloud.deliver(drain)
        cloud.clock.now += 41
    assert said(telegram, 7001) == ["one", "two", "two", "two"]
    assert (cloud.left(), cloud.letters(), journal(cloud)) == (0, [], [])
