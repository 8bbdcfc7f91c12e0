"""The limits and where their numbers come from: what Telegram allows, and how a limit of one's own is written.

Telegram's own (core.telegram.org/bots/faq, "My bot is hitting limits", November 2026): about one message a second in
one chat, short bursts tolerated; 20 messages a minute in one group; about 30 messages a second in bulk, and up to 1000
of them with allow_paid_broadcast. How large a burst is tolerated is nowhere said: CHAT_BURST is our choice, and so is
that an edit costs what a message costs. A bot that keeps to this is told to wait by chance only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

#: Between two messages of ours in one chat, in seconds, once the burst is used up.
CHAT_INTERVAL_S: Final = 1.0
CHAT_BURST: Final = 3
GROUP_MESSAGES: Final = 20
#: A second longer than Telegram's minute: a message that was under way for long may arrive closer to the next one.
GROUP_WINDOW_S: Final = 61.0
BULK_PER_S: Final = 30
PAID_PER_S: Final = 1000
#: What is slept rather than put back, in seconds, where it fits the update's deadline.
SHORT_WAIT_S: Final = 3.0
#: The same for the first answer of an update, whose worker has others to work on: what a trip through the queue takes.
BRIEF_WAIT_S: Final = 0.2
#: What an update waits at most, in seconds, for a 429 that is not about its own chat: that chat waits as well.
OTHERS_WAIT_S: Final = 60.0

_UNITS_S: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_WRITTEN: Final = re.compile(r"(?P<count>[0-9]{1,9})/(?P<unit>s|min|h)(?: burst (?P<burst>[0-9]{1,9}))?")


class LimitInvalid(ValueError):
    """A limit is written in a way that nobody understands; the text says how to write it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so long, and how many of them at once."""

    #: What one costs, in seconds: at the limit, one is admitted each `interval_s`.
    interval_s: float
    #: How many are admitted at once after a rest.
    burst: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the limit that `text` is: `5/min`, `30/min burst 10`, `2/s`, `100/h`; None for `off`.

        Without a burst the whole count may come at once. Raises LimitInvalid.
        """
        if text == "off":
            return None
        found = _WRITTEN.fullmatch(text)
        count = int(found["count"]) if found else 0
        burst = int(found["burst"] or count) if found else 0
        if found is None or not count or not burst:
            raise LimitInvalid(f"{text!r} is no limit: write 5/min, 30/min burst 10, 2/s, 100/h or off.")
        return cls(_UNITS_S[found["unit"]] / count, burst)

    @property
    def tolerance_s(self) -> float:
        """How far ahead of its time one may come."""
        return (self.burst - 1) * self.interval_s
