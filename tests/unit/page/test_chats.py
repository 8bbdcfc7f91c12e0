"""The left half's source: everything, then what changes, and bounded in a flood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.page.chats import LAST, SNAPSHOT, Chats
from local.telegram.editing import ACTION_S
from tests.unit.telegram_emulator.harness import Harness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = -7


@pytest.fixture
async def telegram() -> AsyncIterator[Harness]:
    """Return an emulator in which nobody has spoken."""
    harness = Harness()
    yield harness
    await harness.close()


@pytest.fixture
def chats(telegram: Harness) -> Chats:
    """Return the source, whose world has not changed since it was asked."""
    source = Chats(telegram.emulator)
    source.changes()
    return source


def _changes(chats: Chats) -> dict[str, Any]:
    frame = chats.changes()
    assert frame is not None
    assert chats.changes() is None
    return frame


def _texts(frame: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(message["chat"], message["id"], message["text"]) for message in frame["messages"]]


async def test_a_page_begins_with_everything(telegram: Harness, chats: Chats) -> None:
    """The snapshot has the bot, people without bots, the chats last spoken in first, and what was said."""
    await telegram.order("messages", chat_id=5, text="first")
    await telegram.clock.advance(1)
    await telegram.order("messages", chat_id=6, text="second")
    frame = chats.snapshot()
    assert frame["bot"] == {"id": 123456, "name": "Local bot", "username": "floodgate_local_bot"}
    assert [person["id"] for person in frame["people"]] == [1, 5, 6]
    assert [chat["id"] for chat in frame["chats"]] == [6, 5, 1]
    assert sorted(_texts(frame)) == [(5, 1, "first"), (6, 1, "second")]


async def test_a_change_has_what_changed_and_nothing_else(telegram: Harness, chats: Chats) -> None:
    """A message brings itself and its chat; the next edit of it the message as it then is."""
    await telegram.order("messages", chat_id=5, text="one")
    await telegram.order("messages", chat_id=6, text="other")
    chats.changes()
    sent = await telegram.result("sendMessage", chat_id=5, text="two")
    frame = _changes(chats)
    assert _texts(frame) == [(5, 2, "two")]
    assert ([chat["id"] for chat in frame["chats"]], frame["people"], frame["gone"]) == ([5], [], [])
    await telegram.result("editMessageText", chat_id=5, message_id=sent["message_id"], text="three")
    (message,) = _changes(chats)["messages"]
    assert (message["text"], message["edited"], message["by_bot"]) == ("three", True, True)
    assert "edited" not in chats.snapshot()["messages"][0]


async def test_a_deleted_message_is_gone(telegram: Harness, chats: Chats) -> None:
    """Its id is told, also if it came and went between two frames."""
    await telegram.order("messages", chat_id=5, text="one")
    await telegram.result("deleteMessage", chat_id=5, message_id=1)
    frame = _changes(chats)
    assert (frame["messages"], frame["gone"]) == ([], [[5, 1]])


async def test_typing_ends_with_the_message_or_after_five_seconds(telegram: Harness, chats: Chats) -> None:
    """As at Telegram."""
    await telegram.order("messages", chat_id=5, text="one")

    async def seen_after_typing() -> Any:
        await telegram.result("sendChatAction", chat_id=5, action="typing")
        return _changes(chats)["chats"][0]["action"]

    assert await seen_after_typing() == "typing"
    await telegram.result("sendMessage", chat_id=5, text="two")
    assert _changes(chats)["chats"][0]["action"] is None
    assert await seen_after_typing() == "typing"
    await telegram.clock.advance(ACTION_S)
    assert _changes(chats)["chats"][0]["action"] is None


async def test_the_answer_to_a_pressed_button_is_shown(telegram: Harness, chats: Chats) -> None:
    """With the query that it answers, so that whoever pressed knows."""
    await telegram.order("messages", chat_id=5, text="one")
    await telegram.result("sendMessage", chat_id=5, text="two")
    pressed = await telegram.order("callbacks", chat_id=5, message_id=2, data="go")
    chats.changes()
    query_id = pressed["callback_query_id"]
    await telegram.result("answerCallbackQuery", callback_query_id=query_id, text="Done", show_alert=True)
    assert _changes(chats)["answers"] == [{"query": query_id, "text": "Done", "show_alert": True, "url": ""}]


async def test_names_pins_members_and_the_bots_standing_are_told(telegram: Harness, chats: Chats) -> None:
    """Each change of a chat or a person brings it anew."""
    await telegram.order("messages", chat_id=GROUP, user_id=5, text="one")
    await telegram.order("members", chat_id=GROUP, status="administrator")
    chats.changes()
    await telegram.order("users", user_id=5, first_name="Ann", last_name="Lee")
    assert [person["name"] for person in _changes(chats)["people"]] == ["Ann Lee"]
    await telegram.order("members", chat_id=GROUP, user_id=6, status="member")
    assert _changes(chats)["chats"][0]["members"] == [5, 6]
    await telegram.order("chats", chat_id=GROUP, title="Lunch")
    assert _changes(chats)["chats"][0]["title"] == "Lunch"
    await telegram.result("pinChatMessage", chat_id=GROUP, message_id=1)
    assert _changes(chats)["chats"][0]["pinned"] == {"id": 1, "text": "one"}
    await telegram.result("unpinChatMessage", chat_id=GROUP)
    assert _changes(chats)["chats"][0]["pinned"] is None
    await telegram.order("members", chat_id=GROUP, status="kicked")
    assert _changes(chats)["chats"][0]["bot"] == "out"


async def test_new_commands_are_told(telegram: Harness, chats: Chats) -> None:
    """The number that says how often they were set goes up, for pages to ask for their menu anew."""
    before = chats.snapshot()["menus"]
    await telegram.result("setMyCommands", commands=[{"command": "go", "description": "x"}])
    assert _changes(chats)["menus"] == before + 1


async def test_reply_keyboards_say_for_whom_they_are(telegram: Harness, chats: Chats) -> None:
    """A selective one is for who is replied to or mentioned, and the one before it stays for the others."""
    await telegram.order("users", user_id=6, username="ben")
    await telegram.order("messages", chat_id=GROUP, user_id=5, text="one")
    markup = {"keyboard": [["Tea"]]}
    await telegram.result("sendMessage", chat_id=GROUP, text="all", reply_markup=markup)
    selective = {"force_reply": True, "selective": True}
    reply = {"message_id": 1}
    text = "😀 you and @ben"
    await telegram.result("sendMessage", chat_id=GROUP, text=text, reply_markup=selective, reply_parameters=reply)
    frame = _changes(chats)
    keyboards = next(chat["keyboards"] for chat in frame["chats"] if chat["id"] == GROUP)
    assert [(one["message"], one["for"]) for one in keyboards] == [(3, [5, 6]), (2, [])]
    await telegram.result("deleteMessage", chat_id=GROUP, message_id=3)
    assert [one["message"] for one in _changes(chats)["chats"][0]["keyboards"]] == [2]


async def test_a_flood_in_one_chat_is_its_last_messages(telegram: Harness, chats: Chats) -> None:
    """However many came, a frame and a snapshot have the last ones, and the chat's count says how many there are."""
    for number in range(3 * LAST):
        await telegram.order("messages", chat_id=5, text=f"m{number}")
    for frame in (_changes(chats), chats.snapshot()):
        assert [message["id"] for message in frame["messages"]] == list(range(2 * LAST + 1, 3 * LAST + 1))
        assert next(chat["count"] for chat in frame["chats"] if chat["id"] == 5) == 3 * LAST


async def test_more_changes_than_a_page_can_have_are_a_snapshot(telegram: Harness, chats: Chats) -> None:
    """What is noted while nobody looks is bounded; then everything is shown anew."""
    world = telegram.emulator.world
    chat = world.chat(5, "private", 5)
    for _ in range(SNAPSHOT + 1):
        world.post(chat, world.bot, {"text": "x"})
    frame = _changes(chats)
    assert (frame["kind"], len(frame["messages"])) == ("snapshot", LAST)


async def test_a_snapshot_of_many_chats_is_bounded(telegram: Harness, chats: Chats) -> None:
    """The chats spoken in last have all that a page can have, and each of the others the last message."""
    world = telegram.emulator.world
    for user_id in range(1000, 1000 + 2 * SNAPSHOT // LAST):
        chat = world.chat(user_id, "private", user_id)
        for _ in range(LAST):
            world.post(chat, world.bot, {"text": "x"})
    messages = chats.snapshot()["messages"]
    assert len(messages) == SNAPSHOT + SNAPSHOT // LAST
    assert len({message["chat"] for message in messages}) == 2 * SNAPSHOT // LAST


async def test_two_runs_can_be_told_apart(telegram: Harness) -> None:
    """The same numbers mean other people in another run."""
    assert Chats(telegram.emulator).snapshot()["run"] != Chats(telegram.emulator).snapshot()["run"]
