"""Names that a feature can have, and a sentence for every other.

Rule: a name is a command of Telegram's, a module and a function at once, and nobody's yet. Where a near one can be had
it is proposed.
"""

import ast
import builtins
import keyword
import re
from collections.abc import Iterator
from pathlib import Path

from local.errors import LocalError

BOT = Path("functions/worker/bot")
TESTS = Path("tests/integration/bot")
LIBRARY = Path("layers/floodgate")
FEATURE = Path(__file__).with_name("feature.py.txt")
_LONGEST = 32
_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: Packages of which a feature or its test makes use; as a feature's name they would lead readers astray.
_PACKAGES = {"app", "bot", "floodgate", "local", "telegram", "tests"}
_COMMAND = re.compile(r"CommandHandler\(\s*\[?\s*[\"'](\w+)[\"']")


class NameUnusable(LocalError):
    """There can be no feature of that name; the text says why, and what to do."""


def check_name(name: str, root: Path) -> None:
    """Raise NameUnusable unless a feature of that name can be written to the project."""
    if not name:
        raise NameUnusable("What shall the feature be called? make new NAME=weather")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        mended = _mended(name)
        proposal = f" Try make new NAME={mended}" if mended and not any(_hindrances(mended, root)) else ""
        raise NameUnusable(
            f"{name!r} cannot be a command of Telegram's and a module of Python's: use 1 to {_LONGEST} of a-z, 0-9 and "
            f"_, a letter first.{proposal}"
        )
    for hindrance in _hindrances(name, root):
        raise NameUnusable(f"{hindrance} Choose another name.")


def _mended(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    return words.lstrip("_0123456789")[:_LONGEST].strip("_")


def _hindrances(name: str, root: Path) -> Iterator[str]:
    """Yield why a name that is well formed cannot be had."""
    bot = root / BOT
    for file in (bot / f"{name}.py", bot / name, root / TESTS / f"test_{name}.py"):
        if file.exists():
            yield f"{file.relative_to(root)} is there already, and nothing is written over."
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        yield f"{name!r} is a word of Python's own."
    if hasattr(builtins, name):
        yield f"{name!r} is a name of Python's own, which the feature would hide."
    if name in _PACKAGES:
        yield f"{name!r} is a package that features use."
    if name in _used():
        yield f"{name!r} is a name that the feature uses itself."
    for folder in (bot, root / LIBRARY):
        for source in sorted(folder.rglob("*.py")):
            if name in _COMMAND.findall(source.read_text(errors="replace")):
                yield f"/{name} is a command already, of {source.relative_to(root)}."


def _used() -> set[str]:
    tree = ast.parse(FEATURE.read_text().format(name="the_feature_itself"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)}
