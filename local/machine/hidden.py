"""What the queue hides and no worker has: put back for a while, or lost with a worker that died.

Problem: after a failure is over, what failed in it still waits for its next try, for minutes.
Rule: the feed tells it. A message is hidden from the end of an invocation that put it back or failed until it is in
hand again; its receipt is the last one's, which alone can give it back. Bounded: beyond the bound the oldest are left
to come by themselves.
Hazard: that the queue has shown one by itself is known once a worker has it. To give it back once more does nothing.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import LocalAws
from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WORKER = "WorkerFunction"
#: Messages, and invocations whose end is awaited.
MESSAGES = 20_000
INVOCATIONS = 1_000
#: The feed is read later than it is written; what was in hand is done in so long.
_POLL_S = 0.5
_WITHIN_S = 30.0
#: Of SQS.
_BATCH = 10

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """A message that an invocation left hidden; `has_failed`: with all others that it had, for it died or raised."""

    message: Json
    invocation: str
    began_at: float
    has_failed: bool


class Hidden:
    """The messages that are hidden, by what `take` was told of the feed."""

    def __init__(self, messages: int = MESSAGES) -> None:
        self._limit = messages
        self._left: OrderedDict[str, Left] = OrderedDict()
        self._begun: OrderedDict[str, tuple[float, list[Json]]] = OrderedDict()

    def take(self, event: Json) -> None:
        """Take one event of the feed in."""
        if event.get("function") != WORKER:
            return
        invocation = event["id"]
        if event["event"] == "began":
            if messages := [one for one in event.get("messages", []) if one.keys() >= {"id", "receipt", "queue"}]:
                self._begun[invocation] = event["at"], messages
                for message in messages:
                    self._left.pop(message["id"], None)
                if len(self._begun) > INVOCATIONS:
                    self._begun.popitem(last=False)
            return
        at, messages = self._begun.pop(invocation, (0.0, []))
        has_failed = event.get("error") is not None
        put_back = set(event.get("put_back", []))
        for message in messages:
            if has_failed or message["id"] in put_back:
                self._left[message["id"]] = Left(message, invocation, at, has_failed)
        while len(self._left) > self._limit:
            self._left.popitem(last=False)

    def in_hand(self) -> dict[str, list[Json]]:
        """Return the messages of each invocation that has begun and not ended, by its id."""
        return {invocation: messages for invocation, (_, messages) in self._begun.items()}

    def lost_with(self, invocation: str) -> list[Json] | None:
        """Return what is hidden since that invocation failed; None if it did not, or nothing is."""
        lost = [left.message for left in self._left.values() if left.invocation == invocation and left.has_failed]
        return lost or None

    def still_begun(self, before: float) -> bool:
        """Return whether an invocation that began before that time has not ended."""
        return any(at <= before for at, _ in self._begun.values())

    def forget(self, before: float) -> list[Json]:
        """Return what invocations that began before that time have left hidden, once: it is being given back."""
        given = [message_id for message_id, left in self._left.items() if left.began_at <= before]
        return [self._left.pop(message_id).message for message_id in given]


class GiveBack:
    """Called, it has the queue hand out at once what failed before now."""

    def __init__(self, hidden: Hidden, aws: LocalAws, clock: Callable[[], float] = time.time) -> None:
        self._hidden = hidden
        self._aws = aws
        self._clock = clock
        self._following: asyncio.Task[None] | None = None

    async def __call__(self) -> int:
        """Return how many messages were given back; what workers have in hand now follows. Raises LocalError."""
        now = self._clock()
        given = await self._give(now)
        if self._following is not None:
            self._following.cancel()
        self._following = asyncio.create_task(self._follow(now))
        return given

    async def followed(self) -> None:
        """Return once nothing more follows."""
        if self._following is not None:
            await self._following

    async def _follow(self, before: float) -> None:
        """Give back what workers put back that had it in hand before that time: it met the failure too."""
        is_open = True
        while is_open and self._clock() < before + _WITHIN_S:
            await asyncio.sleep(_POLL_S)
            is_open = self._hidden.still_begun(before)
            try:
                await self._give(before)
            except LocalError:
                return  # it comes by itself

    async def _give(self, before: float) -> int:
        if not (messages := self._hidden.forget(before)):
            return 0
        try:
            return await asyncio.to_thread(lambda: give_back(self._aws.sqs, messages))
        except (BotoCoreError, ClientError) as error:
            raise LocalError(f"The queue did not take them back; they come by themselves: {error}") from error


def give_back(sqs: "SQSClient", messages: list[Json]) -> int:
    """Have the queue hand the messages out again at once; return how many were still hidden."""
    by_queue = defaultdict(list)
    for message in messages:
        by_queue[message["queue"]].append(message["receipt"])
    given = 0
    for queue, receipts in by_queue.items():
        for first in range(0, len(receipts), _BATCH):
            answer = sqs.change_message_visibility_batch(
                QueueUrl=queue,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for number, receipt in enumerate(receipts[first : first + _BATCH])
                ],
            )
            given += len(answer.get("Successful", []))
    return given
