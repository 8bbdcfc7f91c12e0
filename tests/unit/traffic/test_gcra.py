"""The limit with a burst holds in any window, and says exactly how long to wait.

Times and intervals are multiples of 1/64 s, so that sums are exact and a rounding error is never the answer.
"""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from floodgate.traffic.gcra import Charge, charge
from floodgate.traffic.limits import Limit

NOW = 1_781_136_000.0

limits = st.builds(Limit, st.integers(1, 640).map(lambda ticks: ticks / 64), st.integers(1, 12))
gaps = st.lists(st.integers(0, 1000).map(lambda ticks: ticks / 64), min_size=1, max_size=60)
pasts = st.integers(-2000, 2000).map(lambda ticks: NOW + ticks / 64)


def admissions(limit: Limit, times: list[float], costs: list[int] | None = None) -> list[tuple[float, int]]:
    """Return when which cost was admitted, of arrivals at `times`."""
    tat, admitted = 0.0, []
    for now, cost in zip(times, costs or [1] * len(times), strict=True):
        charged = charge(tat, now, limit, cost)
        if not charged.wait_s:
            admitted.append((now, cost))
        tat = charged.tat
    return admitted


@given(limits, gaps)
def test_no_window_takes_more_than_the_burst_and_the_rate(limit: Limit, gaps: list[float]) -> None:
    """Between any two admissions, both counted, are at most burst + time / interval."""
    times = [now for now, _ in admissions(limit, list(accumulate(gaps, initial=NOW)))]
    for first, begins in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= limit.burst + (times[last] - begins) / limit.interval_s


@given(limits, st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 12)), min_size=1, max_size=60))
def test_costs_within_the_burst_keep_to_it(limit: Limit, arrivals: list[tuple[int, int]]) -> None:
    """As many single ones at once would be held to burst + time / interval, and so is their sum."""
    times = list(accumulate((gap / 64 for gap, _ in arrivals), initial=NOW))[1:]
    admitted = admissions(limit, times, [min(cost, limit.burst) for _, cost in arrivals])
    for first, (begins, _) in enumerate(admitted):
        for last in range(first, len(admitted)):
            spent = sum(cost for _, cost in admitted[first : last + 1])
            assert spent <= limit.burst + (admitted[last][0] - begins) / limit.interval_s


@given(limits, pasts, st.integers(1, 30))
def test_the_refused_is_admitted_after_its_wait_and_no_earlier(limit: Limit, tat: float, cost: int) -> None:
    """Just then, and not 1/64 s before."""
    refused = charge(tat, NOW, limit, cost)
    assert charge(tat, NOW + refused.wait_s, limit, cost).wait_s == 0
    if refused.wait_s:
        assert charge(tat, NOW + refused.wait_s - 1 / 64, limit, cost).wait_s == 1 / 64


@given(limits, pasts, st.integers(1, 30))
def test_what_is_refused_changes_nothing(limit: Limit, tat: float, cost: int) -> None:
    """Asking too often makes nobody wait longer."""
    refused = charge(tat, NOW, limit, cost)
    assert refused.wait_s == 0 or refused.tat == tat


@given(limits, st.integers(1, 40))
def test_after_a_rest_the_burst_is_admitted_and_no_more(limit: Limit, more: int) -> None:
    """Of many at once, exactly the burst."""
    assert len(admissions(limit, [NOW] * (limit.burst + more))) == limit.burst


@given(limits)
def test_at_its_own_pace_everything_is_admitted(limit: Limit) -> None:
    """One an interval is never refused, burst or not."""
    times = [NOW + number * limit.interval_s for number in range(50)]
    assert len(admissions(limit, times)) == 50


def test_a_cost_needs_room_for_all_of_it() -> None:
    """Three of a burst of five are there at once; three more have to wait for one that is missing."""
    limit = Limit(1.0, 5)
    first = charge(0.0, NOW, limit, 3)
    assert first == Charge(NOW + 3, 0.0)
    assert charge(first.tat, NOW, limit, 3) == Charge(NOW + 3, 1.0)
    assert charge(first.tat, NOW, limit, 2) == Charge(NOW + 5, 0.0)


def test_a_cost_above_the_burst_is_paid_later() -> None:
    """It is admitted after a rest, and the next one waits until it is paid off."""
    limit = Limit(1.0, 5)
    large = charge(0.0, NOW, limit, 8)
    assert large == Charge(NOW + 8, 0.0)
    assert charge(large.tat, NOW, limit).wait_s == 4.0
    assert charge(large.tat, NOW, limit, 8).wait_s == 8.0


def test_a_part_costs_a_part() -> None:
    """With half a unit each, twice as many pass."""
    tat, admitted = 0.0, 0
    while not (charged := charge(tat, NOW, Limit(1.0, 5), 0.5)).wait_s:
        tat, admitted = charged.tat, admitted + 1
    assert admitted == 9  # the tolerance is four whole ones, and one more comes in time
