"""What an attempt has done is kept as it was, whatever its handler does with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.telegram import once
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import only, settle
from tests.integration.worker.test_failure import GardenFlooded

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud

# It would rather have its own method used; here it is the way to an answer as it is.
pytestmark = pytest.mark.filterwarnings("ignore:Please use 'Bot")


def test_effects_side_by_side_keep_their_results(cloud: Cloud, workers: Workers) -> None:
    """Of two with one name the first fails: the retry does that one, and not the second once more."""
    charged: list[str] = []
    fails = [True]
    given: list[Any] = []

    async def charge(what: str) -> str:
        await asyncio.sleep(0)
        if what == "beans" and fails:
            fails.pop()
            raise GardenFlooded
        charged.append(what)
        return f"receipt for {what}"

    async def buy(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        given.append(await asyncio.gather(*(once("charge", charge, what) for what in ("beans", "peas"))))

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(buy)))
    assert charged == ["peas", "beans"]
    assert given == [["receipt for beans", "receipt for peas"]]


def test_a_result_is_kept_as_it_was(cloud: Cloud, workers: Workers) -> None:
    """What a handler makes of the list or dict that it was given is its own business, in every attempt."""
    given: list[list[str]] = []

    async def pick() -> list[str]:
        return ["beans", "peas", "kale"]

    async def plant(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        seeds = await once("pick", pick)
        given.append([seeds.pop() for _ in range(len(seeds))])
        if len(given) < 3:
            raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(plant)))
    assert given == [["kale", "peas", "beans"]] * 3


def test_an_answer_is_kept_as_it_was(cloud: Cloud, workers: Workers) -> None:
    """The same for Telegram's answer, which a handler gets as it is from do_api_request."""
    given: list[int] = []

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        answer: Any = await context.bot.do_api_request("sendMessage", {"chat_id": 7001, "text": "x"})
        given.append(answer.pop("message_id", 0))
        if len(given) < 3:
            raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(send)))
    assert given == [1000] * 3


def test_arguments_that_cannot_be_compared_end_no_batch(cloud: Cloud, workers: Workers) -> None:
    """Whatever a handler hands to Telegram, its failure is its own, and Bob is answered."""
    odd: Any = {"chat_id": 7001, "text": "x", "x": {1: "a", "b": 2}}

    async def send(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat
        if update.effective_chat.id == 7001:
            await context.bot.do_api_request("sendMessage", odd)
            raise GardenFlooded
        await context.bot.send_message(7002, "hello")

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    cloud.queue(text("hello", chat={"id": 7002, "type": "private"}), "chat:7002")
    assert cloud.deliver(workers.drain(only(send))) == [message_id]
