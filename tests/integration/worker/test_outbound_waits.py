"""What a handler may do once it has to wait, or has waited."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.aws import AwsCalls
from floodgate.telegram.errors import MustWait
from floodgate.traffic.gate import Gates
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import BOB, echo, here, only, press, queue
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import GROUP
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


def test_whoever_swallows_the_wait_sends_nothing_more(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Each call after the one that had to wait raises like it: what it sent would be sent again by the next attempt."""
    raised: list[type[BaseException]] = []

    async def insist(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        bot = context.bot
        for call in (
            lambda: echo(update, context),
            lambda: bot.send_message(BOB["id"], "did not work"),
            lambda: bot.send_chat_action(BOB["id"], "typing"),
            lambda: bot.delete_message(7001, 42),
            lambda: bot.get_chat(7001),
            lambda: bot.answer_callback_query("9"),
        ):
            try:
                await call()
            except BaseException as error:  # noqa: BLE001 - what very careless handlers do
                raised.append(type(error))

    telegram.faults["sendMessage"] = [flood(60)]
    queue(cloud, text("hello"))
    assert cloud.deliver(workers.drain(only(insist))) != []
    assert (raised, telegram.methods) == ([MustWait] * 6, ["sendMessage"])
    assert (put_back_for(cloud), journal(cloud)) == ([[60]], [])


async def reply_and_answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write, then answer the button."""
    assert update.callback_query
    await update.callback_query.edit_message_text("done")
    await update.callback_query.get_bot().send_message(7001, "done")
    await update.callback_query.answer()


async def reply_and_look(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write, then ask for a group."""
    await context.bot.send_message(7001, "done")
    await context.bot.get_chat(GROUP["id"])


@pytest.mark.parametrize(
    ("callback", "method"), [(reply_and_answer, "answerCallbackQuery"), (reply_and_look, "getChat")]
)
@pytest.mark.parametrize(("asked_s", "waits_s"), [(40, 40), (10_072, 60)])
def test_a_429_of_nothing_of_its_own_midway_keeps_the_chat_a_minute_at_most(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, callback: Any, method: str, asked_s: int, waits_s: int
) -> None:
    """It is not counted, and what was sent is not sent again; but the own chat is free, and others wait in it."""
    telegram.faults[method] = [flood(asked_s)]
    queue(cloud, press(), text("and me?"))
    cloud.deliver(workers.drain(only(callback)))
    assert (put_back_for(cloud), journal(cloud)) == ([[waits_s] * 2], [])


@pytest.mark.parametrize("chat", [7001, GROUP["id"]], ids=["private", "group"])
def test_after_a_sleep_the_own_chat_is_looked_at_again(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: int
) -> None:
    """While the fourth message sleeps for its turn, another worker has the chat frozen: the message is not sent."""
    other = Gates(cloud.dynamodb, "traffic", AwsCalls(), cloud.clock)

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for number in range(3):
            await context.bot.send_message(chat, f"line {number}")

        async def freeze() -> None:
            await asyncio.sleep(0.5)
            await other.freeze(chat, 300)

        await asyncio.gather(freeze(), context.bot.send_message(chat, "too much"))

    queue(cloud, text("hello") if chat > 0 else here("hello"))
    assert cloud.deliver(workers.drain(only(send))) != []
    assert [words for _, words in telegram.sent] == ["line 0", "line 1", "line 2"]
    [[wait_s]] = put_back_for(cloud)
    assert wait_s == pytest.approx(300, abs=1)
    assert journal(cloud) == []


def test_a_short_freeze_after_a_sleep_is_slept_as_well(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The message goes out when the freeze is over, without another turn."""
    other = Gates(cloud.dynamodb, "traffic", AwsCalls(), cloud.clock)
    began_at = cloud.clock()

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for number in range(3):
            await context.bot.send_message(7001, f"line {number}")

        async def freeze() -> None:
            await asyncio.sleep(0.5)
            await other.freeze(7001, 2)

        await asyncio.gather(freeze(), context.bot.send_message(7001, "a little much"))

    queue(cloud, text("hello"))
    assert cloud.deliver(workers.drain(only(send))) == []
    assert [round(call.at - began_at, 1) for call in telegram.calls] == [0, 0, 0, 2.5]
