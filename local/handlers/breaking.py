"""The lever "Break a handler": a command raises, whatever its handler is, until it is undone.

Rule: one more feature is deployed beside the author's, whose handler is asked before all others and raises; no file of
the project is touched. What is saved meanwhile is deployed with it, and Undo deploys what is saved without it.
Hazard: it takes part as any module of the folder does, so a bot whose `register` lists its features by hand has none of
it.
"""

from collections.abc import Sequence
from typing import Any

from local.errors import LocalError
from local.handlers.reload import Reload

#: Beside the author's features; nobody's feature has such a name.
FILE = "bot/zz_broken_by_the_page.py"
_NEVER = ("start", "help")
_FIRST = "id"
_CODE = '''"""A handler that fails, brought in by the page's lever "Break a handler"."""

from telegram.ext import CommandHandler


class BrokenByThePage(Exception):
    """What you asked for."""


async def broken(update, context):
    raise BrokenByThePage("the lever Break a handler is pulled")


def register(app):
    app.add_handler(CommandHandler("{command}", broken), group=-1000)
'''

type Json = dict[str, Any]


class BreakAHandler:
    """The lever."""

    name = "break"
    label = "Break a handler"

    def __init__(self, reload: Reload) -> None:
        self._reload = reload
        self._command: str | None = None
        self._is_busy = False
        self._said = ""

    @property
    def watch(self) -> str:
        """What to watch."""
        sent = "the command that is chosen" if self._command is None else f"/{self._command}"
        return (
            f"Send {sent}: its handler fails three times, some seconds apart, and the update is dead. The person is "
            "told so, with a reference, and the admin is asked what to do, in chat 1 of the local Telegram. Everybody "
            "else is answered. Then Undo, and press Retry in the admin's chat: the answer comes."
        )

    def state(self) -> Json:
        """Return `on`, `busy`, `said`, `choices`, the commands that can be broken, and `choice`, which it is."""
        return {
            "on": self._command is not None,
            "busy": self._is_busy,
            "said": self._said,
            "choices": self._reload.commands,
            "choice": self._at_hand,
        }

    @property
    def _at_hand(self) -> str:
        """The command that is broken, or would be."""
        return self._command or chosen(self._reload.commands, None)

    async def pull(self, order: Json) -> None:
        """Break the order's `command`, or else /id. Raises LocalError."""
        command = chosen(self._reload.commands, order.get("command"))
        await self._deploy({FILE: _CODE.format(command=command).encode()})
        self._command, self._said = command, f"/{command} fails now."

    async def undo(self) -> None:
        """Have the command work again. Raises LocalError."""
        if self._command is None:
            return
        await self._deploy({})
        self._command, self._said = None, f"/{self._command} works again."

    async def _deploy(self, files: dict[str, bytes]) -> None:
        self._is_busy = True
        try:
            await self._reload.put_beside(files)
        finally:
            self._is_busy = False


def chosen(commands: Sequence[str], wanted: object) -> str:
    """Return the command to break: the one that is wanted, or else /id, or the first that is not needed to begin.

    Raises LocalError if the bot has no such command.
    """
    if wanted is not None:
        if wanted not in commands:
            listed = ", ".join(f"/{command}" for command in commands) or "none yet"
            raise LocalError(f"The bot's menu has no command {wanted!r}: it has {listed}.")
        return str(wanted)
    others = [command for command in commands if command not in _NEVER]
    return _FIRST if _FIRST in others or not others else others[0]
