"""The lever "Kill a worker": SIGKILL to the process of a worker that has updates in hand, as a machine that dies would.

Rule: only a worker of this stack, and only one with something in hand; if nobody is being answered, a few people of
the lever's own speak, whose answers Telegram makes slow. Undo gives what was in hand back to the queue, which otherwise
does so itself when the visibility timeout is over.
Hazard: a worker may be done before it is killed. Then nothing was lost, and another is tried.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from botocore.exceptions import BotoCoreError, ClientError

from local.aws import LocalAws
from local.errors import LocalError
from local.machine.hidden import WORKER, give_back
from local.machine.workers import InHand, busy
from local.ports import Ports

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Who speaks if nobody else does.
PEOPLE = {920_001: "Ines", 920_002: "Jon", 920_003: "Kaya"}
_SAID = "/id"
_SLOW_S = 4
_POLL_S = 0.05
_WITHIN_S = 30.0
_TRIES = 3
_FUNCTION = "AWS::Lambda::Function"

type Json = dict[str, Any]


class KillAWorker:
    """The lever, on the stack whose files are in `folder` and whose AWS is on the port.

    `speak` has people speak to the bot whose answers are slow.
    """

    name = "kill"
    label = "Kill a worker"
    watch = (
        "A worker dies with up to ten updates in hand. They wait until the queue's visibility timeout is over, two "
        "minutes, and are then answered; nobody else waits, and nothing is lost. What it was just sending may be sent "
        "once more. Undo gives them back at once."
    )

    def __init__(
        self,
        folder: Path,
        aws: LocalAws,
        speak: Callable[[], Awaitable[None]],
        *,
        find: "Callable[[str], Sequence[psutil.Process]]",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._aws = aws
        self._speak = speak
        self._find = find
        self._clock = clock
        self._lost: list[Json] = []
        self._until = 0.0
        self._is_busy = False
        self._said = ""

    def state(self) -> Json:
        """Return `on` while something waits that a dead worker had in hand, `busy` and `said`."""
        is_on = self._clock() < self._until
        said = "What the worker had in hand is handed out again." if self._lost and not is_on else self._said
        return {"on": is_on, "busy": self._is_busy, "said": said}

    async def pull(self, order: Json) -> None:  # noqa: ARG002 - every lever takes one
        """Kill a worker. Raises LocalError."""
        self._is_busy = True
        try:
            with contextlib.closing(InHand(self._folder)) as in_hand:
                await self._kill(in_hand)
        finally:
            self._is_busy = False

    async def undo(self) -> None:
        """Give back what dead workers had in hand. Raises LocalError."""
        lost, self._lost, self._until = self._lost, [], 0.0
        if not lost:
            return
        try:
            given = await asyncio.to_thread(give_back, self._aws.sqs, lost)
        except (BotoCoreError, ClientError) as error:
            raise LocalError(f"The queue did not take them back; they come by themselves: {error}") from error
        self._said = f"Given back: {_updates(given)}, which another worker takes now."

    async def _kill(self, in_hand: InHand) -> None:
        try:
            name, visible_after_s = await asyncio.to_thread(self._deployed)
        except (BotoCoreError, ClientError, KeyError) as error:
            raise LocalError(f"No worker is there to be killed: is the bot deployed? {error}") from error
        for _ in range(_TRIES):
            in_hand.read()
            if not (workers := await asyncio.to_thread(self._find, name)):
                await self._speak()
                workers = await self._first_busy(in_hand, name)
            invocations = in_hand.read()
            try:
                workers[0].kill()
            except psutil.NoSuchProcess:
                continue
            if messages := await self._died_with(in_hand, list(invocations)):
                self._lost = [*(self._lost if self._clock() < self._until else []), *messages]
                self._until = self._clock() + visible_after_s
                at = time.strftime("%H:%M:%S", time.localtime(self._until))
                waiting = "it waits" if len(messages) == 1 else "they wait"
                self._said = f"A worker died with {_updates(len(messages))} in hand: {waiting} until {at}, or for Undo."
                return
        raise LocalError("Each worker was done before it could be killed: pull again.")

    def _deployed(self) -> tuple[str, float]:
        """Return the worker's name, and for how long its queue hides what it has received."""
        name = self._aws.physical_ids(_FUNCTION)[WORKER]
        found = self._aws.functions.get_function_configuration(FunctionName=name)
        return name, float(found["Environment"]["Variables"]["QUEUE_VISIBILITY_S"])

    async def _first_busy(self, in_hand: InHand, name: str) -> "Sequence[psutil.Process]":
        deadline = self._clock() + _WITHIN_S
        while self._clock() < deadline:
            if in_hand.read() and (workers := await asyncio.to_thread(self._find, name)):
                return workers
            await asyncio.sleep(_POLL_S)
        raise LocalError("Nobody's message reached a worker: write to the bot, and pull again.")

    async def _died_with(self, in_hand: InHand, invocations: list[str]) -> list[Json]:
        """Return the messages that the killed worker had in hand; none if it was done before."""
        deadline = self._clock() + _WITHIN_S
        while self._clock() < deadline:
            for invocation in invocations:
                if (messages := in_hand.failed(invocation)) is not None:
                    return messages
            if not in_hand.read().keys() & set(invocations):
                return []
            await asyncio.sleep(_POLL_S)
        return []


def of_stack(folder: Path, ports: Ports, telegram: httpx.AsyncClient) -> KillAWorker:
    """Return the lever of the stack on these ports whose Telegram takes orders at `telegram`."""
    return KillAWorker(folder, LocalAws(ports), lambda: speak_slowly(telegram), find=partial(busy, ports.aws))


async def speak_slowly(telegram: httpx.AsyncClient) -> None:
    """Have PEOPLE write to the bot, and Telegram be slow with its answers. Raises LocalError."""
    try:
        for person, name in PEOPLE.items():
            fault = {"method": "sendMessage", "count": 1, "delay_s": _SLOW_S, "chat_id": person}
            for path, order in (
                ("users", {"user_id": person, "first_name": name}),
                ("faults", fault),
                ("messages", {"chat_id": person, "text": _SAID}),
            ):
                (await telegram.post(f"/control/{path}", json=order)).raise_for_status()
    except httpx.HTTPError as error:
        raise LocalError("Nobody is being answered just now: write to the bot, and pull while it answers.") from error


def _updates(number: int) -> str:
    return "one update" if number == 1 else f"{number} updates"
