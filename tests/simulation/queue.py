"""One SQS FIFO queue in this process, with deduplication per group, and with the face of boto3's client.

Problem: a simulation needs a queue that is fast with a million groups, and right where moto 5.2 is not. Rule: a group
is handed out, up to ten of its messages in order, while none of them is in flight; one that was put back is in flight
until it is visible. Groups that can be handed out stand in line, so that each gets its turn. Every operation takes
O(log n). SQS looks no further than its first 120 000 messages, those in flight included, and so does this.
Hazards: a FIFO receipt is good only while its message is in flight, so a late delete fails; the order among groups is
ours, SQS promises none. Not modelled: retention, redrive after too many receives, and delays.
Sources: the SQS developer guide, "FIFO delivery logic", "Avoiding a large backlog with the same message group" (June
2026); localstack pull request 12442 for the receipts.
"""
# ruff: noqa: N803 - boto3's parameters

from __future__ import annotations

import re
from collections import deque
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ParamValidationError

from floodgate.delivery.message import Message
from tests.simulation.faults import Refused, answered
from tests.simulation.groups import Group, Held

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulation.faults import FaultHook

#: SQS counts a message's 12 hours from when it was received.
LONGEST_S = 43_200
#: How far SQS looks for groups that it can hand out.
HORIZON = 120_000
DEDUPLICATION_S = 300.0
BATCH = 10
_LARGEST_BYTES = 1_048_576
_CODE = "AWS.SimpleQueueService."
#: What a group's or a deduplication id may be.
_ID = re.compile(r"[!-~]{1,128}")


class FifoQueue:
    """See the module. Its methods in boto3's manner ask `fault` with the method's name and `url`; the others do not."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        url: str = "https://sqs.invalid/updates.fifo",
        visibility_s: float = 120.0,
        fault: FaultHook | None = None,
        horizon: int = HORIZON,
    ) -> None:
        self.url = url
        self.fault = fault
        #: Told whenever a group may have become ready, or the next that is hidden may be another.
        self.changed: Callable[[], None] = lambda: None
        #: Messages that were taken in, handed out (each time), and deleted.
        self.sent = self.handed_out = self.deleted = 0
        self.in_flight = 0
        self.clock = clock
        self._visibility_s = visibility_s
        self._horizon = horizon
        self._groups: dict[str, Group] = {}
        self._ready: deque[Group] = deque()
        self._beyond: deque[tuple[Held, str]] = deque()
        self._within = 0
        self._received: dict[str, Held] = {}
        self._hidden: list[tuple[float, int, Held]] = []
        self._tie = count()
        self._seen: dict[tuple[str, str], str] = {}
        self._seen_until: deque[tuple[float, tuple[str, str]]] = deque()

    @property
    def left(self) -> int:
        """How many messages there are, those in flight included."""
        return self.sent - self.deleted

    @property
    def ready(self) -> int:
        """How many groups can be handed out, as of the last operation."""
        return len(self._ready)

    def send(self, body: str, group: str, deduplication_id: str) -> str:
        """Take a message in, unless its like was within five minutes; return its id, or that of its like."""
        now = self.clock()
        while self._seen_until and self._seen_until[0][0] <= now:
            del self._seen[self._seen_until.popleft()[1]]
        if not (_ID.fullmatch(group) and _ID.fullmatch(deduplication_id)) or not 0 < len(body) <= _LARGEST_BYTES:
            raise Refused("a message, a group or a deduplication id that SQS does not take", "InvalidParameterValue")
        like = (group, deduplication_id)
        if (before := self._seen.get(like)) is not None:
            return before
        self.sent += 1
        # A journal or a gate may go by the first eight characters; they differ, as SQS's do.
        message_id = f"{self.sent:08x}-0000-4000-8000-000000000000"
        self._seen[like] = message_id
        self._seen_until.append((now + DEDUPLICATION_S, like))
        held = Held(message_id, body, int(now * 1000))
        if self._within < self._horizon:
            self._admit(held, group)
        else:
            self._beyond.append((held, group))
        self.changed()
        return message_id

    def receive(self, most: int = BATCH) -> list[Message]:
        """Hand out up to ten messages."""
        now = self.clock()
        self.advance()
        messages: list[Message] = []
        while self._ready and len(messages) < min(most, BATCH):
            held = self._ready.popleft().first
            while held is not None and len(messages) < min(most, BATCH):
                messages.append(self._hand_out(held, now))
                held = held.next
        if messages:
            self.changed()
        return messages

    def delete(self, receipt: str) -> str | None:
        """Delete a message; return what is wrong with the receipt, None if nothing is. Deleted twice is deleted."""
        self.advance()
        held, wrong = self._of(receipt)
        if held is None:
            return wrong
        held.group.leave(held)
        del self._received[held.id]
        self.deleted += 1
        self._within -= 1
        while self._beyond and self._within < self._horizon:
            self._admit(*self._beyond.popleft())
        self._show(held)
        self.changed()
        return None

    def hide(self, receipt: str, seconds: int) -> str | None:
        """Have a message in flight handed out again after `seconds`; return what is wrong, None if nothing is."""
        self.advance()
        now = self.clock()
        held, wrong = self._of(receipt)
        if held is None:
            return wrong or "InvalidParameterValue"
        if not 0 <= seconds <= LONGEST_S or now + seconds > held.received_at + LONGEST_S:
            return "InvalidParameterValue"
        if seconds:
            self._hide(held, now + seconds)
        else:
            self._show(held)
        self.changed()
        return None

    def next_change_at(self) -> float | None:
        """Return when the next message in flight becomes visible, Unix seconds; None if none is in flight."""
        while self._hidden and self._hidden[0][2].hidden_until != self._hidden[0][0]:
            heappop(self._hidden)
        return self._hidden[0][0] if self._hidden else None

    def advance(self) -> None:
        """Let become visible what is due."""
        now = self.clock()
        shown = False
        while (due := self.next_change_at()) is not None and due <= now:
            self._show(heappop(self._hidden)[2])
            shown = True
        if shown:
            self.changed()

    def _admit(self, held: Held, name: str) -> None:
        """Put a message at the end of its group."""
        self._within += 1
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = Group(name)
        group.join(held)
        if group.first is held and not group.in_flight:
            self._ready.append(group)

    def _hand_out(self, held: Held, now: float) -> Message:
        held.receives += 1
        held.received_at = now
        if held.receives == 1:
            held.first_received_at = now
        held.group.in_flight += 1
        self.in_flight += 1
        self.handed_out += 1
        self._received[held.id] = held
        self._hide(held, now + self._visibility_s)
        return Message(
            id=held.id,
            receipt_handle=f"{held.id}#{held.receives}",
            group=held.group.name,
            body=held.body,
            receive_count=held.receives,
            sent_at=held.sent_ms / 1000,
            first_received_at=held.first_received_at,
            origin=held.id,
        )

    def _hide(self, held: Held, until: float) -> None:
        held.hidden_until = until
        heappush(self._hidden, (until, next(self._tie), held))
        if len(self._hidden) > 2 * self.in_flight + 1000:  # most of it is about messages long deleted
            self._hidden = [entry for entry in self._hidden if entry[2].hidden_until == entry[0]]
            heapify(self._hidden)

    def _show(self, held: Held) -> None:
        """End a message's flight; its group is ready if this was the last."""
        held.hidden_until = None
        group = held.group
        group.in_flight -= 1
        self.in_flight -= 1
        if group.in_flight:
            return
        if group.first is None:
            del self._groups[group.name]
        else:
            self._ready.append(group)

    def _of(self, receipt: str) -> tuple[Held | None, str | None]:
        """Return the message in flight that the receipt is of, or what is wrong with it: nothing if it was deleted."""
        message_id, _, receives = receipt.partition("#")
        if not receives or int(message_id[:8], 16) > self.sent:
            return None, "ReceiptHandleIsInvalid"
        held = self._received.get(message_id)
        if held is None:
            return None, None
        if held.hidden_until is None or str(held.receives) != receives:
            return None, "ReceiptHandleIsInvalid"
        return held, None

    # As boto3's client has them.

    def send_message(
        self, *, QueueUrl: str, MessageBody: str, MessageGroupId: str, MessageDeduplicationId: str
    ) -> dict[str, Any]:
        """Take a message in."""
        act = self._at(QueueUrl, self.send)
        return {"MessageId": self._ask("send_message", act, MessageBody, MessageGroupId, MessageDeduplicationId)}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:
        """Delete a message."""

        def act(receipt: str) -> dict[str, Any]:
            if wrong := self.delete(receipt):
                raise Refused("The receipt handle has expired", wrong)
            return {}

        return self._ask("delete_message", self._at(QueueUrl, act), ReceiptHandle)

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Delete up to ten messages."""
        act = self._at(QueueUrl, lambda entries: _batch(entries, lambda entry: self.delete(entry["ReceiptHandle"])))
        return self._ask("delete_message_batch", act, Entries)

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Have up to ten messages handed out again, each after its VisibilityTimeout in whole seconds."""

        def one(entry: dict[str, Any]) -> str | None:
            seconds = entry["VisibilityTimeout"]
            if not isinstance(seconds, int):
                raise ParamValidationError(report=f"Invalid type for VisibilityTimeout: {seconds!r}")
            return self.hide(entry["ReceiptHandle"], seconds)

        act = self._at(QueueUrl, lambda entries: _batch(entries, one))
        return self._ask("change_message_visibility_batch", act, Entries)

    def _ask[**P, T](self, operation: str, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return answered(self.fault, "RequestThrottled", operation, self.url, act, *args, **kwargs)

    def _at[**P, T](self, url: str, act: Callable[P, T]) -> Callable[P, T]:
        if url == self.url:
            return act

        def refuse(*_: P.args, **__: P.kwargs) -> T:
            raise Refused("The specified queue does not exist.", f"{_CODE}NonExistentQueue")

        return refuse


def _batch(entries: Sequence[dict[str, Any]], act: Callable[[dict[str, Any]], str | None]) -> dict[str, Any]:
    """Answer a batch request, `act` by entry."""
    if not entries:
        raise Refused("There should be at least one entry", f"{_CODE}EmptyBatchRequest")
    if len(entries) > BATCH:
        raise Refused("Maximum number of entries per request are 10.", f"{_CODE}TooManyEntriesInBatchRequest")
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise Refused("Id repeated.", f"{_CODE}BatchEntryIdsNotDistinct")
    wrong = {entry["Id"]: act(entry) for entry in entries}
    answer: dict[str, Any] = {"Successful": [{"Id": name} for name, code in wrong.items() if code is None]}
    if failed := [
        {"Id": name, "SenderFault": True, "Code": code, "Message": code}
        for name, code in wrong.items()
        if code is not None
    ]:
        answer["Failed"] = failed
    return answer


def record(message: Message) -> dict[str, Any]:
    """Return the record of Lambda's SQS event for a message that was handed out."""
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": str(round(message.sent_at * 1000)),
            "ApproximateFirstReceiveTimestamp": str(round(message.first_received_at * 1000)),
            "MessageGroupId": message.group,
        },
        "eventSource": "aws:sqs",
    }
