"""A feature is a module: put into the folder it takes part, without a line of wiring."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BOT = ROOT / "functions" / "worker" / "bot"
FEATURE = '''
from telegram.ext import CommandHandler

async def {name}(update, context):
    """Do as {name} does."""

def register(app):
    app.add_handler(CommandHandler("{name}", {name}))
'''
PROBE = """
import json
import bot
from floodgate.telegram.interface import describe
from floodgate.telegram.application import build
from telegram.ext import ExtBot

app = build(ExtBot("0:offline"), bot.register)
last = app.handlers[0][-1].callback.__name__
print(json.dumps({"commands": [one["command"] for one in describe(bot.register)["commands"]], "last": last}))
"""


@pytest.fixture
def bot_folder(tmp_path: Path) -> Path:
    """A copy of the bot as it ships, to change; features of your own stay out."""
    folder = tmp_path / "bot"
    folder.mkdir()
    for shipped in ("__init__", "help", "start", "texts", "unknown", "whoami"):
        shutil.copy(BOT / f"{shipped}.py", folder)
    shutil.copytree(BOT / "languages", folder / "languages")
    return folder


def start(bot_folder: Path) -> subprocess.CompletedProcess[str]:
    """Import that bot in a new interpreter, as Lambda does, and describe it."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(bot_folder.parent), str(ROOT / "layers" / "floodgate")]),
    }
    return subprocess.run(
        [sys.executable, "-c", PROBE], env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def described(bot_folder: Path) -> dict[str, object]:
    """Return its commands, and the handler that is asked last."""
    run = start(bot_folder)
    assert run.stderr == ""
    said: dict[str, object] = json.loads(run.stdout)
    return said


def test_the_modules_take_part_in_alphabetical_order(bot_folder: Path) -> None:
    """`whoami` adds /id, so it comes last of the commands; `unknown` comes after all."""
    assert described(bot_folder) == {"commands": ["help", "start", "id"], "last": "unknown"}


def test_a_new_module_is_picked_up(bot_folder: Path) -> None:
    """A file with `register` is enough; nothing else changes, and `unknown` is still asked last."""
    (bot_folder / "beans.py").write_text(FEATURE.format(name="beans"))
    (bot_folder / "zebra.py").write_text(FEATURE.format(name="zebra"))
    assert described(bot_folder) == {"commands": ["beans", "help", "start", "id", "zebra"], "last": "unknown"}


def test_a_package_is_a_feature_too(bot_folder: Path) -> None:
    """A feature that has grown beyond a module."""
    (bot_folder / "beans").mkdir()
    (bot_folder / "beans" / "__init__.py").write_text(FEATURE.format(name="beans"))
    assert described(bot_folder)["commands"] == ["beans", "help", "start", "id"]


def test_a_removed_module_is_gone(bot_folder: Path) -> None:
    """A bot may do without any of them, but for `texts`."""
    (bot_folder / "start.py").unlink()
    (bot_folder / "unknown.py").unlink()
    assert described(bot_folder) == {"commands": ["help", "id"], "last": "whoami"}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def register(app)\n", "SyntaxError: expected ':'"),
    ],
    ids=["import", "syntax"],
)
def test_a_broken_module_stops_the_bot(bot_folder: Path, source: str, error: str) -> None:
    """With its own error, so that the registrar can tell it and the deployment fails."""
    (bot_folder / "beans.py").write_text(source)
    assert start(bot_folder).stderr.splitlines()[-1] == error


def test_a_module_that_is_no_feature_is_told_with_what_to_do(bot_folder: Path) -> None:
    """In one sentence, on AWS as well; one whose name begins with an underscore may be none."""
    (bot_folder / "forecast.py").write_text("COUNT = 3\n")
    refused = start(bot_folder)
    assert refused.stderr.splitlines()[-1] == (
        "bot.NoFeature: functions/worker/bot/forecast.py has no register(app): add one, or, if it is no feature, begin "
        "its name with an underscore."
    )
    (bot_folder / "forecast.py").rename(bot_folder / "_forecast.py")
    assert described(bot_folder)["last"] == "unknown"
