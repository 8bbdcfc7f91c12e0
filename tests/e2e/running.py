"""`make run` as a process: what it says, what it has started, and what is left of it."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

from local.ports import HOST, Ports

READY = "Ctrl-C stops everything."
WITHIN_S = 180
#: make ends by the signal itself, as Python reports it; a shell shows 130.
CODES_AFTER_CTRL_C = (-signal.SIGINT, 130)
#: make's own code when a command of its has failed.
FAILED = 2


class MakeRun:
    """`make run` in a folder, with what it has said so far."""

    def __init__(self, folder: Path, ports: Ports, log: Path, **variables: str) -> None:
        self.ports = ports
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", "run"],  # noqa: S607 - whichever make a person would get
                cwd=folder,
                env={
                    **os.environ,
                    "FLOODGATE_TELEGRAM_PORT": str(ports.telegram),
                    "FLOODGATE_AWS_PORT": str(ports.aws),
                    # Of another meaning where this runs, perhaps.
                    "TOKEN": "",
                    **variables,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        """Return its output so far."""
        return self._log.read_text()

    def wait_until_it_says(self, words: str) -> None:
        """Return once the words are in its output; fail if it ends or takes too long."""
        deadline = time.monotonic() + WITHIN_S
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def family(self) -> list[psutil.Process]:
        """Return make and all that it has started."""
        make = psutil.Process(self.process.pid)
        return [make, *make.children(recursive=True)]

    def press_ctrl_c(self) -> int:
        """Send what a terminal sends at Ctrl-C, and return make's exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        # Removing what the local AWS unpacked takes its time on a busy disk.
        return self.process.wait(60)


def left(family: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run; what only waits for its parent to look does not."""
    return [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def listens(port: int) -> bool:
    """Say whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
