"""What an update costs of DynamoDB, by what its handler does: the bill of a flood is this table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import BOB, awake, happens, here, limits, only, press, queue, service, settle
from tests.unit.ingress.samples import ANN, GROUP

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback


async def be_silent(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do nothing."""


async def reply(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send one message."""
    assert update.effective_message
    await update.effective_message.reply_text("one")


async def reply_twice(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send two messages."""
    await reply(update, context)
    await reply(update, context)


async def type_and_reply(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Show that one is typing, which no limit counts, then send a message."""
    assert update.effective_chat
    await context.bot.send_chat_action(update.effective_chat.id, "typing")
    await reply(update, context)


async def answer_and_edit(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer a button and edit its message."""
    assert update.callback_query
    await update.callback_query.answer()
    await update.callback_query.edit_message_text("next")


async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer an inline query."""
    assert update.inline_query
    await update.inline_query.answer([])


async def tell_bob(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send a message to somebody else."""
    await context.bot.send_message(BOB["id"], "hello")


async def tell_bob_and_reply(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send a message to somebody else, then one here."""
    await tell_bob(update, context)
    await reply(update, context)


INLINE = happens("inline_query", {"id": "8", "from": ANN, "query": "frost", "offset": ""})


@pytest.mark.parametrize(
    ("update", "callback", "writes", "reads"),
    [
        (text("hello"), be_silent, 1, 0),
        (text("hello"), reply, 1, 0),
        (text("hello"), type_and_reply, 1, 0),
        (text("hello"), reply_twice, 2, 0),
        (text("hello"), tell_bob, 2, 0),
        (text("hello"), tell_bob_and_reply, 2, 0),
        (press(), answer_and_edit, 1, 0),
        (INLINE, answer, 1, 0),
        (here("hello"), be_silent, 2, 0),
        (here("hello"), reply, 3, 0),
        (here("hello"), type_and_reply, 3, 0),
        (here("hello"), reply_twice, 4, 0),
        (press(GROUP), answer_and_edit, 3, 0),
        (service(GROUP, video_chat_started={}), be_silent, 1, 0),
    ],
    ids=[
        "private, no answer",
        "private, a reply",
        "private, typing and a reply",
        "private, two replies",
        "private, another chat",
        "private, another chat and a reply",
        "private button, answer and edit",
        "inline query, answer",
        "group, no answer",
        "group, a reply",
        "group, typing and a reply",
        "group, two replies",
        "group button, answer and edit",
        "group, a service message",
    ],
)
def test_an_update_costs(
    cloud: Cloud, workers: Workers, update: dict[str, object], callback: Callback, writes: int, reads: int
) -> None:
    """In a calm chat: a write to get in, one for each message but the first in private, and nothing is read."""
    drain = awake(cloud, workers.drain(only(callback)))
    queue(cloud, update)
    assert cloud.deliver(drain) == []
    asked = [operation for operation, _ in cloud.wire.requests]
    assert (asked.count("UpdateItem"), asked.count("GetItem")) == (writes, reads)
    assert len(asked) == writes + reads


@pytest.mark.parametrize(("second", "writes"), [(text("and"), 2), (here("and"), 2 + 2 + 1)], ids=["private", "group"])
def test_within_a_burst_it_costs_one_more_per_gate(
    cloud: Cloud, workers: Workers, second: dict[str, object], writes: int
) -> None:
    """The write that guesses that all is calm is refused, and brings what the right one needs."""
    drain = awake(cloud, workers.drain(only(reply), inbound=limits(bot="off")))
    queue(cloud, {**second, "update_id": 1})
    cloud.deliver(drain)
    cloud.wire.requests.clear()
    queue(cloud, second)
    assert cloud.deliver(drain) == []
    assert [operation for operation, _ in cloud.wire.requests] == ["UpdateItem"] * writes


def test_what_is_over_the_limit_costs_one_write(cloud: Cloud, workers: Workers) -> None:
    """A flood is cheap: once it has been said, what is refused costs the refused write alone."""
    drain = workers.drain(only(be_silent), inbound=limits(user="3/h", bot="off"))
    queue(cloud, *(text("beans") for _ in range(4)))
    settle(cloud, drain)
    cloud.wire.requests.clear()
    queue(cloud, text("beans"))
    assert cloud.deliver(drain) == []
    assert [operation for operation, _ in cloud.wire.requests] == ["UpdateItem"]


def test_a_gate_fits_into_the_smallest_write(cloud: Cloud, workers: Workers) -> None:
    """All that a busy group's item holds stays below 1 KB, which is what one write pays for."""
    drain = workers.drain(only(reply))
    for number in range(33):
        queue(cloud, here("beans", {"id": 10**15 + number, "is_bot": False, "first_name": "Cem"}))
    settle(cloud, drain)
    [item] = [one for one in cloud.items("traffic") if one["pk"]["S"] == f"gate#{GROUP['id']}"]
    assert len([name for name in item if name.startswith("s") and name != "sends"]) == 32
    assert len(item["sends"]["L"]) > 1
    assert size(item) < 1024


def size(item: dict[str, dict[str, object]]) -> int:
    """Return DynamoDB's size of an item in bytes ("DynamoDB item sizes and formats" in its documentation)."""
    return sum(len(name) + _size(value) for name, value in item.items())


def _size(value: dict[str, object]) -> int:
    match value:
        case {"S": str(text)}:
            return len(text.encode())
        case {"N": str(number)}:
            return (len(number.strip("-").replace(".", "")) + 1) // 2 + 2
        case {"L": list(several)}:
            return 3 + sum(1 + _size(one) for one in several)
    raise AssertionError(value)
