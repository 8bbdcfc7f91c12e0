"""Which files of a project were saved, and what that means for a stack that runs.

Rule: `functions/worker` is the handlers' code, which is brought to the running stack. The rest of what was built and
deployed (the other functions, the layers, the template, the lock) takes effect with the next `make run` only; what was
put back as it was at the start is not counted. Content decides, not time stamps: tools write files anew as they were.
Hazard: an editor may put a new file in the place of the old one, and git a new folder, and a watch on the old one sees
nothing more. So folders are watched, never files; and the project's own folder tells when one of them is another.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path

from watchfiles import Change, awatch
from watchfiles.main import FileChange

from local.handlers.code import Code, File, is_packed

WORKER = "functions/worker"
_FOLDERS = ("functions", "layers")
_FILES = ("template.yaml", "pyproject.toml", "uv.lock")
#: After the last of several saves, and at most; in ms.
_STEP_MS = 50
_DEBOUNCE_MS = 400
_SETTLED_MS = 1000
_GONE_S = 0.2


class Project:
    """The files of a project that a stack is built from."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()  # as the system names it when it tells of a file
        self._built_of = self._other()

    def code(self) -> Code:
        """Return the handlers' code as it is now."""
        return Code.of_folder(self._root / WORKER)

    def outdated(self) -> list[str]:
        """Return the files that the running stack was built from and that are others now."""
        return self._other().differing(self._built_of)

    def _other(self) -> Code:
        found: dict[str, File] = {}
        for name in _FOLDERS:
            folder = Code.of_folder(self._root / name)
            found |= {f"{name}/{path}": file for path, file in folder.files.items()}
        for name in _FILES:
            if (self._root / name).is_file():
                found[name] = File((self._root / name).read_bytes())
        return Code({path: file for path, file in found.items() if not path.startswith(f"{WORKER}/")})

    async def saves(self) -> AsyncIterator[None]:
        """Yield whenever something may have been saved, and at once; several saves at a time are one."""
        saved = asyncio.Event()
        saved.set()
        anew = asyncio.Event()
        watching = (self._watch_folders(saved, anew), self._watch_root(saved, anew))
        watches = [asyncio.create_task(watch) for watch in watching]
        try:
            while True:
                waiting = asyncio.create_task(saved.wait())
                done, _ = await asyncio.wait({waiting, *watches}, return_when=asyncio.FIRST_COMPLETED)
                for watch in done - {waiting}:
                    waiting.cancel()
                    watch.result()
                saved.clear()
                yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _watch_folders(self, saved: asyncio.Event, anew: asyncio.Event) -> None:
        while True:
            anew.clear()
            there = [folder for name in _FOLDERS if (folder := self._root / name).is_dir()]
            if there:
                await _tell(saved, _watched(there, self._matters, stop_event=anew))
            else:
                await asyncio.sleep(_GONE_S)

    async def _watch_root(self, saved: asyncio.Event, anew: asyncio.Event) -> None:
        def is_part(change: Change, path: str) -> bool:
            name = Path(path).name
            if name in _FOLDERS and change is not Change.modified:
                anew.set()  # it is another folder, or none
            return name in (*_FOLDERS, *_FILES)

        await _tell(saved, _watched([self._root], is_part, recursive=False))

    def _matters(self, _change: Change, path: str) -> bool:
        return all(is_packed(part) for part in Path(path).relative_to(self._root).parts)


def _watched(
    folders: Sequence[Path],
    matters: Callable[[Change, str], bool],
    *,
    recursive: bool = True,
    stop_event: asyncio.Event | None = None,
) -> AsyncGenerator[set[FileChange]]:
    return awatch(
        *folders,
        watch_filter=matters,
        debounce=_DEBOUNCE_MS,
        step=_STEP_MS,
        recursive=recursive,
        stop_event=stop_event,
        rust_timeout=_SETTLED_MS,
        yield_on_timeout=True,
    )


async def _tell(saved: asyncio.Event, watch: AsyncGenerator[set[FileChange]]) -> None:
    """Tell of changes, and to look once more a second after the last: what is in a new folder may come unnoticed.

    The same holds for what was saved before the watch began.
    """
    is_settled = False
    async for changes in watch:
        if changes or not is_settled:
            saved.set()
        is_settled = not changes
