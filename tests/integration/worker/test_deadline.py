"""An update that takes too long, and work that a handler left behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from telegram.ext import CommandHandler, ConversationHandler, TypeHandler

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.test_failure import GardenFlooded, journal, put_back_for

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from telegram import Update
    from telegram.ext import BaseHandler, ContextTypes

    from floodgate.telegram import App
    from floodgate.telegram.application import Register
    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire

type Callback = Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]


def only(callback: Callback) -> Register:
    """Return a bot whose every update goes to `callback`."""
    return lambda app: app.add_handler(TypeHandler(object, callback))


def test_an_overrun_is_cancelled_and_counted(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, loops: list[VirtualLoop]
) -> None:
    """At its deadline a handler ends where it stands: what it would have sent is not sent, and the update failed."""

    async def slow(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat
        await context.bot.send_message(update.effective_chat.id, "a moment")
        await asyncio.sleep(100)
        await context.bot.send_message(update.effective_chat.id, "too late")

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(slow), deadline_s=10)) == [message_id]
    assert telegram.sent == [(7001, "a moment")]
    assert journal(cloud) == [{"attempts": 1, "error": "DeadlineOverrun"}]
    assert loops[0].now == pytest.approx(10)


def test_what_an_overrun_left_is_cancelled(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A task of a handler that overran does not go on in the next update's time."""

    async def slow(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        async def later() -> None:
            await asyncio.sleep(10.5)
            await context.bot.send_message(7001, "too late")

        task = asyncio.create_task(later())
        await asyncio.sleep(100)
        await task

    cloud.queue(text("hello"), ANNS_CHAT)
    drain = workers.drain(only(slow), deadline_s=10)
    cloud.deliver(drain)
    cloud.clock.now += 2.1
    cloud.deliver(drain)
    assert telegram.sent == []


def test_no_update_starts_that_could_not_end(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """With less than deadline and margin left the batch goes back at once, untried and uncounted."""
    ids = [cloud.queue(text("hello"), ANNS_CHAT) for _ in range(3)]
    assert cloud.deliver(workers.drain(only(greet), left_s=13.9)) == ids
    assert (put_back_for(cloud), journal(cloud), telegram.calls) == ([[0, 0, 0]], [], [])
    cloud.clock.now += 0.1
    assert cloud.deliver(workers.drain(only(greet), left_s=14.0)) == []
    assert len(telegram.sent) == 3


async def greet(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say hello."""
    await context.bot.send_message(7001, "hello")


def test_tasks_that_a_handler_left_are_awaited(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What a handler started with asyncio.create_task is part of its update, tasks of tasks included."""
    kept: list[asyncio.Task[None]] = []

    async def leave(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        async def outer() -> None:
            await asyncio.sleep(1)
            kept.append(asyncio.create_task(inner()))

        async def inner() -> None:
            await asyncio.sleep(1)
            await context.bot.send_message(7001, "done")

        kept.append(asyncio.create_task(outer()))

    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(leave))) == []
    assert telegram.sent == [(7001, "done")]


@pytest.mark.parametrize("after_s", [0, 1], ids=["while its handler runs", "after its handler"])
@pytest.mark.parametrize("kept", [True, False])
def test_the_error_of_a_task_is_the_updates(cloud: Cloud, workers: Workers, after_s: int, *, kept: bool) -> None:
    """A task that nobody awaits cannot fail unnoticed, whenever it fails and whether or not somebody holds on to it."""
    tasks: set[asyncio.Task[None]] = set()

    async def leave(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        async def break_() -> None:
            await asyncio.sleep(after_s)
            raise GardenFlooded

        task = asyncio.create_task(break_())
        if kept:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        del task
        await context.bot.send_message(7001, "hello")
        await asyncio.sleep(0.1)

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(leave))) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "GardenFlooded"}]


def test_an_error_that_a_handler_dealt_with_is_no_failure(cloud: Cloud, workers: Workers) -> None:
    """A handler may await its tasks and catch what they raise."""

    async def deal(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        async def break_() -> None:
            raise GardenFlooded

        results = await asyncio.gather(break_(), asyncio.create_task(break_()), return_exceptions=True)
        assert [type(result) for result in results] == [GardenFlooded, GardenFlooded]

    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(deal))) == []
    assert journal(cloud) == []


def inside(handler: BaseHandler[Update, ContextTypes.DEFAULT_TYPE, object]) -> Register:
    """Return a bot with a conversation that begins with `handler`."""
    return lambda app: app.add_handler(ConversationHandler([handler], {}, []))


@pytest.mark.parametrize(
    "register",
    [
        lambda app: app.add_handler(CommandHandler("greet", greet, block=False)),
        inside(CommandHandler("greet", greet, block=False)),
        lambda app: app.add_handler(ConversationHandler([CommandHandler("greet", greet)], {}, [], block=False)),
    ],
    ids=["handler", "in a conversation", "conversation"],
)
def test_work_in_the_background_is_refused(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, register: Callable[[App], None]
) -> None:
    """block=False would be lost when Lambda freezes: the update fails instead, and nothing is sent."""
    message_id = cloud.queue(text("/greet"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(register)) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "BackgroundWorkRefused"}]
    assert telegram.calls == []


def test_create_task_of_the_application_is_refused(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The same for Application.create_task."""

    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        context.application.create_task(greet(update, context))

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(start))) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "BackgroundWorkRefused"}]
    assert telegram.calls == []
