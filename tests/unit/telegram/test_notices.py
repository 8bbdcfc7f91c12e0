"""What people are told who go too fast."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.telegram.notices import may_go_on, too_busy, too_fast

UNITS_S = {"second": 1, "minute": 60, "hour": 3600}


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [
        (0.0, "in 1 second"),
        (0.2, "in 1 second"),
        (1, "in 1 second"),
        (1.1, "in 2 seconds"),
        (59, "in 59 seconds"),
        (60, "in 60 seconds"),
        (99, "in 99 seconds"),
        (99.5, "in 2 minutes"),
        (100, "in 2 minutes"),
        (120, "in 2 minutes"),
        (121, "in 3 minutes"),
        (5000, "in 84 minutes"),
        (5940, "in 99 minutes"),
        (5941, "in 2 hours"),
        (100_000, "in 28 hours"),
        (1_000_000, "in 278 hours"),
    ],
)
def test_a_wait_is_told_in_the_largest_unit_that_says_enough(wait_s: float, words: str) -> None:
    """Below a hundred of something, rounded up; one is one, not ones."""
    assert may_go_on(wait_s) == words


@given(st.floats(0, 10**7))
def test_nobody_is_told_to_come_too_early(wait_s: float) -> None:
    """Whoever does as they are told is through, and waits less than a unit longer than needed, or a second."""
    found = re.fullmatch(r"in ([0-9]+) (second|minute|hour)s?", may_go_on(wait_s))
    assert found is not None
    unit_s = UNITS_S[found[2]]
    assert 0 <= int(found[1]) * unit_s - wait_s < unit_s or found[0] == "in 1 second"


def test_notices_say_when() -> None:
    """To a person and to a group, each in a sentence that stands alone."""
    assert too_fast(3.2) == "You are going too fast for me: I left something out. You may go on in 4 seconds."
    assert too_busy(100) == (
        "There is more going on here than I can answer, so I left something out. I can go on in 2 minutes."
    )
