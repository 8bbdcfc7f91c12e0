"""How often and when an update is tried again.

Rule: exponential backoff with full jitter, so that what failed together does not come back together (AWS Architecture
Blog, "Exponential Backoff And Jitter", 2015). What the network or AWS may mend by itself is tried often; a bug, which
hardly does, three times, for a chat's later messages wait behind it. A 429 names its own time and is no failure.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final, Self

#: The longest that a message may be hidden at once: SQS counts its 12 hours from when it was received.
LONGEST_WAIT_S = 43_000.0
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


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often an update is tried, and how long it waits in between."""

    #: Tries of what may mend itself, the first included: the network, Telegram's and AWS's own failures. With the
    #: defaults half an hour on average.
    attempts: int = 20
    #: Tries of what fails by a bug, or takes too long.
    bug_attempts: int = 3
    #: The most that is waited after the first failure, in seconds; twice that after the second, and so on.
    first_s: float = 2.0
    #: The most that is waited at all.
    longest_s: float = 300.0

    def backoff_s(self, failures: int) -> float:
        """Return how long to wait after so many failures (1 or more): by chance, up to what they allow."""
        return random.uniform(0.0, min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 64)))  # noqa: S311

    def override(self, attempts: int | None, first_s: float | None, longest_s: float | None) -> Self:
        """Return the policy of a handler that says otherwise in some respects; None says nothing."""
        return replace(
            self,
            attempts=self.attempts if attempts is None else attempts,
            bug_attempts=self.bug_attempts if attempts is None else attempts,
            first_s=self.first_s if first_s is None else first_s,
            longest_s=self.longest_s if longest_s is None else longest_s,
        )


def patience_s(receives: int) -> float:
    """Return how long to wait for what is no fault of the update, received `receives` times: 5, 10, 15 … 1500 s.

    A thousand receives, all that a queue allows, then last longer than the 14 days that it keeps a message.
    """
    return min(_LONGEST_PATIENCE_S, _FIRST_PATIENCE_S * receives)


def refused_for_s(receives: int) -> float:
    """Return how long an update waits at most that the bot's own limit refused, received so many times."""
    return min(_LONGEST_S, _STEP_S * receives) + _GROWING_S * max(0, receives - _PATIENT_FROM)
