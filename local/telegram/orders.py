"""Reading orders: the JSON bodies under /control, and the chats and people that they name.

Rule: what can't be carried out is a ControlError whose sentence says what to send instead. null counts as left out.
Hazard: nothing here changes the world; a chat that an order may make is made by the order.
"""

import json
from collections.abc import Iterable, Mapping

from starlette.requests import Request

from local.telegram.emulator import Emulator
from local.telegram.errors import ControlError
from local.telegram.members import Json
from local.telegram.world import Chat

MAX_ID = 2**52
SUPERGROUPS_BELOW = -(10**12)
CHAT_TYPES = ("private", "group", "supergroup", "channel")
_KINDS: Mapping[type, str] = {
    int: "a whole number",
    str: "a string",
    bool: "true or false",
    float: "a number",
    list: "a list",
}


async def body_of(request: Request) -> Json:
    """Return the order's JSON object; raise ControlError if there is none."""
    try:
        value = json.loads(await request.body())
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:  # UnicodeEncodeError, half of a surrogate pair, is one too
        raise ControlError("send a JSON object as the body, in UTF-8") from None
    if not isinstance(value, dict):
        raise ControlError("send a JSON object as the body")
    return value


def fields(body: Json, required: Mapping[str, type], optional: Mapping[str, type]) -> Json:
    """Return the body once every field is known, present if required, and of its type; null counts as left out."""
    known = {**required, **optional}
    if unknown := sorted(body.keys() - known.keys()):
        raise ControlError(f"unknown field {unknown[0]!r}: the fields are {', '.join(known)}")
    given = {name: value for name, value in body.items() if value is not None}
    for name in required:
        if name not in given:
            raise ControlError(f"{name!r} is missing: send {_KINDS[required[name]]}")
    for name, value in given.items():
        kind = known[name]
        fits = isinstance(value, int | float if kind is float else kind) and (kind is bool) == isinstance(value, bool)
        if not fits:
            raise ControlError(f"{name!r} must be {_KINDS[kind]}, not {json.dumps(value)[:40]}")
    return given


def id_in(order: Json, name: str, default: int) -> int:
    """Return the id; raise ControlError if it can't be one."""
    value = int(order.get(name, default))
    if not 0 < abs(value) < MAX_ID:
        raise ControlError(f"{name!r} must be a whole number of at most 52 bits and not 0")
    return value


def person_in(order: Json, name: str, default: int) -> int:
    """Return the user's id; raise ControlError if it can't be one."""
    user_id = id_in(order, name, default)
    if user_id < 0:
        raise ControlError(f"{name!r} must be positive")
    return user_id


def chat_type(chat_id: int, given: str | None, existing: Chat | None) -> str:
    """Return the chat's type: as given, as it is, or as its id says; raise ControlError if they don't agree."""
    if existing is not None:
        if given not in (None, existing.type):
            raise ControlError(f"chat {chat_id} exists as a {existing.type} chat: leave 'chat_type' out", 409)
        return existing.type
    if given is not None and given not in CHAT_TYPES:
        raise ControlError(f"'chat_type' must be one of {', '.join(CHAT_TYPES)}")
    if given is not None and (given == "private") != (chat_id > 0):
        raise ControlError("a private chat has a positive 'chat_id', any other chat a negative one")
    by_id = "private" if chat_id > 0 else "supergroup" if chat_id <= SUPERGROUPS_BELOW else "group"
    return given or by_id


def speaker_in(order: Json, chat_id: int, otherwise: int) -> int:
    """Return who speaks: `user_id`, by default the private chat's user or `otherwise`."""
    user_id = person_in(order, "user_id", chat_id if chat_id > 0 else otherwise)
    if chat_id > 0 and user_id != chat_id:
        raise ControlError(f"in the private chat {chat_id} only user {chat_id} speaks: leave 'user_id' out")
    return user_id


def chat_with(emulator: Emulator, chat_id: int) -> Chat:
    """Return the chat; raise ControlError if there is none."""
    chat = emulator.world.chats.get(chat_id)
    if chat is None:
        raise ControlError(f"chat {chat_id} doesn't exist: speak in it first, with POST /control/messages", 404)
    return chat


def living_chat(emulator: Emulator, chat_id: int) -> Chat:
    """Return the chat; raise ControlError if there is none or it was upgraded."""
    chat = chat_with(emulator, chat_id)
    if chat.migrated_to is not None:
        raise ControlError(f"group {chat_id} was upgraded: go on in chat {chat.migrated_to}", 409)
    return chat


def names_in(order: Json, name: str, known: Iterable[str]) -> list[str] | None:
    """Return the names that the order lists, None if it has no list; raise ControlError for one that isn't known."""
    if name not in order:
        return None
    known = list(known)
    given: list[str] = order[name]
    if not all(item in known for item in given):
        raise ControlError(f"{name!r} must list some of {', '.join(known)}")
    return given
