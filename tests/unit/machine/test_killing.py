"""The lever Kill a worker: whom it kills, what it says, and what Undo gives back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from local.errors import LocalError
from local.machine.killing import PEOPLE, KillAWorker, speak_slowly
from local.machine.workers import IN_HAND, busy
from local.telegram.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VISIBILITY_S = 120


class Queue:
    """An SQS that hides messages by receipt."""

    def __init__(self, *hidden: str) -> None:
        self.hidden = set(hidden)
        self.asked: list[int] = []

    def change_message_visibility_batch(self, **order: Any) -> dict[str, Any]:
        """Show those that are still hidden."""
        assert order["QueueUrl"] == "updates.fifo"
        receipts = [entry["ReceiptHandle"] for entry in order["Entries"] if entry["VisibilityTimeout"] == 0]
        self.asked.append(len(receipts))
        shown = [receipt for receipt in receipts if receipt in self.hidden]
        self.hidden.difference_update(shown)
        return {"Successful": [{"Id": receipt} for receipt in shown], "Failed": []}


class Aws:
    """An AWS with a worker, unless it has none."""

    def __init__(self, *hidden: str, deployed: bool = True) -> None:
        self.sqs = Queue(*hidden)
        self.functions = self
        self._deployed = deployed

    def physical_ids(self, _type: str) -> dict[str, str]:
        """Return the functions' names."""
        return {"WorkerFunction": "worker-7"} if self._deployed else {}

    def get_function_configuration(self, **_order: Any) -> dict[str, Any]:
        """Return what is asked of it."""
        return {"Environment": {"Variables": {"QUEUE_VISIBILITY_S": str(VISIBILITY_S)}}}


@dataclass
class Stack:
    """A stack's feed, and its one worker's process."""

    folder: Path
    is_busy: bool = False
    killed: int = 0
    now: float = 1_000.0
    spoke: int = 0
    #: What happens when the worker is killed.
    dies: Callable[[], None] = lambda: None
    has: list[str] = field(default_factory=list)

    def tell(self, **event: Any) -> None:
        """Add a line to the feed."""
        with (self.folder / "invocations.jsonl").open("a") as feed:
            feed.write(json.dumps({"at": self.now, "function": "WorkerFunction", **event}) + "\n")

    def begin(self, number: str, *receipts: str) -> None:
        """Have the worker take messages in hand."""
        self.is_busy = True
        messages = [
            {"id": one, "receipt": one, "queue": "updates.fifo", "update_id": 1, "receives": 1} for one in receipts
        ]
        self.tell(event="began", id=number, messages=messages)

    def end(self, number: str, error: str | None = None) -> None:
        """Have the worker be done with them."""
        self.is_busy = False
        self.tell(event="ended", id=number, took_ms=1.0, error=error, put_back=[], lines=[])

    def find(self, function: str) -> list[psutil.Process]:
        """Return the worker if it is busy."""
        assert function == "worker-7"
        stack = self

        class Process(psutil.Process):
            def kill(self) -> None:
                stack.killed += 1
                stack.dies()

        return [Process(os.getpid())] if self.is_busy else []

    async def speak(self) -> None:
        """Have somebody speak."""
        self.spoke += 1
        self.begin(f"spoken-{self.spoke}", "spoken")

    def lever(self, aws: Any) -> KillAWorker:
        """Return the lever of this stack."""
        return KillAWorker(self.folder, aws, self.speak, find=self.find, clock=lambda: self.now)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A stack in which nothing is going on."""
    return Stack(tmp_path)


async def test_what_the_dead_worker_had_in_hand_is_given_back_by_undo(stack: Stack) -> None:
    """That, and nothing else; it is on for as long as the queue hides it."""
    aws = Aws("1", "2", "3")
    stack.begin("before", "3")
    stack.end("before")
    stack.begin("now", "1", "2")
    stack.dies = lambda: stack.end("now", "Worker process died")
    lever = stack.lever(aws)
    await lever.pull({"on": True})
    assert (stack.killed, stack.spoke) == (1, 0)
    assert lever.state()["on"]
    assert lever.state()["said"].startswith("A worker died with 2 updates in hand: they wait until ")
    await lever.undo()
    assert aws.sqs.hidden == {"3"}
    assert lever.state() == {
        "on": False,
        "busy": False,
        "said": "Given back: 2 updates, which another worker takes now.",
    }
    await lever.undo()  # a second time is nothing
    assert aws.sqs.asked == [2]


async def test_when_nothing_is_in_hand_its_people_speak(stack: Stack) -> None:
    """And the worker dies that answers them."""
    stack.dies = lambda: stack.end("spoken-1", "Worker process died")
    lever = stack.lever(Aws())
    await lever.pull({"on": True})
    assert (stack.spoke, stack.killed) == (1, 1)
    assert "one update in hand" in lever.state()["said"]


async def test_a_worker_that_was_done_lost_nothing(stack: Stack) -> None:
    """So another is tried, and after some that were quicker the person may try again."""
    stack.begin("now", "1")
    stack.dies = lambda: stack.end("now" if stack.killed == 1 else f"spoken-{stack.spoke}")
    lever = stack.lever(Aws())
    with pytest.raises(LocalError, match="pull again"):
        await lever.pull({"on": True})
    assert (stack.killed, stack.spoke) == (3, 2)
    assert lever.state() == {"on": False, "busy": False, "said": ""}


async def test_it_is_off_when_the_queue_hands_out_by_itself(stack: Stack) -> None:
    """After the visibility timeout, which is the function's."""
    stack.begin("now", "1")
    stack.dies = lambda: stack.end("now", "Worker process died")
    lever = stack.lever(Aws())
    await lever.pull({"on": True})
    stack.now += VISIBILITY_S - 1
    assert lever.state()["on"]
    stack.now += 1
    assert lever.state()["on"] is False
    assert lever.state()["said"] == "What the worker had in hand is handed out again."


async def test_without_a_bot_there_is_no_worker(stack: Stack) -> None:
    """Nobody is killed, and the sentence says what is missing."""
    with pytest.raises(LocalError, match="is the bot deployed"):
        await stack.lever(Aws(deployed=False)).pull({"on": True})
    assert stack.killed == 0


async def test_its_people_are_answered_slowly() -> None:
    """Each in a chat of their own, under a name; other people's answers are as fast as ever."""
    app = create_app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://telegram") as telegram:
        await speak_slowly(telegram)
        said = {person: (await telegram.get(f"/control/chats/{person}/messages")).json() for person in PEOPLE}
        assert [[one["text"] for one in chat] for chat in said.values()] == [["/id"]] * len(PEOPLE)
        answer = {"chat_id": next(iter(PEOPLE)), "text": "7"}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await telegram.post("/bot123456:local/sendMessage", json=answer)
        await telegram.post("/control/messages", json={"chat_id": 5, "text": "/id"})
        sent = await telegram.post("/bot123456:local/sendMessage", json={"chat_id": 5, "text": "5"})
        assert sent.json()["ok"]


async def test_a_telegram_that_takes_no_orders_is_the_real_one() -> None:
    """Then somebody real has to write."""
    nowhere = httpx.MockTransport(lambda _: httpx.Response(404))
    async with httpx.AsyncClient(transport=nowhere, base_url="http://telegram") as telegram:
        with pytest.raises(LocalError, match="write to the bot"):
            await speak_slowly(telegram)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Start a process as the local AWS starts a worker, and return its number."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, function: str, *, in_hand: bool) -> int:
        folder = tmp_path / str(len(started))
        (folder / "code").mkdir(parents=True)
        if in_hand:
            (folder / IN_HAND).touch()
        waits = "import sys; print(flush=True); sys.stdin.read()"
        environ = {"GATEWAY_PORT": str(port), "AWS_LAMBDA_FUNCTION_NAME": function}
        one = subprocess.Popen(
            [sys.executable, "-c", waits],
            cwd=folder / "code",
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(one)
        assert one.stdout is not None
        one.stdout.readline()
        return one.pid

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_only_a_busy_worker_of_the_stack_is_found(process: Callable[..., int]) -> None:
    """Not an idle one, not another function's, not another stack's."""
    port = os.getpid()  # nobody else's, for the whole machine is looked at
    wanted = process(port, "worker", in_hand=True)
    process(port, "worker", in_hand=False)
    process(port, "webhook", in_hand=True)
    process(-port, "worker", in_hand=True)
    assert [found.pid for found in busy(port, "worker")] == [wanted]
