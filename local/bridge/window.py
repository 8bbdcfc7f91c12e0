"""Which updates Telegram still holds, and how far they may be confirmed.

Problem: getUpdates confirms by one number: all below `offset` are gone for good. Deliveries end in any order.
Rule: the offset is the oldest update that is neither delivered nor expired. So Telegram shows at most 100 updates from
that one on, and nothing behind them until it is settled: the window. Those in it that were delivered are remembered,
because Telegram will show them again.
Hazard: after a week without updates Telegram begins anew at a random, perhaps lower, number. So nothing is remembered
that an answer has shown to be gone, and an offset is only named while there is something to confirm.
"""

from collections.abc import Iterable
from typing import Any

from local.telegram.updates import Pending

type Json = dict[str, Any]


class Window:
    """The updates that Telegram holds, with what became of each here."""

    def __init__(self) -> None:
        self._held: dict[int, Pending] = {}
        #: The oldest that Telegram showed; those before it are no longer there, confirmed or expired.
        self._first: int | None = None

    def take(self, answer: Iterable[Json]) -> list[Json]:
        """Learn from an answer of getUpdates and return the updates that are new in it, which `hold` is due for."""
        shown = list(answer)
        self._first = min((update["update_id"] for update in shown), default=None)
        self._held = {
            number: pending
            for number, pending in self._held.items()
            if is_waiting(pending) or (self._first is not None and number >= self._first)
        }
        return [update for update in shown if update["update_id"] not in self._held]

    def hold(self, pending: Pending) -> None:
        """Remember an update that is on its way to the webhook."""
        self._held[pending.update["update_id"]] = pending

    def offset(self) -> int | None:
        """Return what getUpdates may confirm up to, None if nothing."""
        held = sorted(number for number in self._held if self._first is not None and number >= self._first)
        waiting = next((number for number in held if is_waiting(self._held[number])), None)
        if waiting is None:
            return held[-1] + 1 if held else None
        return waiting if waiting != held[0] else None

    @property
    def is_settled(self) -> bool:
        """Whether nothing in it waits to be delivered."""
        return self.waiting == 0

    @property
    def waiting(self) -> int:
        """How many wait to be delivered."""
        return sum(map(is_waiting, self._held.values()))

    @property
    def unconfirmed(self) -> int:
        """How many are settled, and not yet confirmed at Telegram."""
        return len(self._held) - self.waiting


def is_waiting(pending: Pending) -> bool:
    """Say whether the update is neither delivered nor expired."""
    return pending.outcome == "pending"
