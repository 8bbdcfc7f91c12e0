"""The worker's processes of a local stack, and what they have in hand.

Rule: a process is told by its environment, as the local AWS makes it: the stack's port and the function's name. Nobody
else's are among them. One that has something in hand has the file IN_HAND beside its code
(tools/ministack/replacement.py); which messages those are stands in the feed, in the beginnings that have no end.
Hazard: between a look and what follows from it the worker may be done.
"""

import contextlib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from local.machine.feed import Feed

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WORKER = "WorkerFunction"
IN_HAND = "in-hand"
#: Of SQS.
_BATCH = 10

type Json = dict[str, Any]


def busy(aws_port: int, function: str) -> list[psutil.Process]:
    """Return the processes of that function of the stack that have something in hand."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environ = process.environ()
            of = environ.get("GATEWAY_PORT"), environ.get("AWS_LAMBDA_FUNCTION_NAME")
            if of == (str(aws_port), function) and (Path(process.cwd()).parent / IN_HAND).exists():
                found.append(process)
    return found


class InHand:
    """What the workers have in hand, by the feed of the stack whose files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._feed = Feed(folder)
        self._begun: dict[str, list[Json]] = {}
        #: Those that ended with an error since they were asked for last.
        self._failed: dict[str, list[Json]] = {}

    def read(self) -> dict[str, list[Json]]:
        """Return the messages of each invocation that has begun and not ended, by its id."""
        while events := self._feed.read():
            for event in events:
                self._take(event)
        return dict(self._begun)

    def failed(self, invocation: str) -> list[Json] | None:
        """Return the messages of an invocation that ended with an error, once; None if it did not."""
        self.read()
        return self._failed.pop(invocation, None)

    def close(self) -> None:
        """Let go of the feed."""
        self._feed.close()

    def _take(self, event: Json) -> None:
        if event.get("function") != WORKER:
            return
        if event["event"] == "began":
            if event.get("messages"):
                self._begun[event["id"]] = event["messages"]
        elif (messages := self._begun.pop(event["id"], None)) is not None and event.get("error") is not None:
            self._failed = {event["id"]: messages}


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
