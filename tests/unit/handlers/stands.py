"""What stands for a deployed stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.handlers.check import Refused
from local.handlers.functions import FunctionFailed
from local.handlers.watching import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from local.handlers.code import Code


class Deployed:
    """Functions that have code; code with the word "odd" passes the check and does not start."""

    def __init__(self, code: Code) -> None:
        self.has = code
        self.brought: list[Code] = []
        self.registered = 0
        self.while_checked: Callable[[], None] = lambda: None

    def are_deployed(self) -> bool:
        """Say that they are."""
        return True

    def variables(self) -> dict[str, str]:
        """Return one."""
        return {"BOT_ID": "7"}

    def code(self) -> Code:
        """Return what they have."""
        return self.has

    def bring(self, code: Code) -> None:
        """Take it."""
        self.has = code
        self.brought.append(code)

    def describe(self, function: str) -> dict[str, Any]:
        """Return the commands, which are the bot's modules."""
        assert function == "WorkerFunction"
        if any(b"odd" in file.content for file in self.has.files.values()):
            raise FunctionFailed("WorkerFunction failed: OSError: odd")
        return described(self.has)

    def register(self) -> dict[str, Any]:
        """Count it."""
        self.registered += 1
        return {}

    async def check(self, code: Code, variables: Mapping[str, str]) -> dict[str, Any]:
        """Refuse code with the word "bad"."""
        assert variables == {"BOT_ID": "7"}
        self.while_checked()
        for path, file in code.files.items():
            if b"bad" in file.content:
                raise Refused("NameError: bad", f"functions/worker/{path}:1", ["bad()"])
        return described(code)


def described(code: Code) -> dict[str, Any]:
    """Return a command for each module, in the order of their names; what begins with _ or zz has none."""
    names = [path.removeprefix("bot/").removesuffix(".py") for path in code.files if path.startswith("bot/")]
    shown = [name for name in names if not name.startswith(("_", "zz"))]
    return {"commands": [{"command": name, "description": name} for name in shown]}


def project(root: Path) -> Project:
    """Return a project with a bot of two features."""
    for path, text in (
        ("functions/worker/app.py", "import bot"),
        ("functions/worker/bot/start.py", "hello"),
        ("functions/worker/bot/id.py", "7"),
        ("functions/webhook/app.py", "accept"),
        ("layers/floodgate/floodgate/retry.py", "again"),
        ("template.yaml", "Resources: {}"),
        ("uv.lock", "version = 1"),
    ):
        save(root, path, text)
    return Project(root)


def save(root: Path, path: str, text: str) -> None:
    """Write a file as an editor does: beside it, and then in its place."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}~")
    beside.write_text(text)
    beside.rename(file)
