"""The feed of a stack, read as it grows: what its functions were given, what came of it, and what they said.

Problem: the file grows while it is read, is begun anew beyond a size, and is gone and there again with its stack.
Rule: each `read` returns the whole lines that are new, up to a bound, and none twice. Another inode, or a shorter
file, is read from its beginning; a line that is no JSON object is skipped. `docs/page.md` has the lines' members.
Hazard: what was written to a file between the last look and its replacement is not seen.
"""

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

type Json = dict[str, Any]

NAME = "invocations.jsonl"
#: Read at once, so that nothing else waits long.
CHUNK_BYTES = 512 * 1024
#: Of a file that was there before, no more than its end is read.
HISTORY_BYTES = 2 * 1024 * 1024


class Feed:
    """The feed below the stack's folder, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: BinaryIO | None = None
        self._inode = 0
        self._rest = b""
        self._is_new = True

    @property
    def is_there(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def read(self) -> list[Json]:
        """Return the events that were not returned before, the oldest first; fewer than there are if they are many."""
        file = self._opened()
        if file is None:
            return []
        chunk = file.read(CHUNK_BYTES)
        if not chunk:
            return []
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [event for event in map(_event, lines) if event is not None]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _opened(self) -> BinaryIO | None:
        try:
            found = self._path.stat()
        except OSError:
            self.close()
            return None
        if self._file is not None and (found.st_ino != self._inode or found.st_size < self._file.tell()):
            self.close()
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except OSError:
                return None
            self._inode = os.fstat(self._file.fileno()).st_ino
            if self._is_new and found.st_size > HISTORY_BYTES:
                self._file.seek(-HISTORY_BYTES, os.SEEK_END)
                self._file.readline()
            self._is_new = False
        return self._file


def _event(line: bytes) -> Json | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_one = isinstance(event, dict) and isinstance(event.get("at"), int | float)
    return event if is_one and event.get("event") in ("began", "ended") else None
