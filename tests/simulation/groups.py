"""The messages of a FIFO group, linked in order.

Problem: a message leaves its group from anywhere among the first ten, and a deque for each of a million groups would
take a gigabyte. Rule: messages are linked, so that joining and leaving take the same time however many there are.
Hazard: a group does not know whether its queue knows it; `queue` keeps count of what is in flight.
"""

from __future__ import annotations


class Group:
    """One group."""

    __slots__ = ("first", "in_flight", "last", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.first: Held | None = None
        self.last: Held | None = None
        self.in_flight = 0

    def join(self, held: Held) -> None:
        """Put a message at the end."""
        held.group = self
        held.previous = self.last
        if self.last is None:
            self.first = held
        else:
            self.last.next = held
        self.last = held

    def leave(self, held: Held) -> None:
        """Take a message out."""
        before, after = held.previous, held.next
        if before is None:
            self.first = after
        else:
            before.next = after
        if after is None:
            self.last = before
        else:
            after.previous = before
        held.next = held.previous = None


#: What a message that SQS does not see yet belongs to.
NO_GROUP = Group("")


class Held:
    """A message in the queue."""

    __slots__ = (
        "body", "first_received_at", "group", "hidden_until", "id", "next", "previous", "received_at", "receives",
        "sent_ms",
    )  # fmt: skip

    def __init__(self, message_id: str, body: str, sent_ms: int) -> None:
        self.id = message_id
        self.body = body
        self.sent_ms = sent_ms
        self.group = NO_GROUP
        self.receives = 0
        self.first_received_at = 0.0
        self.received_at = 0.0
        #: Unix seconds; None unless it is in flight.
        self.hidden_until: float | None = None
        self.next: Held | None = None
        self.previous: Held | None = None
