"""Saving a handler brings it to the running stack; the page's source `handlers` tells how that went.

Problem: a bot's author saves often, also what does not work yet, while people are talking to the bot.
Rule: code is tried first (check.py), then deployed, then asked what it handles by the function itself; Telegram is told
if its commands or types of updates are others than before. What fails on the way leaves the last good code where it is.
Saves that come meanwhile are one more round. What takes effect with `make run` only is named.
Hazard: others deploy as well, `sam deploy` to the same stack for instance. So what is live is asked of the stack at the
start, and a save after that brings the folder as it is, whatever it was before.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from local.errors import LocalError
from local.handlers.check import Refused
from local.handlers.code import Code
from local.handlers.functions import WORKER
from local.handlers.watching import Project
from local.page.stream import Whole

_LOOK_EVERY_S = 0.5
_NAMED_FILES = 3

type Json = dict[str, Any]
type Check = Callable[[Code, Mapping[str, str]], Coroutine[Any, Any, Json]]


class State(StrEnum):
    """How the saved handlers and those that answer belong together."""

    CHECKING = "checking"
    LIVE = "live"
    #: The saved ones cannot be used; the last good ones answer.
    BROKEN = "broken"
    #: The handlers are live, and something else that was saved needs `make run` again.
    OLD = "old"


class Target(Protocol):
    """Functions, or what stands for them (functions.py); all of it blocks."""

    def are_deployed(self) -> bool: ...  # noqa: D102
    def variables(self) -> dict[str, str]: ...  # noqa: D102
    def code(self) -> Code: ...  # noqa: D102
    def bring(self, code: Code) -> None: ...  # noqa: D102
    def describe(self, function: str) -> Json: ...  # noqa: D102
    def register(self) -> Json: ...  # noqa: D102


class Reload(Whole):
    """Keeps the stack's handlers as they are saved, while `run` runs."""

    name = "handlers"

    def __init__(
        self,
        project: Project,
        functions: Target,
        check: Check,
        *,
        tell: Callable[[str], None] = lambda _text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._project = project
        self._functions = functions
        self._check = check
        self._tell = tell
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        #: Files of ours beside the author's: the lever that breaks a handler.
        self._ours: Mapping[str, bytes] = {}
        self._saved: Code | None = None
        self._good: Code | None = None
        self._live: Code | None = None
        self._interface: Json | None = None
        self._outdated: list[str] = []
        self._show(State.CHECKING, "The bot is being deployed.")

    # --------------------------------------------------------------------------------------------- the page's source --

    def snapshot(self) -> Json:
        """Return `state`, `said`, `error` (`where`, `lines`) or None, and since when it is so."""
        outdated = outdated_said(self._outdated)
        return {
            "state": State.OLD if self._state == State.LIVE and outdated else self._state,
            "said": f"{self._said} {outdated}".rstrip(),
            "error": self._error,
            "since": self._changed_at,
        }

    # ------------------------------------------------------------------------------------------------ the work --

    async def run(self) -> None:
        """Follow what is saved until cancelled."""
        while not await asyncio.to_thread(self._functions.are_deployed):  # noqa: ASYNC110 - CloudFormation tells nobody
            await asyncio.sleep(_LOOK_EVERY_S)
        try:
            await self.begin()
        except LocalError as error:
            self._say_broken(f"What is deployed is not known, so the next save counts: {error}")
        try:
            async for _ in self._project.saves():
                await self.follow()
        except (OSError, RuntimeError) as error:  # of watchfiles, such as too many watches on this machine
            self._say_broken(f"Saves are not noticed any more, until `make run` is started again: {error}")

    async def begin(self) -> None:
        """Know what is deployed."""
        async with self._one_at_a_time:
            self._saved = self._good = self._live = await asyncio.to_thread(self._functions.code)
            self._interface = await asyncio.to_thread(self._functions.describe, WORKER)
            self._show(State.LIVE, "Your handlers are live.")

    async def follow(self) -> None:
        """Have the handlers be live that are saved, or say why not."""
        async with self._one_at_a_time:
            try:
                await self._catch_up()
            except OSError as error:  # a file that may not be read, a full disk
                self._saved = None
                self._say_broken(f"Not live, and the handlers from before still answer: {error}")

    async def _catch_up(self) -> None:
        while (code := await asyncio.to_thread(self._project.code)) != self._saved:
            self._saved = code
            await self._take(code)
        outdated = await asyncio.to_thread(self._project.outdated)
        if outdated != self._outdated:
            self._outdated = outdated
            self._changed_at = self._clock()
            self._tell(outdated_said(outdated) or "What else was saved is as it was at the start again.")

    async def put_beside(self, ours: Mapping[str, bytes]) -> None:
        """Deploy the author's last good code with these files beside it, from now on. Raises LocalError."""
        async with self._one_at_a_time:
            if self._good is None:
                raise LocalError("The bot is still being deployed: try again when it is.")
            before, self._ours = self._ours, ours
            try:
                await self._deploy(self._good)
            except LocalError:
                self._ours = before
                raise

    @property
    def commands(self) -> list[str]:
        """The commands of the bot's menu."""
        return [one["command"] for one in (self._interface or {}).get("commands", [])]

    async def _take(self, code: Code) -> None:
        began = self._clock()
        self._show(State.CHECKING, "Saved: your handlers are being tried.")
        try:
            interface = await self._deploy(code)
        except LocalError as error:
            self._say_broken(f"Not live, and the handlers from before still answer. {error}", error)
            return
        self._good = code
        self._show(State.LIVE, f"Saved, and live after {self._clock() - began:.1f} s.")
        try:
            await self._announce(interface)
        except LocalError as error:
            self._say_broken(f"The handlers are live, but Telegram was not told of their commands: {error}")

    async def _deploy(self, code: Code) -> Json:
        """Return what the code handles, once a worker is there that runs it. Raises LocalError; nothing is new then."""
        code = code.beside(self._ours)
        interface = await self._check(code, await asyncio.to_thread(self._functions.variables))
        try:
            await asyncio.to_thread(self._functions.bring, code)
            await asyncio.to_thread(self._functions.describe, WORKER)
        except LocalError:
            if self._live is not None:
                await asyncio.to_thread(self._functions.bring, self._live)
            raise
        self._live = code
        return interface

    async def _announce(self, interface: Json) -> None:
        """Have Telegram know the commands and the types of updates."""
        if interface != self._interface:
            await asyncio.to_thread(self._functions.register)
            self._interface = interface

    def _say_broken(self, said: str, error: LocalError | None = None) -> None:
        place = {"where": error.where, "lines": error.lines} if isinstance(error, Refused) else None
        self._show(State.BROKEN, said, place)

    def _show(self, state: State, said: str, error: Json | None = None) -> None:
        self._state, self._said, self._error, self._changed_at = state, said, error, self._clock()
        if state != State.CHECKING:
            self._tell("\n".join([said, *(f"    {line}" for line in (error or {}).get("lines", []))]))


def outdated_said(files: Sequence[str]) -> str:
    """Return the sentence about saved files that take effect with `make run` only; empty if there are none."""
    if not files:
        return ""
    more = f" and {len(files) - _NAMED_FILES} more" if len(files) > _NAMED_FILES else ""
    named = ", ".join(files[:_NAMED_FILES]) + more
    return f"Saved: {named}. That takes effect with the next `make run`: stop it with Ctrl-C and start it again."
