"""The bulk lane: the pace of what is sent to many at once.

Problem: Telegram's 30 messages a second hold for bulk sends, and a counter shared by workers would be a hot key. Rule:
all bulk sends stand in one FIFO group, so one worker at a time holds them and paces them alone, with nothing shared.
Paid broadcasts (allow_paid_broadcast, up to 1000/s) stand in several groups, each at its part of the rate. What a
worker does for a message of such a group it does within `at_pace`; the limiter does the rest. Each chat's own limits
hold as well.
Hazard: a holder that is followed by another has forgotten its last send, so the first of each waits its turn too.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from floodgate.traffic.limits import BULK_PER_S, PAID_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of Telegram's rate, what is used: what goes out evenly may arrive unevenly.
_SHARE: Final = 0.95
#: Groups of a paid broadcast. One worker sends some 40 a second: 10 calls under way at once, each 0.25 s.
_PAID_GROUPS: Final = 25


class Pacer:
    """The pace of one group of bulk sends."""

    def __init__(self, *, is_paid: bool) -> None:
        self.is_paid = is_paid
        self.interval_s = _PAID_GROUPS / (_SHARE * PAID_PER_S) if is_paid else 1 / (_SHARE * BULK_PER_S)
        self._next_at: float | None = None

    async def turn(self, messages: int = 1) -> None:
        """Sleep until the next message may go out, or an album of so many. Any number may wait, each for a turn.

        An album takes the turns of its other messages before it goes out, and those of all after: whatever is sent
        before or after it, no second holds more than the rate.
        """
        now = asyncio.get_running_loop().time()
        at = now + self.interval_s if self._next_at is None else max(now, self._next_at)
        at += (messages - 1) * self.interval_s
        self._next_at = at + messages * self.interval_s
        await asyncio.sleep(at - now)


def bulk_groups(*, paid: bool) -> tuple[str, ...]:
    """Return the FIFO groups that bulk sends stand in, each with a Pacer of its own."""
    return tuple(f"bulk:{number}" for number in range(_PAID_GROUPS)) if paid else ("bulk",)


pacing: ContextVar[Pacer | None] = ContextVar("pacing", default=None)


@contextmanager
def at_pace(pacer: Pacer | None) -> Iterator[None]:
    """Within this block, what the bot sends goes out in bulk, at `pacer`'s pace; None: each chat at its own."""
    token = pacing.set(pacer)
    try:
        yield
    finally:
        pacing.reset(token)
