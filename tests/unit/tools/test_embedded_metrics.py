"""What CloudWatch would make of a log line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.ministack.embedded_metrics import Datum, data


def line(**more: Any) -> str:
    """Return a line of two metrics, of which one has three values."""
    directive = {
        "Namespace": "Floodgate/mine",
        "Dimensions": [["function"]],
        "Metrics": [{"Name": "UpdatesHandled", "Unit": "Count"}, {"Name": "QueueWait", "Unit": "Milliseconds"}],
    }
    said = {"function": "worker", "UpdatesHandled": 3, "QueueWait": [1, 2.5, 9]}
    return json.dumps({"_aws": {"Timestamp": 1_800_000_000_250, "CloudWatchMetrics": [directive]}, **said, **more})


def test_counts_and_values() -> None:
    """Each metric has its values, its unit, its dimensions and the line's own time."""
    assert list(data(line())) == [
        Datum("Floodgate/mine", "UpdatesHandled", {"function": "worker"}, 1_800_000_000.25, "Count", (3.0,)),
        Datum("Floodgate/mine", "QueueWait", {"function": "worker"}, 1_800_000_000.25, "Milliseconds", (1.0, 2.5, 9.0)),
    ]


def test_each_set_of_dimensions_is_a_metric_of_its_own() -> None:
    """Two sets, two metrics; none, the bare one."""
    said = json.loads(line(stage="test"))
    found: list[list[dict[str, str]]] = []
    choices: list[list[list[str]]] = [[["function"], ["function", "stage"]], [[]], []]
    for sets in choices:
        said["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = sets
        found.append([one.dimensions for one in data(json.dumps(said)) if one.name == "UpdatesHandled"])
    assert found == [[{"function": "worker"}, {"function": "worker", "stage": "test"}], [{}], [{}]]


@pytest.mark.parametrize(
    "text",
    [
        "START RequestId: 1",
        '{"message": "no metrics"}',
        '{"_aws": {"Timestamp": 1}}',
        '{"_aws": 1}',
        '{"_aws": {',
        line(UpdatesHandled="many"),
    ],
)
def test_other_lines_count_nothing(text: str) -> None:
    """What is not of the format is a line like any other."""
    assert list(data(text)) == []
