"""The body of a message in `dead.fifo`: what was given up, why, and where it came from.

Written by the webhook (what can never be processed) and by the workers (what failed for good), so it stays on the
standard library; `state.dead_letter.DeadLetter` is the model that reads it.
"""

import hashlib
import json
from base64 import b32encode
from collections.abc import Sequence
from typing import Any, Final

from floodgate.ingress.updates import QUEUE_LIMIT_BYTES, sendable

KEPT_BYTES: Final = 65_536
"""How much is kept of what does not fit. Escaped at its worst that is 384 KiB: any such message fits into the queue."""


def dead_letter(  # noqa: PLR0913 - the letter's fields, by name
    raw: bytes,
    *,
    reason: str,
    detail: str,
    at: float,
    group: str | None = None,
    queue: str = "updates",
    error: str | None = None,
    attempts: int = 0,
    first_at: float | None = None,
    trace_id: str | None = None,
    message_id: str | None = None,
    fingerprint: str | None = None,
    stack: Sequence[str] = (),
    handler: str | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return the message's body, and the letter that it holds.

    The update `raw` is kept whole where it fits into the queue, else its first KEPT_BYTES; `length` and `sha256` are
    always those of the whole. Without a `group` the letter gets one of its own, `poison:<hash>`. `message_id` is the
    update's first SQS message; `fingerprint` names the error, in twelve hex digits; `stack` has its frames, written
    "file:line function", and no values.
    """
    digest = hashlib.sha256(raw).hexdigest()
    letter = {
        "reason": reason,
        "detail": detail,
        "error": error,
        "attempts": attempts,
        "first_at": at if first_at is None else first_at,
        "last_at": at,
        "trace_id": trace_id,
        "message_id": message_id,
        "fingerprint": fingerprint,
        "stack": list(stack),
        "handler": handler,
        "group": group or f"poison:{digest[:32]}",
        "queue": queue,
        "update": raw.decode("utf-8", "backslashreplace"),
        "length": len(raw),
        "sha256": digest,
    }
    if len((body := _written(letter)).encode()) > QUEUE_LIMIT_BYTES:
        letter["update"] = raw[:KEPT_BYTES].decode("utf-8", "backslashreplace")
        body = _written(letter)
    return body, letter


def reference(seed: str) -> str:
    """Return the short name of a failure, ten characters that a person can read out: `K7QM2-XWD3A`.

    Their 50 bits make two of a million failures share a name once in two thousand times.
    """
    text = b32encode(hashlib.sha256(seed.encode()).digest()).decode()[:10]
    return f"{text[:5]}-{text[5:]}"


def _written(letter: dict[str, Any]) -> str:
    # Not in ASCII: escapes would make six bytes of each Cyrillic letter's two, and half an update would not fit.
    return sendable(json.dumps(letter, ensure_ascii=False))
