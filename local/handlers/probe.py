"""Imports the worker's code as Lambda does and asks it what it handles; run by `check.py`, in a process of its own.

Rule: nothing but Python's own library is imported here, and the code sees what it would see in Lambda: its folder, the
layers and its environment variables. What was found is one line of JSON on the standard output; all that the code
prints goes to standard error.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

#: Even if nobody is left to end it.
_ENDS_WITHIN_S = 60


def main(folder: str, *libraries: str) -> None:
    """Write `{"interface": …}` or `{"error": …}`."""
    signal.alarm(_ENDS_WITHIN_S)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    folder = os.path.realpath(folder)  # as its files name themselves: /tmp is a link on some systems
    sys.path[:0] = [folder, *libraries]
    os.chdir(folder)
    said: dict[str, Any]
    try:
        said = {"interface": importlib.import_module("app").handler({"describe": True}, None)}
    except BaseException as error:  # noqa: BLE001 - also what ends the interpreter, for Lambda would report it
        said = {"error": _told(error, Path(folder))}
    out.write(json.dumps(said) + "\n")
    out.flush()
    os._exit(0)  # no matter what the code left running


def _told(error: BaseException, folder: Path) -> dict[str, Any]:
    """Return type and text of the error, its frames from the first that is in the code, and what else is known of it.

    `place` is the author's that the error itself names; `missing` is a module that is installed nowhere.
    """
    told = traceback.TracebackException.from_exception(error)
    frames = [
        {"file": frame.filename, "line": frame.lineno, "in": frame.name, "text": frame.line} for frame in told.stack
    ]
    if isinstance(error, SyntaxError):
        frames.append({"file": error.filename, "line": error.lineno, "in": None, "text": (error.text or "").strip()})
    for frame in frames:
        path = Path(str(frame["file"]))
        frame["ours"] = path.is_relative_to(folder)
        frame["file"] = path.relative_to(folder).as_posix() if frame["ours"] else path.name
    ours = [number for number, frame in enumerate(frames) if frame["ours"]]
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return {
        "type": type(error).__name__,
        "text": text,
        "frames": frames[ours[0] :] if ours else [],
        "place": _place(error, folder),
        "missing": _missing(error),
    }


def _place(error: BaseException, folder: Path) -> dict[str, Any] | None:
    """Return the file and the line that the error itself points to, if they are in the code."""
    file, line = getattr(error, "place", None) or ("", 0)
    path = Path(file)
    return {"file": path.relative_to(folder).as_posix(), "line": line} if path.is_relative_to(folder) else None


def _missing(error: BaseException) -> str | None:
    """Return the name of the module that was not found, unless it is one inside of a package that is there."""
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    try:
        return name if name and importlib.util.find_spec(name) is None else None
    except ValueError:  # a module that the code has made up itself
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
