"""The methods that send: sendMessage, copyMessage, forwardMessage, sendPhoto, sendDocument, sendMediaGroup.

Rule: check everything, then the limits, then post; so a call that Telegram would refuse costs nothing of the limits.
Hazard: an uploaded file's content isn't looked at. A photo has one size, 320 x 320, whatever the bytes are; a URL as a
file is refused, because nothing is fetched.
"""

import json
from typing import Any

from local.telegram import access, keyboards
from local.telegram.emulator import Emulator
from local.telegram.entities import Entity
from local.telegram.errors import BotApiError, bad_request, too_many_requests
from local.telegram.markup import formatted
from local.telegram.members import Json
from local.telegram.parameters import Parameters, UploadedFile
from local.telegram.world import Chat, StoredFile

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_DOCUMENT_BYTES = 50 * 1024 * 1024
MAX_ALBUM = 10
_MEDIA = ("photo", "document")


def read_entities(parameters: Parameters, name: str) -> list[Entity]:
    """Return the entities given as JSON; raise BotApiError if they can't be read."""
    try:
        given = parameters.decoded(name) or []
    except ValueError:
        raise bad_request("can't parse entities JSON object") from None
    if not isinstance(given, list):
        raise bad_request("can't parse entities: expected an Array of MessageEntity")
    for entity in given:
        numbers = (entity.get("offset"), entity.get("length")) if isinstance(entity, dict) else ()
        if not all(isinstance(number, int) for number in numbers) or not numbers or "type" not in entity:
            raise bad_request("can't parse MessageEntity: type, offset and length are needed")
    return given


def read_text(parameters: Parameters) -> Json:
    """Return the text and entities of a message; raise BotApiError if it is empty, too long or badly marked up."""
    given = read_entities(parameters, "entities")
    text, entities = formatted(parameters.text("text"), parameters.text("parse_mode"), given)
    if not text:
        raise bad_request("message text is empty")
    if len(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def read_caption(parameters: Parameters) -> Json:
    """Return the caption and its entities, nothing if there is none."""
    given = read_entities(parameters, "caption_entities")
    text, entities = formatted(parameters.text("caption"), parameters.text("parse_mode"), given)
    if len(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    if not text:
        return {}
    return {"caption": text} | ({"caption_entities": entities} if entities else {})


async def send_message(emulator: Emulator, parameters: Parameters) -> Json:
    """Send a text."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    return _send(emulator, chat, parameters, [read_text(parameters)])[0]


async def send_photo(emulator: Emulator, parameters: Parameters) -> Json:
    """Send a photo: uploaded, or known by its file_id."""
    return _send_media(emulator, parameters, "photo")


async def send_document(emulator: Emulator, parameters: Parameters) -> Json:
    """Send a file: uploaded, or known by its file_id."""
    return _send_media(emulator, parameters, "document")


def _send_media(emulator: Emulator, parameters: Parameters, kind: str) -> Json:
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    caption = read_caption(parameters)
    source = parameters.files.get(kind) or parameters.text(kind)
    if not source:
        raise bad_request(f"there is no {kind} in the request")
    media = read_media(emulator, kind, source, parameters)
    return _send(emulator, chat, parameters, [media | caption])[0]


async def send_media_group(emulator: Emulator, parameters: Parameters) -> list[Json]:
    """Send an album of photos or of documents."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    try:
        items = parameters.decoded("media") or []
    except ValueError:
        raise bad_request("can't parse media JSON object") from None
    if not isinstance(items, list):
        raise bad_request("expected an Array of InputMedia")
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) > MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    contents = [read_input_media(emulator, item, parameters) for item in items]
    if len({"document" in content for content in contents}) > 1:
        raise bad_request("document can't be mixed with other media types")
    album = {"media_group_id": str(int(emulator.clock.now() * 1000)) + f"{chat.next_message_id:06}"}
    return _send(emulator, chat, parameters, [content | album for content in contents])


def read_input_media(emulator: Emulator, item: Any, parameters: Parameters) -> Json:
    """Return the photo or document of an InputMedia, and its caption."""
    if not isinstance(item, dict):
        raise bad_request("can't parse InputMedia: expected an Object")
    if item.get("type") not in _MEDIA:
        raise bad_request(
            f"can't parse InputMedia: this emulator knows the types photo and document, not {item.get('type')}"
        )
    if not item.get("media"):
        raise bad_request("can't parse InputMedia: Can't find field \"media\"")
    arguments = {name: value if isinstance(value, str) else json.dumps(value) for name, value in item.items()}
    own = Parameters(arguments, parameters.files)
    return read_media(emulator, item["type"], own.text("media"), own) | read_caption(own)


async def copy_message(emulator: Emulator, parameters: Parameters) -> Json:
    """Send a copy of a message and return its id."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    _, _, content = _original(emulator, parameters, "to copy not found", "can't be copied")
    if "caption" in parameters.arguments and "text" not in content:
        content = {name: value for name, value in content.items() if not name.startswith("caption")}
        content |= read_caption(parameters)
    return {"message_id": _send(emulator, chat, parameters, [content])[0]["message_id"]}


async def forward_message(emulator: Emulator, parameters: Parameters) -> Json:
    """Send a message on, with its origin."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    source, original, content = _original(emulator, parameters, "to forward not found", "can't be forwarded")
    origin: Json = {"type": "user", "sender_user": original.get("from"), "date": original["date"]}
    if "from" not in original:
        origin = {"type": "channel", "chat": source.info, "date": original["date"]}
        origin["message_id"] = original["message_id"]
    return _send(emulator, chat, parameters, [content | {"forward_origin": original.get("forward_origin", origin)}])[0]


def _original(emulator: Emulator, parameters: Parameters, missing: str, empty: str) -> tuple[Chat, Json, Json]:
    """Return the chat of the message that the call names, the message, and what of it can be sent again."""
    source = access.to_read(emulator.world, parameters.text("from_chat_id"))
    original = source.messages.get(parameters.integer("message_id"))
    if original is None:
        raise bad_request(f"message {missing}")
    kept = ("text", "entities", "caption", "caption_entities", "photo", "document", "contact", "location")
    content = {name: original[name] for name in kept if name in original}
    if not content:
        raise bad_request(f"message {empty}")
    return source, original, content


def _send(emulator: Emulator, chat: Chat, parameters: Parameters, contents: list[Json]) -> list[Json]:
    """Post the contents as the bot's messages, if the limits allow."""
    markup = keyboards.read(parameters)
    extra = _reply(chat, parameters)
    if thread_id := parameters.integer("message_thread_id"):
        extra["message_thread_id"] = thread_id
    if markup and "inline_keyboard" in markup:
        extra["reply_markup"] = markup
    for content in contents:
        kind = next((kind for kind in _MEDIA if kind in content), "text")
        access.check_sending(emulator.world, chat, kind)
    wait_s = emulator.limits.send(chat.id, len(contents), paid=parameters.boolean("allow_paid_broadcast"))
    if wait_s:
        raise too_many_requests(wait_s)
    sender = None if chat.type == "channel" else emulator.world.bot
    messages = [emulator.world.post(chat, sender, content | extra) for content in contents]
    if markup and "inline_keyboard" not in markup:
        chat.keyboards[messages[0]["message_id"]] = markup
    return messages


def _reply(chat: Chat, parameters: Parameters) -> Json:
    """Return the reply_to_message field, nothing if the call replies to nothing."""
    try:
        wanted = parameters.decoded("reply_parameters") or {}
    except ValueError:
        raise bad_request("can't parse reply parameters JSON object") from None
    if not isinstance(wanted, dict):
        raise bad_request("object expected as reply parameters")
    message_id = wanted.get("message_id") or parameters.integer("reply_to_message_id")
    if not message_id:
        return {}
    if message_id in chat.messages:
        return {"reply_to_message": chat.as_replied_to(message_id)}
    if wanted.get("allow_sending_without_reply") or parameters.boolean("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")


def read_media(emulator: Emulator, kind: str, source: UploadedFile | str, parameters: Parameters) -> Json:
    """Return the photo or document that a call uploads or names by file_id."""
    if isinstance(source, str) and source.startswith("attach://"):
        source = parameters.files.get(source.removeprefix("attach://")) or source
    file = _known_file(emulator, source) if isinstance(source, str) else _store(emulator, kind, source)
    if kind == "photo":
        return {"photo": [file.describe() | {"width": 320, "height": 320}]}
    mime = file.content_type or "application/octet-stream"
    return {"document": file.describe() | {"file_name": file.name, "mime_type": mime}}


def _store(emulator: Emulator, kind: str, upload: UploadedFile) -> StoredFile:
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > (MAX_PHOTO_BYTES if kind == "photo" else MAX_DOCUMENT_BYTES):
        raise BotApiError(413, "Request Entity Too Large")
    return emulator.world.store_file(upload.file_name, upload.content_type, upload.data, f"{kind}s")


def _known_file(emulator: Emulator, source: str) -> StoredFile:
    if source.startswith("attach://"):
        raise bad_request(f"can't find the file {source.removeprefix('attach://')} in the request")
    if source.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    if source not in emulator.world.files:
        raise bad_request("wrong remote file identifier specified: can't unserialize it. Wrong last symbol")
    return emulator.world.files[source]
