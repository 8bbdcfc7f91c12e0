"""Files that say who is using something: one at a time.

Rule: the lock goes with its holder, however that ends; the file stays, and means nothing.
Hazard: who deletes the file (`make clean`) while it is locked lets a second one in.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.errors import LocalError

_LOOK_EVERY_S = 0.1


class InUse(LocalError):
    """Somebody else has it, and keeps it."""


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Wait until nobody else holds the lock, and hold it."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def taken(lock: Path, within_s: float, otherwise: str) -> IO[str]:
    """Return the lock, held until it is closed. Raises InUse, which says `otherwise`, if somebody keeps it so long."""
    file = lock.open("w")
    deadline = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY_S)
                continue
            file.close()
            raise InUse(otherwise) from None
        return file
