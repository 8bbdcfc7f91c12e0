"""What may become of a message once a worker has had it in hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """It is finished and may be deleted: handled, or given up and safely in the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """It returns to its queue and is handed out again after `delay_s` seconds, and the rest of its group behind it."""

    delay_s: float


type Outcome = Done | PutBack

DONE = Done()
