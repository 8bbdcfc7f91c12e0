"""Chats that the bot can't reach, and how that comes and goes."""

from typing import Any

import pytest

from tests.unit.telegram_emulator.harness import Harness

GROUP = -1000000000001
BOT = {"id": 123456, "is_bot": True, "first_name": "Local bot", "username": "floodgate_local_bot"}
USER = {"id": 5, "is_bot": False, "first_name": "User 5", "username": "user5", "language_code": "en"}
CHAT = {"id": 5, "type": "private", "first_name": "User 5", "username": "user5"}
WRITING = (
    ("sendMessage", {"text": "x"}),
    ("sendChatAction", {"action": "typing"}),
    ("editMessageText", {"message_id": 1, "text": "x"}),
    ("deleteMessage", {"message_id": 1}),
    ("pinChatMessage", {"message_id": 1}),
    ("setChatTitle", {"title": "x"}),
)


async def test_a_user_blocks_the_bot_and_unblocks_it(telegram: Harness) -> None:
    """Both are my_chat_member updates with the old and the new standing; between them the chat can only be read."""
    await telegram.forget()
    blocked = await telegram.order("members", chat_id=5, status="kicked")
    for method, parameters in WRITING:
        error = await telegram.error(method, chat_id=5, **parameters)
        assert error == (403, "Forbidden: bot was blocked by the user")
    assert (await telegram.result("getChat", chat_id=5))["first_name"] == "User 5"
    unblocked = await telegram.order("members", chat_id=5, status="member")
    await telegram.result("sendMessage", chat_id=5, text="x")
    member, kicked = {"status": "member", "user": BOT}, {"status": "kicked", "user": BOT, "until_date": 0}
    common = {"chat": CHAT, "from": USER, "date": 1_800_000_000}
    assert await telegram.updates(*blocked["update_ids"], *unblocked["update_ids"]) == [
        common | {"old_chat_member": member, "new_chat_member": kicked},
        common | {"old_chat_member": kicked, "new_chat_member": member},
    ]


async def test_speaking_unblocks(telegram: Harness) -> None:
    """A user who blocked the bot and writes to it has unblocked it, and the bot learns of that first."""
    await telegram.order("members", chat_id=5, status="kicked")
    await telegram.forget()
    await telegram.order("messages", chat_id=5, text="back")
    change, message = await telegram.updates()
    assert (change["new_chat_member"]["status"], message["text"]) == ("member", "back")


@pytest.mark.parametrize(
    ("chat_id", "chat_type"), [(-7, "group"), (-1000000000007, "supergroup"), (-1000000000008, "channel")]
)
@pytest.mark.parametrize(("status", "words"), [("kicked", "was kicked from"), ("left", "is not a member of")])
async def test_a_bot_that_is_out_is_forbidden(
    telegram: Harness, chat_id: int, chat_type: str, status: str, words: str
) -> None:
    """Removed or gone, the bot gets Telegram's 403 for each type of chat; a basic group it can still read."""
    await telegram.order("messages", chat_id=chat_id, chat_type=chat_type, text="x", user_id=5)
    await telegram.order("members", chat_id=chat_id, status=status)
    forbidden = (403, f"Forbidden: bot {words} the {chat_type} chat")
    for method, parameters in WRITING:
        assert await telegram.error(method, chat_id=chat_id, **parameters) == forbidden
    for method in ("getChat", "getChatAdministrators", "getChatMemberCount"):
        if chat_type == "group":
            await telegram.result(method, chat_id=chat_id)
        else:
            assert await telegram.error(method, chat_id=chat_id) == forbidden


async def test_a_public_chat_can_be_read_from_outside(telegram: Harness) -> None:
    """With a username a supergroup that the bot left is still readable, one that it was removed from isn't."""
    await telegram.order("chats", chat_id=GROUP, username="lunch")
    await telegram.order("members", chat_id=GROUP, status="left")
    assert (await telegram.result("getChat", chat_id="@lunch"))["active_usernames"] == ["lunch"]
    await telegram.order("members", chat_id=GROUP, status="kicked")
    error = await telegram.error("getChat", chat_id="@lunch")
    assert error == (403, "Forbidden: bot was kicked from the supergroup chat")


@pytest.mark.parametrize("status", ["kicked", "left"])
async def test_a_bot_is_removed_and_added(telegram: Harness, status: str) -> None:
    """Each is a my_chat_member update and a service message, of which the bot still gets its own removal's."""
    await telegram.forget()
    out = await telegram.order("members", chat_id=GROUP, status=status, by=6)
    change, message = await telegram.updates(*out["update_ids"])
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("member", status)
    assert (change["from"]["id"], message["from"]["id"], message["left_chat_member"]) == (6, 6, BOT)
    back = await telegram.order("members", chat_id=GROUP, status="member")
    change, message = await telegram.updates(*back["update_ids"])
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == (status, "member")
    assert (message["from"], message["new_chat_members"]) == (USER, [BOT])
    await telegram.result("sendMessage", chat_id=GROUP, text="x")


async def test_a_bot_outside_hears_nothing(telegram: Harness) -> None:
    """What happens in a group without the bot is told by no update, and nobody can speak to it there."""
    await telegram.order("members", chat_id=GROUP, status="kicked")
    for path, body in (("members", {"user_id": 6, "status": "member"}), ("chats", {"title": "New"})):
        assert await telegram.order(path, chat_id=GROUP, **body) == {"update_ids": []}
    status, sentence = await telegram.refused("messages", {"chat_id": GROUP, "text": "x", "user_id": 5})
    assert (status, sentence) == (
        409,
        f"the bot isn't in chat {GROUP} to hear it: add it with POST /control/members",
    )


async def test_the_bot_is_added_to_a_new_group(telegram: Harness) -> None:
    """A group that nobody spoke in is made by adding the bot, with the one who adds it as its owner."""
    await telegram.forget()
    added = await telegram.order("members", chat_id=-9, status="member", by=5)
    change, message = await telegram.updates(*added["update_ids"])
    assert (change["old_chat_member"]["status"], change["chat"]["type"]) == ("left", "group")
    assert (message["new_chat_members"], message["from"]) == ([BOT], USER)
    assert [item["user"]["id"] for item in await telegram.result("getChatAdministrators", chat_id=-9)] == [5]


async def test_a_deactivated_user_is_forbidden(telegram: Harness) -> None:
    """Writing to a deleted account is a 403, reading isn't, and speaking is a 409 until it is undone."""
    await telegram.order("users", user_id=5, is_deactivated=True)
    for method, parameters in WRITING:
        assert await telegram.error(method, chat_id=5, **parameters) == (403, "Forbidden: user is deactivated")
    await telegram.result("getChat", chat_id=5)
    assert (await telegram.refused("messages", {"chat_id": 5, "text": "x"}))[0] == 409
    await telegram.order("users", user_id=5, is_deactivated=False)
    await telegram.result("sendMessage", chat_id=5, text="x")


async def test_a_user_who_never_wrote_cannot_be_written_to(telegram: Harness) -> None:
    """A user met in a group can be read and not written to, until they write; one never met isn't found."""
    await telegram.order("messages", chat_id=GROUP, text="x", user_id=6)
    for method, parameters in WRITING[:2]:
        error = await telegram.error(method, chat_id=6, **parameters)
        assert error == (403, "Forbidden: bot can't initiate conversation with a user")
    assert (await telegram.result("getChat", chat_id=6))["username"] == "user6"
    assert await telegram.error("getChat", chat_id=77) == (400, "Bad Request: chat not found")
    await telegram.order("messages", chat_id=6, text="x")
    await telegram.result("sendMessage", chat_id=6, text="x")


@pytest.mark.parametrize("bots", ["administrator", "member"])
async def test_a_group_is_upgraded(telegram: Harness, bots: str) -> None:
    """Two service messages and the bot's arrival tell of it; title, settings and people carry over, messages don't."""
    await telegram.order("messages", chat_id=-7, text="x", user_id=5)
    await telegram.order("members", chat_id=-7, user_id=6, status="administrator", rights=["can_pin_messages"])
    await telegram.order("members", chat_id=-7, status="administrator")
    if bots == "member":
        await telegram.order("members", chat_id=-7, status="member")
    await telegram.order("chats", chat_id=-7, title="Lunch", description="At noon", permissions=["can_send_messages"])
    await telegram.forget()
    moved = await telegram.order("migrations", chat_id=-7)
    assert moved["migrate_to_chat_id"] == -1000000000007
    to, change, came = await telegram.updates(*moved["update_ids"])
    assert (to["chat"]["id"], to["migrate_to_chat_id"], to["from"]) == (-7, -1000000000007, USER)
    assert (change["chat"]["id"], change["old_chat_member"]["status"]) == (-1000000000007, "left")
    assert change["new_chat_member"]["status"] == bots
    supergroup = {"id": -1000000000007, "type": "supergroup", "title": "Lunch"}
    assert (came["chat"], came["sender_chat"], came["migrate_from_chat_id"]) == (supergroup, supergroup, -7)
    assert (came["from"]["username"], came["message_id"]) == ("GroupAnonymousBot", 1)
    chat = await telegram.result("getChat", chat_id=-1000000000007)
    assert (chat["title"], chat["description"]) == ("Lunch", "At noon")
    assert [name for name, is_allowed in chat["permissions"].items() if is_allowed] == ["can_send_messages"]
    leaders = await telegram.result("getChatAdministrators", chat_id=-1000000000007)
    expected = [5, 6, 123456] if bots == "administrator" else [5, 6]
    assert sorted(leader["user"]["id"] for leader in leaders) == expected


async def test_the_old_group_names_the_new_one(telegram: Harness) -> None:
    """Whatever writes to the old id is a 400 with the new one; it can be read, and orders point to the new one."""
    await telegram.order("messages", chat_id=-7, text="x", user_id=5)
    await telegram.order("migrations", chat_id=-7, to_chat_id=-1000000000123)
    for method, parameters in WRITING:
        answer = await telegram.call(method, chat_id=-7, **parameters)
        assert answer == {
            "ok": False,
            "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": -1000000000123},
        }
    assert (await telegram.result("getChat", chat_id=-7))["type"] == "group"
    for path, body in (("messages", {"text": "x"}), ("migrations", {}), ("chats", {"title": "x"})):
        refused = await telegram.refused(path, {"chat_id": -7, **body})
        assert refused == (409, "group -7 was upgraded: go on in chat -1000000000123")
    await telegram.result("sendMessage", chat_id=-1000000000123, text="x")


@pytest.mark.parametrize(
    ("chat_id", "standing", "method", "parameters", "description"),
    [
        (GROUP, {"status": "restricted"}, "sendMessage", {"text": "x"},
         "not enough rights to send text messages to the chat"),
        (GROUP, {"status": "restricted", "rights": ["can_send_messages"]}, "sendPhoto", {"photo": "p"},
         "not enough rights to send photos to the chat"),
        (GROUP, {"status": "restricted"}, "sendDocument", {"document": "p"},
         "not enough rights to send documents to the chat"),
        (-8, {"status": "administrator", "rights": []}, "sendMessage", {"text": "x"},
         "need administrator rights in the channel chat"),
    ],
)  # fmt: skip
async def test_a_bot_without_the_right_cannot_send(
    telegram: Harness, chat_id: int, standing: dict[str, Any], method: str, parameters: dict[str, Any], description: str
) -> None:
    """A restricted bot, and one without the right to post in a channel, get Telegram's 400."""
    await telegram.order("messages", chat_id=-8, chat_type="channel", text="x")
    photo = telegram.emulator.world.store_file("p.jpg", "image/jpeg", b"p", "photos").file_id
    given = {name: photo if value == "p" else value for name, value in parameters.items()}
    await telegram.result(method, chat_id=chat_id, **given)
    await telegram.order("members", chat_id=chat_id, **standing)
    assert await telegram.error(method, chat_id=chat_id, **given) == (400, f"Bad Request: {description}")


async def test_everyones_permissions_bind_a_bot_that_is_no_administrator(telegram: Harness) -> None:
    """Where nobody may write the bot may once it is an administrator."""
    await telegram.order("chats", chat_id=GROUP, permissions=[])
    error = await telegram.error("sendMessage", chat_id=GROUP, text="x")
    assert error == (400, "Bad Request: not enough rights to send text messages to the chat")
    await telegram.order("members", chat_id=GROUP, status="administrator")
    await telegram.result("sendMessage", chat_id=GROUP, text="x")
