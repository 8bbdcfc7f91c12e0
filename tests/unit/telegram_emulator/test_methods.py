"""The Bot API's methods, called in process."""

import json
from typing import Any

import pytest

from tests.unit.telegram_emulator.harness import API, Harness

GROUP = -1000000000001
BUTTONS = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_a_message_is_returned_and_kept(telegram: Harness) -> None:
    """What sendMessage returns is a whole Message, and the transcript shows it."""
    message = await telegram.result("sendMessage", chat_id=5, text="<b>Hi</b> /help", parse_mode="HTML")
    assert message == {
        "message_id": 2,
        "from": {"id": 123456, "is_bot": True, "first_name": "Local bot", "username": "floodgate_local_bot"},
        "chat": {"id": 5, "type": "private", "first_name": "User 5", "username": "user5"},
        "date": 1_800_000_000,
        "text": "Hi /help",
        "entities": [
            {"type": "bold", "offset": 0, "length": 2},
            {"type": "bot_command", "offset": 3, "length": 5},
        ],
    }
    assert [line["text"] for line in await telegram.look("chats/5/messages")] == ["hello", "Hi /help"]


@pytest.mark.parametrize("how", ["query", "json", "form", "multipart", "mixed"])
async def test_parameters_are_taken_from_wherever_they_are(telegram: Harness, how: str) -> None:
    """Query string, JSON, form and multipart bodies, by GET or POST, all name the same message."""
    url = f"{API}/SENDMESSAGE"
    given = {"chat_id": "5", "text": "übung", "reply_markup": json.dumps(BUTTONS)}
    if how == "query":
        response = await telegram.client.get(url, params=given)
    elif how == "json":
        response = await telegram.client.post(url, json={"chat_id": 5, "text": "übung", "reply_markup": BUTTONS})
    elif how == "form":
        response = await telegram.client.post(url, data=given)
    elif how == "multipart":
        files = {name: (None, value.encode()) for name, value in given.items()}
        response = await telegram.client.post(url, files=files)
    else:
        text = {"text": given.pop("text")}
        response = await telegram.client.post(url, params=given, data=text)
    message = response.json()["result"]
    assert (message["text"], message["reply_markup"]) == ("übung", BUTTONS)


@pytest.mark.parametrize(
    ("method", "parameters", "code", "description"),
    [
        ("sendMessage", {"text": "x"}, 400, "Bad Request: chat_id is empty"),
        ("sendMessage", {"chat_id": 99, "text": "x"}, 400, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": "nobody", "text": "x"}, 400, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": 5}, 400, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": 5, "text": " \n"}, 400, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": 5, "text": "x" * 4097}, 400, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_parameters": {"message_id": 77}}, 400,
         "Bad Request: message to be replied not found"),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_markup": []}, 400,
         "Bad Request: object expected as reply markup"),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a"}]]}}, 400,
         "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ("sendMessage", {"chat_id": 5, "text": "x", "reply_markup":
         {"inline_keyboard": [[{"text": "a", "callback_data": "ä" * 33}]]}}, 400, "Bad Request: BUTTON_DATA_INVALID"),
        ("sendPhoto", {"chat_id": 5}, 400, "Bad Request: there is no photo in the request"),
        ("sendDocument", {"chat_id": 5}, 400, "Bad Request: there is no document in the request"),
        ("sendMediaGroup", {"chat_id": 5, "media": []}, 400, "Bad Request: there are no messages to send"),
        ("copyMessage", {"chat_id": 5, "from_chat_id": 5, "message_id": 9}, 400,
         "Bad Request: message to copy not found"),
        ("editMessageText", {"chat_id": 5, "text": "x"}, 400, "Bad Request: message identifier is not specified"),
        ("editMessageText", {"chat_id": 5, "message_id": 9, "text": "x"}, 400,
         "Bad Request: message to edit not found"),
        ("editMessageText", {"chat_id": 5, "message_id": 1, "text": "x"}, 400,
         "Bad Request: message can't be edited"),
        ("deleteMessage", {"chat_id": 5, "message_id": 9}, 400, "Bad Request: message to delete not found"),
        ("deleteMessage", {"chat_id": GROUP, "message_id": 1}, 400, "Bad Request: message can't be deleted"),
        ("answerCallbackQuery", {"callback_query_id": "9"}, 400, TOO_OLD),
        ("answerInlineQuery", {"inline_query_id": "9", "results": []}, 400, TOO_OLD),
        ("sendChatAction", {"chat_id": 5, "action": "dance"}, 400, "Bad Request: wrong parameter action in request"),
        ("getChatMember", {"chat_id": 5, "user_id": 99}, 400, "Bad Request: user not found"),
        ("getChatMember", {"chat_id": 5}, 400, "Bad Request: invalid user_id specified"),
        ("getChatAdministrators", {"chat_id": 5}, 400,
         "Bad Request: there are no administrators in the private chat"),
        ("getUserProfilePhotos", {"user_id": 99}, 400, "Bad Request: user not found"),
        ("getFile", {"file_id": "x"}, 400, "Bad Request: invalid file_id"),
        ("setMyCommands", {"commands": [{"command": "No", "description": "d"}]}, 400,
         "Bad Request: BOT_COMMAND_INVALID"),
        ("sendDice", {"chat_id": 5}, 404, "Not Found: method not found"),
    ],
)  # fmt: skip
async def test_telegrams_errors(
    telegram: Harness, method: str, parameters: dict[str, Any], code: int, description: str
) -> None:
    """What Telegram refuses is refused with its code and its text, and charged to nobody."""
    for _ in range(6):
        assert await telegram.error(method, **parameters) == (code, description)


@pytest.mark.parametrize(
    ("token", "description"),
    [("123456:other", "Unauthorized"), ("123456", "Unauthorized: invalid token specified")],
)
async def test_a_bad_token_is_unauthorized(telegram: Harness, token: str, description: str) -> None:
    """Another token, for methods and for files, is answered 401."""
    for path in (f"/bot{token}/getMe", f"/file/bot{token}/photos/file_0"):
        response = await telegram.client.get(path)
        assert (response.status_code, response.json()["description"]) == (401, description)


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"text": "\\ud83d", "chat_id": 5}', b"\xff"])
async def test_an_unreadable_body_is_refused(telegram: Harness, body: bytes) -> None:
    """A body that is no JSON object in UTF-8 gets a 400, not a crash."""
    response = await telegram.client.post(
        f"{API}/sendMessage", content=body, headers={"content-type": "application/json"}
    )
    assert (response.status_code, response.json()["ok"]) == (400, False)


async def test_a_private_chat_takes_a_burst_and_then_waits(telegram: Harness) -> None:
    """The sixth message at once gets a 429 with retry_after, in body and header, and passes after that time."""
    for _ in range(5):
        await telegram.result("sendMessage", chat_id=5, text="x")
    response = await telegram.client.post(f"{API}/sendMessage", json={"chat_id": 5, "text": "x"})
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert response.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }
    await telegram.clock.advance(1)
    await telegram.result("sendMessage", chat_id=5, text="x")


async def test_a_file_can_be_sent_fetched_and_sent_again(telegram: Harness) -> None:
    """An uploaded document comes back byte for byte, and its file_id sends it again."""
    upload = {"document": ("notes.txt", b"some bytes", "text/plain")}
    response = await telegram.client.post(f"{API}/sendDocument", data={"chat_id": "5", "caption": "c"}, files=upload)
    message = response.json()["result"]
    assert (message["document"]["file_name"], message["caption"]) == ("notes.txt", "c")
    file = await telegram.result("getFile", file_id=message["document"]["file_id"])
    assert (await telegram.client.get(f"/file/bot123456:local/{file['file_path']}")).content == b"some bytes"
    again = await telegram.result("sendDocument", chat_id=5, document=file["file_id"])
    assert again["document"] == message["document"]
    assert (await telegram.client.get("/file/bot123456:local/nothing")).status_code == 404


async def test_an_album_is_one_group_of_messages(telegram: Harness) -> None:
    """Photos attached to sendMediaGroup become messages with one media_group_id; the transcript notes the media."""
    media = [{"type": "photo", "media": "attach://a", "caption": "first"}, {"type": "photo", "media": "attach://b"}]
    response = await telegram.client.post(
        f"{API}/sendMediaGroup",
        data={"chat_id": "5", "media": json.dumps(media)},
        files={"a": ("a.jpg", b"1"), "b": ("b.jpg", b"2")},
    )
    messages = response.json()["result"]
    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message["photo"][0]["file_size"] for message in messages] == [1, 1]
    shown = (await telegram.look("chats/5/messages"))[-2:]
    assert [(line["text"], line["media"]) for line in shown] == [("first", "photo"), ("", "photo")]


async def test_an_album_does_not_mix_documents_and_photos(telegram: Harness) -> None:
    """A document beside a photo, an attachment that isn't there, an eleventh item: each is refused."""
    files = {"a": ("a", b"1")}
    for media, sentence in (
        ([{"type": "photo", "media": "attach://a"}, {"type": "document", "media": "attach://a"}], "can't be mixed"),
        ([{"type": "photo", "media": "attach://b"}], "can't find the file b"),
        ([{"type": "photo", "media": "attach://a"}] * 11, "too many messages to send as an album"),
    ):
        response = await telegram.client.post(
            f"{API}/sendMediaGroup", data={"chat_id": "5", "media": json.dumps(media)}, files=files
        )
        assert sentence in response.json()["description"]


async def test_an_edit_changes_text_and_keyboard(telegram: Harness) -> None:
    """An edit replaces both, a repeat isn't modified, editMessageReplyMarkup replaces the keyboard alone."""
    sent = await telegram.result("sendMessage", chat_id=5, text="one", reply_markup=BUTTONS)
    place = {"chat_id": 5, "message_id": sent["message_id"]}
    edited = await telegram.result("editMessageText", **place, text="two")
    assert (edited["text"], edited.get("reply_markup"), edited["edit_date"]) == ("two", None, 1_800_000_000)
    code, description = await telegram.error("editMessageText", **place, text="two")
    assert (code, description.startswith("Bad Request: message is not modified: specified new message")) == (400, True)
    marked = await telegram.result("editMessageReplyMarkup", **place, reply_markup=BUTTONS)
    assert (marked["text"], marked["reply_markup"]) == ("two", BUTTONS)
    line = (await telegram.look("chats/5/messages"))[-1]
    assert {name: line[name] for name in ("text", "edited", "reply_markup")} == {
        "text": "two",
        "edited": True,
        "reply_markup": BUTTONS,
    }


async def test_an_edit_changes_a_photo_and_its_caption(telegram: Harness) -> None:
    """The caption alone, and the photo with it: each replaces what was there; a text has no caption."""
    photo = {"photo": ("one.png", b"one", "image/png")}
    sent = await telegram.client.post(f"{API}/sendPhoto", data={"chat_id": "5", "caption": "<b>a</b>"}, files=photo)
    first = sent.json()["result"]
    place = {"chat_id": 5, "message_id": first["message_id"]}
    edited = await telegram.result("editMessageCaption", **place, caption="two", reply_markup=BUTTONS)
    assert (edited["caption"], edited["photo"], edited["reply_markup"]) == ("two", first["photo"], BUTTONS)
    assert (await telegram.error("editMessageCaption", **place, caption="two", reply_markup=BUTTONS))[0] == 400
    media = json.dumps({"type": "photo", "media": "attach://new", "caption": "three"})
    answer = await telegram.client.post(
        f"{API}/editMessageMedia",
        data={"chat_id": "5", "message_id": str(first["message_id"]), "media": media},
        files={"new": ("two.png", b"two", "image/png")},
    )
    replaced = answer.json()["result"]
    assert (replaced["caption"], replaced.get("reply_markup")) == ("three", None)
    assert replaced["photo"][0]["file_id"] != first["photo"][0]["file_id"]
    assert [line["text"] for line in await telegram.look("chats/5/messages")][-1] == "three"
    text = await telegram.result("sendMessage", chat_id=5, text="words")
    assert await telegram.error("editMessageCaption", chat_id=5, message_id=text["message_id"], caption="x") == (
        400,
        "Bad Request: there is no caption in the message to edit",
    )
    assert await telegram.error("editMessageMedia", **place, media="x") == (
        400,
        "Bad Request: can't parse InputMedia JSON object",
    )


async def test_edits_share_the_chats_limits(telegram: Harness) -> None:
    """An edit is charged like a send and refused with a 429; one that modifies nothing, or is wrong, costs nothing."""
    sent = await telegram.result("sendMessage", chat_id=5, text="0")
    place = {"chat_id": 5, "message_id": sent["message_id"]}
    for text in "1234":
        await telegram.result("editMessageText", **place, text=text)
        code, description = await telegram.error("editMessageText", **place, text=text)
        assert (code, description.startswith("Bad Request: message is not modified")) == (400, True)
    for method, change in (("editMessageText", {"text": "5"}), ("editMessageReplyMarkup", {"reply_markup": BUTTONS})):
        answer = await telegram.call(method, **place, **change)
        assert (answer["error_code"], answer["parameters"]) == (429, {"retry_after": 1})
    assert await telegram.error("sendMessage", chat_id=5, text="x") == (429, "Too Many Requests: retry after 1")
    assert (await telegram.look("chats/5/messages"))[-1]["text"] == "4"
    await telegram.clock.advance(1)
    await telegram.result("editMessageReplyMarkup", **place, reply_markup=BUTTONS)


async def test_edits_share_the_groups_minute(telegram: Harness) -> None:
    """Ten sends and ten edits use up a group's 20 a minute."""
    for number in range(10):
        sent = await telegram.result("sendMessage", chat_id=GROUP, text="x")
        place = {"chat_id": GROUP, "message_id": sent["message_id"]}
        await telegram.result("editMessageText", **place, text=str(number))
        await telegram.clock.advance(2)
    answer = await telegram.call("editMessageText", **place, text="x")
    assert (answer["error_code"], answer["parameters"]) == (429, {"retry_after": 40})


async def test_a_deleted_message_is_gone(telegram: Harness) -> None:
    """After deleteMessage the transcript doesn't show it, and it can't be edited or deleted."""
    sent = await telegram.result("sendMessage", chat_id=5, text="one")
    place = {"chat_id": 5, "message_id": sent["message_id"]}
    assert await telegram.result("deleteMessage", **place) is True
    assert [line["text"] for line in await telegram.look("chats/5/messages")] == ["hello"]
    assert await telegram.error("deleteMessage", **place) == (400, "Bad Request: message to delete not found")


async def test_an_old_message_cannot_be_deleted(telegram: Harness) -> None:
    """After 48 hours deleteMessage is refused."""
    sent = await telegram.result("sendMessage", chat_id=5, text="one")
    await telegram.clock.advance(48 * 3600)
    error = await telegram.error("deleteMessage", chat_id=5, message_id=sent["message_id"])
    assert error == (400, "Bad Request: message can't be deleted")


async def test_a_copy_has_the_content_and_its_own_id(telegram: Harness) -> None:
    """The copy takes text from one chat to another and returns the new id."""
    copied = await telegram.result("copyMessage", chat_id=GROUP, from_chat_id=5, message_id=1)
    assert copied == {"message_id": 2}
    assert (await telegram.look(f"chats/{GROUP}/messages"))[-1]["from"] == "bot"


async def test_a_button_is_answered_in_time_only(telegram: Harness) -> None:
    """A callback query can be answered for 150 s and then is too old."""
    sent = await telegram.result("sendMessage", chat_id=5, text="x", reply_markup=BUTTONS)
    pressed = await telegram.order("callbacks", chat_id=5, message_id=sent["message_id"], data="go")
    query = pressed["callback_query_id"]
    assert await telegram.result("answerCallbackQuery", callback_query_id=query, text="ok") is True
    await telegram.clock.advance(151)
    assert await telegram.error("answerCallbackQuery", callback_query_id=query) == (400, TOO_OLD)


async def test_an_inline_query_is_answered(telegram: Harness) -> None:
    """An inline query that came in a raw update takes up to 50 results with their own ids."""
    await telegram.order("updates", inline_query={"id": "7", "from": {"id": 5}, "query": "q", "offset": ""})
    results = [{"type": "article", "id": str(number)} for number in range(50)]
    assert await telegram.result("answerInlineQuery", inline_query_id="7", results=results) is True
    twice = await telegram.error("answerInlineQuery", inline_query_id="7", results=[results[0], results[0]])
    assert twice == (400, "Bad Request: RESULT_ID_DUPLICATE")


async def test_a_bot_blocked_or_removed_is_forbidden(telegram: Harness) -> None:
    """Once a my_chat_member update says that the bot is out, sends are 403 in Telegram's words, until they speak."""
    kicked = {"status": "kicked", "user": telegram.emulator.world.bot, "until_date": 0}
    user = {"id": 5, "is_bot": False, "first_name": "User 5"}
    for chat, description in (
        ({"id": 5, "type": "private"}, "Forbidden: bot was blocked by the user"),
        ({"id": GROUP, "type": "supergroup"}, "Forbidden: bot was kicked from the supergroup chat"),
    ):
        await telegram.order("updates", my_chat_member={"chat": chat, "from": user, "new_chat_member": kicked})
        assert await telegram.error("sendMessage", chat_id=chat["id"], text="x") == (403, description)
    await telegram.order("messages", chat_id=5, text="back")
    await telegram.result("sendMessage", chat_id=5, text="x")


async def test_an_upgraded_group_names_its_supergroup(telegram: Harness) -> None:
    """Sends to a group that migrated get a 400 with migrate_to_chat_id."""
    chat = {"id": -7, "type": "group", "title": "g"}
    moved = {"message_id": 1, "date": 1, "chat": chat, "migrate_to_chat_id": -1000000000007}
    await telegram.order("updates", message=moved)
    answer = await telegram.call("sendMessage", chat_id=-7, text="x")
    assert answer["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert answer["parameters"] == {"migrate_to_chat_id": -1000000000007}


async def test_a_group_knows_its_members(telegram: Harness) -> None:
    """Its first speaker owns it, speakers and the bot are in it, others left; a raw update may promote."""
    await telegram.order("messages", chat_id=GROUP, text="me too", user_id=6)
    await telegram.order("messages", chat_id=7, text="not me")

    async def status(user_id: int) -> str:
        return str((await telegram.result("getChatMember", chat_id=GROUP, user_id=user_id))["status"])

    assert [await status(user_id) for user_id in (5, 6, 7, 123456)] == ["creator", "member", "left", "member"]
    assert await telegram.result("getChatMemberCount", chat_id=GROUP) == 3
    leaders = await telegram.result("getChatAdministrators", chat_id=GROUP)
    assert [leader["user"]["id"] for leader in leaders] == [5]
    assert (await telegram.result("getChat", chat_id=GROUP))["type"] == "supergroup"


async def test_commands_are_kept_by_scope_and_language(telegram: Harness) -> None:
    """Asking returns what setMyCommands set for the same scope and language, and nothing for others."""
    commands = [{"command": "start", "description": "Begin"}]
    await telegram.result("setMyCommands", commands=commands, scope={"type": "chat", "chat_id": 5}, language_code="de")
    there = {"scope": {"chat_id": 5, "type": "chat"}, "language_code": "de"}
    assert await telegram.result("getMyCommands", **there) == commands
    assert await telegram.result("getMyCommands") == []


async def test_what_nobody_has_is_empty(telegram: Harness) -> None:
    """Profile photos are none, a chat action is True."""
    assert await telegram.result("getUserProfilePhotos", user_id=5) == {"total_count": 0, "photos": []}
    assert await telegram.result("sendChatAction", chat_id=5, action="typing") is True


async def test_other_http_methods_are_not_allowed(telegram: Harness) -> None:
    """A PUT is answered 405 in the Bot API's form, a path that is none 404."""
    response = await telegram.client.put(f"{API}/getMe")
    assert (response.status_code, response.json()["ok"]) == (405, False)
    unknown = await telegram.client.get("/nothing/here")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, 404)
