"""`make new NAME=weather` in a copy of the project: what it writes is clean, translated, and its test passes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from local.handlers.new.names import NameUnusable
from local.handlers.new.writing import told, write
from local.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LONG = "a_feature_with_the_longest_name_"
#: Names that no author of a bot takes: the copy has their features, too.
SHORT = "zzz"
NAMES = (SHORT, LONG)
FEATURES = [f"functions/worker/bot/{name}.py" for name in NAMES]
TESTS = [f"tests/integration/bot/test_{name}.py" for name in NAMES]
COPIED = ("functions", "layers", "local", "tests")
CHECKS = {
    "their tests, and the translations'": ["pytest", "-q", "-p", "no:cacheprovider", *TESTS,
                                           "tests/unit/bot/test_translations.py"],
    "style": ["ruff", "check", "--no-cache", *FEATURES, *TESTS],
    "form": ["ruff", "format", "--no-cache", "--check", *FEATURES, *TESTS],
    "types": ["mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *FEATURES, *TESTS],
}  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with two new features, one of a long name."""
    root = tmp_path_factory.mktemp("copy")
    for folder in COPIED:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "e2e", "chaos"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for name in NAMES:
        written = write(name, root)
        assert written.untranslated == []
        assert f"make test ARGS=tests/integration/bot/test_{name}.py" in told(name, written)
        assert f"/{name}, a list of notes with a button; put yours in its place" in told(name, written)
    return root


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_written_is_as_it_should_be(copy: Path, check: str) -> None:
    """Whatever its name."""
    command = [sys.executable, "-m", *CHECKS[check]]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_nothing_is_written_over(copy: Path) -> None:
    """A second time is refused, and the file stays as its author changed it."""
    feature = copy / f"functions/worker/bot/{SHORT}.py"
    feature.write_text(feature.read_text() + "# mine\n")
    with pytest.raises(NameUnusable, match=rf"{SHORT}\.py is there already"):
        write(SHORT, copy)
    assert feature.read_text().endswith("# mine\n")


def test_a_bot_that_does_not_import_is_told(copy: Path) -> None:
    """Its author is in the middle of another feature: the new one is there, and its texts are not."""
    broken = copy / "functions/worker/bot/half_written.py"
    broken.write_text("import beans\n")
    written = write("zzz_again", copy)
    broken.unlink()
    assert written.untranslated == []
    assert written.trouble == "ModuleNotFoundError: No module named 'beans'"
    said = told("zzz_again", written)
    assert "its texts are in no catalogue yet: mend it, then `make translations`" in said
    assert "has its texts" not in said


@pytest.mark.parametrize("name", ["it's", "'; exit 7; '", "--help", "$HOME", 'say "x"'])
def test_a_name_is_taken_as_it_is(name: str) -> None:
    """By make and its shell: what is no name is refused by the sentence, and never carried out."""
    run = subprocess.run(
        ["make", "new"],  # noqa: S607 - whichever make a person would get
        cwd=ROOT,
        env={**os.environ, "NAME": name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr.startswith(f"{name!r} cannot be a command of Telegram's")
