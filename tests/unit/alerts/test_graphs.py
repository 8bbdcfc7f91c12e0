"""The graph that is drawn here says its figures as the message below it does, and does not draw over gaps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from floodgate.alerts.chart import Panel, Series
from floodgate.alerts.graphs import panel_of
from floodgate.alerts.news import Graph

AT = 1_781_136_000.0


def graph(metric: str, stat: str, threshold: float | None, **more: Any) -> Graph:
    """Return the graph of an alarm on one metric, minute by minute."""
    query = {"Id": "m1", "MetricStat": {"Metric": {"MetricName": metric}, "Stat": stat, "Period": 60}, **more}
    return Graph([query], "An alarm", threshold, 120)


def result(*points: tuple[int, float]) -> Any:
    """Return what GetMetricData says of it: values by the minute."""
    times = [datetime.fromtimestamp(AT + 60 * minute, UTC) for minute, _ in points]
    return [{"Id": "m1", "Label": "m1", "Timestamps": times, "Values": [value for _, value in points]}]


@pytest.mark.parametrize(
    ("metric", "stat", "threshold", "value", "unit", "shown", "line"),
    [
        ("TelegramCallsLimited", "Average", 0.05, 0.25, "%", 25.0, 5.0),
        ("AnswerTime", "p99", 10_000.0, 12_500.0, "seconds", 12.5, 10.0),
        ("ApproximateAgeOfOldestMessage", "Maximum", 600.0, 42.0, "seconds", 42.0, 600.0),
        ("FailuresKept", "Sum", 1.0, 3.0, "", 3.0, 1.0),
        ("UpdatesPending", "Maximum", None, 7.0, "", 7.0, None),
    ],
)
def test_values_and_threshold_have_the_unit_of_the_message(
    metric: str, stat: str, threshold: float | None, value: float, unit: str, shown: float, line: float | None
) -> None:
    """Shares are percents, times are seconds, and whatever is counted is a number."""
    panel = panel_of(graph(metric, stat, threshold), result((0, value)))
    assert (panel.unit, panel.series[0].points, panel.threshold) == (unit, [(AT, shown)], line)


def test_a_minute_without_a_value_is_a_gap() -> None:
    """Nothing is drawn from one side of it to the other."""
    panel = panel_of(graph("FailuresKept", "Sum", 1.0), result((0, 1.0), (1, 2.0), (5, 3.0)))
    points = [(AT, 1.0), (AT + 60, 2.0), (AT + 120, None), (AT + 300, 3.0)]
    assert panel == Panel("An alarm", [Series("Failures kept", points)], "", 1.0)


def test_a_name_that_the_alarm_gives_is_kept() -> None:
    """A label of the query's own goes before the metric's name."""
    panel = panel_of(graph("FailuresKept", "Sum", 1.0, Label="letters"), result((0, 1.0)))
    assert [line.name for line in panel.series] == ["letters"]


def test_without_figures_there_is_no_line() -> None:
    """An alarm on what was never measured has no graph."""
    assert panel_of(graph("FailuresKept", "Sum", 1.0), result()).series == []
