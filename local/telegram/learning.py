"""What a raw update tells of the world: users, chats, messages, members, a bot blocked or removed, a group upgraded.

Problem: a recorded update names people and chats that nobody in the emulator has met, and calls about them follow.
Rule: observe() takes in whatever the update holds, of any shape, and refuses nothing.
Hazard: an old update brings old names with it. Only raw updates are observed, not those that the emulator makes itself,
for those quote old messages too.
"""

from typing import Any

from local.telegram.members import Json
from local.telegram.world import ADMIN_ID, Chat, World

_CHATS = frozenset({"chat", "sender_chat"})


def observe(world: World, update: Json, now: float) -> int | None:
    """Learn what the update tells and return the id of the chat in which somebody acted, if any."""
    kind, body = next((name, value) for name, value in update.items() if name != "update_id")
    _meet(world, {kind: body})
    if kind in ("callback_query", "inline_query"):
        world.questions[kind, str(body.get("id"))] = now
    message = _object(body, "message") if kind == "callback_query" else body
    chat_id = _object(message, "chat").get("id")
    chat = world.chats.get(chat_id) if isinstance(chat_id, int) else None
    if chat is None:
        return None
    if kind.endswith(("message", "channel_post", "callback_query")):
        _learn_message(world, chat, message, is_new=kind in ("message", "edited_message", "channel_post"))
    member = _object(body, "new_chat_member")
    member_id: object = _object(member, "user").get("id")
    if isinstance(member_id, int) and "status" in member:
        chat.members[member_id] = member
    return chat.id


def _learn_message(world: World, chat: Chat, message: Json, *, is_new: bool) -> None:
    message_id = message.get("message_id")
    if not isinstance(message_id, int) or not message.get("date"):
        return
    if is_new or message_id not in chat.messages:
        chat.messages[message_id] = message
    chat.next_message_id = max(chat.next_message_id, message_id + 1)
    chat.migrated_to = message.get("migrate_to_chat_id", chat.migrated_to)
    sender_id: Any = _object(message, "from").get("id")
    if is_new and chat.type == "private":
        chat.members.pop(world.bot["id"], None)  # who writes to the bot hasn't blocked it
    elif isinstance(sender_id, int) and sender_id in world.users and "sender_chat" not in message:
        world.enter(chat, world.users[sender_id])


def _meet(world: World, value: Any) -> None:
    """Take in every user and chat that is named anywhere in the value."""
    for name, item in sorted(value.items(), key=lambda pair: pair[0] in _CHATS):  # users first: chats have owners
        if isinstance(item, list):
            for element in item:
                _meet(world, {name: element} if isinstance(element, dict) else {})
        elif isinstance(item, dict):
            _meet(world, item)
            if not isinstance(item.get("id"), int):
                continue
            if "first_name" in item and "type" not in item:
                world.users[item["id"]] = world.bot if item["id"] == world.bot["id"] else item
            elif name in _CHATS and "type" in item:
                _meet_chat(world, item, value)


def _meet_chat(world: World, info: Json, beside: Json) -> None:
    if info["type"] == "private" and info["id"] not in world.users:
        user = {name: info[name] for name in ("first_name", "last_name", "username") if name in info}
        world.users[info["id"]] = {"id": info["id"], "is_bot": False, "first_name": ""} | user
    first_user_id = _object(beside, "from").get("id")
    owner_id = first_user_id if isinstance(first_user_id, int) else ADMIN_ID
    chat = world.chat(info["id"], str(info["type"]), owner_id)
    chat.info = chat.info | info


def _object(holder: Json, name: str) -> Json:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}
