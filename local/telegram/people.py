"""Orders on who is who: people join, leave, promote and block, change their names and their chats.

Problem: a bot's cache and its limits meet a world that changes under it, with an update or without.
Rule: an order names the outcome, and the answer lists the updates that tell the bot of it, in their order; it is empty
where Telegram would tell it nothing. A standing or a title that is so already is a 409.
Hazard: people's own rights aren't checked; whoever is named as `by` did it.
"""

from local.telegram import happenings
from local.telegram.emulator import Emulator
from local.telegram.errors import ControlError
from local.telegram.members import PERMISSIONS, Json, administrator, banned, is_in, restricted, rights_in, simple
from local.telegram.orders import MAX_ID, SUPERGROUPS_BELOW, chat_type, fields, id_in, living_chat, names_in, person_in
from local.telegram.world import ADMIN_ID, Chat, World

STATUSES = ("member", "administrator", "restricted", "left", "kicked")
MAX_NAME = 255
_IN_CHANNELS = ("administrator", "left", "kicked")  # what a bot can be in a channel


def set_member(emulator: Emulator, body: Json) -> Json:
    """Give a user, by default the bot, a standing in a chat and return the ids of the updates."""
    optional = {"user_id": int, "by": int, "rights": list, "until_date": int, "chat_type": str}
    order = fields(body, {"chat_id": int, "status": str}, optional)
    world = emulator.world
    chat_id = id_in(order, "chat_id", 0)
    user_id = person_in(order, "user_id", world.bot["id"])
    kind = chat_type(chat_id, order.get("chat_type"), world.chats.get(chat_id))
    _check_status(order["status"], kind, is_bot=user_id == world.bot["id"])
    rights = _rights(order, kind)
    by = person_in(order, "by", 0) if "by" in order else None
    chat = _chat_to_change(emulator, chat_id, kind, user_id, by)
    user = world.user(user_id)
    actor = world.user(_actor(emulator, chat, user_id, order["status"], by))
    old = world.member(chat, user_id)
    new = _standing(order, kind, user, rights, is_there=is_in(old))
    if new == old:
        raise ControlError(f"user {user_id} is that already in chat {chat_id}", 409)
    return {"update_ids": happenings.change_member(emulator, chat, actor, new)}


def _check_status(status: str, kind: str, *, is_bot: bool) -> None:
    if status not in STATUSES:
        raise ControlError(f"'status' must be one of {', '.join(STATUSES)}")
    if kind == "private" and not (is_bot and status in ("member", "kicked")):
        raise ControlError("in a private chat send 'status' kicked, to block the bot, or member, and no 'user_id'")
    if kind == "channel" and is_bot and status not in _IN_CHANNELS:
        raise ControlError(f"in a channel the bot's 'status' can be {', '.join(_IN_CHANNELS)}")
    if kind != "supergroup" and status == "restricted":
        raise ControlError("people are restricted in supergroups only")


def _rights(order: Json, kind: str) -> list[str]:
    """Return what an administrator may, by default all, or a restricted one still may, by default nothing."""
    if order["status"] == "administrator":
        granted = names_in(order, "rights", rights_in(kind))
        return list(rights_in(kind)) if granted is None else granted
    if order["status"] == "restricted":
        return names_in(order, "rights", PERMISSIONS) or []
    if "rights" in order:
        raise ControlError("'rights' go with the 'status' administrator or restricted")
    return []


def _standing(order: Json, kind: str, user: Json, rights: list[str], *, is_there: bool) -> Json:
    """Return the ChatMember that the order asks for."""
    status, until_date = order["status"], order.get("until_date", 0)
    if status == "administrator":
        return administrator(user, kind, rights, can_be_edited=False)
    if status == "restricted":
        return restricted(user, rights, is_member=is_there, until_date=until_date)
    return banned(user, until_date) if status == "kicked" else simple(user, status)


def _chat_to_change(emulator: Emulator, chat_id: int, kind: str, user_id: int, by: int | None) -> Chat:
    """Return the chat; one that isn't there yet is made, without the bot, when the bot comes to it."""
    world = emulator.world
    if chat_id in world.chats or user_id != world.bot["id"] or kind == "private":
        return living_chat(emulator, chat_id)
    chat = world.chat(chat_id, kind, by or ADMIN_ID)
    chat.members[user_id] = simple(world.bot, "left")
    return chat


def _actor(emulator: Emulator, chat: Chat, user_id: int, status: str, by: int | None) -> int:
    """Return who did it: `by`, else a person who comes or goes, else the owner."""
    if by is not None:
        return by
    if user_id != emulator.world.bot["id"] and status in ("member", "left"):
        is_coming_or_going = is_in(emulator.world.member(chat, user_id)) == (status == "left")
        return user_id if is_coming_or_going else _owner_of(chat)
    return _owner_of(chat)


def _owner_of(chat: Chat) -> int:
    owners = (user_id for user_id, member in chat.members.items() if member["status"] == "creator")
    return chat.id if chat.type == "private" else next(owners, ADMIN_ID)


def set_chat(emulator: Emulator, body: Json) -> Json:
    """Change a chat as one of its people would and return the ids of the updates."""
    changes = {"title": str, "description": str, "username": str, "permissions": list, "pinned_message_id": int}
    order = fields(body, {"chat_id": int}, changes | {"by": int})
    chat = living_chat(emulator, id_in(order, "chat_id", 0))
    if not order.keys() & changes.keys():
        raise ControlError(f"say what changes: send one or more of {', '.join(changes)}")
    if chat.type == "private" and order.keys() & (changes.keys() - {"pinned_message_id"}):
        raise ControlError("a private chat has the user's names: change them with POST /control/users")
    if order.get("title", "x") == "":
        raise ControlError("'title' must not be empty")
    if order.get("title") == chat.info.get("title") and "title" in order:
        raise ControlError(f"chat {chat.id} has that title already", 409)
    if "username" in order and chat.type not in ("supergroup", "channel"):
        raise ControlError("only supergroups and channels have a 'username'")
    permissions = names_in(order, "permissions", PERMISSIONS)
    pinned_id = order.get("pinned_message_id")
    if pinned_id is not None and (pinned_id not in chat.messages or pinned_id in chat.pinned):
        raise ControlError(f"chat {chat.id} has no message {pinned_id} to pin", 404)
    actor = emulator.world.user(person_in(order, "by", _owner_of(chat)))
    chat.description = order.get("description", chat.description)
    if permissions is not None:
        chat.permissions = {name: name in permissions for name in PERMISSIONS}
    if "username" in order:
        named = chat.info | {"username": order["username"]}
        chat.info = {name: value for name, value in named.items() if value != ""}
    told = happenings.change_title(emulator, chat, actor, order["title"]) if "title" in order else []
    return {"update_ids": told + (happenings.pin(emulator, chat, actor, pinned_id) if pinned_id is not None else [])}


def make_group(emulator: Emulator, body: Json) -> Json:
    """Have a user make a group with others and add the bot to it, and return its id and the ids of the updates."""
    order = fields(body, {"title": str, "user_ids": list}, {"chat_id": int, "chat_type": str})
    world = emulator.world
    title, user_ids = order["title"].strip(), order["user_ids"]
    if not title:
        raise ControlError("'title' must not be empty")
    if not user_ids or not all(isinstance(one, int) and one in world.users for one in user_ids):
        raise ControlError("'user_ids' must list people who are there already, the owner first: POST /control/users")
    if world.bot["id"] in user_ids:
        raise ControlError("the bot comes to every group: leave its id out of 'user_ids'")
    kind = order.get("chat_type", "group")
    if kind not in ("group", "supergroup"):
        raise ControlError("'chat_type' must be group or supergroup")
    chat_id = id_in(order, "chat_id", _next_group_id(world, kind))
    chat_type(chat_id, kind, None)
    if chat_id in world.chats:
        raise ControlError(f"chat {chat_id} exists: leave 'chat_id' out to get the next", 409)
    actor = world.user(user_ids[0])
    chat = world.chat(chat_id, kind, actor["id"])
    chat.info = chat.info | {"title": title}
    for user_id in user_ids:
        world.enter(chat, world.user(user_id))
    chat.members[world.bot["id"]] = simple(world.bot, "left")
    return {
        "chat_id": chat_id,
        "update_ids": happenings.change_member(emulator, chat, actor, simple(world.bot, "member")),
    }


def _next_group_id(world: World, kind: str) -> int:
    first = SUPERGROUPS_BELOW if kind == "supergroup" else 0
    taken = (one for one in world.chats if one < 0 and (one <= SUPERGROUPS_BELOW) == (kind == "supergroup"))
    return min(taken, default=first) - 1


def set_user(emulator: Emulator, body: Json) -> Json:
    """Change a user's names or deactivate them, which no update tells, or make a new one, and return the user."""
    names = {"first_name": str, "last_name": str, "username": str, "language_code": str}
    order = fields(body, {}, {"user_id": int} | names | {"is_deactivated": bool})
    if "user_id" not in order and not order.get("first_name"):
        raise ControlError("send a 'user_id', or the 'first_name' of somebody new")
    user_id = person_in(order, "user_id", _next_user_id(emulator.world))
    if user_id == emulator.world.bot["id"]:
        raise ControlError("'user_id' is the bot's: it can't be renamed")
    changed = {name: order[name] for name in names if name in order}
    if changed.get("first_name", "x") == "" or any(len(name) > MAX_NAME for name in changed.values()):
        raise ControlError(f"names have at most {MAX_NAME} characters, and 'first_name' at least one")
    if "is_deactivated" in order:
        change = emulator.world.deactivated.add if order["is_deactivated"] else emulator.world.deactivated.discard
        change(user_id)
    return emulator.world.rename(user_id, changed)


def _next_user_id(world: World) -> int:
    """Return an id above all people's; bots have theirs from elsewhere."""
    return max(user_id for user_id, user in world.users.items() if not user["is_bot"]) + 1


def migrate(emulator: Emulator, body: Json) -> Json:
    """Upgrade a group to a supergroup and return its new id and the ids of the updates."""
    order = fields(body, {"chat_id": int}, {"to_chat_id": int, "by": int})
    group = living_chat(emulator, id_in(order, "chat_id", 0))
    if group.type != "group":
        raise ControlError(f"chat {group.id} is a {group.type} chat: only a group can be upgraded")
    chat_id = id_in(order, "to_chat_id", max(SUPERGROUPS_BELOW + group.id, 1 - MAX_ID))
    if chat_id > SUPERGROUPS_BELOW or chat_id in emulator.world.chats:
        raise ControlError(f"'to_chat_id' must be {SUPERGROUPS_BELOW} or below and not the id of a chat, not {chat_id}")
    actor = emulator.world.user(person_in(order, "by", _owner_of(group)))
    return {"migrate_to_chat_id": chat_id, "update_ids": happenings.migrate(emulator, group, actor, chat_id)}
