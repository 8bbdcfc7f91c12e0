"""May the bot do that in this chat? Telegram's answers, in its words.

Problem: a chat can be out of reach in a dozen ways, and bots tell them apart by the text.
Rule: as check_chat_access in tdlib/telegram-bot-api, Client.cpp: what reads is refused less than what edits or writes.
A supergroup or channel that the bot isn't in can't even be read, unless it is public; a private chat or a basic group
can, whatever happened, and so can a group that was upgraded.
Hazard: Telegram's check lets an edit in an upgraded or blocked chat through to its servers, whose answer isn't
documented; here an edit is refused like any other write.
"""

from local.telegram.errors import BotApiError, bad_request, forbidden
from local.telegram.members import has_right, may
from local.telegram.world import Chat, World

_OUT = {
    ("private", "kicked"): "bot was blocked by the user",
    ("group", "kicked"): "bot was kicked from the group chat",
    ("supergroup", "kicked"): "bot was kicked from the supergroup chat",
    ("channel", "kicked"): "bot was kicked from the channel chat",
    ("group", "left"): "bot is not a member of the group chat",
    ("supergroup", "left"): "bot is not a member of the supergroup chat",
    ("channel", "left"): "bot is not a member of the channel chat",
}
_SENDING = {
    "text": ("can_send_messages", "not enough rights to send text messages to the chat"),
    "photo": ("can_send_photos", "not enough rights to send photos to the chat"),
    "document": ("can_send_documents", "not enough rights to send documents to the chat"),
}


def to_read(world: World, chat_id: str) -> Chat:
    """Return the chat that a call names by id or @username; raise BotApiError if the bot can't see it."""
    chat = world.known(chat_id)
    status = world.own_standing(chat)["status"]
    is_seen = chat.type in ("private", "group") or (status == "left" and "username" in chat.info)
    if not is_seen and (sentence := _OUT.get((chat.type, status))):
        raise forbidden(sentence)
    return chat


def to_write(world: World, chat_id: str) -> Chat:
    """Return the chat that a call names by id or @username; raise BotApiError if the bot can't reach it."""
    chat = world.known(chat_id)
    if chat.migrated_to is not None:
        description = "Bad Request: group chat was upgraded to a supergroup chat"
        raise BotApiError(400, description, migrate_to_chat_id=chat.migrated_to)
    if chat.id in world.deactivated:
        raise forbidden("user is deactivated")
    if world.users.get(chat.id, {}).get("is_bot"):
        raise forbidden("bots can't send messages to bots")
    if sentence := _OUT.get((chat.type, world.own_standing(chat)["status"])):
        raise forbidden(sentence)
    if not chat.has_begun:
        raise forbidden("bot can't initiate conversation with a user")
    return chat


def check_sending(world: World, chat: Chat, kind: str) -> None:
    """Raise BotApiError unless the bot may send a text, photo or document there."""
    own = world.own_standing(chat)
    permission, sentence = _SENDING[kind]
    if chat.type == "channel" and not has_right(own, "can_post_messages"):
        raise bad_request("need administrator rights in the channel chat")
    if chat.type in ("group", "supergroup") and not may(own, permission, chat.permissions):
        raise bad_request(sentence)


def check_right(world: World, chat: Chat, right: str, sentence: str) -> None:
    """Raise a BotApiError with the sentence unless the bot is an administrator with the right.

    What the chat's permissions allow to everyone they don't allow to bots.
    """
    if not has_right(world.own_standing(chat), right):
        raise bad_request(sentence)
