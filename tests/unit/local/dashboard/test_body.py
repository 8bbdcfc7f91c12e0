"""What a dashboard's body says."""

from __future__ import annotations

import json
from typing import Any

from local.dashboard.body import Row, Widget, widgets


def widget(**properties: Any) -> Widget:
    """Return the one widget of a body."""
    place = {"type": "metric", "x": 8, "y": 2, "width": 8, "height": 6}
    (found,) = widgets(json.dumps({"widgets": [{**place, "properties": properties}]}))
    return found


def test_rows_have_their_own_options_or_the_widgets() -> None:
    """Statistic, period, label and axis; what nobody says is what CloudWatch takes."""
    rows = widget(
        stat="Sum",
        period=60,
        metrics=[
            ["AWS/SQS", "Sent", "QueueName", "updates", {"label": "came", "stat": "p99", "yAxis": "right"}],
            ["AWS/SQS", "Deleted", "QueueName", "updates", {"period": 300, "visible": False}],
        ],
    ).rows
    assert rows == (
        Row("w0m0", "came", "AWS/SQS", "Sent", {"QueueName": "updates"}, "p99", 60, is_right=True),
        Row("w0m1", "Deleted", "AWS/SQS", "Deleted", {"QueueName": "updates"}, "Sum", 300, is_visible=False),
    )


def test_short_forms_stand_for_what_is_above() -> None:
    """A dot for one word, three for all but the last."""
    rows = widget(metrics=[["A", "one", "x", "1", "y", "2"], [".", "two", ".", ".", ".", "3"], ["...", "4"]]).rows
    assert [(row.namespace, row.name, dict(row.dimensions)) for row in rows] == [
        ("A", "one", {"x": "1", "y": "2"}),
        ("A", "two", {"x": "1", "y": "3"}),
        ("A", "two", {"x": "1", "y": "4"}),
    ]


def test_an_expression_is_no_metric() -> None:
    """It has an id, a label, and what is to be computed."""
    (row, other) = widget(
        metrics=[[{"expression": "100 * a", "id": "e", "label": "share"}], ["A", "one", {"id": "a"}]]
    ).rows
    assert (row.expression, row.id, row.label, other.id) == ("100 * a", "e", "share", "a")


def test_title_axes_and_thresholds() -> None:
    """And the place in the grid."""
    found = widget(
        title="Oldest message",
        yAxis={"left": {"min": 0, "label": "seconds"}},
        annotations={"horizontal": [{"label": "Alarm", "value": 10}]},
    )
    assert (found.title, found.axis("left")["label"], found.axis("right"), found.thresholds, found.x) == (
        "Oldest message",
        "seconds",
        {},
        [("Alarm", 10.0)],
        8,
    )
