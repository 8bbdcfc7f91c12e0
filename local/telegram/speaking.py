"""Orders by which people speak: texts, photos, documents, contacts, places.

Rule: whatever is said, the same is checked first: who speaks, where, whether the bot would hear it. A file comes in a
multipart body with the order's other fields beside it, and the bot downloads it as it would any.
Hazard: speaking makes what it names: the chat, the speaker, their membership.
"""

from typing import Any

from starlette.requests import Request

from local.telegram import happenings, parameters
from local.telegram.emulator import Emulator
from local.telegram.entities import detect
from local.telegram.errors import BotApiError, ControlError
from local.telegram.members import Json, is_in, simple
from local.telegram.orders import chat_type, fields, id_in, living_chat, speaker_in
from local.telegram.parameters import Parameters
from local.telegram.sending import MAX_CAPTION, MAX_TEXT, read_media
from local.telegram.world import ADMIN_ID, Chat

_WHERE: dict[str, type] = {"user_id": int, "chat_type": str, "reply_to_message_id": int}
_NUMBERS = ("chat_id", "user_id", "reply_to_message_id")


def say(emulator: Emulator, body: Json) -> Json:
    """Let a user write a message and return its ids."""
    order = fields(body, {"chat_id": int, "text": str}, _WHERE)
    text = order["text"].strip()
    if not 1 <= len(text) <= MAX_TEXT:
        raise ControlError(f"'text' must have 1 to {MAX_TEXT} characters that aren't white space")
    return _speak(emulator, order, _marked("text", "entities", text))


def share_contact(emulator: Emulator, body: Json) -> Json:
    """Let a user share a phone number, their own unless another name is given, and return the message's ids."""
    names = {"first_name": str, "last_name": str}
    order = fields(body, {"chat_id": int, "phone_number": str}, _WHERE | names)
    if not order["phone_number"].strip():
        raise ControlError("'phone_number' must not be empty")
    user = emulator.world.user(speaker_in(order, id_in(order, "chat_id", 0), ADMIN_ID))
    own = {"user_id": user["id"]} | {name: user[name] for name in names if name in user}
    given = {name: order[name] for name in names if name in order}
    contact = {"phone_number": order["phone_number"].strip(), **(given or own)}
    return _speak(emulator, order, {"contact": contact | {"first_name": contact.get("first_name", "")}})


def share_location(emulator: Emulator, body: Json) -> Json:
    """Let a user say where they are and return the message's ids."""
    order = fields(body, {"chat_id": int, "latitude": float, "longitude": float}, _WHERE)
    if abs(order["latitude"]) > 90 or abs(order["longitude"]) > 180:
        raise ControlError("'latitude' must be from -90 to 90 and 'longitude' from -180 to 180")
    return _speak(emulator, order, {"location": {name: order[name] for name in ("latitude", "longitude")}})


async def send_file(emulator: Emulator, request: Request, kind: str) -> Json:
    """Let a user send a photo or a document, the file of that name in the body, and return the message's ids."""
    try:
        given = await parameters.read(request)
    except BotApiError as error:
        raise ControlError(f"the body can't be read: {error.description}", error.code) from None
    order = fields(_typed(given), {"chat_id": int}, _WHERE | {"caption": str})
    upload = given.files.get(kind)
    if upload is None:
        raise ControlError(f"{kind!r} is missing: send a multipart body with the file, as curl -F {kind}=@FILE does")
    caption = order.get("caption", "").strip()
    if len(caption) > MAX_CAPTION:
        raise ControlError(f"'caption' must have at most {MAX_CAPTION} characters")
    try:
        media = read_media(emulator, kind, upload, given)
    except BotApiError as error:
        raise ControlError(f"the {kind} isn't taken: {error.description}", error.code) from None
    return _speak(emulator, order, media | (_marked("caption", "caption_entities", caption) if caption else {}))


def _typed(given: Parameters) -> Json:
    """Return the fields beside a file with numbers as such; what is no number stays, and is refused as one."""
    typed: dict[str, Any] = dict(given.arguments)
    for name in _NUMBERS:
        if typed.get(name, "").removeprefix("-").isdecimal():
            typed[name] = int(typed[name])
    return typed


def _marked(name: str, beside: str, text: str) -> Json:
    entities = detect(text)
    return {name: text} | ({beside: entities} if entities else {})


def _speak(emulator: Emulator, order: Json, content: Json) -> Json:
    """Post the content as the order's user in its chat, tell the bot, and return the ids."""
    chat_id = id_in(order, "chat_id", 0)
    kind = chat_type(chat_id, order.get("chat_type"), emulator.world.chats.get(chat_id))
    user_id = speaker_in(order, chat_id, ADMIN_ID)
    if chat_id in emulator.world.chats:
        _check_speaking(emulator, living_chat(emulator, chat_id), user_id)
    chat = emulator.world.chat(chat_id, kind, user_id)
    user = emulator.world.user(user_id)
    if kind == "private" and not is_in(emulator.world.own_standing(chat)):
        happenings.change_member(emulator, chat, user, simple(emulator.world.bot, "member"))
    if (replied := order.get("reply_to_message_id")) is not None:
        if replied not in chat.messages:
            raise ControlError(f"chat {chat_id} has no message {replied}: see /control/chats/{chat_id}/messages", 404)
        content = content | {"reply_to_message": chat.as_replied_to(replied)}
    is_channel = kind == "channel"
    message = emulator.world.post(chat, None if is_channel else user, content)
    update_id = emulator.announce("channel_post" if is_channel else "message", message, chat_id)
    return {"update_id": update_id, "message_id": message["message_id"]}


def _check_speaking(emulator: Emulator, chat: Chat, user_id: int) -> None:
    """Raise ControlError if the user can't speak in the chat, or the bot wouldn't hear it."""
    world = emulator.world
    if user_id in world.deactivated:
        raise ControlError(f"user {user_id} is deactivated: bring them back with POST /control/users", 409)
    if chat.type == "private":
        return
    if user_id in chat.members and not is_in(world.member(chat, user_id)):
        raise ControlError(f"user {user_id} isn't in chat {chat.id}: let them join with POST /control/members", 409)
    if not is_in(world.own_standing(chat)):
        raise ControlError(f"the bot isn't in chat {chat.id} to hear it: add it with POST /control/members", 409)
