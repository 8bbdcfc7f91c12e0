"""AWS for the workers of a chaos run: both queues behind one client, calls that take time, and callers that die.

Problem: a worker can be killed between any two steps, also after AWS has done what it asked and before it hears of it.
Rule: every call of a worker runs in its `Life`; once that is over, none of its calls does anything or comes back, so
that whatever the dead worker's code would still like to do is not done. Hazard: Python cannot kill a task; a dead
worker's tasks sleep until the run is over.
"""
# ruff: noqa: N803 - boto3's parameters

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn, override

from tests.chaos.faults import Death
from tests.simulation.dynamodb import Tables
from tests.simulation.fleet import SimulatedCalls
from tests.simulation.queue import FifoQueue
from tests.unit.delivery.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.chaos.faults import Faults
    from tests.chaos.ledger import Ledger

#: What a call of AWS takes, in seconds.
AWS_S = 0.005


class Killed(BaseException):
    """This worker is dead: nobody is there to catch it."""


class Life:
    """A worker's, until it is killed."""

    def __init__(self, faults: Faults, skew_s: float) -> None:
        self._faults = faults
        #: How fast its clock is, in seconds.
        self.skew_s = skew_s
        self.ended = asyncio.Event()
        self.is_closing = False

    @property
    def is_over(self) -> bool:
        """Whether the worker is dead."""
        return self.ended.is_set()

    def end(self) -> None:
        """Kill it."""
        self.ended.set()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Do what is inside, if the worker lives; raise Killed if it does not, or dies before or after it."""
        if self.is_over:
            raise Killed
        death = self._faults.death()
        if death is Death.BEFORE:
            self.end()
            raise Killed
        try:
            yield
        except Exception:  # AWS refuses, or the model's answer is lost
            if death is None:
                raise
        if death is Death.AFTER:
            self.end()
            raise Killed

    async def beyond(self) -> NoReturn:
        """Wait where the dead wait."""
        while not self.is_closing:
            await asyncio.Event().wait()
        raise asyncio.CancelledError


#: Whose calls these are; None for what no worker does.
life: ContextVar[Life | None] = ContextVar("life", default=None)


class ChaosLoop(VirtualLoop):
    """Virtual time, on which what runs in a thread elsewhere takes the time of an AWS call."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = SimulatedCalls(AWS_S, attempts=2)  # as botocore does, see floodgate.aws

    @override
    def run_in_executor[T](  # type: ignore[override] # the stubs promise every callable, *args included
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        return self.create_task(self._later(func, *args))

    async def _later[T](self, func: Callable[..., T], *args: Any) -> T:
        mine = life.get()
        if mine is None:
            return await self._calls._call(func, *args)

        def act() -> T:
            with mine.call():
                return func(*args)

        try:
            answer = await self._calls._call(act)
        except Killed:
            return await mine.beyond()
        except Exception:
            if mine.is_over:
                return await mine.beyond()
            raise
        return await mine.beyond() if mine.is_over else answer


class Queues:
    """boto3's client of SQS over several queues; what it is not asked about one of them, it is asked by its URL."""

    def __init__(self, *queues: FifoQueue) -> None:
        self._by_url = {queue.url: queue for queue in queues}

    def send_message(self, *, QueueUrl: str, **how: Any) -> dict[str, Any]:
        """Take a message in."""
        return self._by_url[QueueUrl].send_message(QueueUrl=QueueUrl, **how)

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Delete up to ten messages."""
        return self._by_url[QueueUrl].delete_message_batch(QueueUrl=QueueUrl, Entries=Entries)

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Have up to ten messages handed out again."""
        return self._by_url[QueueUrl].change_message_visibility_batch(QueueUrl=QueueUrl, Entries=Entries)


class UpdatesQueue(FifoQueue):
    """The queue of updates, whose messages the ledger knows."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float], faults: Faults) -> None:
        super().__init__(clock, fault=faults.of_queue)
        self._ledger = ledger

    @override
    def send(self, body: str, group: str, deduplication_id: str) -> str:
        message_id = super().send(body, group, deduplication_id)
        self._ledger.took(json.loads(body)["update_id"], self.clock())
        return message_id

    @override
    def delete(self, receipt: str) -> str | None:
        held = self._received.get(receipt.partition("#")[0])
        wrong = super().delete(receipt)
        if held is not None and wrong is None:
            self._ledger.deleted(json.loads(held.body)["update_id"], self.clock())
        return wrong

    def has_in_flight(self, message_id: str) -> bool:
        """Tell whether the message is there and handed out."""
        held = self._received.get(message_id)
        return held is not None and held.hidden_until is not None


class WatchedTables(Tables):
    """The tables, and when each chat's freeze was noted there."""

    def __init__(self, clock: Callable[[], float], faults: Faults) -> None:
        super().__init__(clock, fault=faults.of_table)
        self._clock = clock
        #: By gate: until when it is frozen, and since when that is known.
        self.noted: dict[str, tuple[float, float]] = {}

    @override
    def update_item(self, *, Key: Mapping[str, Any], **how: Any) -> dict[str, Any]:
        try:
            return super().update_item(Key=Key, **how)
        finally:
            pk = Key["pk"]["S"]
            if pk.startswith("gate#") and (item := self.tables["traffic"].items.get(pk)) and "frozen_until" in item:
                until = float(item["frozen_until"]["N"])
                if self.noted.get(pk, (0.0, 0.0))[0] != until:
                    self.noted[pk] = until, self._clock()
