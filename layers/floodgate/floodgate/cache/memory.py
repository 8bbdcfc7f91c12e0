"""The first level: what this worker remembers, for seconds.

Problem: nobody tells a worker what another one has forgotten. Rule: an entry is served for MEMORY_S after it was last
confirmed, by Telegram or by the table, and then must be confirmed again. Hazard: it counts from before the question
that confirmed it, for what is forgotten while an answer is under way must not be served for longer either.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from floodgate.cache.entry import Entry

#: What a second worker can see of the past, in seconds.
MEMORY_S: Final = 5.0
#: An entry is a few KB.
ENTRIES: Final = 1_000


class Memory:
    """The entries used last, at most `entries` of them."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = entries
        self._kept: OrderedDict[str, tuple[Entry, float]] = OrderedDict()

    def keep(self, key: str, entry: Entry, confirmed_at: float) -> None:
        """Remember `entry`, in place of what was remembered; the one not used for the longest goes."""
        self._kept[key] = (entry, confirmed_at)
        self._kept.move_to_end(key)
        if len(self._kept) > self._entries:
            self._kept.popitem(last=False)

    def get(self, key: str, now: float) -> Entry | None:
        """Return what may be served at `now`."""
        if key not in self._kept:
            return None
        entry, confirmed_at = self._kept[key]
        if now >= min(confirmed_at + MEMORY_S, entry.fresh_until):
            return None
        self._kept.move_to_end(key)
        return entry

    def drop(self, key: str) -> None:
        """Forget it."""
        self._kept.pop(key, None)
