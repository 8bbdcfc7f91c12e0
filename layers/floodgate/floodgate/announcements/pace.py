"""How fast a broadcast goes, by the groups that send it, and the pacer of a step in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floodgate.traffic.bulk import Pacer, pacing

if TYPE_CHECKING:
    from collections.abc import Sequence


def per_s(groups: Sequence[str]) -> float:
    """Return the messages that go out in a second."""
    return len(groups) / Pacer(is_paid=len(groups) > 1).interval_s


def pacer(groups: Sequence[str]) -> Pacer:
    """Return this group's pacer.

    If the deployment has changed since the broadcast began, and its groups are no bulk groups any more, they share
    the rate of what is not paid for.
    """
    if (current := pacing.get()) is not None:
        return current
    made = Pacer(is_paid=False)
    made.interval_s *= len(groups)
    return made
