"""What an update is, and the group whose order it keeps.

Problem: FIFO order exists only inside a message group, so the group's name decides who waits for whom.
Rule: an update belongs to the chat it is about, `chat:<id>`, and to the private chat (whose id is the user's) where it
is about a user alone. Polls have no chat: `poll:<id>`. Queries that expire within seconds must not wait behind a chat:
`q:<user id>`. What cannot be placed goes to `update:<type>`.
Hazards: the types and paths below are Bot API 10.1's (11 June 2026). A type invented later must pass, so nothing here
may depend on knowing it. The chat of a business or a guest message lies outside the bot's own chats and may share an id
with one of them: then the two merely take turns. Ids come from JSON and may be anything; only Poison is ever raised.

The worker reads its messages with `parse` as well: what passed here passes there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

QUEUE_LIMIT_BYTES: Final = 1_048_576
"""The largest body SQS takes (API reference of SendMessage in botocore 1.44), and our queues' MaximumMessageSize."""

# Where each type names its chat. One entry per type that has one; the order is that of the Bot API's Update.
_CHAT_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "message": ("chat", "id"),
    "edited_message": ("chat", "id"),
    "channel_post": ("chat", "id"),
    "edited_channel_post": ("chat", "id"),
    "business_connection": ("user_chat_id",),
    "business_message": ("chat", "id"),
    "edited_business_message": ("chat", "id"),
    "deleted_business_messages": ("chat", "id"),
    "guest_message": ("chat", "id"),
    "message_reaction": ("chat", "id"),
    "message_reaction_count": ("chat", "id"),
    "callback_query": ("message", "chat", "id"),
    "purchased_paid_media": ("from", "id"),
    "my_chat_member": ("chat", "id"),
    "chat_member": ("chat", "id"),
    "chat_join_request": ("chat", "id"),
    "chat_boost": ("chat", "id"),
    "removed_chat_boost": ("chat", "id"),
    "managed_bot": ("user", "id"),
}
# A poll's answers stay in order with its states, whoever voted: a vote cast as a channel belongs to the poll as well.
_POLL_PATHS: Final[dict[str, tuple[str, ...]]] = {"poll": ("id",), "poll_answer": ("poll_id",)}
# A callback query is here for the buttons of inline messages, whose chat Telegram does not tell.
_QUERY_TYPES: Final = frozenset(
    {"callback_query", "inline_query", "chosen_inline_result", "shipping_query", "pre_checkout_query"}
)
# Whose doing the update is, where one person is named.
_USER_PATHS: Final[dict[str, tuple[str, ...]]] = {
    "message": ("from",),
    "edited_message": ("from",),
    "channel_post": ("from",),
    "edited_channel_post": ("from",),
    "business_connection": ("user",),
    "business_message": ("from",),
    "edited_business_message": ("from",),
    "guest_message": ("from",),
    "message_reaction": ("user",),
    "inline_query": ("from",),
    "chosen_inline_result": ("from",),
    "callback_query": ("from",),
    "shipping_query": ("from",),
    "pre_checkout_query": ("from",),
    "purchased_paid_media": ("from",),
    "poll_answer": ("user",),
    "my_chat_member": ("from",),
    "chat_member": ("from",),
    "chat_join_request": ("from",),
    "chat_boost": ("boost", "source", "user"),
    "removed_chat_boost": ("source", "user"),
    "managed_bot": ("user",),
}

UPDATE_TYPES: Final = tuple(dict.fromkeys([*_CHAT_PATHS, *_POLL_PATHS, *sorted(_QUERY_TYPES)]))
"""Every update type of Bot API 10.1."""

TASK: Final = "task"
"""The type of what the bot gives itself to do (ingress/tasks.py). No update: it has no update_id."""

_GROUP_CHARACTERS: Final = 128  # SQS: 1 to 128 letters, digits and ASCII punctuation
_NOT_IN_A_GROUP: Final = re.compile(r"[^!-~]")
_POLL_ID: Final = re.compile(r"[!-~]{1,64}")  # 19 digits today; documented as no more than a string
# https://www.w3.org/TR/REC-xml/#charsets, which SQS refers to.
_REFUSED_BY_SQS: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID_RANGE: Final = range(
    -(2**63), 2**63
)  # Telegram's ids have 52 significant bits; DynamoDB's numbers end at 38 digits
_SAFE_DIGITS: Final = (
    640  # more digits than this Python may refuse to convert (sys.int_info.str_digits_check_threshold)
)


class Poison(Exception):
    """This body can never be processed; `detail` is one sentence that says why and quotes nothing of it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class IncomingUpdate:
    """One update, as it goes into the queue."""

    update_id: int
    type: str
    """One of UPDATE_TYPES, or the name of a type invented later, exactly as it came."""
    group: str
    """A valid SQS MessageGroupId."""
    text: str
    """The body, untouched but for characters that SQS refuses: those are JSON escapes now."""
    update: Mapping[str, Any]
    """The body, parsed."""


def parse(body: bytes | str) -> IncomingUpdate:
    """Return the update that `body` is.

    Raises:
        Poison: it is not JSON, has no update_id, or is too large for the queue.
    """
    text, update = decoded(body)
    if (update_id := _id_at(update, "update_id")) is None:
        raise Poison("update_id is missing or no integer")
    if len(escaped := sendable(text)) > len(text) and (size := len(escaped.encode())) > QUEUE_LIMIT_BYTES:
        raise Poison(_too_large(size))
    return IncomingUpdate(update_id, update_type(update), group(update), escaped, update)


def decoded(body: bytes | str) -> tuple[str, Any]:
    """Return a body's text, and what it means as JSON; raises Poison."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    if len(raw) > QUEUE_LIMIT_BYTES:
        raise Poison(_too_large(len(raw)))
    try:
        text = body if isinstance(body, str) else body.decode()
        return text, _DECODER.decode(text)
    except (ValueError, RecursionError) as error:  # a bomb of brackets is JSON that nobody can read
        raise Poison("body is not JSON") from error


def is_task(update: Mapping[str, Any]) -> bool:
    """Tell whether it is a task of the bot's own; an update always has an update_id, whatever else."""
    return TASK in update and "update_id" not in update


def update_type(update: Mapping[str, Any]) -> str:
    """Return the name of the update's one field besides update_id, known or not; "unknown" if it has none.

    Should there be several, a known one wins over others, and an object over anything else.
    """
    known = [name for name in UPDATE_TYPES if name in update]
    names = known + [name for name in update if name != "update_id" and name not in known]
    objects = [name for name in names if isinstance(update[name], Mapping)]
    return next(iter(objects or names), "unknown")


def group(update: Mapping[str, Any]) -> str:
    """Return the MessageGroupId that keeps this update in order with those it must not overtake."""
    kind = update_type(update)
    if (chat := chat_id(update)) is not None:
        return f"chat:{chat}"
    if kind in _POLL_PATHS:
        poll = _at(update, kind, *_POLL_PATHS[kind])
        if isinstance(poll, str) and _POLL_ID.fullmatch(poll):
            return f"poll:{poll}"
    elif kind in _QUERY_TYPES and (user := user_id(update)) is not None:
        return f"q:{user}"
    name = _NOT_IN_A_GROUP.sub("?", kind) or "unknown"
    return f"update:{name}"[:_GROUP_CHARACTERS]


def chat_id(update: Mapping[str, Any]) -> int | None:
    """Return the id of the chat that the update is about; None for polls, queries and what cannot be read.

    An update has a chat exactly if its group is that chat's. It differs from python-telegram-bot's `effective_chat`
    in that purchases, business connections and managed bots belong to the private chat with their user, and that a
    poll answer belongs to none.
    """
    if is_task(update):
        return _id_at(update, TASK, "chat_id")
    kind = update_type(update)
    return _id_at(update, kind, *_CHAT_PATHS[kind]) if kind in _CHAT_PATHS else None


def user_id(update: Mapping[str, Any]) -> int | None:
    """Return the id of the user whose doing the update is; None where none is named, as in channels."""
    if is_task(update):
        return _id_at(update, TASK, "user_id")
    return _id_at(_user(update), "id")


def user_language(update: Mapping[str, Any]) -> str | None:
    """Return that user's IETF language tag as Telegram tells it, such as `de` or `pt-br`; None where it does not."""
    tag = _at(update[TASK] if is_task(update) else _user(update), "language_code")
    return tag if isinstance(tag, str) and tag else None


def is_command(message: Mapping[str, Any]) -> bool:
    """Tell whether a message begins with a command."""
    entities = message.get("entities")
    first = entities[0] if isinstance(entities, list) and entities else None
    return isinstance(first, Mapping) and first.get("type") == "bot_command" and first.get("offset") == 0


def id_in(content: Mapping[str, Any], field: str) -> int | None:
    """Return the id in a field; None if there is none that could be one."""
    return _id_at(content, field)


def _user(update: Mapping[str, Any]) -> Any:
    kind = update_type(update)
    return _at(update, kind, *_USER_PATHS[kind]) if kind in _USER_PATHS else None


def _at(node: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def _id_at(node: Any, *path: str) -> int | None:
    value = _at(node, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _ID_RANGE else None


def sendable(text: str) -> str:
    """Return JSON `text` with the characters that SQS refuses as escapes."""
    # In JSON these characters can only stand inside strings, where an escape means the same. Nothing else is touched:
    # parsing and writing anew would change numbers, and make three times as much of Cyrillic.
    return _REFUSED_BY_SQS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _too_large(size: int) -> str:
    return f"body of {size} bytes is over the queue's limit"


def _integer(digits: str) -> int | float:
    # Valid JSON, but int() raises: one endless number in a field nobody reads would make poison of an update.
    return int(digits) if len(digits) <= _SAFE_DIGITS else float(digits)


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity; JSON has no such thing.
    message = f"{name} is not JSON"
    raise ValueError(message)


_DECODER: Final = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse_constant)
