"""What reminders keep of a person is shown and deleted, in every chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from telegram.ext import CommandHandler, ContextTypes

import bot
from bot.reminders import export, forget
from local.telegram import people
from tests.integration.bot.reading import DAY, MINUTE, names

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App
    from tests.integration.bot.chats import Chat, Chats


@pytest.fixture(autouse=True)
def commands(chats: Chats) -> None:
    """The bot with two commands more."""

    async def show(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message
        assert update.effective_user
        await update.message.reply_text(json.dumps(await export(context, update.effective_user.id)))

    async def delete(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message
        assert update.effective_user
        await update.message.reply_text(json.dumps(await forget(context, update.effective_user.id)))

    def register(app: App) -> None:
        app.add_handler(CommandHandler("show", show))
        app.add_handler(CommandHandler("delete", delete))
        bot.register(app)

    chats.register = register


def test_a_person_sees_what_they_asked_for(chats: Chats, ann: Chat) -> None:
    """In their own chat and in groups; of others nothing."""
    group = chats.group()
    group.say("/remind 1h mine")
    group.seen_by(ann.user).say("/remind every monday 9:00 standup")
    ann.say("/remind 10m tea")
    assert json.loads(ann.say("/show")[0]) == {
        "reminders": {
            str(group.id): [{"text": "standup", "due": "2026-06-15T09:00:00+00:00", "recurs": "cron(0 9 ? * MON *)"}],
            str(ann.id): [{"text": "tea", "due": "2026-06-11T00:10:00+00:00", "recurs": None}],
        }
    }


def test_what_recurs_is_one(chats: Chats, ann: Chat) -> None:
    """However often it came."""
    ann.say("/remind every day 9:00 pills")
    chats.pass_time(3 * DAY)
    ann.read()
    assert [len(found) for found in json.loads(ann.say("/show")[0])["reminders"].values()] == [1]
    assert json.loads(ann.say("/delete")[0]) == ["1 reminder"]
    assert ann.say("/show") == ["{}"]


def test_a_group_that_moved_is_found(chats: Chats, ann: Chat) -> None:
    """Under both of its ids, if reminders were made under both; each is counted once."""
    old = type(ann)(chats, -77, ann.user)
    old.say("/remind every monday 9:00 standup")
    moved = people.migrate(chats.emulator, {"chat_id": old.id})["migrate_to_chat_id"]
    chats.run()
    new = type(ann)(chats, moved, ann.user)
    new.say("/remind 1h tea")
    assert len(names(chats)) == 2
    assert json.loads(ann.say("/delete")[0]) == ["2 reminders"]
    assert names(chats) == []
    assert ann.say("/show") == ["{}"]


def test_a_person_is_forgotten_in_many_chats(chats: Chats, ann: Chat) -> None:
    """In more than are written together as well."""
    for _ in range(101):
        chats.group().seen_by(ann.user).say("/remind 30d x")
        chats.pass_time(MINUTE)
    assert len(names(chats)) == 101
    ann.say("/forget")
    ann.press("Delete everything")
    assert "• 101 reminders" in ann.shown[-1]
    assert names(chats) == []
    assert not [item for item in chats.cloud.items("state") if "maker" in json.dumps(item)]


def test_who_asked_for_nothing_sees_nothing(ann: Chat) -> None:
    """And has nothing to delete."""
    assert ann.say("/show") == ["{}"]
    assert ann.say("/delete") == ["[]"]


def test_a_person_is_forgotten_in_every_chat(chats: Chats, ann: Chat) -> None:
    """With the schedules, and with what came; what others asked for stands."""
    group = chats.group()
    group.say("/remind 1h mine")
    group.seen_by(ann.user).say("/remind every monday 9:00 standup")
    ann.say("/remind 10m tea")
    ann.say("/remind 20m cake")
    chats.pass_time(10 * MINUTE)
    ann.read()
    assert json.loads(ann.say("/delete")[0]) == ["3 reminders"]
    assert len(names(chats)) == 1
    assert ann.say("/show") == ["{}"]
    ann.press("10 min")
    assert ann.alerts[-1] == "This reminder is over."
    chats.pass_time(7 * DAY)
    assert group.read() == ["⏰ mine"]
    assert ann.read() == []
