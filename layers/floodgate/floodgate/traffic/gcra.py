"""The generic cell rate algorithm: a limit with a burst, kept in one number. Pure; times are Unix seconds.

The number is the theoretical arrival time, tat: when all that was admitted would have come, had it come at the limit's
own pace. One is admitted if it comes no earlier than tat - tolerance, and moves tat on by its cost; what is refused
moves nothing. In any time t that admits at most burst + t / interval (for costs of 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floodgate.traffic.limits import Limit


@dataclass(frozen=True, slots=True)
class Charge:
    """What came of one arrival."""

    #: The time to remember, whether it was admitted or not.
    tat: float
    #: How long until it would be admitted, in seconds; 0 if it was.
    wait_s: float


def charge(tat: float, now: float, limit: Limit, cost: float = 1) -> Charge:
    """Return what an arrival at `now` changes, where `tat` is what is remembered (0 at first).

    A cost above the burst is admitted after a rest, and keeps the next one waiting longer.
    """
    wait_s = tat - limit.tolerance_s - now
    # Where the limit allows several at once, a large cost needs room for all of it, or as much as there ever is.
    wait_s += (min(cost, limit.burst) - 1) * limit.interval_s if cost > 1 else 0.0
    if wait_s > 0:
        return Charge(tat, wait_s)
    return Charge(max(tat, now) + cost * limit.interval_s, 0.0)
