"""What happens to chats and their members, and the updates that Telegram delivers of it.

Problem: a bot learns that it was blocked, that somebody joined or that a title changed from updates, and a test needs
the ones that Telegram would send, no fewer and no more.
Rule: whoever acts, a person by an order or the bot by a call, the change and its updates are made here. A changed
member is a my_chat_member update if it is the bot, else a chat_member update if the bot is an administrator there. A
changed title or photo, a pin, a join and a leave are service messages too, of which the bot gets its own as well
(need_skip_update_message in tdlib/telegram-bot-api, Client.cpp), but none in a chat that it isn't in, except the one by
which it left. Nothing tells of a changed description, permission, username or name, nor of what is unpinned.
Hazard: the order of the updates of one happening isn't documented; here the member's comes before the message's.
"""

import contextlib

from local.telegram.emulator import Emulator
from local.telegram.errors import ControlError
from local.telegram.members import Json, administrator, is_in, leads, rights_in, simple
from local.telegram.world import Chat

ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


def change_member(emulator: Emulator, chat: Chat, actor: Json, new: Json) -> list[int]:
    """Give a user of the chat a new standing, a ChatMember, and return the ids of the updates that tell of it."""
    world = emulator.world
    user_id = new["user"]["id"]
    is_bot = user_id == world.bot["id"]
    old = world.member(chat, user_id)
    is_told = is_bot or leads(world.own_standing(chat))
    was_there = is_in(world.own_standing(chat))
    chat.members[user_id] = new
    told = []
    if is_told:
        change = {"chat": chat.info, "from": actor, "date": int(emulator.clock.now())}
        change |= {"old_chat_member": old, "new_chat_member": new}
        told = _tell(emulator, chat, actor, "my_chat_member" if is_bot else "chat_member", change)
    if is_in(old) == is_in(new) or chat.type in ("private", "channel"):
        return told
    content = {"new_chat_members": [new["user"]]} if is_in(new) else {"left_chat_member": new["user"]}
    return told + _post(emulator, chat, actor, content, is_seen=was_there or is_in(world.own_standing(chat)))


def change_title(emulator: Emulator, chat: Chat, actor: Json, title: str) -> list[int]:
    """Rename the chat and return the ids of the updates that tell of it."""
    chat.info = chat.info | {"title": title}
    return _post(emulator, chat, actor, {"new_chat_title": title})


def change_photo(emulator: Emulator, chat: Chat, actor: Json, sizes: list[Json]) -> list[int]:
    """Give the chat a photo of these sizes, none takes it away, and return the ids of the updates that tell of it."""
    if not sizes:
        chat.photo = None
        return _post(emulator, chat, actor, {"delete_chat_photo": True})
    small, big = sizes[0], sizes[-1]
    chat.photo = {"small_file_id": small["file_id"], "small_file_unique_id": small["file_unique_id"]}
    chat.photo |= {"big_file_id": big["file_id"], "big_file_unique_id": big["file_unique_id"]}
    return _post(emulator, chat, actor, {"new_chat_photo": sizes})


def pin(emulator: Emulator, chat: Chat, actor: Json, message_id: int) -> list[int]:
    """Pin the message and return the ids of the updates that tell of it."""
    chat.pinned = [*chat.pinned, message_id]
    pinned = {name: value for name, value in chat.shown(message_id).items() if name != "reply_to_message"}
    return _post(emulator, chat, actor, {"pinned_message": pinned})


def migrate(emulator: Emulator, group: Chat, actor: Json, chat_id: int) -> list[int]:
    """Upgrade the group to a supergroup with that id and return the ids of the updates that tell of it.

    The group says where it went, the bot turns up in the supergroup, and that says where it came from, as observed in
    tdlib/telegram-bot-api#266. No update says that the bot left the group.
    """
    world = emulator.world
    own = world.own_standing(group)
    moved = world.post(group, actor, {"migrate_to_chat_id": chat_id})
    supergroup = world.migrate(group, chat_id)
    if not is_in(own):
        return []
    if leads(own):  # a supergroup's administrators have more rights than a group's
        granted = [name for name in rights_in("group") if own.get(name)]
        own = administrator(world.bot, "supergroup", granted, can_be_edited=False)
    supergroup.members[world.bot["id"]] = own
    arrival = {"chat": supergroup.info, "from": actor, "date": moved["date"]}
    arrival |= {"old_chat_member": simple(world.bot, "left"), "new_chat_member": own}
    came = world.post(supergroup, None, {"from": ANONYMOUS, "migrate_from_chat_id": group.id})
    told = _tell(emulator, group, actor, "message", moved)
    told += _tell(emulator, supergroup, actor, "my_chat_member", arrival)
    return told + _tell(emulator, supergroup, actor, "message", came)


def _post(emulator: Emulator, chat: Chat, actor: Json, content: Json, *, is_seen: bool | None = None) -> list[int]:
    """Add a service message and return the id of its update, none if the bot doesn't see it."""
    is_channel = chat.type == "channel"
    message = emulator.world.post(chat, None if is_channel else actor, content)
    if is_seen is None:
        is_seen = is_in(emulator.world.own_standing(chat))
    return _tell(emulator, chat, actor, "channel_post" if is_channel else "message", message) if is_seen else []


def _tell(emulator: Emulator, chat: Chat, actor: Json, kind: str, body: Json) -> list[int]:
    if actor["id"] != emulator.world.bot["id"]:
        return [emulator.announce(kind, body, chat.id)]
    with contextlib.suppress(ControlError):  # too many updates wait; the bot's call has worked all the same
        return [emulator.announce(kind, body, None)]
    return []
