"""What is told of a failure, and what is not.

Rule: the error's class, where it was raised, and Telegram's own sentence without what it quotes; no value, for an
error's text may hold what somebody wrote. Failures with one cause have one fingerprint: the error's class and the place
in the bot's own code, without its line, which every change of the file moves.
"""

from __future__ import annotations

import hashlib
import os
import re
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import telegram
from telegram.error import BadRequest, Conflict, Forbidden

import floodgate
from floodgate.telegram.errors import ChatUnreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What Telegram's sentences may quote of a request: text in quotes of any kind, ids.
_QUOTED: Final = re.compile(r"""b?"[^"]*"|\bb'[^']*'|(?<!\w)'[^']*'(?!\w)|“[^”]*”|«[^»]*»|-?[0-9]{5,}""")
#: Frames that are told, the innermost ones.
_FRAMES: Final = 20
_LIBRARIES: Final = tuple(
    str(Path(file).resolve().parents[depth])
    for file, depth in ((floodgate.__file__, 1), (telegram.__file__, 1), (os.__file__, 0))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed attempt, as it may be logged and kept."""

    #: The error's class.
    error: str
    #: 12 hex digits, the same for failures with the same cause.
    fingerprint: str
    #: `file:line function` from the outermost frame to the innermost.
    stack: tuple[str, ...]
    #: The callback that had the update in hand, `module.name`; None if none had.
    handler: str | None
    #: Telegram's sentence.
    telegram: str | None = None

    @classmethod
    def of(cls, error: BaseException, handler: str | None) -> Self:
        """Return what may be told of `error`."""
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if not str(Path(frame.filename).resolve()).startswith(_LIBRARIES)]
        place = (ours or frames)[-1:]
        told = [*(frame for frame in place if frame not in frames[-_FRAMES:]), *frames[-_FRAMES:]]
        cause = "|".join([type(error).__name__, *(f"{Path(frame.filename).name}:{frame.name}" for frame in place)])
        return cls(
            error=type(error).__name__,
            fingerprint=hashlib.sha256(cause.encode()).hexdigest()[:12],
            stack=tuple(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in told),
            handler=handler,
            telegram=_sentence(error),
        )

    @classmethod
    def from_kept(cls, kept: Mapping[str, Any]) -> Self:
        """Return what `kept` gave."""
        return cls(**{**kept, "stack": tuple(kept["stack"])})

    def kept(self) -> dict[str, Any]:
        """Return what JSON can hold of it."""
        return asdict(self)


def _sentence(error: BaseException) -> str | None:
    """Return Telegram's own words, where an error holds those and no others."""
    if not isinstance(error, BadRequest | Forbidden | Conflict) or isinstance(error, ChatUnreachable):
        return None
    return _QUOTED.sub("…", error.message)


def _short(filename: str) -> str:
    """Return the path below the library, or below the function, that a file belongs to."""
    path = str(Path(filename).resolve())
    for root in (*_LIBRARIES, str(Path.cwd())):
        if path.startswith(root):
            return path.removeprefix(root).lstrip("/")
    return path
