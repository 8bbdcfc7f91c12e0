"""Tries code in a process of its own before it replaces what runs.

Problem: code that does not import, or whose handlers are refused, would answer nobody once it is in place.
Rule: the very files that are to be deployed are imported as a worker imports them, with the layers that the stack was
built with and the function's variables, and asked what they handle, as a deployment asks. An error is told with the
place in the author's files.
Hazard: importing runs the code. It can hang, so that is bounded, and it can end the process.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.errors import LocalError
from local.handlers.code import Code

WITHIN_S = 20.0
#: Where the code is, as its author sees it.
FOLDER = "functions/worker"
_PROBE = Path(__file__).with_name("probe.py")
#: Errors of the library whose text says which handler is meant and what to write instead; where they are raised says
#: nothing of that.
_SENTENCES = ("HandlerNotUnderstood", "LayerUnusable")
_SHOWN_FRAMES = 6
_SHOWN_CHARACTERS = 500

type Json = dict[str, Any]


class Refused(LocalError):
    """The code cannot be used: why, where (a file and a line, if it is known), and the last lines of the traceback."""

    def __init__(self, why: str, where: str | None = None, lines: Sequence[str] = ()) -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.where = where
        self.lines = list(lines)


async def check(
    code: Code, libraries: Sequence[Path], variables: Mapping[str, str], *, within_s: float = WITHIN_S
) -> Json:
    """Return what the code handles (telegram/interface.py); `libraries` are the layers' folders. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix="floodgate-check-") as folder:
        await asyncio.to_thread(code.write, Path(folder))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-ISB",
            _PROBE,
            folder,
            *libraries,
            env=dict(variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), within_s)
        except TimeoutError:
            raise Refused(f"importing it takes longer than {within_s:.0f} s: what waits, or never ends?") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _understood(out.decode(errors="replace"), err.decode(errors="replace"), process.returncode)


def _understood(out: str, err: str, code: int | None) -> Json:
    try:
        said: Json = json.loads(out)
    except ValueError:
        last = err.strip().splitlines()[-_SHOWN_FRAMES:]
        raise Refused(f"importing it ended the process, with code {code}", lines=last) from None
    if "error" in said:
        raise _refusal(said["error"])
    interface: Json = said["interface"]
    return interface


def _refusal(error: Json) -> Refused:
    if error["type"] in _SENTENCES:
        return Refused(error["text"])
    text = f"{error['type']}: {error['text']}"[:_SHOWN_CHARACTERS]
    ours = [frame for frame in error["frames"] if frame["ours"]]
    where = f"{FOLDER}/{ours[-1]['file']}:{ours[-1]['line']}" if ours else None
    return Refused(text, where, [_line(frame) for frame in error["frames"][-_SHOWN_FRAMES:]])


def _line(frame: Json) -> str:
    file = f"{FOLDER}/{frame['file']}" if frame["ours"] else frame["file"]
    name = f" in {frame['in']}" if frame["in"] not in (None, "<module>") else ""
    return f"{file}:{frame['line']}{name}: {frame['text']}"
