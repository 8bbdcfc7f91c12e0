"""The model of a FIFO queue does what moto's does, whatever is asked.

Problem: a simulation is worth as much as its model. Rule: random requests go to both, and the same messages must come
out. Hazard: moto 5.2 is not SQS. It hands out a group's last message first once they are visible again, which is mended
here as in `tests/integration/worker/cloud.py`; and what it does otherwise is not asked of it: it deduplicates across
groups and forgets what was deleted, takes receipts that expired, counts 12 hours from the sending, and fills a batch
with whatever was sent first. `test_queue` has those.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.sqs.models import sqs_backends

from tests.integration.worker.cloud import FIFO, Clock
from tests.simulation.queue import BATCH, FifoQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from floodgate.delivery.message import Message

CLOCK = Clock()
REGION = "eu-central-1"
_names = count()


class Both:
    """The model and moto side by side."""

    def __init__(self, sqs: Any) -> None:
        self.sqs = sqs
        self.name = f"updates{next(_names)}.fifo"
        self.url = sqs.create_queue(QueueName=self.name, Attributes={**FIFO, "VisibilityTimeout": "120"})["QueueUrl"]
        self.queue = FifoQueue(CLOCK)
        self.sent = 0
        self.gone: set[str] = set()
        #: By id for deduplication: the model's receipt, moto's, and until when they are good.
        self.flying: dict[str, tuple[str, str, float]] = {}

    def send(self, group: str, number: int) -> None:
        """Send a message unless moto would get it wrong."""
        deduplication = f"{group}{number}"
        if deduplication in self.gone or self.queue.left == BATCH:
            return
        self.sent += 1
        body = f"{deduplication} {self.sent}"
        self.queue.send(body, group, deduplication)
        self.sqs.send_message(
            QueueUrl=self.url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=deduplication
        )

    def receive(self) -> None:
        """Receive from both; each group's messages must be the same, in order and number of receipts."""
        moto = sqs_backends[ACCOUNT][REGION].queues[self.name]
        moto.pending_messages.difference_update([one for one in moto.pending_messages if one.visible])
        theirs = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=BATCH, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        ours: dict[str, list[Message]] = {}
        for message in self.queue.receive():
            ours.setdefault(message.group, []).append(message)
        expected: dict[str, list[tuple[str, str]]] = {}
        for one in theirs:
            attributes = one["Attributes"]
            expected.setdefault(attributes["MessageGroupId"], []).append(
                (one["Body"], attributes["ApproximateReceiveCount"])
            )
        assert {group: [(m.body, str(m.receive_count)) for m in many] for group, many in ours.items()} == expected
        receipts = {message.body: message.receipt_handle for many in ours.values() for message in many}
        for one in theirs:
            body = one["Body"]
            self.flying[body] = receipts[body], one["ReceiptHandle"], CLOCK.now + 120

    def delete(self, which: int) -> None:
        """Delete one that is in flight."""
        if body := self._flying(which):
            our, their, _ = self.flying.pop(body)
            assert self.queue.delete(our) is None
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=their)
            self.gone.add(body.partition(" ")[0])

    def hide(self, which: int, seconds: int) -> None:
        """Put back one that is in flight."""
        if body := self._flying(which):
            our, their, _ = self.flying[body]
            assert self.queue.hide(our, seconds) is None
            self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=their, VisibilityTimeout=seconds)
            self.flying[body] = our, their, CLOCK.now + seconds
            CLOCK.now += 0.002  # to moto a message is visible after its time, not at it

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        CLOCK.now += seconds

    def _flying(self, which: int) -> str | None:
        flying = [body for body, (_, _, until) in self.flying.items() if until > CLOCK.now]
        return flying[which % len(flying)] if flying else None


#: No sum of the waits is a timeout, for a moment's difference is no matter.
ACTIONS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from("abc"), st.integers(0, 3)),
    st.tuples(st.just("receive")),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("hide"), st.integers(0, 9), st.sampled_from([0, 30, 500])),
    st.tuples(st.just("wait"), st.sampled_from([1.7, 31, 121, 301])),
)


@pytest.fixture(scope="module")
def sqs() -> Iterator[Any]:
    """A SQS on the clock of this module."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("moto.sqs.models.unix_time", CLOCK)
        patch.setattr("moto.sqs.models.unix_time_millis", lambda: CLOCK() * 1000)
        yield boto3.Session("test", "test", region_name=REGION).client("sqs")


@settings(max_examples=60, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=25))
def test_the_model_does_what_moto_does(sqs: Any, actions: list[tuple[Any, ...]]) -> None:
    """Messages are taken, known again, handed out, put back and deleted alike, and in the end all of them are."""
    both = Both(sqs)
    for action, *how in actions:
        getattr(both, action)(*how)
    while both.queue.left:
        both.wait(501)
        both.receive()
        while both._flying(0):
            both.delete(0)
    both.wait(501)
    both.receive()
