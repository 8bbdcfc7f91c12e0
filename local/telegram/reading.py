"""The methods that ask: who the bot is, chats and their members, files, commands.

Rule: answers hold every field that the Bot API requires of the object. Hazard: a member is whoever spoke, whom an order
or a call made one, or whom a raw chat_member update named; nobody's profile has photos.
"""

import json
import re
from typing import Any

from local.telegram import access
from local.telegram.emulator import Emulator
from local.telegram.errors import bad_request
from local.telegram.members import Json, leads
from local.telegram.parameters import Parameters

MAX_COMMANDS = 100
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SCOPES = frozenset({
    "default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators",
    "chat_member",
})  # fmt: skip
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


async def get_me(emulator: Emulator, parameters: Parameters) -> Json:  # noqa: ARG001 - all methods take both
    """Return the bot itself."""
    return emulator.world.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": True,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def get_chat(emulator: Emulator, parameters: Parameters) -> Json:
    """Return what is known of a chat."""
    chat = access.to_read(emulator.world, parameters.text("chat_id"))
    details: Json = {
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFTS, chat.type == "private"),
    }
    if chat.type in ("group", "supergroup"):
        details["permissions"] = chat.permissions
    if chat.description:
        details["description"] = chat.description
    if chat.photo:
        details["photo"] = chat.photo
    if chat.pinned:
        details["pinned_message"] = chat.shown(max(chat.pinned))  # the latest sent, not the latest pinned
    if "username" in chat.info:
        details["active_usernames"] = [chat.info["username"]]
    return chat.info | details


async def get_chat_member(emulator: Emulator, parameters: Parameters) -> Json:
    """Return a user's standing in a chat."""
    chat = access.to_read(emulator.world, parameters.text("chat_id"))
    return emulator.world.member(chat, user_id_of(parameters))


async def get_chat_administrators(emulator: Emulator, parameters: Parameters) -> list[Json]:
    """Return a group's owner and administrators, other bots left out."""
    chat = access.to_read(emulator.world, parameters.text("chat_id"))
    if chat.type == "private":
        raise bad_request("there are no administrators in the private chat")
    leading = [item for item in emulator.world.members(chat) if leads(item)]
    others = parameters.boolean("return_bots")
    own_id = emulator.world.bot["id"]
    return [item for item in leading if others or not item["user"]["is_bot"] or item["user"]["id"] == own_id]


async def get_chat_member_count(emulator: Emulator, parameters: Parameters) -> int:
    """Return how many are in a chat."""
    return len(emulator.world.members(access.to_read(emulator.world, parameters.text("chat_id"))))


async def get_user_profile_photos(emulator: Emulator, parameters: Parameters) -> Json:
    """Return a user's profile photos: always none."""
    user_id = user_id_of(parameters)
    if user_id not in emulator.world.users:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}


async def get_file(emulator: Emulator, parameters: Parameters) -> Json:
    """Return where a file can be downloaded."""
    file = emulator.world.files.get(parameters.text("file_id"))
    if file is None:
        raise bad_request("invalid file_id")
    return file.describe() | {"file_path": file.path}


async def set_my_commands(emulator: Emulator, parameters: Parameters) -> bool:
    """Keep the bot's commands for a scope and a language."""
    try:
        commands = parameters.decoded("commands")
    except ValueError:
        raise bad_request("can't parse commands JSON object") from None
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    kept = [_command(command) for command in commands]
    emulator.world.commands[_scope(parameters)] = kept
    return True


async def get_my_commands(emulator: Emulator, parameters: Parameters) -> list[Json]:
    """Return the bot's commands for a scope and a language, none if never set."""
    return emulator.world.commands.get(_scope(parameters), [])


def _command(command: Any) -> Json:
    if not isinstance(command, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name = str(command.get("command", "")).removeprefix("/")
    description = str(command.get("description", ""))
    if not _COMMAND.fullmatch(name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}


def _scope(parameters: Parameters) -> tuple[str, str]:
    try:
        scope = parameters.decoded("scope") or {"type": "default"}
    except ValueError:
        raise bad_request("can't parse BotCommandScope JSON object") from None
    if not isinstance(scope, dict) or scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    return json.dumps(scope, sort_keys=True), parameters.text("language_code")


def user_id_of(parameters: Parameters) -> int:
    """Return the call's user_id; raise BotApiError if there is none."""
    user_id = parameters.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    return user_id
