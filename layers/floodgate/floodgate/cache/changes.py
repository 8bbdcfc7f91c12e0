"""Under which key an answer is remembered, and what makes it stale.

Problem: getChat, getChatMember and getChatAdministrators answer with dozens of fields, and Telegram announces their
changes in updates, in service messages, or not at all. Rule: three tables, one for updates, one for messages, one for
the bot's own calls; a test holds them against the Bot API's own list (10.1), so that a new version asks for a decision.
In doubt, and where it is rare, a change is assumed. One person's coming or going touches that person and the list of
administrators, never the chat.

Hazards, each at most as old as an answer may be (five minutes by default):
- Nothing tells of changes to a bio, a photo of a user, slow mode and the like, nor which chat a
  `setBusinessAccount…` is about, nor what the bot sees of other members once its own rights changed.
- `pinned_message` is current in which message it is, unless that one is deleted; its text is as it was when asked for.
- A chat's id and its @name are two keys. An update names both; the bot's own call only the one that it was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from floodgate.ingress.updates import chat_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from floodgate.ingress.updates import IncomingUpdate

CHAT: Final = "getChat"
MEMBER: Final = "getChatMember"
ADMINISTRATORS: Final = "getChatAdministrators"
CACHED: Final = frozenset({CHAT, MEMBER, ADMINISTRATORS})
"""The methods whose answers are remembered."""

ANNOUNCED_BY_UPDATES: Final[dict[str, tuple[str, ...]]] = {
    "my_chat_member": (CHAT, MEMBER, ADMINISTRATORS),  # the chat: invite_link and others are for administrators only
    "chat_member": (MEMBER, ADMINISTRATORS),
    "business_connection": (CHAT,),
    "chat_boost": (CHAT,),  # the chat's level decides about its colours and emoji
    "removed_chat_boost": (CHAT,),
}
"""What an update of that type makes stale, for its chat and, of members, for the one that it is about."""

ANNOUNCED_IN_MESSAGES: Final[dict[str, tuple[str, ...]]] = {
    "new_chat_members": (MEMBER, ADMINISTRATORS),  # an owner who comes back is the owner again
    "left_chat_member": (MEMBER, ADMINISTRATORS),
    "chat_owner_left": (MEMBER, ADMINISTRATORS),
    "chat_owner_changed": (MEMBER, ADMINISTRATORS),
    "new_chat_title": (CHAT,),
    "new_chat_photo": (CHAT,),
    "delete_chat_photo": (CHAT,),
    "group_chat_created": (CHAT, ADMINISTRATORS),
    "supergroup_chat_created": (CHAT, ADMINISTRATORS),
    "channel_chat_created": (CHAT, ADMINISTRATORS),
    "message_auto_delete_timer_changed": (CHAT,),
    "migrate_to_chat_id": (CHAT, ADMINISTRATORS),
    "migrate_from_chat_id": (CHAT, ADMINISTRATORS),
    "pinned_message": (CHAT,),
    "write_access_allowed": (CHAT,),  # "chat not found" may have been remembered
    "boost_added": (CHAT,),
    "chat_background_set": (CHAT,),
    "direct_message_price_changed": (CHAT,),
    "paid_message_price_changed": (CHAT,),
}
"""What a message, or a post, with that field makes stale."""

CHANGED_BY_CALLS: Final[dict[str, tuple[str, ...]]] = {
    "banChatMember": (MEMBER, ADMINISTRATORS),
    "unbanChatMember": (MEMBER, ADMINISTRATORS),  # who wasn't banned is removed
    "restrictChatMember": (MEMBER, ADMINISTRATORS),
    "promoteChatMember": (MEMBER, ADMINISTRATORS),
    "setChatAdministratorCustomTitle": (MEMBER, ADMINISTRATORS),
    "setChatMemberTag": (MEMBER,),
    "approveChatJoinRequest": (MEMBER,),
    "setChatPermissions": (CHAT,),
    "exportChatInviteLink": (CHAT,),
    "revokeChatInviteLink": (CHAT,),  # if it was the primary link, there is a new one
    "setChatPhoto": (CHAT,),
    "deleteChatPhoto": (CHAT,),
    "setChatTitle": (CHAT,),
    "setChatDescription": (CHAT,),
    "pinChatMessage": (CHAT,),
    "unpinChatMessage": (CHAT,),
    "unpinAllChatMessages": (CHAT,),
    "unpinAllForumTopicMessages": (CHAT,),
    "unpinAllGeneralForumTopicMessages": (CHAT,),
    "deleteForumTopic": (CHAT,),  # and what was pinned there
    "setChatStickerSet": (CHAT,),
    "deleteChatStickerSet": (CHAT,),
    "leaveChat": (CHAT, ADMINISTRATORS),  # the bot's own membership: my_chat_member
    "setUserEmojiStatus": (CHAT,),
}
"""What a successful call of the bot makes stale."""

_MESSAGES: Final = ("message", "channel_post")
_MIGRATIONS: Final = ("migrate_to_chat_id", "migrate_from_chat_id")
_ORDINARY: Final = frozenset({"member", "restricted", "left", "kicked"})
_CHAT_ID: Final = re.compile(r"-?[1-9][0-9]{0,18}|@[A-Za-z0-9_]{1,64}")
_USER_ID: Final = re.compile(r"-?[1-9][0-9]{0,18}")


def key_of_call(method: str, data: Mapping[str, Any]) -> str | None:
    """Return the key under which the answer to this call is remembered.

    None for methods that are not cached, for calls with parameters that the key does not name (`return_bots`), and for
    ids that cannot be any.
    """
    parameters = {"chat_id", "user_id"} if method == MEMBER else {"chat_id"}
    given = {name for name, value in data.items() if value is not None and value is not False}
    if method not in CACHED or given != parameters:
        return None
    return next(iter(_keys([method], [data["chat_id"]], [data.get("user_id")])), None)


def stale_after_update(update: IncomingUpdate) -> tuple[str, ...]:
    """Return the keys of what this update announces a change of."""
    content = _object(update.update.get(update.type))
    chats: list[Any] = [chat_id(update.update)]
    if isinstance(name := _object(content.get("chat")).get("username"), str):
        chats.append(f"@{name}")
    if update.type in _MESSAGES:
        return tuple(
            key
            for field, methods in ANNOUNCED_IN_MESSAGES.items()
            if field in content
            for key in _keys(
                methods, [*chats, content[field]] if field in _MIGRATIONS else chats, _people(field, content)
            )
        )
    methods = ANNOUNCED_BY_UPDATES.get(update.type, ())
    old, new = _object(content.get("old_chat_member")), _object(content.get("new_chat_member"))
    if update.type == "chat_member" and {old.get("status"), new.get("status")} <= _ORDINARY:
        methods = (MEMBER,)
    return _keys(methods, chats, [_object(new.get("user")).get("id")])


def stale_after_call(method: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of what the bot has just changed itself."""
    user = data.get("user_id")
    # setUserEmojiStatus has no chat: it is about the private chat, whose id is the user's.
    return _keys(CHANGED_BY_CALLS.get(method, ()), [data.get("chat_id", user)], [user])


def stale_by_hand(chat: int | str, user: int | None = None) -> tuple[str, ...]:
    """Return the keys of a chat and its administrators; with a user, of that member and the administrators."""
    return _keys([CHAT if user is None else MEMBER, ADMINISTRATORS], [chat], [user])


def _keys(methods: Iterable[str], chats: Iterable[Any], users: Iterable[Any]) -> tuple[str, ...]:
    # Ids may be anything: they come out of an update, or from a handler, to whom 5 and "5" are the same chat.
    names = [str(chat).lower() for chat in chats if _CHAT_ID.fullmatch(str(chat))]
    ids = [str(user) for user in users if _USER_ID.fullmatch(str(user))]
    return tuple(
        key
        for method in methods
        for name in names
        for key in ([f"{method}#{name}#{user}" for user in ids] if method == MEMBER else [f"{method}#{name}"])
    )


def _people(field: str, message: Mapping[str, Any]) -> list[Any]:
    named = message[field]
    users = named if isinstance(named, list) else [named]
    if field in {"chat_owner_left", "chat_owner_changed"}:
        users = [message.get("from"), _object(named).get("new_owner")]
    return [_object(user).get("id") for user in users]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
