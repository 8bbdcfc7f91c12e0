"""The batch consumer: groups side by side, one group in order, done messages deleted together.

Problem: Lambda deletes a batch when the whole of it is done, so the slowest chat would hold up nine others. Rule:
what is done is deleted with one DeleteMessageBatch at a time; what finishes meanwhile goes with the next, and what
ends last is left to Lambda. What must wait is put back together with the rest of its group, untried, because SQS
hands out nothing of a group while another message of it is in flight. All that was put back is reported as failed, or
Lambda deletes it. Hazard: a message whose delete failed comes back; the journal then says `done`, and it is not run a
second time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from floodgate.delivery.outcomes import Done, PutBack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Outcome

#: What must be left of the invocation, beyond one deadline, before a further update starts.
MARGIN_S = 3.0


class MessageQueue(Protocol):
    """What the consumer asks of a queue; `delivery.queue.Queue` is the real one."""

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete the messages; return those that may still be there."""
        ...

    async def put_back(self, messages: Sequence[Message], delay_s: float) -> None:
        """Hand the messages out again after `delay_s`."""
        ...


class BatchConsumer:
    """Drains the batches that Lambda hands to a worker.

    `handle` takes one message and says what becomes of it; it does not raise. `undeleted` is told of each message that
    is done and could not be deleted.
    """

    def __init__(
        self,
        queue: MessageQueue,
        handle: Callable[[Message], Awaitable[Outcome]],
        undeleted: Callable[[Message], Awaitable[None]],
        *,
        deadline_s: float,
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._undeleted = undeleted
        self._needed_s = deadline_s + MARGIN_S

    async def consume(self, messages: Iterable[Message], remaining_s: Callable[[], float]) -> list[str]:
        """Return the ids to report as failed: exactly those that went back to the queue.

        `remaining_s` says how much of the invocation is left, in seconds.
        """
        groups: dict[str, list[Message]] = {}
        for message in messages:
            groups.setdefault(message.group, []).append(message)
        deleter = _Deleter(self._queue, self._undeleted, total=sum(map(len, groups.values())))
        async with asyncio.TaskGroup() as tasks:
            drains = [tasks.create_task(self._drain(group, deleter, remaining_s)) for group in groups.values()]
        await deleter.finish()
        return [message.id for drain in drains for message in drain.result()]

    async def _drain(
        self, group: Sequence[Message], deleter: _Deleter, remaining_s: Callable[[], float]
    ) -> Sequence[Message]:
        for position, message in enumerate(group):
            if remaining_s() < self._needed_s:
                outcome: Outcome = PutBack(0)
            else:
                outcome = await self._handle(message)
            match outcome:
                case Done():
                    deleter.done(message)
                case PutBack(delay_s):
                    waiting = group[position:]
                    deleter.gone(len(waiting))
                    await self._queue.put_back(waiting, delay_s)
                    return waiting
        return []


class _Deleter:
    """Deletes what is done, one request at a time, and leaves to Lambda what ends last."""

    def __init__(self, queue: MessageQueue, undeleted: Callable[[Message], Awaitable[None]], *, total: int) -> None:
        self._queue = queue
        self._undeleted = undeleted
        self._in_work = total
        self._waiting: list[Message] = []
        self._deleting: asyncio.Task[None] | None = None

    def done(self, message: Message) -> None:
        self._in_work -= 1
        self._waiting.append(message)
        if self._in_work and self._deleting is None:
            self._deleting = asyncio.create_task(self._delete())

    def gone(self, count: int) -> None:
        self._in_work -= count

    async def finish(self) -> None:
        if self._deleting is not None:
            await self._deleting

    async def _delete(self) -> None:
        while self._waiting and self._in_work:
            batch, self._waiting = self._waiting, []
            for message in await self._queue.delete(batch):
                await self._undeleted(message)
        self._deleting = None
