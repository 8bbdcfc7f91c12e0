"""One SQS message as a worker sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from floodgate.ingress.trace import trace_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Message:
    """A record of Lambda's SQS event."""

    id: str
    receipt_handle: str
    #: The FIFO group: what is in one group is handled in order.
    group: str
    body: str
    #: How often SQS handed it out, this time included; no count of attempts, for it can be handed out untried.
    receive_count: int
    #: When it was put into the queue, Unix seconds.
    sent_at: float
    #: When it was first handed out.
    first_received_at: float
    #: The id of the first message with its update: its own, unless it was sent again from the dead letters.
    origin: str
    #: What its webhook's and its workers' log lines have in common, None if nobody traces.
    trace_id: str | None = None
    #: It was received before, or stood behind one of its group that was.
    was_held: bool = False
    #: The ARN of the queue that SQS itself moved it from, None if it did not.
    redriven_from: str | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the message that a record of `event["Records"]` describes."""
        attributes = record["attributes"]
        origin = record.get("messageAttributes", {}).get("origin", {}).get("stringValue")
        return cls(
            id=record["messageId"],
            receipt_handle=record["receiptHandle"],
            group=attributes["MessageGroupId"],
            body=record["body"],
            receive_count=int(attributes["ApproximateReceiveCount"]),
            sent_at=int(attributes["SentTimestamp"]) / 1000,
            first_received_at=int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000,
            origin=origin or record["messageId"],
            trace_id=trace_id(attributes.get("AWSTraceHeader")),
            redriven_from=attributes.get("DeadLetterQueueSourceArn"),
        )

    @classmethod
    def of_batch(cls, records: Iterable[Mapping[str, Any]], trace: str | None = None) -> list[Self]:
        """Return the messages of an event; one that brings no trace has `trace`, the invocation's."""
        messages: list[Self] = []
        held: set[str] = set()
        for message in map(cls.from_record, records):
            if message.receive_count > 1:
                held.add(message.group)
            messages.append(
                replace(message, trace_id=message.trace_id or trace, was_held=message.group in held),
            )
        return messages

    @property
    def is_retry(self) -> bool:
        """Whether the admin has sent it again from the dead letters."""
        return self.origin != self.id
