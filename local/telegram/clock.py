"""Time, injected.

Problem: limits, retries and expiry span seconds to days; no test waits for them.
Rule: whatever reads the time or waits asks a Clock. The emulator runs on SystemClock; tests move a ManualClock.
Hazard: wall time is what Telegram's dates are made of, so SystemClock follows the machine's clock when it is set.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol

SETTLING_TURNS = 100  # of the event loop; a delivery takes about ten


class Clock(Protocol):
    """Says what time it is and waits."""

    def now(self) -> float:
        """Return the Unix time in seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once that many seconds have passed."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Return the Unix time in seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return once that many seconds have passed."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A time that stands still until advance() moves it; for tests and simulations."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Return the Unix time in seconds."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was moved that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move the time on, stopping wherever somebody wakes, and let everybody run."""
        until = self._now + seconds
        await self.settle()
        while due := sorted(at for at, woken in self._sleepers if at <= until and not woken.done()):
            self._now = max(self._now, due[0])
            for at, woken in self._sleepers:
                if at <= self._now and not woken.done():
                    woken.set_result(None)
            self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]
            await self.settle()
        self._now = until
        await self.settle()

    def jump(self, seconds: float) -> None:
        """Move the time on without waking anybody, as a machine's that sleeps."""
        self._now += seconds

    async def settle(self) -> None:
        """Let everybody run until nobody can without the time moving on."""
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)


async def within[T](clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns, or raise TimeoutError and cancel it when the seconds are over."""
    job = asyncio.create_task(work)
    alarm = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait({job, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if not job.done():
            raise TimeoutError
        return job.result()
    finally:
        job.cancel()
        alarm.cancel()
        await asyncio.gather(job, alarm, return_exceptions=True)
