"""Tries code in a process of its own before it replaces what runs.

Problem: code that does not import, or whose handlers are refused, would answer nobody once it is in place.
Rule: the very files that are to be deployed are imported as a worker imports them, with the layers that the stack was
built with and the function's variables, and asked what they handle, as a deployment asks. An error is told with the
place in the author's files.
Hazard: importing runs the code. It can hang, print without end and start programs, so all of that is bounded, and it
can end the process.
"""

import asyncio
import contextlib
import json
import os
import signal
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
#: Errors whose text says what is meant and what to write instead; where they are raised says nothing of that.
_SENTENCES = ("HandlerNotUnderstood", "LayerUnusable", "NoFeature")
_SHOWN_FRAMES = 6
_SHOWN_CHARACTERS = 500
_KEPT_BYTES = 1024 * 1024
_LAST_WORDS_S = 1.0
_POLL_S = 0.01

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
            process_group=0,
        )
        assert process.stdout is not None  # noqa: S101 - they are pipes
        assert process.stderr is not None  # noqa: S101
        out, err = bytearray(), bytearray()
        noise = asyncio.create_task(_keep(process.stderr, err))
        try:
            async with asyncio.timeout(within_s):
                await _keep(process.stdout, out)
                # `wait` may wait for the pipes as well, in Python 3.13.0 for one.
                while process.returncode is None:  # noqa: ASYNC110 - there is no event of it
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise Refused(f"importing it takes longer than {within_s:.0f} s: what waits, or never ends?") from None
        finally:
            # And what it has started, which would hold the other end open.
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of what has ended
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            await asyncio.wait({noise}, timeout=_LAST_WORDS_S)
            noise.cancel()
    return _understood(out.decode(errors="replace"), err.decode(errors="replace"), process.returncode)


async def _keep(stream: asyncio.StreamReader, end: bytearray) -> None:
    """Have the end of what comes out of the stream, until it ends; code can print without end."""
    while chunk := await stream.read(_KEPT_BYTES):
        end += chunk
        del end[:-_KEPT_BYTES]


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
        place = error["place"]
        return Refused(error["text"], f"{FOLDER}/{place['file']}:{place['line']}" if place else None)
    text = f"{error['type']}: {error['text']}"[:_SHOWN_CHARACTERS]
    if missing := error["missing"]:
        text += (
            f". It is not installed here: `.tools/uv/bin/uv add {missing}`, or the name of the package that has it, "
            "then `make run` again (docs/writing-handlers.md, A dependency)."
        )
    ours = [frame for frame in error["frames"] if frame["ours"]]
    where = f"{FOLDER}/{ours[-1]['file']}:{ours[-1]['line']}" if ours else None
    return Refused(text, where, [_line(frame) for frame in error["frames"][-_SHOWN_FRAMES:]])


def _line(frame: Json) -> str:
    file = f"{FOLDER}/{frame['file']}" if frame["ours"] else frame["file"]
    name = f" in {frame['in']}" if frame["in"] not in (None, "<module>") else ""
    return f"{file}:{frame['line']}{name}: {frame['text']}"
