"""The functions' last log lines in memory, to be looked up by update.

Rule: what all lines of an update share is its trace, its first message's id and its own; some lines have one of them,
so lines are looked for by the update's id first and then by what those name, as `make trace` does. Bounded by bytes.
"""

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of all lines together; some 40 000 of them.
LIMIT_BYTES = 16 * 1024 * 1024
#: Lines that are shown of one update.
SHOWN = 200
_IDS = ("trace_id", "message_id", "reference")
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a function logged: when its invocation ended, and its words as they are."""

    at: float
    function: str
    text: str


class Lines:
    """The last lines."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._lines: deque[Line] = deque()
        self._bytes = 0

    def add(self, line: Line) -> None:
        """Remember the line, and forget the oldest for it."""
        self._lines.append(line)
        self._bytes += len(line.text)
        while self._bytes > self._limit_bytes:
            self._bytes -= len(self._lines.popleft().text)

    def of(self, update_id: int) -> list[dict[str, Any]]:
        """Return `at`, `function`, `text` and `said` (its JSON, or None) of the update's lines, oldest first."""
        wanted = {("update_id", str(update_id))}
        found: dict[int, tuple[Line, Mapping[str, Any] | None]] = {}
        for _ in range(_ROUNDS + 1):
            terms = [value for _, value in wanted]
            for index, line in enumerate(self._lines):
                if index not in found and any(term in line.text for term in terms):
                    said = _json(line.text)
                    if said is not None and any(str(said.get(name)) == value for name, value in wanted):
                        found[index] = (line, said)
            more = {
                (name, str(said[name]))
                for _, said in found.values()
                if said is not None
                for name in _IDS
                if said.get(name)
            }
            if more <= wanted:
                break
            wanted |= more
        last = sorted(found)[-SHOWN:]
        return [
            {"at": line.at, "function": line.function, "text": line.text, "said": said}
            for line, said in (found[index] for index in last)
        ]


def _json(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
