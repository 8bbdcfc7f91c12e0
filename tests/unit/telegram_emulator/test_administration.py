"""The methods that change chats and their members."""

from typing import Any

import pytest

from tests.unit.telegram_emulator.harness import API, Harness

GROUP = -1000000000001
BOT_ID = 123456
PHOTO = {"photo": ("p.jpg", b"photo bytes", "image/jpeg")}
NO_PIN = "not enough rights to manage pinned messages in the chat"
NO_RESTRICT = "not enough rights to restrict/unrestrict chat member"


async def member(telegram: Harness, user_id: int) -> dict[str, Any]:
    """Return the ChatMember of a user of the supergroup."""
    answer: dict[str, Any] = await telegram.result("getChatMember", chat_id=GROUP, user_id=user_id)
    return answer


async def test_a_new_title_is_shown_and_told(administrator: Harness) -> None:
    """A call of setChatTitle changes the chat and comes back as the bot's own service message, once."""
    await administrator.forget()
    for _ in range(2):
        assert await administrator.result("setChatTitle", chat_id=GROUP, title=" Our \n lunch ") is True
    (message,) = await administrator.updates()
    assert (message["new_chat_title"], message["from"]["id"], message["chat"]["title"]) == (
        "Our lunch",
        BOT_ID,
        "Our lunch",
    )
    assert (await administrator.result("getChat", chat_id=GROUP))["title"] == "Our lunch"


async def test_the_bots_own_doings_are_nobodys_words(administrator: Harness) -> None:
    """A send after the bot's own change is no reply: it counts as bulk."""
    for _ in range(4):
        await administrator.result("sendMessage", chat_id=GROUP, text="settles what was heard")
    await administrator.clock.advance(60)
    await administrator.result("setChatTitle", chat_id=GROUP, title="Lunch")
    for user_id in range(100, 130):
        administrator.emulator.limits.send(user_id)
    assert await administrator.error("sendMessage", chat_id=GROUP, text="x") == (
        429,
        "Too Many Requests: retry after 1",
    )


async def test_a_description_is_shown_and_not_told(administrator: Harness) -> None:
    """A new description changes getChat and nothing else; the same again is a 400; left out, it is taken away."""
    await administrator.forget()
    await administrator.result("setChatDescription", chat_id=GROUP, description="d" * 300)
    assert (await administrator.result("getChat", chat_id=GROUP))["description"] == "d" * 255
    error = await administrator.error("setChatDescription", chat_id=GROUP, description="d" * 255)
    assert error == (400, "Bad Request: chat description is not modified")
    await administrator.result("setChatDescription", chat_id=GROUP)
    assert "description" not in await administrator.result("getChat", chat_id=GROUP)
    assert await administrator.updates() == []


async def test_a_photo_is_set_and_taken_away(administrator: Harness) -> None:
    """Both are told by a service message, and getChat has the photo between them."""
    await administrator.forget()
    response = await administrator.client.post(f"{API}/setChatPhoto", data={"chat_id": str(GROUP)}, files=PHOTO)
    assert response.json() == {"ok": True, "result": True}
    photo = (await administrator.result("getChat", chat_id=GROUP))["photo"]
    for _ in range(2):
        await administrator.result("deleteChatPhoto", chat_id=GROUP)
    assert "photo" not in await administrator.result("getChat", chat_id=GROUP)
    new, gone = await administrator.updates()
    assert (new["new_chat_photo"][-1]["file_id"], gone["delete_chat_photo"]) == (photo["big_file_id"], True)


async def test_a_photo_must_be_uploaded(administrator: Harness) -> None:
    """A file_id isn't taken, nor is nothing."""
    for parameters, description in (
        ({"photo": "AgAC"}, "Bad Request: photo must be uploaded as an InputFile"),
        ({}, "Bad Request: there is no photo in the request"),
    ):
        assert await administrator.error("setChatPhoto", chat_id=GROUP, **parameters) == (400, description)


@pytest.mark.parametrize(
    ("given", "independent", "allowed"),
    [
        ({"can_send_polls": True}, "false", {"can_send_messages", "can_send_polls"}),
        ({"can_send_polls": True}, "true", {"can_send_polls"}),
        ({"can_pin_messages": True}, "false", {"can_pin_messages", "can_edit_tag", "can_manage_topics"}),
        ({"can_add_web_page_previews": True, "can_react_to_messages": False}, "false", {
            "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
            "can_send_video_notes", "can_send_voice_notes", "can_add_web_page_previews"}),
    ],
)  # fmt: skip
async def test_permissions_imply_others(
    administrator: Harness, given: dict[str, bool], independent: str, allowed: set[str]
) -> None:
    """A call of setChatPermissions sets all that aren't named to false, but for what is implied unless independent."""
    plain = {"can_react_to_messages": False} | given
    parameters = {"permissions": plain, "use_independent_chat_permissions": independent}
    await administrator.result("setChatPermissions", chat_id=GROUP, **parameters)
    permissions = (await administrator.result("getChat", chat_id=GROUP))["permissions"]
    assert {name for name, is_allowed in permissions.items() if is_allowed} == allowed


async def test_pins_are_shown_and_told(administrator: Harness) -> None:
    """The latest sent of the pinned messages is shown; a pin is told, once, and unpinning isn't."""
    sent = await administrator.result("sendMessage", chat_id=GROUP, text="x", reply_parameters={"message_id": 1})
    await administrator.forget()

    async def pinned() -> int | None:
        chat = await administrator.result("getChat", chat_id=GROUP)
        shown: int | None = chat.get("pinned_message", {}).get("message_id")
        return shown

    for message_id in (sent["message_id"], 1, 1):
        await administrator.result("pinChatMessage", chat_id=GROUP, message_id=message_id)
    first, second = await administrator.updates()
    assert (first["pinned_message"]["text"], "reply_to_message" in first["pinned_message"]) == ("x", False)
    assert (second["pinned_message"]["message_id"], second["from"]["id"]) == (1, BOT_ID)
    assert await pinned() == sent["message_id"]
    await administrator.result("unpinChatMessage", chat_id=GROUP)
    assert await pinned() == 1
    await administrator.result("unpinChatMessage", chat_id=GROUP, message_id=1)
    assert await pinned() is None
    error = await administrator.error("unpinChatMessage", chat_id=GROUP)
    assert error == (400, "Bad Request: message to unpin not found")
    await administrator.result("pinChatMessage", chat_id=GROUP, message_id=1)
    await administrator.result("unpinAllChatMessages", chat_id=GROUP)
    assert await pinned() is None


async def test_a_deleted_message_is_pinned_no_more(telegram: Harness) -> None:
    """In a private chat the bot pins without rights, and what is deleted isn't pinned."""
    await telegram.result("pinChatMessage", chat_id=5, message_id=1)
    assert (await telegram.result("getChat", chat_id=5))["pinned_message"]["text"] == "hello"
    await telegram.result("deleteMessage", chat_id=5, message_id=1)
    assert "pinned_message" not in await telegram.result("getChat", chat_id=5)


async def test_leaving_is_told_and_final(telegram: Harness) -> None:
    """Leaving is a my_chat_member update and a message by the bot itself; afterwards it is no member."""
    await telegram.forget()
    assert await telegram.result("leaveChat", chat_id=GROUP) is True
    change, message = await telegram.updates()
    assert (change["from"]["id"], change["old_chat_member"]["status"]) == (BOT_ID, "member")
    assert (change["new_chat_member"]["status"], message["left_chat_member"]["id"]) == ("left", BOT_ID)
    error = await telegram.error("leaveChat", chat_id=GROUP)
    assert error == (403, "Forbidden: bot is not a member of the supergroup chat")


async def test_a_ban_and_its_end(administrator: Harness) -> None:
    """A banned user is removed, with both updates by the bot, and comes back after the date or an unban."""
    await administrator.forget()
    until_date = 1_800_000_000 + 100
    await administrator.result("banChatMember", chat_id=GROUP, user_id=6, until_date=until_date)
    change, message = await administrator.updates()
    assert (change["from"]["id"], change["new_chat_member"]["until_date"]) == (BOT_ID, until_date)
    assert (message["from"]["id"], message["left_chat_member"]["id"]) == (BOT_ID, 6)
    assert (await member(administrator, 6))["status"] == "kicked"
    await administrator.clock.advance(100)
    assert (await member(administrator, 6))["status"] == "left"
    await administrator.result("banChatMember", chat_id=GROUP, user_id=6, until_date=until_date + 10)
    assert (await member(administrator, 6))["until_date"] == 0  # too short a ban is forever
    await administrator.result("unbanChatMember", chat_id=GROUP, user_id=6, only_if_banned=True)
    assert (await member(administrator, 6))["status"] == "left"


async def test_an_unban_removes_a_member(administrator: Harness) -> None:
    """An unban of a member removes them, unless only_if_banned."""
    await administrator.result("unbanChatMember", chat_id=GROUP, user_id=6, only_if_banned=True)
    assert (await member(administrator, 6))["status"] == "member"
    await administrator.result("unbanChatMember", chat_id=GROUP, user_id=6)
    assert (await member(administrator, 6))["status"] == "left"


async def test_a_basic_group_only_removes(telegram: Harness) -> None:
    """In a group a ban makes a user leave, and a user who isn't there can't be banned."""
    await telegram.order("messages", chat_id=-7, text="x", user_id=5)
    await telegram.order("members", chat_id=-7, user_id=6, status="member")
    ban = {"chat_id": -7, "user_id": 6}
    assert await telegram.error("banChatMember", **ban) == (400, "Bad Request: CHAT_ADMIN_REQUIRED")
    await telegram.order("members", chat_id=-7, status="administrator")
    await telegram.result("banChatMember", **ban)
    assert (await telegram.result("getChatMember", **ban))["status"] == "left"
    assert await telegram.error("banChatMember", **ban) == (400, "Bad Request: USER_NOT_PARTICIPANT")


async def test_a_restriction_and_its_end(administrator: Harness) -> None:
    """A restricted user has what is allowed and nothing else; all permissions make a plain member again."""
    await administrator.forget()
    permissions = {"can_send_messages": True}
    restrict = {"chat_id": GROUP, "user_id": 6}
    await administrator.result("restrictChatMember", **restrict, permissions=permissions, until_date=1_800_000_100)
    restricted = await member(administrator, 6)
    assert [name for name, is_allowed in restricted.items() if is_allowed is True] == [
        "is_member",
        "can_send_messages",
        "can_react_to_messages",
    ]
    everything = {name: True for name in restricted if name.startswith("can_")}
    await administrator.result("restrictChatMember", **restrict, permissions=everything)
    assert (await member(administrator, 6))["status"] == "member"
    changes = await administrator.updates()
    assert [change["new_chat_member"]["status"] for change in changes] == ["restricted", "member"]


async def test_promotion_and_demotion_by_the_bot(administrator: Harness) -> None:
    """A promotion makes an administrator whom the bot can edit, and a member again; each is one update."""
    await administrator.forget()
    promote = {"chat_id": GROUP, "user_id": 6}
    for _ in range(2):
        await administrator.result("promoteChatMember", **promote, can_pin_messages=True)
    promoted = await member(administrator, 6)
    assert [name for name, is_granted in promoted.items() if is_granted is True] == [
        "can_be_edited",
        "can_manage_chat",
        "can_pin_messages",
    ]
    leaders = await administrator.result("getChatAdministrators", chat_id=GROUP)
    assert sorted(leader["user"]["id"] for leader in leaders) == [5, 6, BOT_ID]
    await administrator.result("promoteChatMember", **promote)
    changes = await administrator.updates()
    assert [change["new_chat_member"]["status"] for change in changes] == ["administrator", "member"]


async def test_a_bot_grants_no_more_than_it_has(telegram: Harness) -> None:
    """A right that the bot lacks it can't grant, and another's administrator it can't edit."""
    rights = ["can_promote_members"]
    await telegram.order("members", chat_id=GROUP, status="administrator", rights=rights)
    await telegram.order("members", chat_id=GROUP, user_id=6, status="member")
    promote = {"chat_id": GROUP, "user_id": 6, "can_pin_messages": True}
    assert await telegram.error("promoteChatMember", **promote) == (400, "Bad Request: RIGHT_FORBIDDEN")
    await telegram.order("members", chat_id=GROUP, user_id=6, status="administrator")
    assert await telegram.error("promoteChatMember", **promote) == (400, "Bad Request: CHAT_ADMIN_REQUIRED")


@pytest.mark.parametrize(
    ("method", "parameters", "lacking", "in_private"),
    [
        ("setChatTitle", {"title": "x"}, "not enough rights to change chat title", "can't change private chat title"),
        ("setChatDescription", {"description": "x"}, "not enough rights to set chat description",
         "can't change private chat description"),
        ("deleteChatPhoto", {}, "not enough rights to change chat photo", "can't change private chat photo"),
        ("setChatPermissions", {"permissions": {}}, "not enough rights to change chat permissions",
         "can't change private chat permissions"),
        ("pinChatMessage", {"message_id": 1}, NO_PIN, None),
        ("unpinChatMessage", {"message_id": 1}, NO_PIN, None),
        ("unpinAllChatMessages", {}, NO_PIN, None),
        ("banChatMember", {"user_id": 6}, NO_RESTRICT, "can't ban members in private chats"),
        ("unbanChatMember", {"user_id": 6}, NO_RESTRICT,
         "method is available for supergroup and channel chats only"),
        ("restrictChatMember", {"user_id": 6, "permissions": {}}, NO_RESTRICT,
         "method is available only for supergroups"),
        ("promoteChatMember", {"user_id": 6}, "not enough rights",
         "method is available for supergroup and channel chats only"),
        ("leaveChat", {}, None, "can't leave private chats"),
    ],
)  # fmt: skip
async def test_rights_and_types_are_checked(
    telegram: Harness, method: str, parameters: dict[str, Any], lacking: str | None, in_private: str | None
) -> None:
    """Without its right, as a member or an administrator, and in a private chat a method is Telegram's 400."""
    await telegram.order("members", chat_id=GROUP, user_id=6, status="member")
    for standing in ({}, {"status": "administrator", "rights": []}) if lacking else ():
        if standing:
            await telegram.order("members", chat_id=GROUP, **standing)
        error = await telegram.error(method, chat_id=GROUP, **parameters)
        assert error == (400, f"Bad Request: {lacking}")
    if in_private:
        assert await telegram.error(method, chat_id=5, **parameters) == (400, f"Bad Request: {in_private}")
    assert await telegram.error(method, chat_id=404, **parameters) == (400, "Bad Request: chat not found")


@pytest.mark.parametrize(
    ("method", "parameters", "description"),
    [
        ("setChatTitle", {"title": " \n"}, "title must be non-empty"),
        ("setChatPermissions", {}, "can't parse permissions JSON object"),
        ("setChatPermissions", {"permissions": []}, "object expected as permissions"),
        ("setChatPermissions", {"permissions": {"can_send_photos": "yes"}},
         'can\'t parse chat permissions: Field "can_send_photos" must be of type Boolean'),
        ("pinChatMessage", {"message_id": 99}, "message to pin not found"),
        ("unpinChatMessage", {"message_id": 99}, "message to unpin not found"),
        ("banChatMember", {"user_id": 5}, "can't remove chat owner"),
        ("banChatMember", {"user_id": BOT_ID}, "can't restrict self"),
        ("banChatMember", {"user_id": 7}, "user is an administrator of the chat"),
        ("banChatMember", {"user_id": 99}, "user not found"),
        ("banChatMember", {}, "invalid user_id specified"),
        ("restrictChatMember", {"user_id": 7, "permissions": {}}, "user is an administrator of the chat"),
        ("promoteChatMember", {"user_id": 5}, "can't remove chat owner"),
        ("promoteChatMember", {"user_id": BOT_ID}, "can't promote self"),
        ("promoteChatMember", {"user_id": 8}, "USER_NOT_PARTICIPANT"),
        ("setMessageReaction", {"message_id": 99}, "message to react not found"),
        ("setMessageReaction", {"message_id": 1, "reaction": {}}, None),
        ("setMessageReaction", {"message_id": 1, "reaction": {"type": "emoji"}}, "expected an Array of ReactionType"),
        ("setMessageReaction", {"message_id": 1, "reaction": [{"type": "paid"}]}, "REACTION_INVALID"),
        ("setMessageReaction", {"message_id": 1, "reaction": [{"type": "emoji", "emoji": "👍"}] * 2},
         "REACTIONS_TOO_MANY"),
        ("forwardMessage", {"from_chat_id": 5, "message_id": 99}, "message to forward not found"),
    ],
)  # fmt: skip
async def test_telegrams_errors(
    administrator: Harness, method: str, parameters: dict[str, Any], description: str | None
) -> None:
    """What an administrator can't do either is refused with Telegram's text."""
    await administrator.order("members", chat_id=GROUP, user_id=7, status="administrator")
    await administrator.order("users", user_id=8)
    answer = await administrator.call(method, chat_id=GROUP, **parameters)
    assert answer.get("description") == (f"Bad Request: {description}" if description else None)


async def test_permissions_are_no_channels(telegram: Harness) -> None:
    """A channel has no permissions to set."""
    await telegram.order("messages", chat_id=-8, chat_type="channel", text="x")
    error = await telegram.error("setChatPermissions", chat_id=-8, permissions={})
    assert error == (400, "Bad Request: can't change channel chat permissions")


async def test_a_reaction_is_shown_and_not_told(telegram: Harness) -> None:
    """The transcript has the bot's reaction until it is taken back, and no update has it."""
    await telegram.forget()
    reaction = [{"type": "emoji", "emoji": "👍"}]
    await telegram.result("setMessageReaction", chat_id=5, message_id=1, reaction=reaction)
    assert (await telegram.look("chats/5/messages"))[0]["reactions"] == reaction
    await telegram.result("setMessageReaction", chat_id=5, message_id=1)
    assert "reactions" not in (await telegram.look("chats/5/messages"))[0]
    assert await telegram.updates() == []


async def test_a_forward_has_its_origin(telegram: Harness) -> None:
    """A forwarded message names who wrote it, through a second forward too, and a channel's post its channel."""
    await telegram.order("messages", chat_id=-8, chat_type="channel", text="news")
    origin = {"type": "user", "sender_user": telegram.emulator.world.user(5), "date": 1_800_000_000}
    for source, message_id in ((5, 1), (GROUP, 2)):
        forward = {"chat_id": GROUP, "from_chat_id": source, "message_id": message_id}
        message = await telegram.result("forwardMessage", **forward)
        assert (message["text"], message["forward_origin"]) == ("hello", origin)
    post = await telegram.result("forwardMessage", chat_id=5, from_chat_id=-8, message_id=1)
    assert (post["forward_origin"]["type"], post["forward_origin"]["chat"]["id"]) == ("channel", -8)
