"""Orders on members, chats and users, and the updates that they are told by."""

from typing import Any

import pytest

from tests.unit.telegram_emulator.harness import Harness

GROUP = -1000000000001


async def status(telegram: Harness, user_id: int) -> str:
    """Return what the user is in the supergroup, as the bot sees it."""
    return str((await telegram.result("getChatMember", chat_id=GROUP, user_id=user_id))["status"])


async def test_joining_and_leaving_are_told_to_an_administrator(administrator: Harness) -> None:
    """Each is a chat_member update by the user and a service message; the count follows."""
    await administrator.forget()
    joined = await administrator.order("members", chat_id=GROUP, user_id=7, status="member")
    change, message = await administrator.updates(*joined["update_ids"])
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("left", "member")
    assert (change["from"]["id"], [user["id"] for user in message["new_chat_members"]]) == (7, [7])
    assert await administrator.result("getChatMemberCount", chat_id=GROUP) == 4
    left = await administrator.order("members", chat_id=GROUP, user_id=7, status="left")
    change, message = await administrator.updates(*left["update_ids"])
    assert (change["new_chat_member"]["status"], change["from"]["id"]) == ("left", 7)
    assert (message["left_chat_member"]["id"], message["from"]["id"]) == (7, 7)
    assert await administrator.result("getChatMemberCount", chat_id=GROUP) == 3


async def test_a_plain_member_is_told_by_service_messages_alone(telegram: Harness) -> None:
    """A bot that is no administrator gets no chat_member update."""
    await telegram.forget()
    await telegram.order("members", chat_id=GROUP, user_id=7, status="member")
    await telegram.order("members", chat_id=GROUP, user_id=7, status="administrator")
    (message,) = await telegram.updates()
    assert message["new_chat_members"][0]["id"] == 7


async def test_the_default_updates_lack_chat_member(administrator: Harness) -> None:
    """As at Telegram, chat_member is delivered only to a bot that asked for it."""
    joined = await administrator.order("members", chat_id=GROUP, user_id=7, status="member")
    outcomes = {item["update_id"]: item["outcome"] for item in await administrator.look("deliveries")}
    assert [outcomes[update_id] for update_id in joined["update_ids"]] == ["not allowed", "pending"]


async def test_promotion_and_demotion(administrator: Harness) -> None:
    """Both are chat_member updates by the owner and nothing else, and the administrators follow."""
    await administrator.forget()
    await administrator.order("members", chat_id=GROUP, user_id=6, status="administrator", rights=["can_pin_messages"])
    leaders = await administrator.result("getChatAdministrators", chat_id=GROUP)
    assert sorted(leader["user"]["id"] for leader in leaders) == [5, 6, 123456]
    (promoted,) = [leader for leader in leaders if leader["user"]["id"] == 6]
    assert [right for right, is_granted in promoted.items() if is_granted is True] == [
        "can_manage_chat",
        "can_pin_messages",
    ]
    await administrator.order("members", chat_id=GROUP, user_id=6, status="member", by=9)
    changes = await administrator.updates()
    assert [(item["from"]["id"], item["new_chat_member"]["status"]) for item in changes] == [
        (5, "administrator"),
        (9, "member"),
    ]
    assert await status(administrator, 6) == "member"


async def test_removal_and_restriction(administrator: Harness) -> None:
    """A removed user can't speak until they come back; both end by their date."""
    until_date = 1_800_000_000 + 60
    await administrator.order("members", chat_id=GROUP, user_id=6, status="restricted", until_date=until_date)
    assert await status(administrator, 6) == "restricted"
    await administrator.clock.advance(60)
    assert await status(administrator, 6) == "member"
    await administrator.order("members", chat_id=GROUP, user_id=6, status="kicked", until_date=until_date + 60)
    refused = await administrator.refused("messages", {"chat_id": GROUP, "text": "x", "user_id": 6})
    assert refused == (409, f"user 6 isn't in chat {GROUP}: let them join with POST /control/members")
    assert await status(administrator, 6) == "kicked"
    await administrator.clock.advance(60)
    assert await status(administrator, 6) == "left"
    await administrator.order("members", chat_id=GROUP, user_id=6, status="member")
    await administrator.order("messages", chat_id=GROUP, text="x", user_id=6)


async def test_a_channel_has_no_messages_about_members(telegram: Harness) -> None:
    """In a channel a subscriber's coming is a chat_member update alone, a new title a channel_post."""
    await telegram.order("messages", chat_id=-8, chat_type="channel", text="x")
    await telegram.forget()
    await telegram.order("members", chat_id=-8, user_id=7, status="member")
    await telegram.order("chats", chat_id=-8, title="News")
    change, post = await telegram.updates()
    assert change["new_chat_member"]["user"]["id"] == 7
    assert (post["new_chat_title"], post["sender_chat"]["title"], "from" in post) == ("News", "News", False)


async def test_a_person_changes_the_chat(telegram: Harness) -> None:
    """A title and a pin are told by messages, description, permissions and username by nothing; getChat has all."""
    await telegram.forget()
    settings = {"description": "At noon", "username": "lunch", "permissions": ["can_send_messages"]}
    assert await telegram.order("chats", chat_id=GROUP, **settings) == {"update_ids": []}
    told = await telegram.order("chats", chat_id=GROUP, title="Lunch", pinned_message_id=1, by=6)
    renamed, pinned = await telegram.updates(*told["update_ids"])
    assert (renamed["new_chat_title"], renamed["chat"]["title"], renamed["from"]["id"]) == ("Lunch", "Lunch", 6)
    assert (pinned["pinned_message"]["text"], pinned["pinned_message"]["chat"]["title"]) == ("hello", "Lunch")
    chat = await telegram.result("getChat", chat_id=GROUP)
    details = {name: chat[name] for name in ("title", "description", "username", "active_usernames")}
    assert details == {"title": "Lunch", "description": "At noon", "username": "lunch", "active_usernames": ["lunch"]}
    assert [name for name, is_allowed in chat["permissions"].items() if is_allowed] == ["can_send_messages"]
    assert chat["pinned_message"]["message_id"] == 1
    shown = [line.get("service") for line in await telegram.look(f"chats/{GROUP}/messages")]
    assert shown == [None, "new_chat_title", "pinned_message"]


async def test_an_update_on_its_way_keeps_what_was_true(telegram: Harness) -> None:
    """Changes of a chat or a user don't reach into updates that arose before."""
    await telegram.order("chats", chat_id=GROUP, title="Lunch")
    await telegram.order("users", user_id=5, first_name="Ann")
    private, group, _ = await telegram.updates()
    assert (private["chat"]["first_name"], private["from"]["first_name"]) == ("User 5", "User 5")
    assert (group["chat"]["title"], group["from"]["first_name"]) == (f"Supergroup {GROUP}", "User 5")


async def test_a_user_changes_their_names(telegram: Harness) -> None:
    """No update tells; getChat, getChatMember, getChatAdministrators and later updates have the new names."""
    await telegram.forget()
    changed = await telegram.order("users", user_id=5, first_name="Ann", last_name="Lee", username="")
    names = {"first_name": "Ann", "last_name": "Lee"}
    assert changed == {"id": 5, "is_bot": False, "language_code": "en"} | names
    assert await telegram.updates() == []
    chat = await telegram.result("getChat", chat_id=5)
    assert (chat["first_name"], chat["last_name"], "username" in chat) == ("Ann", "Lee", False)
    assert (await telegram.result("getChatMember", chat_id=GROUP, user_id=5))["user"] == changed
    assert (await telegram.result("getChatAdministrators", chat_id=GROUP))[0]["user"] == changed
    await telegram.order("messages", chat_id=5, text="x")
    (message,) = await telegram.updates()
    assert (message["from"], message["chat"]) == (changed, {"id": 5, "type": "private"} | names)


async def test_a_press_carries_the_present_names(telegram: Harness) -> None:
    """The message under a pressed button has the chat's title of today."""
    sent = await telegram.result("sendMessage", chat_id=GROUP, text="x")
    await telegram.order("chats", chat_id=GROUP, title="Lunch")
    await telegram.order("callbacks", chat_id=GROUP, message_id=sent["message_id"], data="go", user_id=5)
    assert (await telegram.updates())[-1]["message"]["chat"]["title"] == "Lunch"


async def test_a_quoted_old_message_changes_nothing(telegram: Harness) -> None:
    """A title stays as it is when a message from before it is pinned or answered to."""
    await telegram.order("chats", chat_id=GROUP, title="Lunch", pinned_message_id=1)
    await telegram.result("sendMessage", chat_id=GROUP, text="x", reply_parameters={"message_id": 1})
    assert (await telegram.result("getChat", chat_id=GROUP))["title"] == "Lunch"


@pytest.mark.parametrize(
    ("path", "body", "code", "sentence"),
    [
        ("members", {"chat_id": GROUP}, 400, "'status' is missing: send a string"),
        ("members", {"chat_id": GROUP, "status": "boss"}, 400, "'status' must be one of member, administrator"),
        ("members", {"chat_id": 5, "status": "left"}, 400, "in a private chat send 'status' kicked"),
        ("members", {"chat_id": 5, "user_id": 5, "status": "kicked"}, 400, "in a private chat send 'status' kicked"),
        ("members", {"chat_id": -7, "status": "restricted"}, 400, "people are restricted in supergroups only"),
        ("members", {"chat_id": -8, "chat_type": "channel", "status": "member"}, 400, "in a channel the bot's"),
        ("members", {"chat_id": GROUP, "status": "administrator", "rights": ["fly"]}, 400, "'rights' must list some"),
        ("members", {"chat_id": GROUP, "status": "administrator", "rights": 1}, 400, "'rights' must be a list"),
        ("members", {"chat_id": GROUP, "status": "left", "rights": []}, 400, "'rights' go with the 'status'"),
        ("members", {"chat_id": GROUP, "user_id": -6, "status": "left"}, 400, "'user_id' must be positive"),
        ("members", {"chat_id": GROUP, "status": "left", "by": -1}, 400, "'by' must be positive"),
        ("members", {"chat_id": -9, "user_id": 6, "status": "member"}, 404, "chat -9 doesn't exist"),
        ("members", {"chat_id": GROUP, "status": "member"}, 409, "user 123456 is that already"),
        ("members", {"chat_id": 5, "status": "member"}, 409, "user 123456 is that already"),
        ("chats", {"chat_id": GROUP}, 400, "say what changes: send one or more of title"),
        ("chats", {"chat_id": 5, "title": "x"}, 400, "a private chat has the user's names"),
        ("chats", {"chat_id": GROUP, "title": ""}, 400, "'title' must not be empty"),
        ("chats", {"chat_id": GROUP, "title": f"Supergroup {GROUP}"}, 409, f"chat {GROUP} has that title already"),
        ("chats", {"chat_id": GROUP, "permissions": ["fly"]}, 400, "'permissions' must list some of can_send"),
        ("chats", {"chat_id": GROUP, "pinned_message_id": 9}, 404, f"chat {GROUP} has no message 9 to pin"),
        ("chats", {"chat_id": -9, "title": "x"}, 404, "chat -9 doesn't exist"),
        ("users", {"user_id": 123456}, 400, "'user_id' is the bot's"),
        ("users", {"user_id": 5, "first_name": ""}, 400, "names have at most 255 characters"),
        ("migrations", {"chat_id": GROUP}, 400, f"chat {GROUP} is a supergroup chat: only a group"),
        ("migrations", {"chat_id": -9}, 404, "chat -9 doesn't exist"),
    ],
)
async def test_a_bad_order_says_what_to_send(
    telegram: Harness, path: str, body: dict[str, Any], code: int, sentence: str
) -> None:
    """Each mistake gets its status and a sentence that helps, makes no chat and no update."""
    before = len(await telegram.look("deliveries")), set(telegram.emulator.world.chats)
    given_code, given_sentence = await telegram.refused(path, body)
    assert (given_code, given_sentence[: len(sentence)]) == (code, sentence)
    assert (len(await telegram.look("deliveries")), set(telegram.emulator.world.chats)) == before


async def test_only_some_chats_have_usernames_and_some_ids_are_taken(telegram: Harness) -> None:
    """A group can't be public, and can't become a supergroup that exists or has no supergroup's id."""
    await telegram.order("messages", chat_id=-7, text="x")
    for path, body, sentence in (
        ("chats", {"username": "lunch"}, "only supergroups and channels have a 'username'"),
        ("migrations", {"to_chat_id": GROUP}, "'to_chat_id' must be -1000000000000 or below and not the id of a chat"),
        ("migrations", {"to_chat_id": -8}, "'to_chat_id' must be -1000000000000 or below and not the id of a chat"),
    ):
        code, given = await telegram.refused(path, {"chat_id": -7, **body})
        assert (code, given[: len(sentence)]) == (400, sentence)
