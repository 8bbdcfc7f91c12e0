"""The body of a message in `dead.fifo` as a model: what `ingress.dead_letter` writes is read here."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pydantic import BaseModel, ConfigDict

from floodgate.ingress.dead_letter import reference
from floodgate.ingress.tasks import read
from floodgate.ingress.updates import Poison, update_type

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{12}")


class DeadLetter(BaseModel):
    """The body of a message in `dead.fifo`, as `ingress.dead_letter` writes it. Times are Unix seconds."""

    # A field that a later deployment adds is of no use to this one, but its letter is.
    model_config = ConfigDict(extra="ignore", frozen=True)

    #: The outcome's name (delivery/outcomes.py), or `redriven` by SQS itself.
    reason: str
    detail: str
    #: The error's class.
    error: str | None
    attempts: int
    first_at: float
    last_at: float
    trace_id: str | None
    #: The id of the update's first SQS message.
    message_id: str | None
    #: Names the error, its class and its place, in twelve hex digits.
    fingerprint: str | None = None
    #: Its frames, "file:line function".
    stack: list[str] = []
    handler: str | None = None
    #: Where the update would have been handled.
    group: str
    queue: str
    #: The update's text, whole if it fits.
    update: str
    #: Bytes of the whole.
    length: int
    sha256: str

    @property
    def name(self) -> str:
        """The reference of its failure."""
        return reference(self.message_id or self.sha256)

    @property
    def kind(self) -> str:
        """The update's type; `none` for what is no update."""
        try:
            return update_type(read(self.update, self.queue).update)
        except Poison:
            return "none"

    @property
    def error_name(self) -> str:
        """The fingerprint, or one made of reason and error where the letter brings none."""
        if self.fingerprint is not None and _FINGERPRINT.fullmatch(self.fingerprint):
            return self.fingerprint
        return hashlib.sha256(f"{self.reason} {self.fingerprint or self.error}".encode()).hexdigest()[:12]

    @property
    def is_whole(self) -> bool:
        """Whether the update is what was given up, byte by byte."""
        raw = self.update.encode()
        return len(raw) == self.length and hashlib.sha256(raw).hexdigest() == self.sha256
