"""`make run` as a person uses it: it becomes ready, says what is wrong, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.control import TelegramControl
from local.ports import HOST, Ports
from local.stack import ROOT

pytestmark = pytest.mark.timeout(300)

READY = "Ctrl-C stops everything."
WITHIN_S = 180
#: make ends by the signal itself, as Python reports it; a shell shows 130.
CODES_AFTER_CTRL_C = (-signal.SIGINT, 130)
#: make's own code when a command of its has failed.
FAILED = 2
BOT = Path("functions/worker/bot/__init__.py")
LAYER = Path("layers/floodgate/Makefile")


class MakeRun:
    """`make run` in a folder, with what it has said so far."""

    def __init__(self, folder: Path, ports: Ports, log: Path) -> None:
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
        return self.process.wait(30)


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[Callable[..., MakeRun]]:
    """Start `make run`, here or in another folder, on ports of its own."""
    started: list[MakeRun] = []

    def start(folder: Path = ROOT, ports: Ports | None = None) -> MakeRun:
        started.append(MakeRun(folder, ports or Ports.free(), tmp_path / f"make-run-{len(started)}.log"))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.press_ctrl_c()


@pytest.fixture
def copy(copy_of_the_project: Path) -> Iterator[Path]:
    """The copy, as it was again after the test."""
    yield copy_of_the_project
    for changed in (BOT, LAYER):
        shutil.copy(ROOT / changed, copy_of_the_project / changed)


def left(family: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run; what only waits for its parent to look does not."""
    return [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def listens(port: int) -> bool:
    """Say whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def test_the_bot_answers_and_ctrl_c_leaves_nothing(make_run: Callable[..., MakeRun]) -> None:
    """It becomes ready, /start is answered, and after Ctrl-C no process is left and no port taken."""
    run = make_run()
    run.wait_until_it_says(READY)
    with TelegramControl(f"http://{HOST}:{run.ports.telegram}") as telegram:
        telegram.say(42, "/start")
        assert len(telegram.wait_for_reply(42)) == 1
    family = run.family()
    assert run.press_ctrl_c() in CODES_AFTER_CTRL_C
    assert "nothing is left running" in run.said()
    assert left(family) == []
    assert not listens(run.ports.telegram)
    assert not listens(run.ports.aws)


def test_ctrl_c_before_it_is_ready_leaves_nothing(make_run: Callable[..., MakeRun]) -> None:
    """A step that is cut short ends as well, with what it has started."""
    run = make_run()
    run.wait_until_it_says("sam build …")
    family = run.family()
    assert run.press_ctrl_c() in CODES_AFTER_CTRL_C
    assert left(family) == []


@pytest.mark.parametrize("name", ["telegram", "aws"])
def test_a_taken_port_is_named(make_run: Callable[..., MakeRun], name: str) -> None:
    """It says which port is taken and which variable moves it, and starts nothing."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        free = Ports.free()
        ports = Ports(telegram=port, aws=free.aws) if name == "telegram" else Ports(telegram=free.telegram, aws=port)
        run = make_run(ports=ports)
        assert run.process.wait(60) == FAILED
        assert f"Port {port} on 127.0.0.1" in run.said()
        assert f"FLOODGATE_{name.upper()}_PORT=" in run.said()


def test_a_bot_that_does_not_import_fails_with_its_error(make_run: Callable[..., MakeRun], copy: Path) -> None:
    """The import error of a handler module is shown, and nothing is left running."""
    with (copy / BOT).open("a") as bot:
        bot.write("\nimport a_module_that_is_not_there\n")
    run = make_run(copy)
    run.wait_until_it_says("sam deploy …")
    family = run.family()
    assert run.process.wait(WITHIN_S) == FAILED
    assert "No module named 'a_module_that_is_not_there'" in run.said()
    assert left(family) == []


def test_a_build_that_fails_shows_why(make_run: Callable[..., MakeRun], copy: Path) -> None:
    """The last lines of the build are shown, with a sentence."""
    (copy / LAYER).write_text("build-FloodgateLayer:\n\techo the layer is broken; exit 3\n")
    run = make_run(copy)
    assert run.process.wait(WITHIN_S) == FAILED
    assert "sam build failed with code" in run.said()
    assert "the layer is broken" in run.said()
