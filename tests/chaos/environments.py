"""The execution environments of a function: each is kept until it is killed, as Lambda keeps it.

Rule: after a kill the next batch finds a new environment, and what the dead one had in hand comes back when its queue's
visibility timeout is over. Hazard: Lambda deletes what a function does not report, and that may fail too, after which
nobody can tell it from a kill: it is counted as one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.chaos.aws import Life, life
from tests.chaos.faults import Batch
from tests.simulation.fleet import Crashed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from floodgate.delivery.message import Message
    from tests.chaos.faults import Faults

    type Clock = Callable[[], float]
    type Work = Callable[[Sequence[Message], Callable[[], float]], Coroutine[Any, Any, list[str]]]
    """Works on a batch, with what tells how much time is left, and returns the ids that come again."""


class Environments:
    """As many as `skews_s` has clocks, each so many seconds fast; `make` makes one, on its clock.

    `died` is told of each kill, with what was in hand.
    """

    def __init__(
        self,
        faults: Faults,
        clock: Clock,
        make: Callable[[Clock], Work],
        died: Callable[[Iterable[Message]], None],
        *,
        skews_s: Sequence[float],
        timeout_s: float,
    ) -> None:
        self.count = len(skews_s)
        self._faults = faults
        self._clock = clock
        self._make = make
        self._died = died
        self._skews_s = skews_s
        self._timeout_s = timeout_s
        self._alive: dict[int, tuple[Work, Life]] = {}
        self._lives: list[Life] = []
        self._works: set[asyncio.Task[Any]] = set()

    async def drain(self, number: int, messages: Sequence[Message]) -> Sequence[str]:
        """Have one work on a batch, for as long as Lambda lets it and it lives."""
        fault = self._faults.batch()
        kind = None if fault is None else fault.kind
        if kind is Batch.NEVER_CAME:
            raise Crashed
        work_on, mine = self._environment(number)
        limit_s = fault.seconds if fault is not None and kind in {Batch.CUT, Batch.SHORT} else self._timeout_s
        told_s = self._timeout_s if kind is Batch.CUT else limit_s
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        token = life.set(mine)
        work = loop.create_task(work_on(messages, lambda: told_s - (loop.time() - began_at)))
        life.reset(token)
        self._works.add(work)
        work.add_done_callback(self._works.discard)
        ended = loop.create_task(mine.ended.wait())
        try:
            await asyncio.wait({work, ended}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if work.done() and not mine.is_over:
            failed = work.result()
            if kind is not Batch.NOT_DELETED:
                return failed
            self._died(message for message in messages if message.id not in failed)
            return [message.id for message in messages]
        mine.end()
        work.cancel()
        del self._alive[number]
        self._died(messages)
        raise Crashed

    async def close(self) -> None:
        """End the dead and the living."""
        for one in self._lives:
            one.is_closing = True
            one.end()
        while works := list(self._works):
            for work in works:
                work.cancel()
            await asyncio.wait(works)

    def _environment(self, number: int) -> tuple[Work, Life]:
        if number not in self._alive:
            skew_s = self._skews_s[number]
            mine = Life(self._faults, skew_s)
            self._lives.append(mine)
            self._alive[number] = self._make(lambda: self._clock() + skew_s), mine
        return self._alive[number]
