"""Bots in other people's libraries, each a program of its own that gets an address and a token and nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.conversation import Telegram
from local.environment import without_aws
from local.stack import ROOT
from tests.npm import node_modules

HERE = Path(__file__).parent
_STOPS_WITHIN_S = 5


@pytest.fixture(scope="session")
def node_bot() -> Callable[[str], list[str]]:
    """How to run a bot in JavaScript; skips where node is missing."""
    node_modules()
    return lambda name: ["node", str(HERE / f"{name}_bot.mjs")]


@pytest.fixture(scope="session")
def aiogram_bot() -> list[str]:
    """How to run the aiogram bot, in its environment."""
    project = ROOT / "tools" / "aiogram"
    uv = ROOT / ".tools" / "uv" / "bin" / "uv"
    command = [str(uv) if uv.exists() else "uv", "sync", "--quiet", "--locked", "--project", str(project)]
    subprocess.run(command, check=True, env=without_aws(os.environ))
    return [str(project / ".venv" / "bin" / "python"), str(project / "bot.py")]


@pytest.fixture(params=["telegraf", "grammy", "aiogram"])
def library(request: pytest.FixtureRequest) -> list[str]:
    """How to run a bot in this library."""
    if request.param == "aiogram":
        command: list[str] = request.getfixturevalue("aiogram_bot")
        return command
    run: list[str] = request.getfixturevalue("node_bot")(request.param)
    return run


@pytest.fixture(params=["polling", "webhook"])
def bot(request: pytest.FixtureRequest, library: list[str], telegram: Telegram, tmp_path: Path) -> Iterator[None]:
    """The bot, running; what it says of itself is shown when its test fails."""
    environment = without_aws(os.environ) | {"TELEGRAM_URL": telegram.url, "TELEGRAM_TOKEN": telegram.token}
    with (tmp_path / "bot.log").open("w+") as log:
        program = subprocess.Popen([*library, request.param], env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            program.terminate()
            try:
                program.wait(_STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            log.seek(0)
            sys.stdout.write(log.read())
