"""Which updates Telegram still holds, and how far they may be confirmed.

Problem: getUpdates confirms by one number: all below `offset` are gone for good. Deliveries end in any order.
Rule: the offset is the oldest update of the last answer that is neither delivered nor expired. So Telegram shows at
most 100 updates from that one on, and nothing behind them until it is settled: the window. Those in it that were
delivered are remembered, because Telegram will show them again.
Hazard: after a week without updates Telegram begins anew at a random, perhaps lower, number. So an offset rests on the
last answer alone, what that has shown to be gone is forgotten, and an old answer counts for nothing (`doubt`).
"""

from collections.abc import Iterable
from typing import Any

from local.telegram.updates import Pending

type Json = dict[str, Any]


class Window:
    """The updates that Telegram holds, with what became of each here."""

    def __init__(self) -> None:
        self._held: dict[int, Pending] = {}
        #: What Telegram holds by its last answer, as far as that is known here.
        self._there: set[int] = set()

    def take(self, answer: Iterable[Json], limit: int) -> list[Json]:
        """Learn from an answer of getUpdates and return the updates that are new in it, which `hold` is due for.

        One with fewer updates than the limit shows all that there are.
        """
        shown = list(answer)
        self._there = {update["update_id"] for update in shown}
        if len(shown) >= limit:
            last = max(self._there)
            self._there |= {number for number in self._held if number > last}
        self._held = {
            number: pending for number, pending in self._held.items() if is_waiting(pending) or number in self._there
        }
        return [update for update in shown if update["update_id"] not in self._held]

    def hold(self, pending: Pending) -> None:
        """Remember an update that is on its way to the webhook."""
        self._held[pending.update["update_id"]] = pending

    def doubt(self) -> None:
        """Confirm nothing before Telegram has answered again."""
        self._there = set()

    def offset(self) -> int | None:
        """Return what getUpdates may confirm up to, None if nothing."""
        there = sorted(self._there)
        unsettled = next((number for number in there if not self._is_settled(number)), None)
        if unsettled is None:
            return there[-1] + 1 if there else None
        return unsettled if unsettled != there[0] else None

    def _is_settled(self, number: int) -> bool:
        return number in self._held and not is_waiting(self._held[number])

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
