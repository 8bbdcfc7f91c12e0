"""What the functions are given, what comes of it and what they say, as it happens: two files in the stack's folder.

Problem: who watches a running stack would have to ask CloudWatch Logs again and again, which answers later the more it
holds, and says of no update that it is in work. Rule: each invocation is a line of `invocations.jsonl` when it begins
and one when it has ended (`began` and `ended` have their members), written at once and whole; what the function logged
stands there too, and in `functions.log` for people, each line behind its function's name. Lambda's own lines (START,
END, REPORT) are in neither. Pure: knows nothing of ministack.
Hazard: a reader may come upon a line of which the end is not there yet. Beyond 64 MB `invocations.jsonl` is begun anew,
as another file: who finds another inode, or a shorter file, reads from its beginning. `functions.log` has no bound.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

LIMIT_BYTES = 64 * 1024 * 1024
_FUNCTION = "Function"


class Invocations:
    """Writes both files into `folder`; any thread may call it. `url_of` tells a queue's address from its ARN."""

    def __init__(
        self,
        folder: Path,
        url_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._file = folder / "invocations.jsonl"
        self._url_of = url_of
        self._clock = clock
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._lines = self._file.open("ab")
        self._log = (folder / "functions.log").open("ab")

    def began(self, request_id: str, function: str, event: Any) -> None:
        """Say that a function has begun: `{"at", "event": "began", "id", "function", "messages"}`.

        `messages` are those of a queue, `{"id", "receipt", "queue", "update_id", "receives"}` each; what else invokes
        has none. `update_id` is null where the message's body has none.
        """
        self._append(
            {
                "at": self._clock(),
                "event": "began",
                "id": request_id,
                "function": function,
                "messages": list(self._messages(event)),
            }
        )

    def ended(self, request_id: str, function: str, took_ms: float, result: Any) -> None:
        """Say what came of it: `{"at", "event": "ended", "id", "function", "took_ms", "error", "put_back", "lines"}`.

        `error` is null, or what Lambda would say went wrong; `put_back` has the ids of the messages that stay in their
        queue by the function's own word. Of an invocation with an error all of them do.
        """
        said = result if isinstance(result, dict) else {}
        lines = [line.rstrip() for line in (said.get("log") or "").splitlines()]
        self._append(
            {
                "at": self._clock(),
                "event": "ended",
                "id": request_id,
                "function": function,
                "took_ms": round(took_ms, 3),
                "error": _error(said) if said.get("error") else None,
                "put_back": [] if said.get("error") else _put_back(said.get("body")),
                "lines": lines,
            },
            [f"{function.removesuffix(_FUNCTION)}: {line}\n" for line in lines],
        )

    def close(self) -> None:
        """Close the files."""
        self._lines.close()
        self._log.close()

    def _messages(self, event: Any) -> Iterator[Json]:
        records = event.get("Records") if isinstance(event, dict) else None
        for record in records if isinstance(records, list) else []:
            if record.get("eventSource") == "aws:sqs":
                yield {
                    "id": record["messageId"],
                    "receipt": record["receiptHandle"],
                    "queue": self._url_of(record["eventSourceARN"]),
                    "update_id": _update_id(record["body"]),
                    "receives": int(record["attributes"]["ApproximateReceiveCount"]),
                }

    def _append(self, said: Json, lines: list[str] | None = None) -> None:
        line = json.dumps(said, separators=(",", ":")).encode() + b"\n"
        # A full disk, or a folder that is gone, is no reason for a function to fail.
        with self._lock, contextlib.suppress(OSError):
            if self._lines.tell() + len(line) > self._limit_bytes:
                self._begin_anew()
            self._lines.write(line)
            self._lines.flush()
            if lines:
                self._log.write("".join(lines).encode(errors="replace"))
                self._log.flush()

    def _begin_anew(self) -> None:
        following = self._file.with_suffix(".next")
        # Made first and put in the other's place: whoever looks finds a file, and never the same inode again.
        opened = following.open("ab")
        following.replace(self._file)
        self._lines.close()
        self._lines = opened


def _update_id(body: str) -> int | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    update_id = said.get("update_id") if isinstance(said, dict) else None
    return update_id if isinstance(update_id, int) else None


def _error(said: Json) -> str:
    body = said.get("body")
    return str(body.get("errorMessage") or "failed") if isinstance(body, dict) else "failed"


def _put_back(body: Any) -> list[str]:
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return []
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    return [one["itemIdentifier"] for one in failures or [] if one.get("itemIdentifier")]
