"""A task that a handler has left behind, with a call under way as the handler ends: it is the update's all the same."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from telegram.error import BadRequest

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import only, said, settle
from tests.integration.worker.test_cut_off import DEADLINE_S, QUICK_S, SLOW_S, cut_off, cut_off_in
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.mark.parametrize(("takes_s", "given_s"), [(QUICK_S, 0.8), (SLOW_S, 1.0)])
def test_its_call_gets_a_second_at_the_deadline(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, loops: list[VirtualLoop], takes_s: float, given_s: float
) -> None:
    """As any other call does."""
    callback = cut_off_in(telegram, takes_s, DEADLINE_S - 0.05, [])
    drain = cut_off(cloud, workers, callback)
    assert loops[0].now == pytest.approx(DEADLINE_S + given_s, abs=0.25)
    telegram.slowness_s.clear()
    settle(cloud, drain)
    assert (said(telegram, 7001), cloud.letters()) == (["one", "two", "three"], [])


def test_a_refusal_that_a_task_deals_with_is_no_failure(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A task that a handler left behind may catch what Telegram says, whenever the handler ends."""

    async def leave(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        async def tidy() -> None:
            with suppress(BadRequest):
                await context.bot.delete_message(7001, 5)

        asyncio.create_task(tidy())  # noqa: RUF006 - as authors do
        await asyncio.sleep(0.1)

    telegram.slowness_s["deleteMessage"] = 1.0
    telegram.faults["deleteMessage"] = [
        (400, {"ok": False, "error_code": 400, "description": "Bad Request: message to delete not found"})
    ]
    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(leave))) == []
    assert cloud.letters() == []


def test_a_429_that_it_sleeps_is_no_failure(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The call is made again after two seconds, and the update is done."""

    async def leave(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        asyncio.create_task(context.bot.send_message(7001, "one"))  # noqa: RUF006 - as authors do
        await asyncio.sleep(0.1)

    telegram.slowness_s["sendMessage"] = 1.0
    telegram.faults["sendMessage"] = [flood(2)]
    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(only(leave))) == []
    assert said(telegram, 7001) == ["one", "one"]
