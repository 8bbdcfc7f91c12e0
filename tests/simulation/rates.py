"""How often each key was asked for, in all and in the worst of its seconds.

Problem: a million keys for ten minutes are too many counters, and one key that sees a thousand writes a second is what
a design must not have. Rule: keys are counted within the second that it is, and of the past only those are remembered
that went above a threshold. Hazard: seconds are those of the clock, so a burst across the turn of one counts in two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Rates[Key: Hashable]:
    """Counts by key and second of `clock`; `threshold` is the most that goes unremembered."""

    def __init__(self, clock: Callable[[], float], threshold: int) -> None:
        self.total = 0
        self._clock = clock
        self._threshold = threshold
        self._second = 0
        self._counts: dict[Key, int] = {}
        self._most: dict[Key, int] = {}

    def count(self, key: Key) -> None:
        """Count one more."""
        self.total += 1
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._counts = {}
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count > self._threshold and count > self._most.get(key, 0):
            self._most[key] = count

    def busiest(self, above: int) -> dict[Key, int]:
        """Return the keys that were ever counted more than `above` times in one second, and how often, most first."""
        if above < self._threshold:
            raise ValueError(f"up to {self._threshold} a second are not remembered")
        return dict(sorted(((k, n) for k, n in self._most.items() if n > above), key=lambda kn: -kn[1]))
