"""The methods that change a chat: title, description, photo, permissions, pinned messages, and leaving it.

Rule: access first, then the chat's type, then the bot's right, then whether anything changes, with the texts and in the
order of TDLib's DialogManager.cpp. What changes happens in happenings.py, so that its updates arise.
Hazard: too long a title or description is cut, as at Telegram, not refused.
"""

import json
from typing import Any

from local.telegram import access, happenings
from local.telegram.access import check_right
from local.telegram.emulator import Emulator
from local.telegram.errors import bad_request
from local.telegram.members import MEDIA_PERMISSIONS, PERMISSIONS, is_in, simple
from local.telegram.parameters import Parameters
from local.telegram.sending import read_media
from local.telegram.world import Chat

MAX_TITLE = 128
MAX_DESCRIPTION = 255
_IMPLYING_MEDIA = ("can_send_other_messages", "can_add_web_page_previews")
_DEFAULTS = {
    "can_react_to_messages": "can_send_messages",
    "can_edit_tag": "can_pin_messages",
    "can_manage_topics": "can_pin_messages",
}


def _changeable_chat(emulator: Emulator, parameters: Parameters, what: str, right: str, lacking: str) -> Chat:
    """Return the call's chat; raise BotApiError if it has no such thing or the bot lacks the right."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    if chat.type == "private" or (chat.type == "channel" and what == "permissions"):
        raise bad_request(f"can't change {chat.type} chat {what}")
    check_right(emulator.world, chat, right, lacking)
    return chat


async def set_chat_title(emulator: Emulator, parameters: Parameters) -> bool:
    """Rename the chat."""
    chat = _changeable_chat(emulator, parameters, "title", "can_change_info", "not enough rights to change chat title")
    title = " ".join(parameters.text("title").split())[:MAX_TITLE].rstrip()
    if not title:
        raise bad_request("title must be non-empty")
    if title != chat.info.get("title"):
        happenings.change_title(emulator, chat, emulator.world.bot, title)
    return True


async def set_chat_description(emulator: Emulator, parameters: Parameters) -> bool:
    """Change what the chat is about; left out, it says nothing."""
    lacking = "not enough rights to set chat description"
    chat = _changeable_chat(emulator, parameters, "description", "can_change_info", lacking)
    description = parameters.text("description").strip()[:MAX_DESCRIPTION].rstrip()
    if description == chat.description:
        raise bad_request("chat description is not modified")
    chat.description = description
    return True


async def set_chat_photo(emulator: Emulator, parameters: Parameters) -> bool:
    """Give the chat an uploaded photo."""
    given = parameters.text("photo")
    upload = parameters.files.get(given.removeprefix("attach://") if given.startswith("attach://") else "photo")
    if upload is None:
        raise bad_request("photo must be uploaded as an InputFile" if given else "there is no photo in the request")
    chat = _changeable_chat(emulator, parameters, "photo", "can_change_info", "not enough rights to change chat photo")
    sizes = read_media(emulator, "photo", upload, parameters)["photo"]
    happenings.change_photo(emulator, chat, emulator.world.bot, sizes)
    return True


async def delete_chat_photo(emulator: Emulator, parameters: Parameters) -> bool:
    """Take the chat's photo away."""
    chat = _changeable_chat(emulator, parameters, "photo", "can_change_info", "not enough rights to change chat photo")
    if chat.photo is not None:
        happenings.change_photo(emulator, chat, emulator.world.bot, [])
    return True


def read_permissions(parameters: Parameters) -> dict[str, bool]:
    """Return the call's ChatPermissions, all of them; raise BotApiError if they can't be read."""
    try:
        given = json.loads(parameters.text("permissions"))
    except ValueError:
        raise bad_request("can't parse permissions JSON object") from None
    if not isinstance(given, dict):
        raise bad_request("object expected as permissions")
    for name in PERMISSIONS:
        if not isinstance(given.get(name, False), bool):
            raise bad_request(f'can\'t parse chat permissions: Field "{name}" must be of type Boolean')
    return _with_implied(given, is_independent=parameters.boolean("use_independent_chat_permissions"))


def _with_implied(given: dict[str, Any], *, is_independent: bool) -> dict[str, bool]:
    allowed = {name: bool(given.get(name)) for name in PERMISSIONS}
    if not is_independent:
        if any(allowed[name] for name in _IMPLYING_MEDIA):
            allowed |= dict.fromkeys(MEDIA_PERMISSIONS, True)
        allowed["can_send_messages"] |= allowed["can_send_polls"]
    return allowed | {name: allowed[default] for name, default in _DEFAULTS.items() if name not in given}


async def set_chat_permissions(emulator: Emulator, parameters: Parameters) -> bool:
    """Change what everybody may do in a group."""
    permissions = read_permissions(parameters)
    lacking = "not enough rights to change chat permissions"
    chat = _changeable_chat(emulator, parameters, "permissions", "can_restrict_members", lacking)
    chat.permissions = permissions
    return True


def _pinning_chat(emulator: Emulator, parameters: Parameters, missing: str | None) -> Chat:
    """Return the call's chat; raise BotApiError if its message is missing or the bot may not pin there."""
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    if missing and parameters.integer("message_id") not in chat.messages:
        raise bad_request(missing)
    if chat.type != "private":
        right = "can_edit_messages" if chat.type == "channel" else "can_pin_messages"
        check_right(emulator.world, chat, right, "not enough rights to manage pinned messages in the chat")
    return chat


async def pin_chat_message(emulator: Emulator, parameters: Parameters) -> bool:
    """Pin a message; in a private chat the bot always may."""
    chat = _pinning_chat(emulator, parameters, "message to pin not found")
    if parameters.integer("message_id") not in chat.pinned:
        happenings.pin(emulator, chat, emulator.world.bot, parameters.integer("message_id"))
    return True


async def unpin_chat_message(emulator: Emulator, parameters: Parameters) -> bool:
    """Unpin a message, or the latest of the pinned ones."""
    missing = "message to unpin not found"
    message_id = parameters.integer("message_id")
    chat = _pinning_chat(emulator, parameters, missing if message_id else None)
    if not message_id and not chat.pinned:
        raise bad_request(missing)
    chat.pinned = [pinned for pinned in chat.pinned if pinned != (message_id or max(chat.pinned))]
    return True


async def unpin_all_chat_messages(emulator: Emulator, parameters: Parameters) -> bool:
    """Unpin all messages."""
    _pinning_chat(emulator, parameters, None).pinned = []
    return True


async def leave_chat(emulator: Emulator, parameters: Parameters) -> bool:
    """Leave a group or channel."""
    world = emulator.world
    chat = access.to_read(world, parameters.text("chat_id"))
    if chat.type == "private":
        raise bad_request("can't leave private chats")
    if is_in(world.own_standing(chat)):
        happenings.change_member(emulator, chat, world.bot, simple(world.bot, "left"))
    return True
