"""python-telegram-bot's own Bot where it administers a supergroup of the emulator."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
import telegram
from telegram import error

GROUP = -1000000000009
EVERYTHING = telegram.ChatPermissions.all_permissions()


@pytest.fixture(autouse=True)
async def administered(client: httpx.AsyncClient) -> None:
    """Have user 5 own a supergroup, the bot administer it and user 6 be a member."""
    await client.post("/control/messages", json={"chat_id": GROUP, "text": "x", "user_id": 5})
    await order(client, "members", chat_id=GROUP, status="administrator")
    await order(client, "members", chat_id=GROUP, user_id=6, status="member")


async def order(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """Give an order that must succeed and return its answer."""
    response = await client.post(f"/control/{path}", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def updates_of(bot: telegram.Bot, told: dict[str, Any]) -> Sequence[telegram.Update]:
    """Return the updates that an order's answer names."""
    return [update for update in await bot.get_updates() if update.update_id in told["update_ids"]]


async def test_the_chat_changes(bot: telegram.Bot) -> None:
    """Title, description, photo, permissions and pins are set and show in get_chat."""
    assert await bot.set_chat_title(GROUP, "Lunch") is True
    assert await bot.set_chat_description(GROUP, "At noon") is True
    assert await bot.set_chat_photo(GROUP, b"photo bytes") is True
    assert await bot.set_chat_permissions(GROUP, telegram.ChatPermissions(can_send_messages=True)) is True
    sent = await bot.send_message(GROUP, "pinned")
    assert await bot.pin_chat_message(GROUP, sent.message_id) is True
    chat = await bot.get_chat(GROUP)
    assert (chat.title, chat.description) == ("Lunch", "At noon")
    assert chat.photo is not None
    assert await (await chat.photo.get_big_file()).download_as_bytearray() == b"photo bytes"
    assert chat.permissions is not None
    assert (chat.permissions.can_send_messages, chat.permissions.can_send_photos) == (True, False)
    assert chat.pinned_message is not None
    assert chat.pinned_message.text == "pinned"
    assert await bot.unpin_chat_message(GROUP, sent.message_id) is True
    assert await bot.unpin_all_chat_messages(GROUP) is True
    assert await bot.delete_chat_photo(GROUP) is True
    chat = await bot.get_chat(GROUP)
    assert (chat.photo, chat.pinned_message) == (None, None)


async def test_members_change(bot: telegram.Bot) -> None:
    """Promoted, demoted, restricted, freed, banned, unbanned: get_chat_member has each type in turn."""
    assert await bot.promote_chat_member(GROUP, 6, can_pin_messages=True) is True
    assert isinstance(await bot.get_chat_member(GROUP, 6), telegram.ChatMemberAdministrator)
    assert {leader.user.id for leader in await bot.get_chat_administrators(GROUP)} == {5, 6, bot.id}
    assert await bot.promote_chat_member(GROUP, 6) is True
    assert isinstance(await bot.get_chat_member(GROUP, 6), telegram.ChatMemberMember)
    assert await bot.restrict_chat_member(GROUP, 6, telegram.ChatPermissions.no_permissions()) is True
    assert isinstance(await bot.get_chat_member(GROUP, 6), telegram.ChatMemberRestricted)
    assert await bot.restrict_chat_member(GROUP, 6, EVERYTHING) is True
    assert await bot.ban_chat_member(GROUP, 6) is True
    assert isinstance(await bot.get_chat_member(GROUP, 6), telegram.ChatMemberBanned)
    assert await bot.unban_chat_member(GROUP, 6) is True
    assert isinstance(await bot.get_chat_member(GROUP, 6), telegram.ChatMemberLeft)


async def test_a_forward_and_a_reaction(bot: telegram.Bot) -> None:
    """A forward has its origin, a reaction is taken."""
    forwarded = await bot.forward_message(GROUP, 5, 1)
    assert isinstance(forwarded.forward_origin, telegram.MessageOriginUser)
    assert (forwarded.text, forwarded.forward_origin.sender_user.id) == ("hello", 5)
    assert await bot.set_message_reaction(GROUP, forwarded.message_id, "👍") is True


async def test_leaving(bot: telegram.Bot) -> None:
    """Once it left the bot is Forbidden."""
    assert await bot.leave_chat(GROUP) is True
    with pytest.raises(error.Forbidden, match="bot is not a member of the supergroup chat"):
        await bot.send_message(GROUP, "x")


async def test_lacking_a_right(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """Without the right a change is a BadRequest in Telegram's words."""
    await order(client, "members", chat_id=GROUP, status="administrator", rights=["can_pin_messages"])
    with pytest.raises(error.BadRequest, match=r"^Not enough rights to change chat title$"):
        await bot.set_chat_title(GROUP, "x")


async def test_changes_of_members_are_told(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """Blocking, joining and renaming come as the library's updates."""
    await bot.get_updates(allowed_updates=telegram.Update.ALL_TYPES)
    (blocked,) = await updates_of(bot, await order(client, "members", chat_id=5, status="kicked"))
    assert blocked.my_chat_member is not None
    assert blocked.my_chat_member.difference()["status"] == ("member", "kicked")
    joined, joining = await updates_of(bot, await order(client, "members", chat_id=GROUP, user_id=7, status="member"))
    assert joined.chat_member is not None
    assert joined.chat_member.difference()["status"] == ("left", "member")
    assert joining.message is not None
    assert [user.id for user in joining.message.new_chat_members] == [7]
    (renamed,) = await updates_of(bot, await order(client, "chats", chat_id=GROUP, title="Lunch"))
    assert renamed.message is not None
    assert (renamed.message.new_chat_title, renamed.message.chat.title) == ("Lunch", "Lunch")


async def test_an_upgrade_is_chat_migrated(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """An upgraded group raises ChatMigrated with the new id, where sending works, and both messages name both."""
    await client.post("/control/messages", json={"chat_id": -7, "text": "x", "user_id": 5})
    moved = await order(client, "migrations", chat_id=-7)
    with pytest.raises(error.ChatMigrated) as raised:
        await bot.send_message(-7, "x")
    assert raised.value.new_chat_id == moved["migrate_to_chat_id"]
    await bot.send_message(raised.value.new_chat_id, "x")
    to, arrival, came = await updates_of(bot, moved)
    assert to.message is not None
    assert (to.message.chat.id, to.message.migrate_to_chat_id) == (-7, raised.value.new_chat_id)
    assert arrival.my_chat_member is not None
    assert came.message is not None
    assert (came.message.chat.id, came.message.migrate_from_chat_id) == (raised.value.new_chat_id, -7)


async def test_strangers_and_deleted_accounts_are_forbidden(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """A user who never wrote and one who is gone raise Forbidden."""
    with pytest.raises(error.Forbidden, match="bot can't initiate conversation with a user"):
        await bot.send_message(6, "x")
    await order(client, "users", user_id=5, is_deactivated=True)
    with pytest.raises(error.Forbidden, match="user is deactivated"):
        await bot.send_message(5, "x")


async def test_too_many_edits_are_retry_after(bot: telegram.Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sixth edit in a row raises RetryAfter."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    sent = await bot.send_message(5, "0")
    for text in "1234":
        await sent.edit_text(text)
    with pytest.raises(error.RetryAfter):
        await sent.edit_text("5")
