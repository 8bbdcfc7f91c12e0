"""Programs end as whole trees, however their starter goes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.processes import ProgramEnded, Programs, StepFailed, ending, guard
from local.stack import ROOT

#: A program that starts another in its group, which ignores SIGTERM, writes its number down, and waits.
TREE = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, sys, time; "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
child.stdout.readline()
path = pathlib.Path(sys.argv[1])
path.with_suffix(".new").write_text(str(child.pid))
path.with_suffix(".new").rename(path)
time.sleep(60)
"""


@pytest.fixture
def programs() -> Iterator[Programs]:
    """Programs that are ended after the test."""
    with Programs() as started:
        yield started


@pytest.fixture
def start(programs: Programs, tmp_path: Path) -> Callable[[str], None]:
    """Start Python code as a program."""

    def start_code(code: str) -> None:
        command = [sys.executable, "-c", code, str(tmp_path / "child")]
        programs.start("the program", command, env=dict(os.environ), folder=tmp_path, log=tmp_path / "program.log")

    return start_code


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Say whether it holds before the time is over."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def child_of(tmp_path: Path) -> psutil.Process:
    """Return the process that the tree has started."""
    file = tmp_path / "child"
    assert within(20, file.exists)
    return psutil.Process(int(file.read_text()))


def is_over(process: psutil.Process) -> bool:
    """Say whether the process has ended; what nobody has waited for counts as ended."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_child_that_ignores_sigterm_ends_as_well(
    programs: Programs, start: Callable[[str], None], tmp_path: Path
) -> None:
    """Ending a program leaves none of its descendants."""
    start(TREE)
    child = child_of(tmp_path)
    programs.end()
    assert is_over(child)


def test_a_starter_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """The guard ends what a starter, gone by SIGKILL, has left."""
    starter_code = f"""
        import os, pathlib, sys, time
        from local.processes import Programs
        folder = pathlib.Path({str(tmp_path)!r})
        tree = [sys.executable, "-c", {TREE!r}, str(folder / "child")]
        Programs().start("tree", tree, env=dict(os.environ), folder=folder, log=folder / "log")
        time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(starter_code)], cwd=ROOT) as starter:
        child = child_of(tmp_path)
        starter.send_signal(signal.SIGKILL)
    assert within(10, lambda: is_over(child))


def test_a_command_that_fails_shows_the_end_of_its_log(programs: Programs, tmp_path: Path) -> None:
    """The error has the command's name, its code and its last words."""
    command = [sys.executable, "-c", "print('no space left'); raise SystemExit(3)"]
    with pytest.raises(StepFailed, match=r"(?s)^sam build failed with code 3\. The end of .*    no space left$"):
        programs.run("sam build", command, env=dict(os.environ), folder=tmp_path, log=tmp_path / "build.log")


def test_a_program_that_is_not_there_is_named(programs: Programs, tmp_path: Path) -> None:
    """What cannot be started is a failed step."""
    with pytest.raises(StepFailed, match=r"sam cannot be started: .*No such file"):
        programs.start("sam", [tmp_path / "sam"], env={}, folder=tmp_path, log=tmp_path / "sam.log")


def test_a_program_that_ends_is_noticed(programs: Programs, start: Callable[[str], None]) -> None:
    """What should be running and is not is an error with its code and last words."""

    def has_ended() -> bool:
        try:
            programs.check()
        except ProgramEnded as error:
            return "the program has ended with code 1" in str(error) and "    crashed" in str(error)
        return False

    start("raise SystemExit('crashed')")
    assert within(20, has_ended)


def test_the_guard_keeps_count() -> None:
    """A group that was taken back is not the guard's any more."""
    assert guard(["+12\n", "+34\n", "-12\n"]) == {34}


def test_the_end_of_a_log_is_short(tmp_path: Path) -> None:
    """Twenty lines of at most 300 characters."""
    log = tmp_path / "long.log"
    log.write_text("".join(f"{number} {'x' * 400}\n" for number in range(100)))
    shown = ending(log).splitlines()
    assert shown[0] == f"The end of {log}:"
    assert len(shown) == 21
    assert shown[1].startswith("    80 x")
    assert all(len(line) <= 306 for line in shown[1:])


def test_an_empty_or_missing_log_is_said(tmp_path: Path) -> None:
    """There is always a sentence."""
    empty = tmp_path / "empty.log"
    empty.touch()
    assert ending(empty) == f"Its log {empty} is empty."
    assert ending(tmp_path / "none.log") == f"There is no log {tmp_path / 'none.log'}: No such file or directory."
