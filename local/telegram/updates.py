"""The updates that wait for the bot.

Problem: Telegram keeps each update until it is delivered or expires, orders updates within a queue only, and lets the
bot choose which types it gets.
Rule: an update's queue and time to live come from its type (tdlib/telegram-bot-api, Client.cpp); add() files it, drops
it when its type isn't allowed, and refuses it when 100 000 wait. What became of each update is kept in `history`.
Hazard: the time to live counts from arrival, never from a message's own date, so that recorded updates of any age can
be replayed. An update_id may occur twice (a test redelivers it), so entries are told apart by identity.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.telegram.errors import ControlError

if TYPE_CHECKING:
    from local.telegram.watching import Watcher

MAX_PENDING = 100_000
HISTORY = 100_000
DAY_S = 86_400
LIFETIME_S = {
    "callback_query": 150, "shipping_query": 150, "pre_checkout_query": 150, "inline_query": 30,
    "chosen_inline_result": 600,
}  # fmt: skip
DEFAULT_TYPES = frozenset({
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "guest_message", "inline_query", "chosen_inline_result",
    "callback_query", "shipping_query", "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer",
    "my_chat_member", "chat_join_request", "chat_boost", "removed_chat_boost", "managed_bot",
})  # fmt: skip
ALL_TYPES = DEFAULT_TYPES | {"chat_member", "message_reaction", "message_reaction_count"}
_BY_CHAT = {
    "message_reaction": "reaction", "message_reaction_count": "reaction_count", "my_chat_member": "my_member",
    "chat_boost": "boost", "removed_chat_boost": "boost", "business_message": "business",
    "edited_business_message": "business", "deleted_business_messages": "business",
}  # fmt: skip
_BY_USER = {
    "callback_query": "callback", "inline_query": "inline", "chosen_inline_result": "chosen",
    "chat_join_request": "member", "chat_member": "member", "shipping_query": "payment",
    "pre_checkout_query": "payment", "business_connection": "business_connection", "purchased_paid_media": "payment",
}  # fmt: skip


@dataclass(eq=False, slots=True)
class Pending:
    """One update on its way to the bot, and what became of it."""

    update: dict[str, Any]
    type: str
    queue: str
    arrived_at: float
    expires_at: float
    outcome: str = "pending"
    attempts: list[dict[str, Any]] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return what GET /control/deliveries says of it."""
        return {
            "update_id": self.update["update_id"],
            "type": self.type,
            "queue": self.queue,
            "arrived_at": self.arrived_at,
            "outcome": self.outcome,
            "attempts": self.attempts,
        }


def type_of(update: dict[str, Any]) -> str:
    """Return the update's type: the one field beside update_id; raise ControlError if it isn't one object."""
    names = [name for name in update if name != "update_id"]
    if len(names) != 1 or not isinstance(update[names[0]], dict):
        raise ControlError(
            'an update has one field beside "update_id", named after its type, holding an object, '
            'as in {"message": {...}}'
        )
    return names[0]


def queue_of(kind: str, body: dict[str, Any], update_id: int) -> str:
    """Return the queue in which Telegram delivers such updates one at a time."""
    chat_id, user_id = _id(body, "chat"), _id(body, "user", "from")
    if kind == "poll" and "id" in body:
        return f"poll:{body['id']}"
    if kind == "poll_answer" and "poll_id" in body:
        return f"poll:{body['poll_id']}"
    if kind in _BY_USER and user_id is not None:
        return f"{_BY_USER[kind]}:{user_id}"
    if kind in _BY_CHAT and chat_id is not None:
        return f"{_BY_CHAT[kind]}:{chat_id}"
    if kind in ALL_TYPES and chat_id is not None:
        return f"chat:{chat_id}"
    return f"update:{update_id}"


def _id(body: dict[str, Any], *names: str) -> object:
    for name in names:
        if isinstance(holder := body.get(name), dict) and "id" in holder:
            return holder["id"]
    return None


class UpdateQueue:
    """All pending updates, oldest first."""

    def __init__(self, now: Callable[[], float], *, history: int = HISTORY) -> None:
        self._now = now
        # Ordered by links: a dict emptied from its front scans what it has forgotten.
        self._pending: OrderedDict[Pending, None] = OrderedDict()
        self.history: deque[Pending] = deque(maxlen=history)
        self.allowed = DEFAULT_TYPES
        # A bot remembers the ids it has seen; starting from the time keeps them apart from an earlier run's.
        self._next_id = int(now() * 100) % 2**30 + 1
        self.on_arrival: Callable[[], None] = lambda: None
        self.watchers: list[Watcher] = []
        self.on_settled: Callable[[Pending], None] = lambda _: None

    def take_id(self, given: int | None) -> int:
        """Return the id given, or else the next."""
        update_id = self._next_id if given is None else given
        self._next_id = max(self._next_id, update_id + 1)
        return update_id

    def add(self, update: dict[str, Any]) -> Pending:
        """File the update, which has its id; raise ControlError when too many wait."""
        kind = type_of(update)
        now = self._now()
        queue = queue_of(kind, update[kind], update["update_id"])
        pending = Pending(update, kind, queue, now, now + LIFETIME_S.get(kind, DAY_S))
        if len(self) >= MAX_PENDING:
            raise ControlError(
                f"{MAX_PENDING} updates wait already, Telegram's limit; let the bot fetch some first", 409
            )
        self.history.append(pending)
        if kind in ALL_TYPES and kind not in self.allowed:
            pending.outcome = "not allowed"
        else:
            self.file(pending)
        for watcher in self.watchers:
            watcher.arrived(pending)
        return pending

    def file(self, pending: Pending) -> None:
        """Have the update wait for its delivery."""
        self._pending[pending] = None
        self.on_arrival()

    def settle(self, pending: Pending, outcome: str) -> None:
        """Forget the update: delivered, confirmed, dropped or expired."""
        if self._pending.pop(pending, self) is None:
            pending.outcome = outcome
            for watcher in self.watchers:
                watcher.settled(pending)
            self.on_settled(pending)

    def clear(self) -> None:
        """Drop everything that waits (drop_pending_updates)."""
        for pending in self._waiting():
            self.settle(pending, "dropped")

    def allow(self, names: Iterable[str]) -> None:
        """Take the list from setWebhook or getUpdates; an empty one means the default, unknown names are ignored."""
        self.allowed = frozenset(names) & ALL_TYPES or DEFAULT_TYPES

    def expire(self) -> None:
        """Drop what is too old to deliver."""
        now = self._now()
        for pending in self._waiting():
            if pending.expires_at <= now:
                self.settle(pending, "expired")

    def _waiting(self) -> list[Pending]:
        return list(self._pending)

    def __iter__(self) -> Iterator[Pending]:
        return iter(self._pending)

    def __contains__(self, pending: Pending) -> bool:
        return pending in self._pending

    def __len__(self) -> int:
        return len(self._pending)
