"""What limits need to know of a Bot API call: where it sends, how many messages, and whether once more is twice.

Pure. A test holds the tables against the Bot API's own list (10.1), so that a new version asks for a decision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PAID: Final = frozenset(
    {
        "sendMessage", "copyMessage", "sendPhoto", "sendLivePhoto", "sendAudio", "sendDocument", "sendVideo",
        "sendAnimation", "sendVoice", "sendVideoNote", "sendPaidMedia", "sendMediaGroup", "sendLocation", "sendVenue",
        "sendContact", "sendPoll", "sendDice", "sendSticker", "sendRichMessage", "sendInvoice", "sendGame",
    }
)  # fmt: skip
"""The methods that take `allow_paid_broadcast`."""

PACED: Final = PAID | {
    "forwardMessage", "forwardMessages", "copyMessages", "sendChecklist", "editMessageText", "editMessageCaption",
    "editMessageMedia", "editMessageLiveLocation", "stopMessageLiveLocation", "editMessageChecklist",
    "editMessageReplyMarkup", "setGameScore", "stopPoll",
}  # fmt: skip
"""The methods that put a message into a chat, or change one there: what a chat's limits count."""

_READS: Final = "get"
# Once more does what was done already: it shows nothing twice.
_REPEATABLE: Final = re.compile(
    r"(get|edit|delete|answer|set|pin|unpin|ban|unban|restrict|promote|stop|close|reopen|hide|unhide|approve|decline"
    r"|leave|read|verify|remove|revoke|logOut|replaceSticker|savePrepared|uploadSticker)"
)
_TRANSIENT: Final = frozenset({"sendChatAction", "sendMessageDraft", "sendRichMessageDraft"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")


def shows_twice(method: str) -> bool:
    """Tell whether people would see, or pay for, another one if this call were made again."""
    return method not in _TRANSIENT and _REPEATABLE.match(method) is None


def has_effects(method: str) -> bool:
    """Tell whether the call does something that lasts: not so what is asked for, or shown for a moment only."""
    return not method.startswith(_READS) and method not in _TRANSIENT


def messages(method: str, data: Mapping[str, Any]) -> int:
    """Return how many messages the call counts for: 0 for what no limit counts."""
    if method not in PACED:
        return 0
    several = data.get("media") if method == "sendMediaGroup" else data.get("message_ids")
    return max(1, len(several)) if isinstance(several, Sequence) and not isinstance(several, str) else 1


def target(method: str, data: Mapping[str, Any]) -> int | str | None:
    """Return the chat that the call does something in, by id, or by name where it is written so; None if in none.

    Reading is not doing. An edit of an inline message names no chat.
    """
    chat = data.get("chat_id")
    if method.startswith(_READS):
        return None
    if isinstance(chat, str):
        return int(chat) if _NUMBER.fullmatch(chat) else chat.lower()
    return chat if isinstance(chat, int) else None


def names_another_chat(data: Mapping[str, Any]) -> bool:
    """Tell whether the call is about two chats, so that a refusal may be about either."""
    return data.get("from_chat_id") not in {None, data.get("chat_id")}


def is_group(chat: int | str) -> bool:
    """Tell whether Telegram's limit for groups holds there: in groups and in channels, which alone have names."""
    return isinstance(chat, str) or chat < 0
