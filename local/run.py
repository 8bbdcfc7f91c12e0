"""`make run`: a stack of your own until Ctrl-C, with each step as it goes and then where to talk to the bot.

Rule: the code is 0 when you stopped it, by Ctrl-C, SIGTERM or by closing the terminal, and 1, with a sentence, when
something is wrong. Then nothing is left running.
Hazard: `make` ends by the signal as well, so that the shell shows 130 after Ctrl-C on `make run`. It hands TOKEN on in
the environment, and in MAKEFLAGS: both are taken out before any program is started.
"""

import signal
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Self, TextIO

import httpx

from local.bridge.account import API, API_VARIABLE
from local.bridge.claim import Claimed, claim
from local.bridge.leaving import STATUS
from local.errors import LocalError
from local.handlers.following import LOG
from local.opening import open_page
from local.ports import Ports
from local.stack import ROOT, Stack

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_EVERY_S = 0.5


class Stopped(BaseException):
    """Somebody wants it to stop; no Exception, so that nothing takes it for a failure."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `make run` was asked for, beside the ports."""

    token: str = field(default="", repr=False)
    api: str = API
    removes_webhook: bool = False
    opens_page: bool = True

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Self:
        """Return what the environment asks for, and leave no token in it."""
        token = environ.pop("TOKEN", "").strip()
        for name in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS"):
            environ.pop(name, None)
        return cls(
            token=token,
            api=environ.get(API_VARIABLE) or API,
            removes_webhook=environ.get("REMOVE_WEBHOOK", "0") not in ("", "0"),
            opens_page=environ.get("OPEN", "1") != "0",
        )


class Steps:
    """Shows each step with a tick and its seconds once it is done."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Show the step, and how it ended."""
        started = time.monotonic()
        self._write(f"  {step} … ")
        try:
            yield
        except BaseException:
            self._write("✗\n")
            raise
        self._write(f"✓ {time.monotonic() - started:.1f} s\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def run(ports: Ports, wishes: Wishes, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> int:
    """Run a stack until it is stopped, and return the exit code."""
    for number in _SIGNALS:
        signal.signal(number, _stop)
    started = time.monotonic()
    stack, bridge = None, None
    try:
        # Before a webhook is removed for nothing.
        ports.require_free()
        bridge = _claimed(wishes, out) if wishes.token else None
        stack = Stack(ports, watch=ROOT, report=Steps(out), bridge=bridge)
        with stack:
            out.write(welcome(stack, time.monotonic() - started))
            out.flush()
            if wishes.opens_page and out.isatty():
                open_page(stack.telegram_url)
            try:
                _watch(stack, out)
            finally:
                out.write("\n")
    except Stopped:
        out.write(f"{_farewell(stack, bridge)}Stopped, and nothing is left running.\n")
    except LocalError as error:
        err.write(f"{_farewell(stack, bridge)}\n{error}\n")
        return 1
    return 0


def _claimed(wishes: Wishes, out: TextIO) -> Claimed:
    def ask(question: str) -> bool:
        out.write(f"{question} [y/N] ")
        out.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    is_terminal = sys.stdin is not None and sys.stdin.isatty() and out.isatty()
    return claim(wishes.token, wishes.api, may_remove=wishes.removes_webhook, ask=ask if is_terminal else None)


def _farewell(stack: Stack | None, bridge: Claimed | None) -> str:
    """Return what became of people's messages, and what is not as it was."""
    sentences = [stack.farewell] if stack is not None else []
    if bridge is not None and bridge.removed:
        sentences.append(
            f"{bridge.name} has no webhook at {bridge.removed} any more: `make deploy` there registers it again."
        )
    return "".join(f"{sentence}\n" for sentence in sentences if sentence)


def welcome(stack: Stack, seconds: float) -> str:
    """Return where to talk to the bot, and where it says what it does."""
    logs = stack.folder.relative_to(stack.root)
    return f"""
Ready after {seconds:.0f} s. {_bridged(stack) if stack.bridge else _local(stack)}
What you save below functions/worker/bot is live at once; `make new NAME=weather` writes a feature to start from.

Logs: {logs}/functions.log has the bot's, the other files there those of the local AWS, Telegram and sam.
The local AWS answers at {stack.aws.endpoint}. Ctrl-C stops everything.
"""


def _local(stack: Stack) -> str:
    return f"""Talk to the bot, and see the machine at work, at {stack.telegram_url}/

Without a browser: say /start to it as the person 42:

  curl -s {stack.telegram_url}/control/messages -d '{{"chat_id": 42, "text": "/start"}}'

and read the conversation:

  curl -s {stack.telegram_url}/control/chats/42/messages
"""


class Told:
    """Shows what a file says, line by line, as it comes."""

    def __init__(self, file: Path, out: TextIO) -> None:
        self._file = file
        self._out = out
        self._shown_bytes = 0

    def follow(self) -> None:
        """Show what is new, with the time; a line that is set in belongs to the one before."""
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._shown_bytes)
            *lines, _unfinished = file.read().split(b"\n")
        self._shown_bytes += sum(len(line) + 1 for line in lines)
        for line in lines:
            shown = line.decode(errors="replace")
            self._out.write(shown + "\n" if shown.startswith(" ") else f"{time.strftime('%H:%M:%S')} {shown}\n")
        if lines:
            self._out.flush()


def _bridged(stack: Stack) -> str:
    assert stack.bridge is not None  # noqa: S101 - asked before
    name = stack.bridge.name
    admin = stack.parameters["AdminChatId"]
    owner = (
        f"Its admin chat is {admin}."
        if admin
        else "It has no admin chat: send it /id, and start it with FLOODGATE_PARAMETERS='AdminChatId=…' next time."
    )
    return f"""{name} is answered from this machine. Write to it from your phone:

  https://t.me/{name.removeprefix("@")}

Whoever else writes to it now is answered from here as well. {owner}
The machine at work: {stack.telegram_url}/
"""


def _watch(stack: Stack, out: TextIO) -> None:
    told = Told(stack.folder / LOG, out)
    troubles = Troubles(stack.telegram_url, out) if stack.bridge else None
    while True:
        stack.check()
        told.follow()
        if troubles is not None:
            troubles.tell()
        time.sleep(_LOOK_EVERY_S)


class Troubles:
    """Tells the terminal what the bridge says is wrong, once for each sentence, and when it is over."""

    def __init__(self, url: str, out: TextIO, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=5, transport=transport)
        self._out = out
        self._told = ""

    def tell(self) -> None:
        """Write what is new, if anything is."""
        try:
            status = self._client.get(STATUS).json()
        except (httpx.HTTPError, ValueError):
            return
        sentence = status["sentence"] if status["state"] == "trouble" else ""
        # How long it waits before it tries again is different each time, and so is said of none.
        what, tries, _ = sentence.partition(" Trying again")
        if what != self._told:
            until = " It is tried again until that is over." if tries else ""
            over = f'This is over: "{self._told.partition(". ")[0].removesuffix(".")}."'
            self._out.write(f"{what}{until}\n" if what else f"{over}\n")
            self._out.flush()
            self._told = what


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not cut the cleaning short.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped
