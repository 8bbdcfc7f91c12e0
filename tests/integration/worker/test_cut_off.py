"""A handler that is cut off in the middle of a call: what it has sent is known, and the retry sends the rest."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import BOBS, echo, only, queue, said, settle
from tests.integration.worker.test_failure import journal

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback, Drain
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire

DEADLINE_S = 10
#: Before its end a call is under way that takes so long, in seconds.
QUICK_S, SLOW_S = 0.9, 3.0


def cut_off_in(telegram: TelegramWire, takes_s: float, left_after_s: float | None, tries: list[int]) -> Callback:
    """Return a callback whose second send is under way at the deadline of its first try.

    It may be a task's, whose handler ends after so many seconds.
    """

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        tries.append(1)
        await context.bot.send_message(7001, "one")
        if len(tries) == 1:
            await asyncio.sleep(DEADLINE_S - 0.1)
            telegram.slowness_s["sendMessage"] = takes_s
        await context.bot.send_message(7001, "two")
        await context.bot.send_message(7001, "three")

    async def leave(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        asyncio.create_task(send(update, context))  # noqa: RUF006 - as authors do
        await asyncio.sleep(left_after_s or 0)

    return send if left_after_s is None else leave


def cut_off(cloud: Cloud, workers: Workers, callback: Callback) -> Drain:
    """Have the callback overrun its deadline once, and return what goes on with it."""
    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    drain = workers.drain(only(callback), deadline_s=DEADLINE_S)
    assert cloud.deliver(drain) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "DeadlineOverrun"}]
    return drain


@pytest.mark.parametrize("left_after_s", [None, 0], ids=["its handler", "a task that it left"])
@pytest.mark.parametrize(("takes_s", "given_s"), [(QUICK_S, 0.8), (SLOW_S, 1.0)])
def test_a_call_under_way_at_the_deadline_gets_a_second(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    loops: list[VirtualLoop],
    takes_s: float,
    given_s: float,
    left_after_s: float | None,
) -> None:
    """Its answer counts if it comes by then; else nobody knows; it is not repeated, and the rest is sent."""
    tries: list[int] = []
    callback = cut_off_in(telegram, takes_s, left_after_s, tries)
    drain = cut_off(cloud, workers, callback)
    assert loops[0].now == pytest.approx(DEADLINE_S + given_s, abs=0.25)
    telegram.slowness_s.clear()
    settle(cloud, drain)
    assert said(telegram, 7001) == ["one", "two", "three"]
    assert cloud.letters() == []


def test_what_was_sent_side_by_side_is_known_call_by_call(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Of a gather that is cut off, the retry sends what had not begun."""
    tries: list[int] = []

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        tries.append(1)

        async def later(number: int) -> None:
            await asyncio.sleep(6 * number if len(tries) == 1 else 0)
            await context.bot.send_message(7001, f"number {number}")

        await asyncio.gather(*(later(number) for number in range(4)))

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(send), deadline_s=DEADLINE_S))
    assert len(tries) == 2
    assert sorted(said(telegram, 7001)) == [f"number {number}" for number in range(4)]


@pytest.mark.parametrize("takes_s", [2.5, 9.0])
def test_a_handlers_own_timeout_around_a_send_repeats_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, takes_s: float
) -> None:
    """It ends a second after its time at the latest, as a failure of the network; the message is there once."""

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        began_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(2):
                await context.bot.send_message(7001, "one")
        finally:
            assert asyncio.get_running_loop().time() - began_at < 3.1
            telegram.slowness_s.clear()
        await context.bot.send_message(7001, "two")

    telegram.slowness_s["sendMessage"] = takes_s
    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    drain = workers.drain(only(send))
    assert cloud.deliver(drain) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "TimeoutError"}]
    settle(cloud, drain)
    assert (said(telegram, 7001), cloud.letters()) == (["one", "two"], [])


def test_a_timeout_that_a_handler_deals_with_is_no_failure(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """It may go on, and the update is done at its first attempt."""

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await context.bot.send_message(7001, "one")
        telegram.slowness_s.clear()
        await context.bot.send_message(7001, "two")

    telegram.slowness_s["sendMessage"] = 9.0
    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(send))) == []
    assert said(telegram, 7001) == ["one", "two"]


def test_the_chats_beside_it_do_not_wait(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Bob is answered, and his message deleted, while Ann's handler has still to run into its deadline."""

    async def some(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat
        if update.effective_chat.id == 7001:
            await asyncio.sleep(100)
        await echo(update, context)

    ids = queue(cloud, text("hello"), text("hello", chat=BOBS))
    assert cloud.deliver(workers.drain(only(some), deadline_s=DEADLINE_S)) == ids[:1]
    assert said(telegram, 7002) == ["hello"]
    assert len(cloud.wire.asked("DeleteMessageBatch")) == 1
