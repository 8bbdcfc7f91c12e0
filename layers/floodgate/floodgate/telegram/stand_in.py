"""What a handler gets in place of the answer to a call of which nobody knows whether it arrived.

Rule: the call is not made again, and the handler goes on with a message whose id is 0, which no message has. What would
need the id, an edit or a reply, then raises OutcomeUnknown, and so does a call whose answer nobody can make up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floodgate.telegram.calls import PACED, messages, target
from floodgate.telegram.errors import OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

_IDS = frozenset({"copyMessage", "copyMessages", "forwardMessages"})
_LISTS = frozenset({"copyMessages", "forwardMessages", "sendMediaGroup"})
_BOOLEAN = frozenset(
    {
        "sendChatJoinRequestWebApp", "sendGift", "giftPremiumSubscription", "transferBusinessAccountStars",
        "convertGiftToStars", "upgradeGift", "transferGift", "createNewStickerSet", "addStickerToSet",
        "refundStarPayment",
    }
)  # fmt: skip


def stand_in(method: str, data: Mapping[str, Any]) -> Any:
    """Return an answer to the call, as Telegram's JSON would be. Raises OutcomeUnknown if there can be none."""
    if method in _BOOLEAN:
        return True
    if method not in PACED:
        raise OutcomeUnknown(method)
    one: dict[str, Any] = {"message_id": 0}
    if method not in _IDS:
        one |= {"date": 0, "chat": _chat(target(method, data))}
    return [one] * messages(method, data) if method in _LISTS else one


def _chat(chat: int | str | None) -> dict[str, Any]:
    if isinstance(chat, int):
        return {"id": chat, "type": "private" if chat > 0 else "supergroup"}
    return {"id": 0, "type": "channel", "username": (chat or "").removeprefix("@")}
