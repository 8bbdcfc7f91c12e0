"""What goes wrong, and when: by the number of a call in a script that somebody can read, or by chance with a seed.

Rule: whatever can fail asks its stream of faults each time, and a stream answers with a fault or None. A `Line` holds
faults at given numbers, so that a failure found by chance can be shrunk and told as a script; a `Draw` has them at a
rate, for the long form. Everything that a fault did is counted by its name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from tests.simulation.faults import Fault


class Call(Enum):
    """What may happen to a call of the Bot API."""

    FLOODED = "429"
    """Refused, and its chat is frozen for some seconds."""
    FAILED = "500 with a body"
    """Telegram says that it did nothing."""
    BAD_GATEWAY = "502 without a body"
    """Something before Telegram answered, and Telegram never knew."""
    BAD_GATEWAY_AFTER = "502 after delivery"
    REFUSED = "connection refused"
    RESET = "reset before delivery"
    RESET_AFTER = "reset after delivery"
    TIMED_OUT = "timeout before delivery"
    TIMED_OUT_AFTER = "timeout after delivery"
    UNREADABLE = "unreadable answer"
    """Done, and answered 200 with something that is no JSON."""

    @property
    def delivers(self) -> bool:
        """Whether Telegram carries out the call all the same."""
        return self.name.endswith("_AFTER") or self is Call.UNREADABLE

    @property
    def is_unknown(self) -> bool:
        """Whether the bot cannot know whether Telegram carried out the call."""
        return self not in {Call.FLOODED, Call.FAILED, Call.REFUSED, Call.UNREADABLE}


@dataclass(frozen=True, slots=True)
class CallFault:
    """One fault of a call; `seconds` is what a 429 asks to wait."""

    kind: Call
    seconds: int = 0


class Death(Enum):
    """When the worker that makes a call is killed."""

    BEFORE = "killed before a call"
    AFTER = "killed after a call"
    """AWS or Telegram does what was asked, and nobody is left to hear of it."""


class Batch(Enum):
    """What may happen to a batch as a whole."""

    NEVER_CAME = "hand-out lost"
    """SQS handed it out, and no worker got it: it comes late."""
    CUT = "cut off by Lambda"
    """The worker is killed after some seconds."""
    SHORT = "little time left"
    """So much of Lambda's time is left when the batch begins, as after a slow start."""
    NOT_DELETED = "Lambda's delete lost"
    """The worker has done it, and Lambda's own delete of it fails."""


@dataclass(frozen=True, slots=True)
class BatchFault:
    """One fault of a batch; `seconds` of CUT and SHORT."""

    kind: Batch
    seconds: float = 0.0


class Post(Enum):
    """What may happen to a delivery of Telegram's."""

    ANSWER_LOST = "webhook's answer lost"
    """The webhook has taken the update, and Telegram delivers it again."""
    ANSWER_LATE = "webhook's answer late"
    """Telegram waits for it for its 60 s and delivers the update again: a late copy, if it happens some times."""


class Stream[T](Protocol):
    """Says of each of many things in turn whether and how it goes wrong."""

    def next(self) -> T | None:
        """Return what happens to the next."""
        ...


@dataclass
class Line[T]:
    """Faults at given numbers."""

    _passed: int = 0
    _waiting: dict[int, T] = field(default_factory=dict)

    def put(self, after: int, what: T, times: int = 1) -> None:
        """Have `times` in a row go wrong, beginning with the one that comes after `after` others."""
        for number in range(self._passed + after, self._passed + after + times):
            self._waiting[number] = what

    def next(self) -> T | None:
        """Return what happens to the next."""
        self._passed += 1
        return self._waiting.pop(self._passed - 1, None)


class Draw[T]:
    """Faults at a rate each."""

    def __init__(self, chance: random.Random, rates: Mapping[T, float]) -> None:
        self._chance = chance
        self._bounds: list[tuple[float, T]] = []
        bound = 0.0
        for what, rate in rates.items():
            bound += rate
            self._bounds.append((bound, what))

    def next(self) -> T | None:
        """Return what happens to the next."""
        drawn = self._chance.random()
        return next((what for bound, what in self._bounds if drawn < bound), None)


@dataclass
class Faults:
    """All streams, and what came of them."""

    calls: Stream[CallFault]
    table: Stream[Fault]
    queue: Stream[Fault]
    deaths: Stream[Death]
    batches: Stream[BatchFault]
    posts: Stream[Post]
    #: How often each happened, by name.
    injected: Counter[str] = field(default_factory=Counter)

    def call(self) -> CallFault | None:
        """Return what happens to a call of the Bot API."""
        return self._counted(self.calls.next(), lambda fault: fault.kind.value)

    def of_table(self, _operation: str, _about: object) -> Fault | None:
        """Return what happens to a request to DynamoDB."""
        return self._counted(self.table.next(), lambda fault: f"DynamoDB {fault.value}")

    def of_queue(self, _operation: str, _about: object) -> Fault | None:
        """Return what happens to a request to SQS."""
        return self._counted(self.queue.next(), lambda fault: f"SQS {fault.value}")

    def death(self) -> Death | None:
        """Return whether a worker dies at this call, of AWS or of the Bot API."""
        return self._counted(self.deaths.next(), lambda death: death.value)

    def batch(self) -> BatchFault | None:
        """Return what happens to a batch."""
        return self._counted(self.batches.next(), lambda fault: fault.kind.value)

    def post(self) -> Post | None:
        """Return what happens to the answer to a delivery."""
        return self._counted(self.posts.next(), lambda post: post.value)

    def _counted[T](self, fault: T | None, name: Callable[[T], str]) -> T | None:
        if fault is not None:
            self.injected[name(fault)] += 1
        return fault
