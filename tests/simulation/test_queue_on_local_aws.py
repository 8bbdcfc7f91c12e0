"""The model of a FIFO queue does what the local AWS's does, whatever is asked.

Problem: moto is not SQS, and what it gets wrong is not asked of it (`test_queue_contract`). The local AWS deduplicates
by group, and refuses receipts that are no longer good, as SQS does. Rule: the same random requests go to the model and
to a queue there; the same messages must come out, and the same receipts must be refused. Hazard: its time is real, so
scripts run side by side, each on a queue of its own, and nobody asks close to a moment at which a message appears. Not
asked: to delete what was deleted, which it refuses and SQS does not; a receipt whose message is visible again, which it
takes until that is received anew and SQS does not; and what takes minutes or hours.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from local import environment
from local.ports import Ports
from local.processes import Programs
from tests.integration.worker.cloud import FIFO
from tests.runtime import cloud
from tests.simulation.queue import BATCH, FifoQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_sqs import SQSClient

SCRIPTS = 30
STEPS = 30
VISIBILITY_S = 2
#: So close to a moment at which a message appears nothing is asked: requests of all scripts wait for each other.
_CLOSE_S = 0.35

type Script = list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def sqs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SQSClient]:
    """The SQS of a local AWS."""
    with Programs() as programs:
        address = cloud.start(Ports.free(), tmp_path_factory.mktemp("aws"), programs)
        session = boto3.Session("test", "test", region_name=environment.REGION)
        yield session.client("sqs", endpoint_url=address, config=Config(max_pool_connections=SCRIPTS))


class Both:
    """The model and a queue of the local AWS, side by side."""

    def __init__(self, sqs: SQSClient, name: str) -> None:
        self.sqs = sqs
        self.url = sqs.create_queue(
            QueueName=f"{name}.fifo", Attributes={**FIFO, "VisibilityTimeout": str(VISIBILITY_S)}
        )["QueueUrl"]
        self.queue = FifoQueue(time.time, visibility_s=VISIBILITY_S)
        #: The model's id and theirs, of each message.
        self.ids: dict[str, str] = {}
        #: Every receipt that was ever given, the model's and theirs.
        self.receipts: list[tuple[str, str]] = []

    def do(self, action: str, which: int, how_much: int) -> None:
        """Ask both the same, at a moment at which there can be one answer only."""
        while (due := self.queue.next_change_at()) is not None and abs(due - time.time()) < _CLOSE_S:
            time.sleep(0.05)
        self.queue.advance()
        acts: Mapping[str, Callable[[int, int], None]] = {
            "send": self.send,
            "receive": self.receive,
            "delete": self.delete,
            "hide": self.hide,
            "wait": lambda _, tenths: time.sleep(tenths / 10),
        }
        acts[action](which, how_much)

    def send(self, which: int, number: int) -> None:
        """Send a message; whether it is known already must be the same."""
        group = "abc"[which % 3]
        if self.queue.left == BATCH:
            return  # which ten of more are handed out is nobody's promise
        body = f"{group}{number} {len(self.ids)}"
        our = self.queue.send(body, group, str(number))
        their = self.sqs.send_message(
            QueueUrl=self.url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=str(number)
        )["MessageId"]
        assert self.ids.setdefault(our, their) == their

    def receive(self, *_: int) -> None:
        """Receive from both; each group's messages must be the same, in order and number of receives."""
        theirs = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=BATCH, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        ours = self.queue.receive()
        expected = [
            (one["Attributes"]["MessageGroupId"], one["Body"], int(one["Attributes"]["ApproximateReceiveCount"]))
            for one in theirs
        ]
        # Among groups there is no order; within one this sort keeps it.
        got = [(message.group, message.body, message.receive_count) for message in ours]
        assert sorted(got, key=_group) == sorted(expected, key=_group)
        their = {one["Body"]: one["ReceiptHandle"] for one in theirs}
        self.receipts += [(message.receipt_handle, their[message.body]) for message in ours]

    def delete(self, which: int, *_: int) -> None:
        """Delete by any receipt that was ever given; an old one must be refused alike."""
        if not (found := self._receipt(which)):
            return
        our, their = found
        refused = self.sqs.delete_message_batch(QueueUrl=self.url, Entries=[{"Id": "0", "ReceiptHandle": their}])
        wrong = self.queue.delete(our)
        assert [wrong] * (wrong is not None) == [one["Code"] for one in refused.get("Failed", [])]

    def hide(self, which: int, seconds: int) -> None:
        """Put back by any receipt that was ever given; an old one must be refused alike."""
        if not (found := self._receipt(which)):
            return
        our, their = found
        refused = self.sqs.change_message_visibility_batch(
            QueueUrl=self.url, Entries=[{"Id": "0", "ReceiptHandle": their, "VisibilityTimeout": seconds}]
        )
        wrong = self.queue.hide(our, seconds)
        assert [wrong] * (wrong is not None) == [one["Code"] for one in refused.get("Failed", [])]

    def _receipt(self, which: int) -> tuple[str, str] | None:
        """Return one of the latest receipts, good or of an earlier receive."""
        good = {message_id for message_id, held in self.queue._received.items() if held.hidden_until is not None}
        left = [(our, their) for our, their in self.receipts if our.partition("#")[0] in good][-6:]
        return left[which % len(left)] if left else None

    def empty(self) -> None:
        """Take everything out."""
        while self.queue.left:
            self.do("wait", 0, 5)
            before = len(self.receipts)
            self.do("receive", 0, 0)
            for our, their in self.receipts[before:]:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=their)
                assert self.queue.delete(our) is None
        self.do("receive", 0, 0)


def _group(row: tuple[str, str, int]) -> str:
    return row[0]


def script(seed: int) -> Script:
    """Return a script of that seed's."""
    chance = random.Random(seed)  # noqa: S311 - chance with a seed
    how_much: Mapping[str, list[int]] = {
        "send": [0, 1, 2, 3],
        "receive": [0],
        "delete": [0],
        "hide": [0, 1, 4],
        "wait": [3, 12, 25],
    }
    actions = chance.choices(list(how_much), weights=[8, 6, 5, 4, 2], k=STEPS)
    return [(action, chance.randrange(10), chance.choice(how_much[action])) for action in actions]


def run(sqs: SQSClient, seed: int) -> tuple[Any, ...] | None:
    """Run a script and empty its queue; return the seed, the script and what was wrong, None if nothing was."""
    both, steps = Both(sqs, f"updates{seed}"), script(seed)
    try:
        for step in steps:
            both.do(*step)
        both.empty()
    except AssertionError as wrong:
        return seed, steps, wrong
    return None


def test_the_model_does_what_the_local_aws_does(sqs: SQSClient) -> None:
    """Messages are taken, known again, handed out, put back and deleted alike, and old receipts refused."""
    with ThreadPoolExecutor(SCRIPTS) as pool:
        assert [wrong for wrong in pool.map(lambda seed: run(sqs, seed), range(SCRIPTS)) if wrong] == []
