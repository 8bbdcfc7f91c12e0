"""A message as the page shows it, made of the Bot API's object.

Problem: the page must not know of file ids, names of people who wrote long ago, or thirty kinds of service messages.
Rule: one flat object per message; texts and entities stay as they are, files get an address of this page, and what
happened to a chat becomes a sentence.
Hazard: raw updates bring messages of any shape. One that is none of Telegram's is shown as a sentence that says so.
"""

from typing import Any

from local.telegram.members import Json
from local.telegram.world import Chat, World

FILES = "/page/files/"
QUOTE = 120
QUOTE_OF_PINNED = 40
NOT_SHOWN = "A message of a shape that Telegram's have not"
#: What comes of taking a thing of one shape for one of another.
_SHAPELESS = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_SHOWN = ("photo", "document", "contact", "location")
#: What a message can hold besides, of which the page says that it is there.
_OTHERS = (
    "animation", "audio", "sticker", "story", "video", "video_note", "voice", "dice", "game", "poll", "venue",
    "invoice", "successful_payment", "paid_media", "checklist", "giveaway",
)  # fmt: skip


def shown(world: World, chat: Chat, message_id: int) -> Json:
    """Return the message of the chat as the page shows it; what it lacks is left out."""
    try:
        return _shown(world, chat, message_id)
    except _SHAPELESS:
        return {"chat": chat.id, "id": message_id, "date": 0, "name": "", "by_bot": False, "service": NOT_SHOWN}


def _shown(world: World, chat: Chat, message_id: int) -> Json:
    message = chat.messages[message_id]
    sender = message.get("from") or {}
    name, entities = ("text", "entities") if "text" in message else ("caption", "caption_entities")
    reply, forwarded = message.get("reply_to_message"), message.get("forward_origin")
    if not isinstance(message.get(name, ""), str):
        raise TypeError(name)
    parts: Json = {
        "chat": chat.id,
        "id": message_id,
        "date": date(message),
        "from": sender.get("id"),
        "name": author(world, message),
        "by_bot": sender.get("id") == world.bot["id"] or (not sender and chat.type == "channel"),
        "edited": "edit_date" in message or None,
        "text": message.get(name),
        "entities": [one for one in message.get(entities, []) if isinstance(one["offset"], int)] or None,
        "media": _media(world, message),
        "album": message.get("media_group_id"),
        "reply": {"id": reply.get("message_id"), "name": author(world, reply), "text": summary(reply)}
        if reply
        else None,
        "forwarded": _origin(forwarded) if forwarded else None,
        "buttons": _buttons(message.get("reply_markup") or {}),
        "reactions": [one.get("emoji", "⭐") for one in chat.reactions.get(message_id, [])] or None,
        "service": service(world, message),
    }
    return {key: value for key, value in parts.items() if value is not None}


def date(message: Json) -> int:
    """Return when the message was written, 0 if it does not say so."""
    said = message.get("date")
    return said if isinstance(said, int) else 0


def author(world: World, message: Json) -> str:
    """Return who wrote the message, by their present name."""
    sender = message.get("from")
    if not isinstance(sender, dict):
        return str((message.get("sender_chat") or message.get("chat") or {}).get("title", ""))
    return full_name(world.users.get(sender.get("id", 0), sender))


def full_name(user: Json) -> str:
    """Return the user's first and last name."""
    return " ".join(str(user[name]) for name in ("first_name", "last_name") if user.get(name))


def summary(message: Json, most: int = QUOTE) -> str:
    """Return one line of what the message says, of that many characters at most."""
    text = str(message.get("text") or message.get("caption") or "")
    if not text:
        kind = next((kind for kind in (*_SHOWN, *_OTHERS) if kind in message), "message")
        name = (message.get("document") or {}).get("file_name", "")
        text = name or kind.replace("_", " ").capitalize()
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _buttons(markup: Json) -> list[list[Json]] | None:
    lines = markup.get("inline_keyboard")
    return [[button | {"text": str(button["text"])} for button in line] for line in lines] if lines else None


def _media(world: World, message: Json) -> Json | None:
    if sizes := message.get("photo"):
        return {"kind": "photo", "url": _url(world, sizes[-1])}
    if document := message.get("document"):
        size, name = document.get("file_size"), document.get("file_name") or "file"
        return {"kind": "document", "url": _url(world, document), "name": name, "size": size}
    if contact := message.get("contact"):
        return {"kind": "contact", "name": full_name(contact), "phone": contact.get("phone_number", "")}
    if location := message.get("location"):
        return {"kind": "location", "latitude": location.get("latitude"), "longitude": location.get("longitude")}
    if kind := next((kind for kind in _OTHERS if kind in message), None):
        return {"kind": "other", "what": kind.replace("_", " ")}
    return None


def _url(world: World, described: Json) -> str | None:
    file = world.files.get(str(described.get("file_id")))
    return FILES + file.unique_id if file else None


def _origin(origin: Json) -> str:
    if user := origin.get("sender_user"):
        return full_name(user)
    chat = origin.get("sender_chat") or origin.get("chat") or {}
    return str(origin.get("sender_user_name") or chat.get("title") or "somebody")


def service(world: World, message: Json) -> str | None:
    """Return the sentence on what happened, None for what somebody wrote."""
    actor = message.get("from") or {}
    name = author(world, message) or "Somebody"
    if joined := message.get("new_chat_members"):
        if [one.get("id") for one in joined] == [actor.get("id")]:
            return f"{name} joined the group"
        return f"{name} added {', '.join(full_name(one) for one in joined)}"
    if left := message.get("left_chat_member"):
        return f"{name} left the group" if left.get("id") == actor.get("id") else f"{name} removed {full_name(left)}"
    if "pinned_message" in message:
        return f"{name} pinned “{summary(message['pinned_message'], QUOTE_OF_PINNED)}”"
    sentences: dict[str, Any] = {
        "new_chat_title": "{name} changed the group's name to “{value}”",
        "new_chat_photo": "{name} changed the group's photo",
        "delete_chat_photo": "{name} removed the group's photo",
        "group_chat_created": "{name} made the group",
        "supergroup_chat_created": "{name} made the group",
        "migrate_to_chat_id": "The group became a supergroup",
        "migrate_from_chat_id": "This supergroup was a group before",
    }
    kind = next((kind for kind in sentences if kind in message), None)
    return None if kind is None else str(sentences[kind]).format(name=name, value=message[kind])
