"""`make run`: a stack of your own until Ctrl-C, with each step as it goes and then where to talk to the bot.

Rule: the code is 0 when you stopped it, by Ctrl-C, SIGTERM or by closing the terminal, and 1, with a sentence, when
something is wrong. Then nothing is left running.
Hazard: `make` ends by the signal as well, so that the shell shows 130 after Ctrl-C on `make run`.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from local.errors import LocalError
from local.handlers.following import LOG
from local.ports import Ports
from local.stack import Stack

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_EVERY_S = 0.5


class Stopped(BaseException):
    """Somebody wants it to stop; no Exception, so that nothing takes it for a failure."""


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


def run(ports: Ports, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> int:
    """Run a stack until it is stopped, and return the exit code."""
    for number in _SIGNALS:
        signal.signal(number, _stop)
    started = time.monotonic()
    try:
        with Stack(ports, report=Steps(out)) as stack:
            out.write(welcome(stack, time.monotonic() - started))
            out.flush()
            try:
                _watch(stack, out)
            finally:
                out.write("\n")
    except Stopped:
        out.write("Stopped, and nothing is left running.\n")
    except LocalError as error:
        err.write(f"\n{error}\n")
        return 1
    return 0


def welcome(stack: Stack, seconds: float) -> str:
    """Return where to talk to the bot, and where it says what it does."""
    logs = stack.folder.relative_to(stack.root)
    return f"""
Ready after {seconds:.0f} s. The bot is at {stack.telegram_url}. Say /start to it as the person 42:

  curl -s {stack.telegram_url}/control/messages -d '{{"chat_id": 42, "text": "/start"}}'

and read the conversation:

  curl -s {stack.telegram_url}/control/chats/42/messages

Logs: {logs}/functions.log has the bot's, the other files there those of the local AWS, Telegram and sam.
The local AWS answers at {stack.aws.endpoint}. Ctrl-C stops everything.
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


def _watch(stack: Stack, out: TextIO) -> None:
    told = Told(stack.folder / LOG, out)
    while True:
        stack.check()
        told.follow()
        time.sleep(_LOOK_EVERY_S)


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not cut the cleaning short.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped
