"""What handlers ask of chats is asked of Telegram once, until something says that it changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.cache.cache import forget
from tests.integration.worker.scenes import here, only, person, queue, service, settle
from tests.unit.ingress.samples import GROUP, message

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import TelegramWire


def looking(seen: list[tuple[str | None, str | None]]) -> Callback:
    """Return a callback that asks for its chat and notes title and description."""

    async def look(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat
        await asyncio.sleep(0.001)  # in no time at all nobody can tell what was asked before it was forgotten
        chat = await context.bot.get_chat(update.effective_chat.id)
        seen.append((chat.title, chat.description))

    return look


def described(title: str, description: str) -> tuple[int, dict[str, Any]]:
    """Return Telegram's answer to getChat."""
    chat = {**GROUP, "title": title, "description": description, "accent_color_id": 1, "max_reaction_count": 11}
    return 200, {"ok": True, "result": chat}


def test_many_updates_ask_telegram_once(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Thirty people in one group, on three workers, for four minutes."""
    seen: list[tuple[str | None, str | None]] = []
    drains = [workers.drain(only(looking(seen))) for _ in range(3)]
    telegram.faults["getChat"] = [described("Allotments", "Beans")]
    for number in range(30):
        queue(cloud, here("hello", person(number)))
        settle(cloud, drains[number % 3])
        cloud.clock.now += 8
    assert (seen, telegram.methods) == ([("Allotments", "Beans")] * 30, ["getChat"])


def test_after_five_minutes_it_is_asked_again(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Nothing tells of a new description in itself."""
    seen: list[tuple[str | None, str | None]] = []
    drain = workers.drain(only(looking(seen)))
    telegram.faults["getChat"] = [described("Allotments", words) for words in ("Beans", "Peas")]
    for _ in range(3):
        queue(cloud, here("hello"))
        settle(cloud, drain)
        cloud.clock.now += 200
    assert (seen, len(telegram.calls)) == ([("Allotments", "Beans")] * 2 + [("Allotments", "Peas")], 2)


def test_a_new_title_is_seen_by_the_next_update(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The service message has it forgotten before its own handler asks, on this worker and on others."""
    seen: list[tuple[str | None, str | None]] = []
    drains = [workers.drain(only(looking(seen))) for _ in range(2)]
    telegram.faults["getChat"] = [described("Allotments", "Beans"), described("Gardens", "Beans")]
    for drain in drains:
        queue(cloud, here("hello"))
        settle(cloud, drain)
    renamed = {**GROUP, "title": "Gardens"}
    queue(cloud, service(renamed, new_chat_title="Gardens"))
    settle(cloud, drains[0])
    queue(cloud, here("hello", chat=renamed))
    settle(cloud, drains[1])
    assert [title for title, _ in seen] == ["Allotments", "Allotments", "Gardens", "Gardens"]
    assert len(telegram.calls) == 2


def test_what_a_service_message_announces_is_asked_anew(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A message was pinned: nothing in later updates contradicts what is known, but the next one gets it right."""
    seen: list[tuple[str | None, str | None]] = []
    drain = workers.drain(only(looking(seen)))
    telegram.faults["getChat"] = [described("Allotments", words) for words in ("before", "after")]
    queue(cloud, here("hello"), service(GROUP, pinned_message=message(GROUP)), here("hello"))
    settle(cloud, drain)
    assert [description for _, description in seen] == ["before", "after", "after"]


def test_a_call_of_the_bot_that_changes_a_chat_is_seen(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What a handler has just set it reads."""
    seen: list[tuple[str | None, str | None]] = []

    async def describe(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await looking(seen)(update, context)
        await context.bot.set_chat_description(GROUP["id"], "Peas")
        await looking(seen)(update, context)

    telegram.faults["getChat"] = [described("Allotments", words) for words in ("Beans", "Peas")]
    queue(cloud, here("hello"))
    assert cloud.deliver(workers.drain(only(describe))) == []
    assert [description for _, description in seen] == ["Beans", "Peas"]


def test_what_is_asked_costs_no_turn(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Reading is not doing: no limit of the chat holds it up."""
    seen: list[tuple[str | None, str | None]] = []

    async def look_often(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for _ in range(20):
            await looking(seen)(update, context)

    telegram.faults["getChat"] = [described("Allotments", "Beans")]
    queue(cloud, here("hello"))
    before = cloud.clock()
    assert cloud.deliver(workers.drain(only(look_often))) == []
    assert (len(seen), len(telegram.calls)) == (20, 1)
    assert cloud.clock() - before == pytest.approx(0.02, abs=0.001)


def test_without_a_cache_telegram_is_always_asked(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """And DynamoDB never: neither for what is asked nor for what updates and calls would have forgotten."""
    seen: list[tuple[str | None, str | None]] = []

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await looking(seen)(update, context)
        await context.bot.set_chat_description(GROUP["id"], "Peas")
        await looking(seen)(update, context)
        await forget(GROUP["id"])

    telegram.faults["getChat"] = [described("Allotments", words) for words in ("a", "b", "c", "d")]
    queue(cloud, here("hello"), service(GROUP, new_chat_title="Allotments"))
    settle(cloud, workers.drain(only(act), cache_s=0))
    assert [description for _, description in seen] == ["a", "b", "c", "d"]
    asked = cloud.wire.asked("GetItem", "PutItem", "UpdateItem")
    assert not [one for one in asked if one.get("Key", one.get("Item", {}))["pk"]["S"].startswith("cache#")]
