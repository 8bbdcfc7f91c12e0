"""What an update tells of its sender and its chat, as far as limits need to know; everything may be of any shape.

Standard library only, as all of ingress.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from floodgate.ingress.updates import chat_id, id_in, is_command, is_task

if TYPE_CHECKING:
    from floodgate.ingress.updates import IncomingUpdate

#: How long Telegram takes an answer to these, in seconds (tdlib/telegram-bot-api; payments: the Bot API's description
#: of answerPreCheckoutQuery). Later there is nobody to answer.
STALE_AFTER_S: Final = {
    "callback_query": 150.0,
    "shipping_query": 150.0,
    "pre_checkout_query": 10.0,
    "inline_query": 30.0,
    "chosen_inline_result": 600.0,
}
#: Plain use of the bot: what one person can do any number of times, and a bot author wants limited.
_LIMITED: Final = frozenset(
    {
        "message", "edited_message", "channel_post", "edited_channel_post", "business_message",
        "edited_business_message", "guest_message", "callback_query", "inline_query", "chosen_inline_result",
        "message_reaction", "poll_answer",
    }
)  # fmt: skip
#: Of messages only those with content that people send; a service message has none of these fields.
_CONTENT: Final = frozenset(
    {
        "text", "rich_message", "animation", "audio", "document", "live_photo", "paid_media", "photo", "sticker",
        "story", "video", "video_note", "voice", "checklist", "contact", "dice", "game", "poll", "venue", "location",
        "invoice",
    }
)  # fmt: skip
_MESSAGES: Final = frozenset(name for name in _LIMITED if name.endswith(("message", "post")))
#: No date of Telegram's is later, in Unix seconds: they have 32 bits.
_LATEST: Final = 2**32
#: Nobody may wait for these.
PAYMENTS: Final = frozenset({"pre_checkout_query", "shipping_query"})


def is_plain_use(update: IncomingUpdate) -> bool:
    """Tell whether it is what one person can do any number of times, and no payment, joining or other service."""
    if update.type not in _LIMITED:
        return False
    content = update.update.get(update.type)
    return not (update.type in _MESSAGES and isinstance(content, Mapping) and _CONTENT.isdisjoint(content))


def speaks_as_chat(update: IncomingUpdate) -> bool:
    """Tell whether `from` is a stand-in: anonymous admins and channels all share one user each."""
    content = update.update.get(update.type)
    return isinstance(content, Mapping) and not {"sender_chat", "actor_chat", "voter_chat"}.isdisjoint(content)


def awaits_answer(update: IncomingUpdate) -> bool:
    """Tell whether somebody surely waits for an answer: to what they write in private, or to a command."""
    content = update.update.get(update.type)
    return (
        update.type == "message"
        and isinstance(content, Mapping)
        and ((chat_id(update.update) or 0) > 0 or is_command(content))
    )


def asked_at(update: IncomingUpdate, came_at: float) -> float | None:
    """Return when a person wrote or pressed what an update brings that came to its queue at that time; Unix seconds.

    Telegram dates messages by whole seconds, so at the end of that second, but not after they came; of presses it tells
    nothing. None for what nobody waits for an answer to.
    """
    content = update.update.get(update.type)
    if update.type == "callback_query":
        return came_at
    if update.type not in {"message", "business_message"} or not isinstance(content, Mapping):
        return None
    return min(came_at, at + 1.0) if (at := _date(content)) else came_at


def thread_id(update: IncomingUpdate) -> int | None:
    """Return the topic, in a chat that has topics, in which something happened; None for none and for the general one.

    A task knows it from the update that asked for it.
    """
    content = update.update.get(update.type)
    if update.type == "callback_query" and isinstance(content, Mapping):
        content = content.get("message")
    if not isinstance(content, Mapping) or not (is_task(update.update) or content.get("is_topic_message") is True):
        return None
    return id_in(content, "thread_id" if is_task(update.update) else "message_thread_id")


def closed_at(update: IncomingUpdate, now: float) -> float | None:
    """Return since when the update says that its chat is closed to the bot, 0 for open; None if it says nothing."""
    content = update.update.get(update.type)
    if update.type != "my_chat_member" or not isinstance(content, Mapping):
        return None
    member = content.get("new_chat_member")
    status = member.get("status") if isinstance(member, Mapping) else None
    if not isinstance(status, str):
        return None
    at = _date(content)
    return (at or now) if status in {"kicked", "left"} else 0.0


def written_at(update: IncomingUpdate) -> int:
    """Return when somebody wrote what the update brings, or let the bot write to them, Unix seconds; 0 for others."""
    content = update.update.get(update.type)
    if update.type not in {"message", "channel_post"} or not isinstance(content, Mapping):
        return 0
    return 0 if (_CONTENT | {"write_access_allowed"}).isdisjoint(content) else _date(content)


def _date(content: Mapping[str, Any]) -> int:
    at = content.get("date")
    return at if isinstance(at, int) and 0 < at < _LATEST else 0


def shown(update: IncomingUpdate) -> dict[int, Mapping[str, Any]]:
    """Return the chat and the people that the update shows as they are now."""
    content = update.update.get(update.type)
    if not isinstance(content, Mapping):
        return {}
    message = content.get("message") if update.type == "callback_query" else None
    found = [content.get("from"), content.get("user"), content.get("chat")]
    if isinstance(message, Mapping):
        found.append(message.get("chat"))
    # A private chat's id is the user's, and getChat answers with the chat; so the chat comes last.
    return {one["id"]: one for one in found if isinstance(one, Mapping) and isinstance(one.get("id"), int)}
