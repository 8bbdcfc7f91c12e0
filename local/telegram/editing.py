"""The methods on what is already there: edits, deletion, reactions, answers to queries, chat actions.

Rule: Telegram's texts, to the letter; bots tell "not modified" and "query is too old" by them. An edit is checked, then
charged to the chat's limits, then made; one that would change nothing is charged to nobody.
Hazard: messages sent in inline mode don't exist here, so any inline_message_id is invalid.
"""

from typing import Any

from local.telegram import access, keyboards
from local.telegram.emulator import Emulator
from local.telegram.errors import bad_request, too_many_requests
from local.telegram.members import Json, has_right
from local.telegram.parameters import Parameters
from local.telegram.sending import read_caption, read_input_media, read_text
from local.telegram.world import CALLBACK_ANSWER_S, INLINE_ANSWER_S, Chat

DELETABLE_S = 48 * 3600
MAX_INLINE_RESULTS = 50
MAX_CALLBACK_TEXT = 200
ACTION_S = 5  # core.telegram.org/bots/api#sendchataction: "5 seconds or less", or until the bot's message
ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
_MEDIA = ("photo", "document")
_CONTENT = frozenset({"text", "entities", "caption", "caption_entities", *_MEDIA})
_EMOJI_OF = {"emoji": "emoji", "custom_emoji": "custom_emoji_id"}  # a bot can't pay for reactions
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)


async def edit_message_text(emulator: Emulator, parameters: Parameters) -> Json:
    """Replace a text that the bot sent, and its keyboard."""
    chat, message = _editable(emulator, parameters)
    content = read_text(parameters)
    markup = keyboards.read_inline(parameters)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _edit(emulator, chat, message, content, markup)


async def edit_message_caption(emulator: Emulator, parameters: Parameters) -> Json:
    """Replace the caption of a photo or file that the bot sent, and its keyboard."""
    chat, message = _editable(emulator, parameters)
    caption = read_caption(parameters)
    markup = keyboards.read_inline(parameters)
    media = {name: message[name] for name in _MEDIA if name in message}
    if not media:
        raise bad_request("there is no caption in the message to edit")
    return _edit(emulator, chat, message, media | caption, markup)


async def edit_message_media(emulator: Emulator, parameters: Parameters) -> Json:
    """Put another photo or file with another caption into a message that the bot sent, and replace its keyboard."""
    chat, message = _editable(emulator, parameters)
    try:
        item = parameters.decoded("media")
    except ValueError:
        raise bad_request("can't parse InputMedia JSON object") from None
    media = read_input_media(emulator, item, parameters)
    return _edit(emulator, chat, message, media, keyboards.read_inline(parameters))


async def edit_message_reply_markup(emulator: Emulator, parameters: Parameters) -> Json:
    """Replace the keyboard under a message that the bot sent."""
    chat, message = _editable(emulator, parameters)
    return _edit(emulator, chat, message, None, keyboards.read_inline(parameters))


def _editable(emulator: Emulator, parameters: Parameters) -> tuple[Chat, Json]:
    if parameters.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    message_id = parameters.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    if message_id not in chat.messages:
        raise bad_request("message to edit not found")
    message = chat.messages[message_id]
    if not _is_own(emulator, chat, message):
        raise bad_request("message can't be edited")
    return chat, message


def _is_own(emulator: Emulator, chat: Chat, message: Json) -> bool:
    is_bots: bool = message.get("from", {}).get("id") == emulator.world.bot["id"]
    return is_bots or (chat.type == "channel" and "from" not in message)


def _edit(emulator: Emulator, chat: Chat, message: Json, content: Json | None, markup: Json | None) -> Json:
    edited = {name: value for name, value in message.items() if name not in ("reply_markup", "edit_date")}
    if content is not None:
        edited = {name: value for name, value in edited.items() if name not in _CONTENT} | content
    if markup is not None:
        edited["reply_markup"] = markup
    if edited == {name: value for name, value in message.items() if name != "edit_date"}:
        raise bad_request(_NOT_MODIFIED)
    if wait_s := emulator.limits.edit(chat.id):
        raise too_many_requests(wait_s)
    edited["edit_date"] = int(emulator.clock.now())
    chat.messages[message["message_id"]] = edited
    return chat.shown(message["message_id"])


async def delete_message(emulator: Emulator, parameters: Parameters) -> bool:
    """Remove a message from the chat, if the bot may."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    message_id = parameters.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    if message_id not in chat.messages:
        raise bad_request("message to delete not found")
    message = chat.messages[message_id]
    own = emulator.world.own_standing(chat)
    may = chat.type == "private" or _is_own(emulator, chat, message) or has_right(own, "can_delete_messages")
    if not may or message["date"] <= emulator.clock.now() - DELETABLE_S:
        raise bad_request("message can't be deleted")
    del chat.messages[message_id]
    chat.pinned = [pinned for pinned in chat.pinned if pinned != message_id]
    return True


async def set_message_reaction(emulator: Emulator, parameters: Parameters) -> bool:
    """Replace the bot's reaction to a message; no update tells of a bot's reactions."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    message_id = parameters.integer("message_id")
    if message_id not in chat.messages:
        raise bad_request("message to react not found")
    try:
        reactions = parameters.decoded("reaction") or []
    except ValueError:
        raise bad_request("can't parse reaction types JSON object") from None
    if not isinstance(reactions, list) or not all(isinstance(reaction, dict) for reaction in reactions):
        raise bad_request("expected an Array of ReactionType")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not all(_EMOJI_OF.get(reaction.get("type")) in reaction for reaction in reactions):
        raise bad_request("REACTION_INVALID")
    chat.reactions[message_id] = reactions
    return True


async def answer_callback_query(emulator: Emulator, parameters: Parameters) -> bool:
    """Answer the press of a button."""
    _check_question(emulator, "callback_query", parameters.text("callback_query_id"), CALLBACK_ANSWER_S)
    if len(parameters.text("text")) > MAX_CALLBACK_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    emulator.world.answers[parameters.text("callback_query_id")] = {
        "text": parameters.text("text"),
        "show_alert": parameters.boolean("show_alert"),
        "url": parameters.text("url"),
    }
    return True


async def answer_inline_query(emulator: Emulator, parameters: Parameters) -> bool:
    """Answer an inline query."""
    try:
        results = parameters.decoded("results")
    except ValueError:
        raise bad_request("can't parse inline query results JSON object") from None
    if not isinstance(results, list):
        raise bad_request("expected an Array of inline query results")
    if len(results) > MAX_INLINE_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    for result in results:
        _check_result(result)
    if len({str(result["id"]) for result in results}) < len(results):
        raise bad_request("RESULT_ID_DUPLICATE")
    _check_question(emulator, "inline_query", parameters.text("inline_query_id"), INLINE_ANSWER_S)
    return True


def _check_result(result: Any) -> None:
    if not isinstance(result, dict):
        raise bad_request("can't parse inline query result: expected an Object")
    for name in ("type", "id"):
        if not result.get(name):
            raise bad_request(f"can't parse inline query result: Can't find field \"{name}\"")


def _check_question(emulator: Emulator, kind: str, query_id: str, answer_within_s: int) -> None:
    asked_at = emulator.world.questions.get((kind, query_id))
    if asked_at is None or emulator.clock.now() > asked_at + answer_within_s:
        raise bad_request(_TOO_OLD)


async def send_chat_action(emulator: Emulator, parameters: Parameters) -> bool:
    """Say what the bot is doing."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    action = parameters.text("action").lower()
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    emulator.world.actions[chat.id] = {"action": action, "until": emulator.clock.now() + ACTION_S}
    return True
