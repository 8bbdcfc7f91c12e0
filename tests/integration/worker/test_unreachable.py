"""A chat that Telegram refuses for good: nobody is there to be told, so nothing is sent and nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from telegram.error import Forbidden

from floodgate.telegram.errors import ChatUnreachable
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    BOB,
    awake,
    echo,
    echoing,
    gate,
    here,
    membership,
    only,
    press,
    queue,
    said,
    service,
    settle,
)
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import BOT, CHANNEL, DATE, GROUP, PRIVATE
from tests.unit.telegram.wire import refusal

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Clock, Cloud
    from tests.unit.telegram.wire import TelegramWire

BLOCKED = refusal(403, "Forbidden: bot was blocked by the user")
KICKED = refusal(403, "Forbidden: bot was kicked from the supergroup chat")
FOR_GOOD = [
    (PRIVATE, "Forbidden: bot was blocked by the user"),
    (PRIVATE, "Forbidden: user is deactivated"),
    (PRIVATE, "Forbidden: bot can't initiate conversation with a user"),
    (PRIVATE, "Forbidden: bot can't send messages to bots"),
    (GROUP, "Forbidden: bot was kicked from the supergroup chat"),
    (GROUP, "Forbidden: bot was kicked from the group chat"),
    (GROUP, "Forbidden: bot is not a member of the channel chat"),
    (GROUP, "Forbidden: the group chat was deleted"),
]
NOT_FOR_GOOD = [
    "Forbidden: not enough rights to send text messages to the chat",
    "Forbidden: CHAT_WRITE_FORBIDDEN",
    "Forbidden: bot is not allowed to do that",
]


@pytest.fixture(autouse=True)
def late(clock: Clock) -> None:
    """What people say here was written a minute ago: before it turned out that their chat is gone."""
    clock.advance(60)


@pytest.mark.parametrize(("chat", "words"), FOR_GOOD, ids=lambda value: value if isinstance(value, str) else "")
def test_an_update_whose_chat_is_gone_is_over(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any], words: str
) -> None:
    """No second try, no dead letter, nothing in the journal; and what comes later of that chat sends nothing."""
    telegram.faults["sendMessage"] = [refusal(403, words)]
    drain = workers.drain(echoing)
    queue(cloud, text("one", chat=chat))
    assert cloud.deliver(drain) == []
    queue(cloud, text("two", chat=chat))
    cloud.clock.now += 3600
    queue(cloud, text("three", chat=chat))
    assert cloud.deliver(workers.drain(echoing)) == []
    assert said(telegram, chat["id"]) == ["one"]
    assert (cloud.letters(), journal(cloud), cloud.left(), put_back_for(cloud)) == ([], [], 0, [])


@pytest.mark.parametrize("words", NOT_FOR_GOOD)
def test_any_other_403_marks_nothing(cloud: Cloud, telegram: TelegramWire, workers: Workers, words: str) -> None:
    """It is about this one request: the update is given up, and the chat is written to as before."""
    telegram.faults["sendMessage"] = [refusal(403, words)]
    drain = workers.drain(echoing)
    queue(cloud, here("one"), here("two"))
    assert cloud.deliver(drain) == []
    assert "closed_at" not in gate(cloud, GROUP["id"])
    assert [letter["reason"] for letter in cloud.letters()] == ["rejected"]
    assert said(telegram, GROUP["id"]) == ["one", "two"]


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_a_chat_that_comes_back_is_written_to(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any]
) -> None:
    """my_chat_member says that the bot is back, and the very next update is answered, by any worker."""
    telegram.faults["sendMessage"] = [BLOCKED if chat is PRIVATE else KICKED]
    queue(cloud, text("one", chat=chat))
    cloud.deliver(workers.drain(echoing))
    queue(cloud, membership("member", chat), text("two", chat=chat))
    assert cloud.deliver(workers.drain(echoing)) == []
    assert said(telegram, chat["id"]) == ["one", "two"]


@pytest.mark.parametrize(("chat", "status"), [(PRIVATE, "kicked"), (GROUP, "kicked"), (GROUP, "left")])
def test_a_chat_that_leaves_is_not_even_tried(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any], status: str
) -> None:
    """my_chat_member says that the bot is out: what still lies in the queue sends nothing, the farewell included."""

    async def say_goodbye(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat
        await context.bot.send_message(update.effective_chat.id, "goodbye")

    queue(cloud, membership(status, chat), text("two", chat=chat, date=DATE - 1))
    assert cloud.deliver(workers.drain(only(say_goodbye))) == []
    assert (telegram.calls, cloud.letters(), journal(cloud)) == ([], [], [])


@pytest.mark.parametrize(
    "update", [text("/start"), text("any words"), service(write_access_allowed={})], ids=["start", "words", "access"]
)
def test_who_writes_to_the_bot_again_is_answered(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, update: dict[str, Any]
) -> None:
    """my_chat_member may come later than what they write; who had not started the bot before has none."""

    async def greet(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_chat
        await context.bot.send_message(7001 if update.effective_chat.id < 0 else update.effective_chat.id, "hello")

    drain = workers.drain(only(greet))
    telegram.faults["sendMessage"] = [refusal(403, "Forbidden: bot can't initiate conversation with a user")]
    queue(cloud, here("write to me"))
    assert cloud.deliver(drain) == []
    cloud.clock.now += 60
    update["message"]["date"] = int(cloud.clock())
    queue(cloud, update)
    assert cloud.deliver(drain) == []
    assert telegram.sent == [(7001, "hello")] * 2


async def tell_bob(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write to somebody else."""
    await context.bot.send_message(BOB["id"], "hello")
    await echo(update, context)


def test_another_chat_that_is_gone_is_a_dead_letter_at_once(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Trying again would change nothing, but Ann waits for an answer: she is to hear that something went wrong."""
    telegram.faults["sendMessage"] = [BLOCKED]
    drain = workers.drain(only(tell_bob))
    queue(cloud, text("one"))
    assert cloud.deliver(drain) == []
    [letter] = cloud.letters()
    assert (letter["attempts"], letter["error"]) == (1, "ChatUnreachable")
    assert (letter["detail"], letter["_group"]) == ("it writes to a chat that is unreachable", "chat:7001")
    queue(cloud, text("two"))
    assert cloud.deliver(drain) == []
    assert (len(cloud.letters()), telegram.sent, cloud.left()) == (1, [(BOB["id"], "hello")], 0)


def test_another_chat_that_is_gone_can_be_handled(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """As a Forbidden that names the chat, from Telegram and from then on without a call."""
    caught: list[Forbidden] = []

    async def try_bob(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            await tell_bob(update, context)
        except Forbidden as error:
            caught.append(error)
        await echo(update, context)

    telegram.faults["sendMessage"] = [BLOCKED]
    queue(cloud, text("one"), text("two"))
    assert cloud.deliver(workers.drain(only(try_bob))) == []
    assert [error.chat for error in caught if isinstance(error, ChatUnreachable)] == [BOB["id"]] * 2
    assert telegram.sent == [(BOB["id"], "hello"), (7001, "one"), (7001, "two")]


def test_a_button_in_a_chat_that_is_gone_can_still_be_answered(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """An answer to a button is no message into the chat."""

    async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query
        await update.callback_query.answer("once more")

    telegram.faults["sendMessage"] = [BLOCKED]
    queue(cloud, text("one"))
    cloud.deliver(workers.drain(echoing))
    queue(cloud, press())
    assert cloud.deliver(workers.drain(only(answer))) == []
    assert telegram.methods == ["sendMessage", "answerCallbackQuery"]


def test_nobody_is_told_in_a_chat_that_is_gone(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A flood that still lies in the queue of somebody who has blocked the bot is dropped without a word."""
    drain = awake(cloud, workers.drain(echoing))
    telegram.faults["sendMessage"] = [BLOCKED]
    queue(cloud, *(text("beans") for _ in range(15)))
    settle(cloud, drain)
    assert len(telegram.calls) == 1


@pytest.mark.parametrize("status", ["kicked", "left"])
def test_the_message_that_the_bot_has_left_is_nobodys(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, status: str
) -> None:
    """Telegram writes it in the second in which the bot goes, before or after: it reopens nothing; a person does."""
    drain = workers.drain(only(greet_group))
    gone = service(GROUP, left_chat_member=BOT)
    queue(cloud, gone, membership(status, GROUP), {**gone, "update_id": gone["update_id"] + 100_000})
    settle(cloud, drain)
    assert len(telegram.calls) == 1
    assert gate(cloud, GROUP["id"])["closed_at"]["N"] == str(DATE)
    queue(cloud, here("are you there?", date=DATE))
    settle(cloud, drain)
    assert len(telegram.calls) == 2
    assert gate(cloud, GROUP["id"])["closed_at"]["N"] == "0"


async def greet_group(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write to the group, whatever came."""
    await context.bot.send_message(GROUP["id"], "hello")


@pytest.mark.parametrize(
    ("to", "copied_from", "words"),
    [
        (7001, GROUP["id"], "Forbidden: bot was kicked from the supergroup chat"),
        (7001, BOB["id"], "Forbidden: bot was blocked by the user"),
        (GROUP["id"], CHANNEL["id"], "Forbidden: bot is not a member of the channel chat"),
    ],
    ids=["group to person", "person to person", "channel to group"],
)
@pytest.mark.parametrize("method", ["copy_message", "forward_message"])
def test_a_refusal_that_may_be_about_another_chat_closes_none(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, to: int, copied_from: int, words: str, method: str
) -> None:
    """Who copies from a chat that has put the bot out learns of it, and both chats are written to as before."""
    caught: list[type[Forbidden]] = []

    async def copy(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            await getattr(context.bot, method)(to, copied_from, 42)
        except Forbidden as error:
            caught.append(type(error))
        await context.bot.send_message(to, "hello")

    telegram.faults["copyMessage"] = telegram.faults["forwardMessage"] = [refusal(403, words)]
    queue(cloud, here("copy it", chat=PRIVATE if to > 0 else GROUP))
    assert cloud.deliver(workers.drain(only(copy))) == []
    assert (caught, telegram.sent) == ([Forbidden], [(to, "hello")])
    assert not any("closed_at" in gate(cloud, chat) for chat in (to, copied_from))


def test_a_group_that_kicked_the_bot_closes_no_persons_chat(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Nor by a call that names the person alone: Telegram's words about a group are about no private chat."""
    telegram.faults["sendMessage"] = [KICKED]
    drain = workers.drain(echoing)
    queue(cloud, text("one"), text("two"))
    settle(cloud, drain)
    assert said(telegram, 7001) == ["one", "two"]
    assert "closed_at" not in gate(cloud, 7001)
