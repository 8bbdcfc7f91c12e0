"""Telegram's limits on sending: pure, no I/O, the clock injected.

Problem: Telegram documents three limits (core.telegram.org/bots/faq, "My bot is hitting limits", 2026-11):
one message a second in one chat, with short bursts tolerated; 20 messages a minute in one group; about 30 messages a
second for bulk notifications, up to 1000 when paid for (allow_paid_broadcast).
Rule: in each chat a GCRA of 1/s with a burst; in a group also 20 in any 60 s; across chats 30 in any second, counted
for bulk sends alone. A send is a reply, not bulk, if it is the first after an update from that chat, or follows such a
reply within REPLY_TAIL_S. A refused send costs nothing. An album of n counts as n messages and is admitted whole.
An edit counts in its chat as a send does, but never as bulk: it notifies nobody.
Hazard: the size of the burst and where a reply ends are nowhere documented; CHAT_BURST and REPLY_TAIL_S are our choice.
So is what an edit costs: Telegram documents no limit on edits, bots report 429s for floods of them, and one that
keeps to the limits edits included is safe whatever that limit is.
Times are seconds; retry_after is whole seconds, at least 1.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

CHAT_INTERVAL_S = 1.0
CHAT_BURST = 5
GROUP_MESSAGES = 20
GROUP_WINDOW_S = 60.0
BULK_MESSAGES = 30
PAID_MESSAGES = 1000
BULK_WINDOW_S = 1.0
REPLY_TAIL_S = 3.0


@dataclass(slots=True)
class _Window:
    """At most `size` messages in any `span_s` seconds."""

    size: int
    span_s: float
    sent_at: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float, count: int) -> float:
        while self.sent_at and self.sent_at[0] <= now - self.span_s:
            self.sent_at.popleft()
        too_many = len(self.sent_at) + min(count, self.size) - self.size
        return self.sent_at[too_many - 1] + self.span_s - now if too_many > 0 else 0.0

    def add(self, now: float, count: int) -> None:
        self.sent_at.extend([now] * count)


@dataclass(slots=True)
class _ChatState:
    free_at: float = 0.0  # GCRA's theoretical arrival time
    owed_replies: int = 0
    reply_until: float = 0.0
    minute: _Window = field(default_factory=lambda: _Window(GROUP_MESSAGES, GROUP_WINDOW_S))


class SendLimits:
    """Decides for each send and edit whether Telegram would take it now, and if not, when.

    A chat with a negative id counts as a group; so does a channel.
    """

    def __init__(self, now: Callable[[], float], *, chat_burst: int = CHAT_BURST) -> None:
        self._now = now
        self._tolerance_s = (chat_burst - 1) * CHAT_INTERVAL_S
        self._chats: dict[int, _ChatState] = {}
        self._bulk = _Window(BULK_MESSAGES, BULK_WINDOW_S)
        self._paid = _Window(PAID_MESSAGES, BULK_WINDOW_S)

    def heard(self, chat_id: int) -> None:
        """Somebody acted in the chat: the next send or edit in it is a reply."""
        self._chats.setdefault(chat_id, _ChatState()).owed_replies += 1

    def send(self, chat_id: int, messages: int = 1, *, paid: bool = False) -> int:
        """Admit and charge the send and return 0, or charge nothing and return retry_after in seconds."""
        return self._admit(chat_id, messages, self._paid if paid else self._bulk)

    def edit(self, chat_id: int) -> int:
        """Admit and charge the edit of a message and return 0, or charge nothing and return retry_after in seconds."""
        return self._admit(chat_id, 1, None)

    def _admit(self, chat_id: int, messages: int, overall: _Window | None) -> int:
        now = self._now()
        chat = self._chats.setdefault(chat_id, _ChatState())
        is_reply = chat.owed_replies > 0 or now < chat.reply_until
        wait_s = chat.free_at - now - self._tolerance_s
        if chat_id < 0:
            wait_s = max(wait_s, chat.minute.wait_s(now, messages))
        if overall is not None and not is_reply:
            wait_s = max(wait_s, overall.wait_s(now, messages))
        if wait_s > 0:
            return max(1, math.ceil(wait_s))
        chat.free_at = max(chat.free_at, now) + messages * CHAT_INTERVAL_S
        if chat_id < 0:
            chat.minute.add(now, messages)
        if overall is not None and not is_reply:
            overall.add(now, messages)
        if chat.owed_replies:
            chat.owed_replies -= 1
            chat.reply_until = now + REPLY_TAIL_S
        return 0
