"""What a dashboard's rows show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from local.dashboard.body import Row
from local.dashboard.figures import NotComputed, evaluate, read

START = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
LATER = START + timedelta(minutes=1)


class FakeCloudWatch:
    """Has some metrics by name."""

    def __init__(self, **metrics: dict[datetime, float]) -> None:
        self._metrics = metrics
        self.asked: list[Any] = []

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        """Return the datapoints of each query."""
        self.asked.append(asked)
        found = {
            query["Id"]: self._metrics[query["MetricStat"]["Metric"]["MetricName"]]
            for query in asked["MetricDataQueries"]
        }
        return {
            "MetricDataResults": [
                {"Id": name, "Timestamps": list(points), "Values": list(points.values())}
                for name, points in found.items()
            ]
        }


def test_metrics_and_expressions_over_them() -> None:
    """Each row has its datapoints; the expression has one where all that it names have."""
    client = FakeCloudWatch(hits={START: 3.0, LATER: 5.0}, misses={START: 1.0})
    rows = [
        Row("share", "share", expression="100 * hits / (hits + misses)"),
        Row("hits", "hits", "Floodgate", "hits", {"function": "worker"}, "Sum", 60),
        Row("misses", "misses", "Floodgate", "misses", {"function": "worker"}, "Sum", 60),
    ]
    assert read(cast("Any", client), rows, START, LATER) == {
        "hits": {START: 3.0, LATER: 5.0},
        "misses": {START: 1.0},
        "share": {START: 75.0},
    }
    (asked,) = client.asked
    assert asked["MetricDataQueries"][0] == {
        "Id": "q0",
        "MetricStat": {
            "Metric": {
                "Namespace": "Floodgate",
                "MetricName": "hits",
                "Dimensions": [{"Name": "function", "Value": "worker"}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }


def test_a_text_asks_for_nothing() -> None:
    """A widget without rows has no datapoints, and costs no request."""
    client = FakeCloudWatch()
    assert (read(cast("Any", client), [], START, LATER), client.asked) == ({}, [])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("a + 2", 5.0), ("a - b", None), ("FILL(b, 1) * a", 3.0), ("a / 0", None), ("2 * a - 1", 5.0)],
)
def test_expressions(expression: str, expected: float | None) -> None:
    """Arithmetic; a missing datapoint and a division by zero make none."""
    assert evaluate(expression, {"a": {START: 3.0}, "b": {}}, START) == expected


@pytest.mark.parametrize("expression", ["c + 1", "a +", "ANOMALY_DETECTION_BAND(a, 2)", "a ** 2"])
def test_what_is_not_understood_is_said(expression: str) -> None:
    """Rather than drawn as nothing."""
    with pytest.raises(NotComputed, match="is not understood"):
        evaluate(expression, {"a": {START: 3.0}}, START)
