"""How long a failed update waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.delivery.retry import backoff_s, patience_s


@pytest.mark.parametrize(
    ("attempts", "expected"), [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (5, 32.0), (6, 60.0), (1000, 60.0)]
)
def test_the_wait_doubles_up_to_a_minute(attempts: int, expected: float) -> None:
    """2, 4, 8 … 60 seconds, however often it failed."""
    assert backoff_s(attempts) == expected


@given(st.integers(1, 10**9))
def test_a_further_failure_never_waits_less(attempts: int) -> None:
    """The wait grows or stays, and is never over a minute."""
    assert 2.0 <= backoff_s(attempts) <= backoff_s(attempts + 1) <= 60.0


def test_patience_outlasts_the_queue() -> None:
    """A thousand receives, SQS's own end of an update, take longer than it keeps one: no outage makes it give up."""
    assert sum(patience_s(receives) for receives in range(1, 1001)) > 14 * 86_400


@given(st.integers(1, 10**9))
def test_patience_grows_and_has_an_end(receives: int) -> None:
    """Never less than before, and never over 25 minutes, after which an outage that is over has been noticed."""
    assert 5.0 <= patience_s(receives) <= patience_s(receives + 1) <= 1500.0
