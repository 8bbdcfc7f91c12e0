"""Orders by which people send files, contacts and places, and make groups and people."""

from typing import Any

import pytest

from local.telegram.sending import MAX_CAPTION, MAX_PHOTO_BYTES
from tests.unit.telegram_emulator.harness import Harness

GROUP = -1000000000001


async def _send(telegram: Harness, kind: str, data: bytes, **fields: str) -> Any:
    form = {"chat_id": "5", **fields}
    return await telegram.client.post(f"/control/{kind}s", data=form, files={kind: ("cat.png", data, "image/png")})


@pytest.mark.parametrize("kind", ["photo", "document"])
async def test_a_bot_downloads_what_a_person_sent(telegram: Harness, kind: str) -> None:
    """The update has the file and the caption with its entities, and getFile serves the bytes."""
    await telegram.forget()
    response = await _send(telegram, kind, b"meow", caption="see /help", reply_to_message_id="1")
    (message,) = await telegram.updates(response.json()["update_id"])
    assert (message["from"]["id"], message["caption"], message["reply_to_message"]["message_id"]) == (5, "see /help", 1)
    assert message["caption_entities"] == [{"type": "bot_command", "offset": 4, "length": 5}]
    sent = message["photo"][-1] if kind == "photo" else message["document"]
    path = (await telegram.result("getFile", file_id=sent["file_id"]))["file_path"]
    assert (await telegram.client.get(f"/file/bot123456:local/{path}")).content == b"meow"
    assert (await telegram.look("chats/5/messages"))[-1]["media"] == kind


async def test_a_file_of_a_person_can_be_sent_on(telegram: Harness) -> None:
    """A bot sends what it got by its file_id, or copies the message."""
    await telegram.forget()
    response = await _send(telegram, "photo", b"meow")
    (message,) = await telegram.updates(response.json()["update_id"])
    again = await telegram.result("sendPhoto", chat_id=5, photo=message["photo"][-1]["file_id"])
    assert again["photo"][-1]["file_unique_id"] == message["photo"][-1]["file_unique_id"]
    await telegram.result("copyMessage", chat_id=5, from_chat_id=5, message_id=message["message_id"])


@pytest.mark.parametrize(
    ("fields", "data", "status", "words"),
    [
        ({"chat_id": "nowhere"}, b"meow", 400, "'chat_id' must be a whole number"),
        ({"caption": "x" * (MAX_CAPTION + 1)}, b"meow", 400, "'caption' must have at most 1024 characters"),
        ({"title": "x"}, b"meow", 400, "unknown field 'title'"),
        ({}, b"", 400, "the photo isn't taken: Bad Request: file must be non-empty"),
        ({}, b"x" * (MAX_PHOTO_BYTES + 1), 413, "the photo isn't taken: Request Entity Too Large"),
        ({"reply_to_message_id": "99"}, b"meow", 404, "chat 5 has no message 99"),
    ],
    ids=["no chat", "long caption", "unknown field", "empty", "too large", "reply to nothing"],
)
async def test_a_file_that_cannot_be_sent_says_why(
    telegram: Harness, fields: dict[str, str], data: bytes, status: int, words: str
) -> None:
    """The order is refused with a sentence and nothing arrives."""
    await telegram.forget()
    response = await _send(telegram, "photo", data, **fields)
    assert response.status_code == status
    assert response.json()["error"].startswith(words)
    assert await telegram.updates() == []


async def test_an_order_without_its_file_says_how_to_send_one(telegram: Harness) -> None:
    """JSON has no room for a file."""
    assert await telegram.refused("documents", {"chat_id": 5}) == (
        400,
        "'document' is missing: send a multipart body with the file, as curl -F document=@FILE does",
    )


async def test_a_shared_contact_is_the_persons_own(telegram: Harness) -> None:
    """It carries their id, by which a bot knows that it is; with a name it is somebody else's."""
    await telegram.forget()
    await telegram.order("contacts", chat_id=5, phone_number="+1555")
    await telegram.order("contacts", chat_id=5, phone_number="+1666", first_name="Zoe")
    own, other = [message["contact"] for message in await telegram.updates()]
    assert own == {"phone_number": "+1555", "user_id": 5, "first_name": "User 5"}
    assert other == {"phone_number": "+1666", "first_name": "Zoe"}
    assert (await telegram.refused("contacts", {"chat_id": 5, "phone_number": " "}))[0] == 400


async def test_a_place_is_where_on_earth(telegram: Harness) -> None:
    """Latitude and longitude arrive as they were given, if there is such a place."""
    await telegram.forget()
    await telegram.order("locations", chat_id=GROUP, user_id=5, latitude=52.5, longitude=-13)
    (message,) = await telegram.updates()
    assert message["location"] == {"latitude": 52.5, "longitude": -13}
    assert (await telegram.refused("locations", {"chat_id": 5, "latitude": 91, "longitude": 0}))[0] == 400


async def test_a_group_is_made_with_its_people_and_then_the_bot(telegram: Harness) -> None:
    """Its first person owns it, all are in it, and the bot is told that it was added, and of nothing else."""
    await telegram.order("users", user_id=6)
    await telegram.forget()
    made = await telegram.order("groups", title=" Lunch ", user_ids=[6, 5])
    change, message = await telegram.updates()
    assert (change["chat"], change["from"]["id"]) == ({"id": made["chat_id"], "type": "group", "title": "Lunch"}, 6)
    assert change["new_chat_member"]["status"] == "member"
    assert [user["id"] for user in message["new_chat_members"]] == [123456]
    assert await telegram.result("getChatMemberCount", chat_id=made["chat_id"]) == 3
    (owner,) = await telegram.result("getChatAdministrators", chat_id=made["chat_id"])
    assert (owner["status"], owner["user"]["id"]) == ("creator", 6)
    other = await telegram.order("groups", title="Dinner", user_ids=[5], chat_type="supergroup")
    assert (made["chat_id"], other["chat_id"]) == (-1, GROUP - 1)


@pytest.mark.parametrize(
    "body",
    [
        {"title": " ", "user_ids": [5]},
        {"title": "x", "user_ids": []},
        {"title": "x", "user_ids": [404]},
        {"title": "x", "user_ids": ["5"]},
        {"title": "x", "user_ids": [5, 123456]},
        {"title": "x", "user_ids": [5], "chat_type": "channel"},
        {"title": "x", "user_ids": [5], "chat_id": 7},
        {"title": "x", "user_ids": [5], "chat_id": GROUP, "chat_type": "supergroup"},
    ],
    ids=["no title", "nobody", "a stranger", "no number", "the bot", "a channel", "a positive id", "one that exists"],
)
async def test_a_group_that_cannot_be_is_refused(telegram: Harness, body: dict[str, Any]) -> None:
    """No update tells of it."""
    await telegram.forget()
    assert (await telegram.refused("groups", body))[0] in (400, 409)
    assert await telegram.updates() == []


async def test_somebody_new_gets_the_next_id(telegram: Harness) -> None:
    """They have the names that were given and have not met the bot."""
    made = await telegram.order("users", first_name="Dora", language_code="de")
    assert (made["id"], made["first_name"], made["language_code"]) == (6, "Dora", "de")
    assert await telegram.error("sendMessage", chat_id=6, text="hi") == (
        403,
        "Forbidden: bot can't initiate conversation with a user",
    )
    assert (await telegram.refused("users", {"language_code": "de"}))[0] == 400
