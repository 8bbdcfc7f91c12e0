"""When the folder is looked at, as the system tells of changes and of none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from watchfiles import Change

from local.handlers import watching

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from watchfiles.main import FileChange

SAVED: set[FileChange] = {(Change.modified, "functions/worker/bot/id.py")}
QUIET: set[FileChange] = set()


async def looks(*told: set[FileChange]) -> list[bool]:
    """Return after which of the system's words the folder is looked at."""
    saved, found = asyncio.Event(), []

    async def watch() -> AsyncGenerator[set[FileChange]]:
        for changes in told:
            yield changes
            found.append(saved.is_set())
            saved.clear()

    await watching._tell(saved, watch())
    return found


async def test_it_is_looked_at_once_more_when_it_is_quiet() -> None:
    """What is in a new folder may come unnoticed, and what was saved before the watch began; and then no more."""
    assert await looks(QUIET, QUIET, SAVED, SAVED, QUIET, QUIET) == [True, False, True, True, True, False]
