"""How often and when a failed update is tried again.

The numbers: three tries tell a passing fault from a bug, and 2 s and 4 s of waiting keep a chat's later messages from
waiting long behind a broken one. A 429 names its own time and is no failure of the update.
"""

from __future__ import annotations

from typing import Final

MAX_ATTEMPTS = 3
#: The longest that a message may be hidden at once: SQS counts its 12 hours from when it was received.
LONGEST_WAIT_S = 43_000.0
_FIRST_BACKOFF_S = 2.0
_LONGEST_BACKOFF_S = 60.0
_FIRST_PATIENCE_S = 5.0
_LONGEST_PATIENCE_S = 1500.0
#: How soon an update comes back that the bot's own limit refused, in seconds; by chance, or all of them would come at
#: once. At most 5 s after the first time, 10 s after the second, then 30 s; and so much longer each time from the
#: 300th on that the thousand receives that a queue allows outlast the 14 days that it keeps a message.
SOON_S: Final = 0.5
_STEP_S: Final = 5.0
_LONGEST_S: Final = 30.0
_PATIENT_FROM: Final = 300
_GROWING_S: Final = 10.0


def backoff_s(attempts: int) -> float:
    """Return how long to wait after the `attempts`-th failure (1 or more), in seconds: 2, 4, 8 … 60."""
    return min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(attempts - 1, 16))


def patience_s(receives: int) -> float:
    """Return how long to wait for what is no fault of the update, received `receives` times: 5, 10, 15 … 1500 s.

    A thousand receives, all that a queue allows, then last longer than the 14 days that it keeps a message.
    """
    return min(_LONGEST_PATIENCE_S, _FIRST_PATIENCE_S * receives)


def refused_for_s(receives: int) -> float:
    """Return how long an update waits at most that the bot's own limit refused, received so many times."""
    return min(_LONGEST_S, _STEP_S * receives) + _GROWING_S * max(0, receives - _PATIENT_FROM)
