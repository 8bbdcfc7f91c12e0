"""The worker's processes of a local stack, and what they have in hand.

Rule: a process is told by its environment, as the local AWS makes it: the stack's port and the function's name. Nobody
else's are among them. One that has something in hand has the file IN_HAND beside its code
(tools/ministack/replacement.py); which messages those are stands in the feed, in the beginnings that have no end.
Hazard: between a look and what follows from it the worker may be done.
"""

import contextlib
from pathlib import Path
from typing import Any

import psutil

from local.machine.feed import Feed
from local.machine.hidden import Hidden

IN_HAND = "in-hand"

type Json = dict[str, Any]


def busy(aws_port: int, function: str) -> list[psutil.Process]:
    """Return the processes of that function of the stack that have something in hand."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environ = process.environ()
            of = environ.get("GATEWAY_PORT"), environ.get("AWS_LAMBDA_FUNCTION_NAME")
            if of == (str(aws_port), function) and (Path(process.cwd()).parent / IN_HAND).exists():
                found.append(process)
    return found


class InHand:
    """What the workers have in hand, by the feed of the stack whose files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._feed = Feed(folder)
        self._hidden = Hidden()

    def read(self) -> dict[str, list[Json]]:
        """Return the messages of each invocation that has begun and not ended, by its id."""
        while events := self._feed.read():
            for event in events:
                self._hidden.take(event)
        return self._hidden.in_hand()

    def failed(self, invocation: str) -> list[Json] | None:
        """Return the messages of an invocation that ended with an error; None if it did not."""
        self.read()
        return self._hidden.lost_with(invocation)

    def close(self) -> None:
        """Let go of the feed."""
        self._feed.close()
