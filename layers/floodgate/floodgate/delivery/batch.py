"""The batch consumer: groups side by side, one group in order, done messages deleted together.

Problem: Lambda deletes a batch when the whole of it is done, so the slowest chat would hold up nine others. Rule:
what is done is deleted with one DeleteMessageBatch at a time; what finishes meanwhile goes with the next, and what
ends last is left to Lambda. What must wait is put back together with the rest of its group, untried, because SQS
hands out nothing of a group while another message of it is in flight. All that was put back is reported as failed, or
Lambda deletes it. What may have killed a worker runs after everything else, one group after another, once all that is
done by then is deleted: if it kills this one too, nothing else is repeated. Hazard: a message whose delete failed comes
back; the journal then says `done`, and it is not run a second time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from floodgate.delivery.outcomes import Done, PutBack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Disposition

#: What must be left of the invocation, beyond one deadline, before a further update starts: time for a call that is
#: under way at the deadline, and for a write to the journal.
MARGIN_S = 4.0


class MessageQueue(Protocol):
    """What the consumer asks of a queue; `delivery.queue.Queue` is the real one."""

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete the messages; return those that may still be there."""
        ...

    async def put_back(self, messages: Sequence[Message], delay_s: float) -> None:
        """Hand the messages out again after `delay_s`."""
        ...


class Handling(Protocol):
    """What the consumer asks of whoever handles a message; `delivery.updates.UpdateHandling` is the real one."""

    async def handle(self, message: Message, suspected_at: float | None) -> Disposition:
        """Return what becomes of the message; raises nothing."""
        ...

    async def suspected_at(self, message: Message) -> float | None:
        """Return the time, if a worker may have died with the message."""
        ...

    async def going_back(self, message: Message, delay_s: float) -> None:
        """Hear of a message that is about to be put back."""
        ...

    async def undeleted(self, message: Message) -> None:
        """Hear of a message that is done and could not be deleted."""
        ...


class BatchConsumer:
    """Drains the batches that Lambda hands to a worker."""

    def __init__(self, queue: MessageQueue, handling: Handling, *, deadline_s: float) -> None:
        self._queue = queue
        self._handling = handling
        self._needed_s = deadline_s + MARGIN_S

    async def consume(self, messages: Iterable[Message], remaining_s: Callable[[], float]) -> list[str]:
        """Return the ids to report as failed: exactly those that went back to the queue.

        `remaining_s` says how much of the invocation is left, in seconds.
        """
        groups: dict[str, list[Message]] = {}
        for message in messages:
            groups.setdefault(message.group, []).append(message)
        all_at_once = [message for group in groups.values() for message in group]
        suspected = await asyncio.gather(*map(self._handling.suspected_at, all_at_once))
        suspects = {
            message.id: since for message, since in zip(all_at_once, suspected, strict=True) if since is not None
        }
        deleter = _Deleter(self._queue, self._handling, total=sum(map(len, groups.values())))
        put_back: list[Message] = []

        async def drain(group: Sequence[Message]) -> None:
            put_back.extend(await self._drain(group, deleter, remaining_s, suspects))

        alone = [group for group in groups.values() if any(message.id in suspects for message in group)]
        async with asyncio.TaskGroup() as tasks:
            for group in groups.values():
                if group not in alone:
                    tasks.create_task(drain(group))
        for group in alone:
            await drain(group)
        await deleter.finish()
        return [message.id for message in put_back]

    async def _drain(
        self,
        group: Sequence[Message],
        deleter: _Deleter,
        remaining_s: Callable[[], float],
        suspects: Mapping[str, float],
    ) -> Sequence[Message]:
        for position, message in enumerate(group):
            if message.id in suspects:
                await deleter.finish()
            is_tried = remaining_s() >= self._needed_s
            disposition: Disposition = PutBack(0)
            if is_tried:
                disposition = await self._handling.handle(message, suspects.get(message.id))
            match disposition:
                case Done():
                    deleter.done(message)
                case PutBack(delay_s, is_innocent):
                    waiting = group[position:]
                    deleter.gone(len(waiting))
                    # A suspect that was not tried stays one.
                    is_clear = is_tried and is_innocent
                    known = [one for one in waiting if one.id not in suspects or (is_clear and one is message)]
                    await asyncio.gather(*(self._handling.going_back(one, delay_s) for one in known))
                    await self._queue.put_back(waiting, delay_s)
                    return waiting
        return []


class _Deleter:
    """Deletes what is done, one request at a time, and leaves to Lambda what ends last."""

    def __init__(self, queue: MessageQueue, handling: Handling, *, total: int) -> None:
        self._queue = queue
        self._handling = handling
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
                await self._handling.undeleted(message)
        self._deleting = None
