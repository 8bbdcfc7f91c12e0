"""What the page shows of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.page.messages import NOT_SHOWN, QUOTE, shown, summary
from tests.unit.telegram_emulator.harness import Harness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = -7
ANN: dict[str, Any] = {"id": 5, "is_bot": False, "first_name": "Ann", "last_name": "Lee"}
BEN: dict[str, Any] = {"id": 6, "is_bot": False, "first_name": "Ben"}


@pytest.fixture
async def telegram() -> AsyncIterator[Harness]:
    """Return an emulator with a group of Ann and Ben."""
    harness = Harness()
    harness.emulator.world.users.update({5: ANN, 6: BEN})
    await harness.order("groups", chat_id=GROUP, title="Lunch", user_ids=[5, 6])
    yield harness
    await harness.close()


def _shown(telegram: Harness, content: dict[str, Any], sender: dict[str, Any] | None = ANN) -> dict[str, Any]:
    world = telegram.emulator.world
    message = world.post(world.chats[GROUP], sender, content)
    return shown(world, world.chats[GROUP], message["message_id"])


async def test_a_message_is_flat_and_lacks_what_it_lacks(telegram: Harness) -> None:
    """No ids of files, no empty fields."""
    assert _shown(telegram, {"text": "hi"}) == {
        "chat": GROUP,
        "id": 2,
        "date": 1_800_000_000,
        "from": 5,
        "name": "Ann Lee",
        "by_bot": False,
        "text": "hi",
    }


async def test_a_message_has_the_present_name_of_its_author(telegram: Harness) -> None:
    """Who was renamed since is called by the new name, in quotes too."""
    world = telegram.emulator.world
    first = world.post(world.chats[GROUP], ANN, {"text": "one"})
    world.rename(5, {"first_name": "Anna"})
    reply = _shown(telegram, {"text": "two", "reply_to_message": first}, BEN)
    assert reply["reply"] == {"id": first["message_id"], "name": "Anna Lee", "text": "one"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"new_chat_members": [ANN]}, "Ann Lee joined the group"),
        ({"new_chat_members": [BEN]}, "Ann Lee added Ben"),
        ({"left_chat_member": ANN}, "Ann Lee left the group"),
        ({"left_chat_member": BEN}, "Ann Lee removed Ben"),
        ({"new_chat_title": "Din{n}er"}, "Ann Lee changed the group's name to “Din{n}er”"),
        ({"new_chat_photo": []}, "Ann Lee changed the group's photo"),
        ({"delete_chat_photo": True}, "Ann Lee removed the group's photo"),
        ({"pinned_message": {"text": "read  this"}}, "Ann Lee pinned “read this”"),
        ({"migrate_to_chat_id": -1}, "The group became a supergroup"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_what_happened_to_a_chat_is_a_sentence(telegram: Harness, content: dict[str, Any], sentence: str) -> None:
    """It says who did what."""
    assert _shown(telegram, content)["service"] == sentence


async def test_files_have_an_address_and_others_none(telegram: Harness) -> None:
    """A file of a raw update is not here, and is told from one that is."""
    world = telegram.emulator.world
    file = world.store_file("list.csv", "text/csv", b"1,2", "documents")
    document = file.describe() | {"file_name": "list.csv"}
    media = {"kind": "document", "url": f"/page/files/{file.unique_id}", "name": "list.csv", "size": 3}
    assert _shown(telegram, {"document": document})["media"] == media
    assert _shown(telegram, {"photo": [{"file_id": "elsewhere"}]})["media"] == {"kind": "photo", "url": None}


@pytest.mark.parametrize(
    ("content", "media"),
    [
        ({"contact": {"first_name": "Zoe", "phone_number": "+1"}}, {"kind": "contact", "name": "Zoe", "phone": "+1"}),
        (
            {"location": {"latitude": 1.5, "longitude": 2}},
            {"kind": "location", "latitude": 1.5, "longitude": 2},
        ),
        ({"video_note": {}}, None),
        ({"video_note": {"file_id": "x"}}, {"kind": "other", "what": "video note"}),
    ],
    ids=["contact", "location", "empty", "other"],
)
async def test_other_media_say_what_they_are(
    telegram: Harness, content: dict[str, Any], media: dict[str, Any] | None
) -> None:
    """What the page can't show is named."""
    expected = media or {"kind": "other", "what": "video note"}
    assert _shown(telegram, content)["media"] == expected


async def test_a_forwarded_message_names_its_origin(telegram: Harness) -> None:
    """By person, by hidden name or by chat."""
    origins: list[dict[str, Any]] = [
        {"sender_user": BEN},
        {"sender_user_name": "Somebody's aunt"},
        {"chat": {"title": "News"}},
        {},
    ]
    names = [_shown(telegram, {"text": "x", "forward_origin": {"type": "x", **one}})["forwarded"] for one in origins]
    assert names == ["Ben", "Somebody's aunt", "News", "somebody"]


async def test_the_bots_reactions_are_shown(telegram: Harness) -> None:
    """As emoji."""
    await telegram.result(
        "setMessageReaction", chat_id=GROUP, message_id=1, reaction=[{"type": "emoji", "emoji": "👍"}]
    )
    world = telegram.emulator.world
    assert shown(world, world.chats[GROUP], 1)["reactions"] == ["👍"]


async def test_a_message_of_any_shape_is_shown(telegram: Harness) -> None:
    """A raw update can hold nothing but an id and a date."""
    bare = {"message_id": 9, "date": 1, "chat": {"id": GROUP, "type": "group", "title": "Lunch"}}
    await telegram.order("updates", message=bare)
    world = telegram.emulator.world
    assert shown(world, world.chats[GROUP], 9)["name"] == "Lunch"


def test_a_summary_is_one_short_line() -> None:
    """Long texts are cut, messages without a text say what they are."""
    assert summary({"text": "one\n two"}) == "one two"
    assert len(summary({"text": "x" * 999})) == QUOTE
    assert [summary({"photo": []}), summary({"document": {"file_name": "a.txt"}}), summary({})] == [
        "Photo",
        "a.txt",
        "Message",
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"from": "Ann"},
        {"text": 7},
        {"text": "a", "entities": "bold"},
        {"photo": 5},
        {"reply_to_message": 5},
        {"new_chat_members": [7]},
        {"reply_markup": "buttons"},
        {"reply_markup": {"inline_keyboard": ["button"]}},
    ],
    ids=str,
)
async def test_a_message_of_no_shape_of_telegrams_is_said_to_be_there(
    telegram: Harness, content: dict[str, Any]
) -> None:
    """Raw updates can bring any; the page shows the others as ever."""
    assert _shown(telegram, content) == {
        "chat": GROUP, "id": 2, "date": 0, "name": "", "by_bot": False, "service": NOT_SHOWN,
    }  # fmt: skip


async def test_a_name_that_is_no_text_is_shown_as_one(telegram: Harness) -> None:
    """Whoever has it can still be chosen from the list."""
    telegram.emulator.world.users[5] = ANN | {"first_name": 7, "last_name": ""}
    assert _shown(telegram, {"text": "hi"})["name"] == "7"
