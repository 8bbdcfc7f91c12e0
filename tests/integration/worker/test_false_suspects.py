"""An update that no worker has died with is never given up for it, however its journal and its queue behave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.dying import VISIBILITY_S, deliver_to_its_death, die, fresh
from tests.integration.worker.scenes import BOBS, echo, only, queue, said, settle
from tests.integration.worker.test_failure import GardenFlooded
from tests.integration.worker.test_killed import act, marks

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire


@pytest.mark.parametrize("is_explained", [True, False])
def test_a_mark_that_could_not_be_taken_away_is_no_crash(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, *, is_explained: bool
) -> None:
    """A suspect that failed in order, while the journal took nothing, comes again: its worker lives."""
    tries: list[int] = []

    async def fails_once(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        tries.append(1)
        if len(tries) == 1:
            cloud.wire.faults["PutItem journal"] = ["ThrottlingException"]
            cloud.wire.faults["UpdateItem journal"] = [] if is_explained else ["ThrottlingException"]
            raise GardenFlooded
        await context.bot.send_message(7001, "hello")

    queue(cloud, text("hello"))
    cloud.records()
    cloud.clock.advance(VISIBILITY_S)
    settle(cloud, fresh(workers, only(fails_once)))
    assert ([letter["reason"] for letter in cloud.letters()], said(telegram, 7001)) == ([], ["hello"])


def test_what_comes_back_in_time_is_no_suspect_when_its_turn_is_late(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """It was put back in order, and waits behind a slow one of its chat when the visibility timeout has passed."""
    queue(cloud, text("slow"), text("hello"))
    cloud.deliver(workers.drain(only(act), left_s=5.0))
    cloud.clock.advance(112)
    settle(cloud, fresh(workers, only(act)))
    assert (said(telegram, 7001), marks(cloud)) == (["slow answered", "hello answered"], 0)


def test_a_late_turn_beside_a_first_crash_blames_nobody(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The first crash of all is Bob's; whoever was in hand with his update is answered, and not given up."""
    dies = [True]

    async def fatal(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        if update.effective_message.text == "kill" and dies:
            await asyncio.sleep(8)
            dies.pop()
            await die()
        await asyncio.sleep(6 if update.effective_message.text == "hello" else 0)
        await act(update, context)

    queue(cloud, text("slow"), text("hello"))
    cloud.deliver(workers.drain(only(fatal), left_s=5.0))
    cloud.clock.advance(112)
    queue(cloud, text("kill", chat=BOBS))
    drain = fresh(workers, only(fatal))
    deliver_to_its_death(cloud, drain)
    settle(cloud, fresh(workers, only(echo)))
    assert [letter["reason"] for letter in cloud.letters()] == []
    assert said(telegram, 7001)[-1] == "hello"
