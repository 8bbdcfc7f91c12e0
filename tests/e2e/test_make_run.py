"""`make run` as a person uses it: it becomes ready, says what is wrong, and leaves nothing behind."""

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.control import TelegramControl
from local.ports import HOST, Ports
from local.stack import ROOT
from tests.e2e.running import CODES_AFTER_CTRL_C, FAILED, READY, WITHIN_S, MakeRun, left, listens

pytestmark = pytest.mark.timeout(300)

BOT = Path("functions/worker/bot/__init__.py")
LAYER = Path("layers/floodgate/Makefile")


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
