"""/privacy, /mydata and /forget: a person reads, takes and deletes what is kept of them, and nobody else does."""

from __future__ import annotations

import json
import sys
import types
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from telegram.ext import CommandHandler, ConversationHandler, MessageHandler, filters

import bot
from bot.texts import spoken
from floodgate.telegram import once
from local.telegram import control

if TYPE_CHECKING:
    from floodgate.telegram import App
    from tests.integration.bot.chats import Chat, Chats

ANN, BEN = 501, 502
PRIVATE_ONLY = "That is between the two of us: ask me in our private chat."


class Diary:
    """A feature that keeps things in all the places that there are, and one of its own."""

    def __init__(self) -> None:
        self.elsewhere = {ANN: ["peas"], BEN: ["beans"]}
        self.forgotten: list[int] = []

    def module(self) -> types.ModuleType:
        """Return the feature as it would be in the bot's folder."""
        module = types.ModuleType("bot.diary")
        module.__dict__.update(register=self.register, export=self.export, forget=self.forget)
        return module

    async def note(self, update: Any, context: Any) -> None:
        """Keep values of every kind."""
        context.user_data["notes"] = {1: ("peas", {"a"}), "at": datetime(2026, 11, 25, tzinfo=UTC), "raw": b"\\x00"}
        context.chat_data["mood"] = "good"
        await update.effective_message.reply_text("noted")

    async def ask(self, update: Any, _context: Any) -> int:
        """Begin a conversation."""
        await update.effective_message.reply_text("What shall it be?")
        return 1

    async def export(self, _context: Any, user_id: int) -> dict[str, Any]:
        """Return what is elsewhere."""
        return {"diary": self.elsewhere.get(user_id, [])}

    async def forget(self, _context: Any, user_id: int) -> list[str]:
        """Delete it."""
        count = await once("diary", self.burn, user_id)
        # A text that every catalogue has.
        return [spoken().gettext("Your user id is {id}.").format(id=count)] if count else []

    async def burn(self, user_id: int) -> int:
        """Return how much is gone."""
        self.forgotten.append(user_id)
        return len(self.elsewhere.pop(user_id, []))

    def register(self, app: App) -> None:
        """Add /note and /order."""
        app.add_handler(CommandHandler("note", self.note))
        answer: Any = MessageHandler(filters.UpdateType.MESSAGE & filters.TEXT & ~filters.COMMAND, self.ask)
        app.add_handler(
            ConversationHandler([CommandHandler("order", self.ask)], {1: [answer]}, [], name="order", persistent=True)
        )


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    """The bot with one more feature."""
    diary = Diary()
    monkeypatch.setattr(bot, "features", [diary.module(), *bot.features])
    return diary


def data(chats: Chats) -> dict[str, str]:
    """Return what is remembered, by partition and sort key."""
    return {
        f"{item['pk']['S']} {item['sk']['S']}": item["data"]["S"]
        for item in chats.cloud.items("state")
        if item["pk"]["S"].partition("#")[0] in {"user", "chat"} and "data" in item
    }


def file_of(chat: Chat) -> dict[str, Any]:
    """Return the content of the file that the bot sent last."""
    world = chat.chats.emulator.world
    sent = [one["document"] for one in world.chats[chat.id].messages.values() if "document" in one][-1]
    assert sent["file_name"] == "mydata.json"
    content: dict[str, Any] = json.loads(world.files[sent["file_id"]].data)
    return content


def fill(chats: Chats, user: int = ANN) -> Chat:
    """Have somebody leave something everywhere."""
    chat = chats.private(user, first_name="Ann", language_code="en")
    chat.say("/settings")
    chat.press("Time zone")
    chat.press("Europe/Berlin")
    chat.say("/note")
    chat.say("/order")
    return chat


def test_privacy_says_what_is_kept(chats: Chats) -> None:
    """To anybody, anywhere, with how long; and what one can do about it."""
    for chat in (chats.private(), chats.group()):
        [said] = chat.say("/privacy")
        lines = said.splitlines()
        assert lines[0] == "This is what I keep, and for how long:"
        assert lines[-1] == "/mydata sends you what I remember of you, /forget deletes it."
        assert all(": " in line for line in lines if line.startswith("•"))


def test_mydata_is_a_file_with_all_of_it(chats: Chats, diary: Diary) -> None:
    """Settings, data of every kind, conversations, and what features keep elsewhere; nothing of others."""
    ann = fill(chats)
    fill(chats, BEN)
    assert ann.say("/mydata") == [
        "This is what I remember of you. /privacy says what else is kept, /forget deletes it."
    ]
    content = file_of(ann)
    assert content["you"]["id"] == ANN
    assert content["user_data"]["notes"] == {"1": ["peas", ["a"]], "at": "2026-11-25T00:00:00+00:00", "raw": "XHgwMA=="}
    assert content["chat_data"] == {"timezone": "Europe/Berlin", "mood": "good"}
    assert [*content["conversations"]] == [f"conversation#[{ANN}, {ANN}]"]
    assert content["diary"] == ["peas"]
    assert str(BEN) not in json.dumps(content)
    assert diary.elsewhere == {ANN: ["peas"], BEN: ["beans"]}


def test_mydata_of_a_stranger_is_a_file_too(chats: Chats) -> None:
    """With what Telegram tells of them at that moment, and nothing else."""
    ann = chats.private()
    ann.say("/mydata")
    content = file_of(ann)
    assert content.pop("you")["id"] == ann.id
    assert [content[name] for name in ("user_data", "chat_data", "conversations")] == [{}, {}, {}]


def test_forget_deletes_all_of_it(chats: Chats, diary: Diary) -> None:
    """After a confirmation, and says what; what others have is untouched, and so is nothing left to export."""
    ann = fill(chats)
    fill(chats, BEN)
    others = {name: text for name, text in data(chats).items() if str(BEN) in name}
    [question] = ann.say("/forget")
    assert question.startswith("Shall I delete all that I remember of you?")
    assert diary.forgotten == []
    assert ann.press("Delete everything") == []
    assert ann.shown[-1].splitlines() == [
        "Deleted:",
        "• Your user id is 1.",
        "• your settings, and whatever else I had noted of you",
        "• the conversations that we were in",
        "",
        "/privacy says what is kept a while longer, and why.",
    ]
    assert data(chats) == others
    assert diary.elsewhere == {BEN: ["beans"]}
    ann.say("/mydata")
    assert file_of(ann)["user_data"] == {}


def test_one_may_think_better_of_it(chats: Chats, diary: Diary) -> None:
    """Nothing is deleted then."""
    ann = fill(chats)
    before = data(chats)
    ann.say("/forget")
    assert ann.press("Keep it") == []
    assert ann.shown[-1] == "Nothing was deleted."
    assert (data(chats), diary.forgotten) == (before, [])


def test_with_nothing_there_is_nothing_to_delete(chats: Chats) -> None:
    """It is said as it is."""
    ann = chats.private()
    ann.say("/forget")
    ann.press("Delete everything")
    assert ann.shown[-1].splitlines()[0] == "There was nothing to delete."


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("order", ["forget:yes", "forget:no"])
def test_a_second_tap_leaves_the_list(chats: Chats, diary: Diary, order: str, is_late: bool) -> None:  # noqa: FBT001
    """Both taps come with the buttons, or the second comes late; what was deleted stays to be read."""
    ann = fill(chats)
    ann.say("/forget")
    press = {"chat_id": ann.id, "message_id": ann.replies[-1]["message_id"]}
    control.press(chats.emulator, {**press, "data": "forget:yes"})
    if is_late:
        chats.run()
        chats.pass_time(3600)
    control.press(chats.emulator, {**press, "data": order})
    chats.run()
    assert ann.shown[-1].splitlines()[:2] == ["Deleted:", "• Your user id is 1."]
    assert diary.forgotten[0] == ANN


def test_it_is_told_in_the_language_that_is_deleted(chats: Chats, diary: Diary) -> None:
    """Features speak it as well; afterwards it is Telegram's again."""
    ann = fill(chats)
    ann.say("/settings")
    ann.press("Language")
    ann.press("Deutsch")
    ann.say("/forget")
    ann.press("Alles löschen")
    assert ann.shown[-1].splitlines()[:2] == ["Gelöscht:", "• Deine Benutzernummer ist 1."]
    assert diary.forgotten == [ANN]
    assert ann.say("/start") == ["Hello Ann! I am here and listening. /help lists what I can do."]


def test_tried_again_it_says_the_same(chats: Chats, diary: Diary) -> None:
    """The answer was refused once: what a feature has deleted by then is told all the same, and not deleted twice."""
    ann = fill(chats)
    ann.say("/forget")
    control.add_fault(chats.emulator, {"method": "editMessageText", "count": 1, "error_code": 500})
    assert ann.press("Delete everything") == []
    assert "• Your user id is 1." in ann.shown[-1].splitlines()
    assert "• the conversations that we were in" in ann.shown[-1].splitlines()
    assert diary.forgotten == [ANN]
    assert data(chats) == {}


@pytest.mark.parametrize("command", ["/forget", "/mydata"])
def test_in_a_group_it_points_to_the_private_chat(chats: Chats, command: str) -> None:
    """Others would read along."""
    group = chats.group()
    ann = group.seen_by(ANN)
    assert ann.say(command) == [PRIVATE_ONLY]
    assert ann.buttons == [["Our private chat"]]
    [[button]] = ann.replies[-1]["reply_markup"]["inline_keyboard"]
    assert button["url"] == "https://t.me/echo_bot"


@pytest.mark.parametrize("order", ["forget:yes", "forget:no"])
def test_a_made_up_button_in_a_group_deletes_nothing(chats: Chats, diary: Diary, order: str) -> None:
    """Neither the group's data nor the person's."""
    ann = fill(chats)
    before = data(chats)
    group = chats.group()
    group.say("/id")
    assert group.seen_by(ANN).press_data(order, group.replies[-1]["message_id"]) == []
    assert ann.alerts[-1] == "Write /forget to me in our private chat."
    assert (data(chats), diary.forgotten) == (before, [])


@pytest.mark.parametrize("order", ["forget:", "forget:everything", "forget:yes:502", "forget:502"])
def test_a_button_of_another_kind_is_nobodys(chats: Chats, diary: Diary, order: str) -> None:
    """No handler takes it; nobody names whom to forget."""
    ann = fill(chats)
    before = data(chats)
    ann.say("/forget")
    assert ann.press_data(order, ann.replies[-1]["message_id"]) == []
    assert (data(chats), diary.forgotten) == (before, [])


def test_every_feature_keeps_to_the_form() -> None:
    """What is found by name is what it is taken for: two coroutine functions of (context, user_id)."""
    for feature in bot.features:
        for name in ("export", "forget"):
            if (function := getattr(feature, name, None)) is not None:
                assert function.__code__.co_argcount == 2, (feature, name)
        assert sys.modules[feature.__name__] is feature
