"""Code is tried in a process of its own, and what is wrong with it is told with its place."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from local.handlers.check import Refused, check
from local.handlers.code import Code, File
from local.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

APP = """
import bot
def handler(event, context):
    assert event == {"describe": True}
    print("noise")
    return bot.describe()
"""
ADVICE = (
    ". It is not installed here: `.tools/uv/bin/uv add beans`, or the name of the package that has it, then `make run` "
    "again (docs/writing-handlers.md, A dependency)."
)


def code(bot: str, **more: str) -> Code:
    """Return a worker whose bot is this module."""
    files = {"app.py": APP, "bot.py": bot, **{f"{name}.py": text for name, text in more.items()}}
    return Code({path: File(text.encode()) for path, text in files.items()})


async def test_what_the_code_says_of_itself_is_returned() -> None:
    """Whatever it prints meanwhile; it sees the variables that it is given, and no others."""
    bot = "import os\ndef describe():\n    print('more')\n    return {'found': dict(os.environ)}\n"
    said = await check(code(bot), [], {"KEY": "7"})
    assert said["found"].pop("KEY") == "7"
    assert set(said["found"]) <= {"LC_CTYPE"}  # Python's own


async def test_it_imports_from_the_layers_and_from_nothing_else(tmp_path: Path) -> None:
    """A library of the development environment is not there, as it will not be on AWS."""
    (tmp_path / "beans.py").write_text("COUNT = 3\n")
    assert await check(code("import beans\ndef describe(): return {'n': beans.COUNT}\n"), [tmp_path], {}) == {"n": 3}
    with pytest.raises(Refused, match="No module named 'pytest'"):
        await check(code("import pytest\n"), [tmp_path], {})
    with pytest.raises(Refused, match="No module named 'breaking'"):  # which lies beside the program that tries it
        await check(code("import breaking\n"), [tmp_path], {})


async def test_what_the_code_leaves_running_is_not_waited_for() -> None:
    """A thread that never ends."""
    bot = "import threading\nthreading.Thread(target=threading.Event().wait).start()\ndef describe(): return {}\n"
    assert await check(code(bot), [], {}, within_s=10) == {}


@pytest.mark.parametrize(
    ("bot", "where", "why", "last"),
    [
        (
            "import beans\n",
            "functions/worker/bot.py:1",
            f"ModuleNotFoundError: No module named 'beans'{ADVICE}",
            "functions/worker/bot.py:1: import beans",
        ),
        (
            "import json.beans\n",
            "functions/worker/bot.py:1",
            "ModuleNotFoundError: No module named 'json.beans'",
            "functions/worker/bot.py:1: import json.beans",
        ),
        (
            "def describe()\n",
            "functions/worker/bot.py:1",
            "SyntaxError: expected ':'",
            "functions/worker/bot.py:1: def describe()",
        ),
        (
            "def describe():\n    import json\n    return json.loads('?')\n",
            "functions/worker/bot.py:3",
            "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
            "raise JSONDecodeError",
        ),
        ("import sys\nsys.exit(3)\n", "functions/worker/bot.py:2", "SystemExit: 3", "sys.exit(3)"),
    ],
    ids=["import", "import of a part", "syntax", "deep in a library", "exit"],
)
async def test_an_error_is_told_with_its_place_in_the_authors_files(bot: str, where: str, why: str, last: str) -> None:
    """The last line of theirs that it passed, and the last lines of the traceback."""
    with pytest.raises(Refused) as refused:
        await check(code(bot), [], {})
    assert (refused.value.where, str(refused.value)) == (where, f"{where}: {why}")
    assert last in refused.value.lines[-1]


async def test_its_place_is_found_where_the_folder_of_temporary_files_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "link"))
    with pytest.raises(Refused) as refused:
        await check(code("import beans\n"), [], {})
    assert refused.value.where == "functions/worker/bot.py:1"


async def test_a_handler_that_is_refused_is_told_by_its_sentence() -> None:
    """Which names the handler: where it was refused is no place of the author's."""
    bot = (
        "class HandlerNotUnderstood(ValueError): pass\ndef describe(): raise HandlerNotUnderstood('Leave block out.')\n"
    )
    with pytest.raises(Refused) as refused:
        await check(code(bot), [], {})
    assert (str(refused.value), refused.value.where, refused.value.lines) == ("Leave block out.", None, [])


async def test_a_handler_that_is_refused_is_told_with_its_place() -> None:
    """The library knows it, of handlers whose function is the author's."""
    bot = """
class HandlerNotUnderstood(ValueError):
    place = (__file__, 7)
def describe(): raise HandlerNotUnderstood("Leave block out.")
"""
    with pytest.raises(Refused) as refused:
        await check(code(bot), [], {})
    assert (str(refused.value), refused.value.where) == (
        "functions/worker/bot.py:7: Leave block out.",
        "functions/worker/bot.py:7",
    )
    with pytest.raises(Refused) as refused:
        await check(code(bot.replace("__file__", "'/elsewhere.py'")), [], {})
    assert refused.value.where is None


async def test_a_module_that_is_no_feature_is_told_by_its_sentence() -> None:
    """Without the lines of the bot's own that found it."""
    init = (ROOT / "functions/worker/bot/__init__.py").read_bytes()
    files = {"app.py": APP.encode(), "bot/__init__.py": init, "bot/forecast.py": b"COUNT = 3\n"}
    with pytest.raises(Refused) as refused:
        await check(Code({path: File(content) for path, content in files.items()}), [], {})
    assert refused.value.lines == []
    assert str(refused.value) == (
        "functions/worker/bot/forecast.py has no register(app): add one, or, if it is no feature, begin its name with "
        "an underscore."
    )


async def test_what_the_code_starts_is_not_waited_for() -> None:
    """A program that holds its standard error open."""
    bot = "import subprocess\nsubprocess.Popen(['sleep', '15'])\ndef describe(): return {}\n"
    assert await check(code(bot), [], {"PATH": os.defpath}, within_s=10) == {}


async def test_code_that_prints_without_end_fills_no_memory() -> None:
    """Of what it prints the end is kept."""
    tracemalloc.start()
    try:
        with pytest.raises(Refused, match="takes longer"):
            await check(code("while True: print('x' * 1_000_000)\n"), [], {}, within_s=1)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 20_000_000


async def test_code_that_never_ends_is_ended() -> None:
    """With a sentence instead of a place."""
    with pytest.raises(Refused, match="takes longer than 0 s") as refused:
        await check(code("while True: pass\n"), [], {}, within_s=0.3)
    assert refused.value.where is None


async def test_code_that_ends_its_process_is_noticed() -> None:
    """And what it said last is told."""
    with pytest.raises(Refused, match="ended the process, with code 9") as refused:
        await check(code("import os\nprint('farewell', flush=True)\nos._exit(9)\n"), [], {})
    assert refused.value.lines == ["farewell"]
