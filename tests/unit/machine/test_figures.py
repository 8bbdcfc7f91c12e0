"""What is counted and measured of the last minutes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.machine.figures import KEPT_S, POINT_S, VALUES, Count, Frozen, Times, metrics_in

NOW = 1_800_000_000.0


@given(st.lists(st.tuples(st.floats(-400, 0), st.integers(1, 5))))
def test_a_count_is_the_sum_of_its_window(events: list[tuple[float, int]]) -> None:
    """In whatever order it is told, a minute has what happened in its full seconds, and the total has all."""
    count = Count()
    for before, number in events:
        count.add(NOW + before, number)
    assert count.total == sum(number for _, number in events)
    within = sum(number for before, number in events if NOW - 60 <= math.floor(NOW + before) < NOW)
    assert count.within(60, NOW) == within


def test_a_rate_fades() -> None:
    """What happened is in the rate of the seconds after, and then no more."""
    count = Count()
    for i in range(50):
        count.add(NOW + i / 10)
    assert [count.rate(NOW + after) for after in (0, 5, 8, 10, KEPT_S + 5)] == [0, 10, 4, 0, 0]
    count.add(NOW + 2 * KEPT_S)
    assert count.within(60, NOW + 2 * KEPT_S + 1) == 1


def test_a_curve_has_as_many_points_whatever_happens() -> None:
    """Its last point is the last full one, and it moves on by whole points."""
    count = Count()
    count.add(NOW, 10)
    curves = [count.curve(NOW + after) for after in (4, 5, 9, 10, KEPT_S - POINT_S)]
    assert {len(curve) for curve in curves} == {KEPT_S // POINT_S - 1}
    assert [curve[-1] for curve in curves] == [0, 2, 2, 0, 0]
    assert curves[-1][0] == 2


def test_percentiles_are_values_of_the_last_minute() -> None:
    """Half and 99 in 100 of the people were answered within them."""
    times = Times()
    assert times.percentiles(NOW, 50, 99) is None
    times.add(NOW, range(1, 101))
    assert times.percentiles(NOW, 50, 99) == [50, 99]
    times.add(NOW + 30, [7])
    assert times.percentiles(NOW + 61, 50, 99) == [7, 7]
    assert times.percentiles(NOW + 120, 50, 99) is None


def test_a_flood_of_values_is_bounded() -> None:
    """Of one second so many are kept, and of a minute no more seconds than it has."""
    times = Times()
    for second in range(200):
        times.add(NOW + second, [1.0] * (VALUES + 10))
    kept = times._seconds
    assert len(kept) <= 61
    assert {len(values) for values in kept.values()} == {VALUES}


def test_frozen_chats_thaw() -> None:
    """A chat is frozen once, until the latest time that was told of it."""
    frozen = Frozen()
    frozen.freeze("ann", NOW + 10)
    frozen.freeze("ann", NOW + 30)
    frozen.freeze("ann", NOW + 20)
    frozen.freeze("bob", NOW + 15)
    assert [frozen.now(NOW + after) for after in (0, 12, 16, 31)] == [2, 2, 1, 0]


@pytest.mark.parametrize(
    ("line", "metrics"),
    [
        ({"message": "update"}, {}),
        ({"_aws": "nonsense"}, {}),
        (
            {
                "_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "AnswerTime"}, {"Name": "CacheHits"}]}, {}]},
                "AnswerTime": [120, 80.5],
                "CacheHits": 3,
            },
            {"AnswerTime": [120.0, 80.5], "CacheHits": [3.0]},
        ),
    ],
    ids=["another line", "broken", "metrics"],
)
def test_metrics_are_read_from_the_embedded_format(line: dict[str, object], metrics: dict[str, list[float]]) -> None:
    """Each has its values; a line without any has none."""
    assert metrics_in(line) == metrics
