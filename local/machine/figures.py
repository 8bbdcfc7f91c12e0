"""What is counted and measured, of the last minutes: pure, no I/O, times are what the events say.

Rule: a count is kept by the second, of as many seconds as are drawn, so that an event costs the same however many
there are. Times to the answer are kept value by value, for percentiles, as many of a second as a local stack can
give.
Hazard: what is told late, older than all that is kept, is in the total only.
"""

import heapq
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping

#: Seconds that are kept, and how many of them are one point of a curve.
KEPT_S = 300
POINT_S = 5
#: Over how many seconds a rate is taken.
RATE_S = 5
MINUTE_S = 60
#: Answer times that are kept of one second, and frozen chats.
VALUES = 1_000
CHATS = 10_000


class Count:
    """How often something happened."""

    def __init__(self) -> None:
        self.total = 0.0
        self._seconds = [0.0] * KEPT_S
        self._newest = 0

    def add(self, at: float, number: float = 1) -> None:
        """Count it at that time."""
        second = int(at)
        self.total += number
        self._turn(second)
        if second > self._newest - KEPT_S:
            self._seconds[second % KEPT_S] += number

    def within(self, seconds: int, now: float) -> float:
        """Return how often it was in the last full seconds before now, of KEPT_S at most."""
        last = int(now)
        return sum(self._at(second) for second in range(last - seconds, last))

    def rate(self, now: float) -> float:
        """Return how often it is each second."""
        return self.within(RATE_S, now) / RATE_S

    def curve(self, now: float) -> list[float]:
        """Return the rate of each POINT_S seconds, the oldest first; what they begin with is a multiple of POINT_S."""
        end = int(now) // POINT_S * POINT_S
        begins = range(end - KEPT_S + POINT_S, end, POINT_S)
        return [round(sum(self._at(begin + i) for i in range(POINT_S)) / POINT_S, 1) for begin in begins]

    def _at(self, second: int) -> float:
        return self._seconds[second % KEPT_S] if self._newest - KEPT_S < second <= self._newest else 0.0

    def _turn(self, second: int) -> None:
        for passed in range(max(self._newest + 1, second - KEPT_S + 1), second + 1):
            self._seconds[passed % KEPT_S] = 0.0
        self._newest = max(self._newest, second)


class Times:
    """Values of the last minute, by the second in which they were told."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[int, list[float]] = OrderedDict()

    def add(self, at: float, values: Iterable[float]) -> None:
        """Take the values for that time."""
        kept = self._seconds.setdefault(int(at), [])
        kept.extend(list(values)[: VALUES - len(kept)])
        while len(self._seconds) > MINUTE_S + 1:
            del self._seconds[min(self._seconds)]

    def percentiles(self, now: float, *shares: int) -> list[float] | None:
        """Return these percentiles of the last minute, each a value that there was; None if there was none."""
        values = sorted(value for second, kept in self._seconds.items() if second > now - MINUTE_S for value in kept)
        if not values:
            return None
        return [values[max(0, math.ceil(len(values) * share / 100) - 1)] for share in shares]


class Frozen:
    """Chats that Telegram has told to wait, by whatever stands for them in the log."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._ends: list[tuple[float, str]] = []

    def freeze(self, chat: str, until: float) -> None:
        """Note that the chat is frozen until then."""
        if until > self._until.get(chat, 0.0) and (chat in self._until or len(self._until) < CHATS):
            self._until[chat] = until
            heapq.heappush(self._ends, (until, chat))

    def now(self, now: float) -> int:
        """Return how many are frozen."""
        while self._ends and self._ends[0][0] <= now:
            until, chat = heapq.heappop(self._ends)
            if self._until.get(chat) == until:
                del self._until[chat]
        return len(self._until)


def metrics_in(line: Mapping[str, object]) -> dict[str, list[float]]:
    """Return the values of each metric of a line in the embedded metric format; none of another line."""
    about = line.get("_aws")
    kinds = about.get("CloudWatchMetrics", []) if isinstance(about, dict) else []
    names = [metric.get("Name") for kind in kinds for metric in kind.get("Metrics", [])]
    found = {str(name): line[name] for name in names if name in line}
    return {
        name: [float(one) for one in (value if isinstance(value, list) else [value]) if isinstance(one, int | float)]
        for name, value in found.items()
    }
