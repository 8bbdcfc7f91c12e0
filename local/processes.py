"""Programs that leave nothing behind: each runs in a session of its own and ends as a whole tree.

Problem: the local AWS starts a process per Lambda worker and sam starts make and pip. A run that ends early, by Ctrl-C,
SIGTERM, a failed step or even SIGKILL, must leave none of them.
Rule: ending a program is SIGTERM to it, a grace, then SIGKILL to whatever is left of its descendants and its process
group. A guard, a process of its own, is told each group and reads a pipe that closes when this process is gone, however
it went; then it kills the groups that are left.
Hazard: a descendant that makes a session of its own and outlives its parent is out of reach. Nothing here does.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

import psutil

from local.errors import LocalError

GRACE_S = 5.0
SHOWN_LINES = 20
_SHOWN_COLUMNS = 300


class StepFailed(LocalError):
    """A command failed; the text ends with the last lines of its log."""


class ProgramEnded(LocalError):
    """A program that should still be running has ended; the text ends with the last lines of its log."""


class Program:
    """A running program whose output goes to a log."""

    def __init__(
        self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def group(self) -> int:
        """The process group, whose number is the program's process id."""
        return self._process.pid

    def code(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Return the exit code once the program has ended by itself."""
        return self._process.wait()

    def end(self) -> None:
        """Leave no process of the program; that takes GRACE_S at most."""
        descendants = _descendants(self.group)
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        _kill_group(self.group)
        for process in descendants:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(descendants, timeout=GRACE_S)
        self._process.wait()


class Programs:
    """Starts programs and commands; when it is left, none of their processes is.

    Use it as a context manager, in one thread.
    """

    def __init__(self) -> None:
        self._running: list[Program] = []
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(
        self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, log: Path
    ) -> Program:
        """Return the program, started. Raises StepFailed if its file cannot be run."""
        guard = self._guarded()
        try:
            program = Program(name, command, env=env, folder=folder, log=log)
        except OSError as error:
            raise StepFailed(f"{name} cannot be started: {error}") from error
        self._running.append(program)
        _tell(guard, f"+{program.group}")
        return program

    def run(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, log: Path) -> None:
        """Run the command to its end. Raises StepFailed with the end of its log if it fails."""
        program = self.start(name, command, env=env, folder=folder, log=log)
        code = program.wait()
        self._end(program)
        if code:
            raise StepFailed(f"{name} failed with code {code}. {ending(log)}")

    def check(self) -> None:
        """Raise ProgramEnded if a program has ended."""
        for program in self._running:
            if (code := program.code()) is not None:
                raise ProgramEnded(f"{program.name} has ended with code {code}. {ending(program.log)}")

    def end(self) -> None:
        """Leave no process of any program."""
        while self._running:
            self._end(self._running[-1])
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _end(self, program: Program) -> None:
        program.end()
        self._running.remove(program)
        if self._guard is not None:
            _tell(self._guard, f"-{program.group}")

    def _guarded(self) -> subprocess.Popen[bytes]:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "local.processes"],
                cwd=Path(__file__).parent.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._guard


def ending(log: Path) -> str:
    """Return the log's last lines, with a word on where the whole is."""
    try:
        last = log.read_text(errors="replace").strip().splitlines()[-SHOWN_LINES:]
    except OSError as error:
        return f"There is no log {log}: {error.strerror}."
    if not last:
        return f"Its log {log} is empty."
    shown = (line if len(line) <= _SHOWN_COLUMNS else f"{line[:_SHOWN_COLUMNS]} …" for line in last)
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in shown)])


def guard(orders: Iterable[str]) -> set[int]:
    """Return the groups that were told of ("+12") and not taken back ("-12"), once the orders end."""
    groups: set[int] = set()
    for order in orders:
        group = int(order[1:])
        (groups.add if order.startswith("+") else groups.discard)(group)
    return groups


def _tell(guard_process: subprocess.Popen[bytes], order: str) -> None:
    pipe: IO[bytes] | None = guard_process.stdin
    # A guard that somebody killed is missed only if this process is killed as well.
    with contextlib.suppress(OSError):
        if pipe is not None:
            pipe.write(f"{order}\n".encode())
            pipe.flush()


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM if only zombies are left
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Be the guard of the process that holds the other end of standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left = guard(sys.stdin)
    for group in left:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
    if left:
        time.sleep(1)
    for group in left:
        _kill_group(group)


if __name__ == "__main__":
    main()
