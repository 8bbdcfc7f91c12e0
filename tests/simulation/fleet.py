"""Concurrent workers on one queue, as Lambda's event source runs them, on virtual time.

Problem: what fifty workers do to each other shows only when they run together. Rule: each worker is a task that
receives up to ten messages, hands them to `drain`, and deletes what `drain` does not report; with nothing to receive it
sleeps until a message is sent, a group is free or a message becomes visible, and never polls. AWS calls take time
through `SimulatedCalls`, half of it before AWS acts and half after. Hazards: a run that stops at a given time cancels
the drains that are under way; a drain that puts back without delay and without end never ends, and only `until_s`
stops it. What waits for nothing that could happen raises Stuck.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, override

from botocore.exceptions import ClientError, ReadTimeoutError

from floodgate.aws import CONFIG, AwsCalls
from tests.simulation.queue import BATCH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

    from floodgate.delivery.message import Message
    from tests.simulation.queue import FifoQueue

#: When every simulation begins, Unix seconds.
BASE = 1_781_136_000.0
#: From when a message can be handed out until a worker has it, seconds. Above 0, for time must pass.
HAND_OUT_S = 0.01
#: Timers a little late are right; early by a rounding error, they would find nothing and ring again at once.
_LATE_S = 0.001
_THROTTLED = ("ProvisionedThroughputExceededException", "RequestThrottled")


class Crashed(Exception):
    """The execution environment died in the middle of a batch: raised by a drain, nothing of the batch is deleted."""


class LoopClock:
    """Unix time on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self) -> float:
        """Return the time that it is now."""
        return BASE + self._loop.time()


class SimulatedCalls(AwsCalls):
    """Calls that take `latency_s` each; a lost answer takes as long as the functions' clients wait for one, or CALL_S.

    `attempts` says how often a call is made that is throttled or whose answer is lost, as botocore does by itself;
    floodgate.aws has it make two.
    """

    @override
    def __init__(self, latency_s: float | Callable[[], float], *, attempts: int = 1) -> None:
        super().__init__()  # its threads start with their first call, and there is none
        self._latency_s: Callable[[], float] = latency_s if callable(latency_s) else lambda: latency_s
        self._attempts = attempts

    @override
    async def _call[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._attempts == 1:
            return await self._attempt(call, *args, **kwargs)
        # As in a thread: it goes on when nobody waits for it any more.
        going = asyncio.ensure_future(self._attempt_again(call, *args, **kwargs))
        going.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(going)

    async def _attempt_again[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(self._attempts - 1):
            try:
                return await self._attempt(call, *args, **kwargs)
            except ReadTimeoutError:
                pass
            except ClientError as error:
                if error.response["Error"]["Code"] not in _THROTTLED:
                    raise
        return await self._attempt(call, *args, **kwargs)

    async def _attempt[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        half_s = self._latency_s() / 2
        back_s = half_s
        await asyncio.sleep(half_s)
        try:
            return call(*args, **kwargs)
        except ReadTimeoutError:
            back_s = CONFIG.read_timeout  # type: ignore[attr-defined] # botocore's Config makes its attributes
            raise
        finally:
            await asyncio.sleep(back_s)


class Fleet:
    """`workers` workers; `drain(worker, messages)` returns the ids of those it put back, as `BatchConsumer` does."""

    def __init__(
        self,
        queue: FifoQueue,
        drain: Callable[[int, list[Message]], Awaitable[Sequence[str]]],
        *,
        workers: int,
        batch: int = BATCH,
        hand_out_s: float = HAND_OUT_S,
    ) -> None:
        self.invocations = 0
        self._queue = queue
        self._drain = drain
        self._workers = workers
        self._batch = batch
        self._hand_out_s = hand_out_s
        self._asleep: deque[asyncio.Future[None]] = deque()
        #: Woken, and not yet at the queue.
        self._waking = 0
        self._busy = 0
        self._fed = False
        self._finished = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, *feeds: Coroutine[Any, Any, Any], until_s: float | None = None) -> None:
        """Return when the loop's time is `until_s`, or when the feeds have ended and every message is dealt with."""
        self._asleep.clear()
        self._waking = self._busy = 0
        self._fed = False
        self._finished.clear()
        self._queue.changed = self._look
        try:
            async with asyncio.timeout_at(until_s) as limit, asyncio.TaskGroup() as group:
                workers = [group.create_task(self._work(number)) for number in range(self._workers)]
                for feed in [group.create_task(feed) for feed in feeds]:
                    await feed
                self._fed = True
                self._look()
                await self._finished.wait()
                for worker in workers:
                    worker.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
        finally:
            self._queue.changed = lambda: None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    async def _work(self, number: int) -> None:
        while True:
            messages = self._queue.receive(self._batch)
            if not messages:
                await self._woken()
                continue
            self._busy += 1
            try:
                await asyncio.sleep(self._hand_out_s)
                self.invocations += 1
                self._delete(messages, await self._drain(number, messages))
            except Crashed:
                pass  # what it had comes back when its visibility timeout is over
            finally:
                self._busy -= 1
            self._look()

    def _delete(self, messages: Iterable[Message], failed: Iterable[str]) -> None:
        """Do what Lambda does with a partial batch response."""
        by_id = {message.id: message for message in messages}
        if not by_id.keys() >= (kept := set(failed)):
            return  # an id that is none of the batch's: Lambda takes all of it for failed
        for message_id, message in by_id.items():
            if message_id not in kept:
                self._queue.delete(message.receipt_handle)

    async def _woken(self) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._asleep.append(sleeper)
        self._look()
        await sleeper
        self._waking -= 1

    def _look(self) -> None:
        """Wake a worker for each group that is ready, and set the alarm for the next that will be."""
        queue = self._queue
        if self._fed and not self._busy and not queue.left:
            self._finished.set()
        while self._asleep and self._waking < queue.ready:
            sleeper = self._asleep.popleft()
            if not sleeper.done():  # else it was cancelled
                sleeper.set_result(None)
                self._waking += 1
        if not self._asleep or (due := queue.next_change_at()) is None:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + max(0.0, due - queue.clock()) + _LATE_S
        if self._timer is None or at < self._timer.when() - _LATE_S / 2:  # more than another rounding
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._queue.advance()
        self._look()
