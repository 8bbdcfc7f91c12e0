"""The command menu that one person sees in one chat, of all that the bot has set.

Rule: the first of the scopes below for which commands are set, each in the person's language before the one for every
language (core.telegram.org/bots/api#determining-list-of-commands). An empty list is none.
"""

import json
from collections.abc import Iterator

from local.telegram.errors import BotApiError
from local.telegram.members import Json, leads
from local.telegram.world import Chat, World


def menu(world: World, chat: Chat, user_id: int) -> list[Json]:
    """Return the commands that the user is offered in the chat."""
    language = str(world.users.get(user_id, {}).get("language_code", ""))
    known = {(_scope(world, scope), language_of): commands for (scope, language_of), commands in world.commands.items()}
    for scope in _scopes(world, chat, user_id):
        for wanted in dict.fromkeys((language, language.partition("-")[0], "")):
            if commands := known.get((scope, wanted)):
                return commands
    return []


def _scopes(world: World, chat: Chat, user_id: int) -> Iterator[tuple[object, ...]]:
    if chat.type == "private":
        yield "chat", chat.id
        yield ("all_private_chats",)
    elif chat.type in ("group", "supergroup"):
        administers = user_id in chat.members and leads(world.member(chat, user_id))
        yield "chat_member", chat.id, user_id
        if administers:
            yield "chat_administrators", chat.id
        yield "chat", chat.id
        if administers:
            yield ("all_chat_administrators",)
        yield ("all_group_chats",)
    yield ("default",)


def _scope(world: World, written: str) -> tuple[object, ...]:
    """Return the scope as it is compared: its type, and the numbers of the chat and the user that it is for."""
    scope = json.loads(written)
    parts: list[object] = [scope["type"]]
    if "chat_id" in scope:
        try:
            parts.append(world.known(str(scope["chat_id"])).id)
        except BotApiError:
            parts.append(None)
    return (*parts, *([scope["user_id"]] if "user_id" in scope else []))
