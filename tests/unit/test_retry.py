"""How long a failed update waits."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.retry import RetryPolicy, patience_s


@pytest.mark.parametrize(
    ("failures", "most_s"), [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (8, 256.0), (9, 300.0), (10**6, 300.0)]
)
def test_the_wait_is_anything_up_to_what_doubles(failures: int, most_s: float) -> None:
    """Full jitter: from nothing to 2, 4, 8 … 300 seconds, every part of it as likely as any other."""
    waits = [RetryPolicy().backoff_s(failures) for _ in range(4000)]
    assert 0 <= min(waits) < 0.05 * most_s
    assert 0.95 * most_s < max(waits) <= most_s
    assert statistics.mean(waits) == pytest.approx(most_s / 2, rel=0.05)


@given(st.integers(1, 10**9), st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_a_policy_keeps_its_bounds(failures: int, first_s: float, longest_s: float) -> None:
    """However often it failed, and whatever the parameters."""
    wait_s = RetryPolicy(first_s=first_s, longest_s=longest_s).backoff_s(failures)
    assert 0 <= wait_s <= min(longest_s, first_s * 2.0 ** min(failures - 1, 64))


def test_a_handler_overrides_what_it_names() -> None:
    """The rest stays as the parameters say; its attempts are for bugs as well."""
    policy = RetryPolicy(attempts=20, bug_attempts=3, first_s=2, longest_s=300)
    assert policy.override(5, None, None) == RetryPolicy(attempts=5, bug_attempts=5, first_s=2, longest_s=300)
    assert policy.override(None, 0.5, 10) == RetryPolicy(attempts=20, bug_attempts=3, first_s=0.5, longest_s=10)


def test_patience_outlasts_the_queue() -> None:
    """A thousand receives, SQS's own end of an update, take longer than it keeps one: no outage makes it give up."""
    assert sum(patience_s(receives) for receives in range(1, 1001)) > 14 * 86_400


@given(st.integers(1, 10**9))
def test_patience_grows_and_has_an_end(receives: int) -> None:
    """Never less than before, and never over 25 minutes, after which an outage that is over has been noticed."""
    assert 5.0 <= patience_s(receives) <= patience_s(receives + 1) <= 1500.0
