"""The dashboard as a picture."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.dashboard.body import widgets
from local.dashboard.drawing import alarm_name, draw, number

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
ARN = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:floodgate-local-DeadLettersAlarm-1AA1759F13B1F"


def one(kind: str, y: int, **properties: Any) -> dict[str, Any]:
    """Return a widget as wide as the dashboard."""
    return {"type": kind, "x": 0, "y": y, "width": 24, "height": 6, "properties": properties}


def test_every_kind_of_widget_is_drawn(tmp_path: Path) -> None:
    """A PNG whose size follows the grid: text, alarms, graphs with two axes, and one that has no datapoint."""
    rows = [["A", "one", {"id": "a"}], ["A", "two", {"id": "b", "yAxis": "right"}], ["A", "none", {"id": "c"}]]
    body = {
        "widgets": [
            one("text", 0, markdown="# Title\n**Normal:** little, `code` and $5.\n"),
            one("alarm", 6, title="Alarms", alarms=[ARN]),
            one("metric", 12, title="Graph", metrics=rows, annotations={"horizontal": [{"label": "x", "value": 9}]}),
            one("metric", 18, title="Empty", metrics=[["A", "none", {"id": "c"}]]),
        ]
    }
    points = {"a": {START: 1.0}, "b": {START + timedelta(minutes=5): 2000.0}}
    file = tmp_path / "new" / "dashboard.png"
    draw(widgets(json.dumps(body)), [{}, {}, points, {}], {ARN: "ALARM"}, (START, START + timedelta(minutes=9)), file)
    head = file.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    assert (width, height) == (1518, 894)


def test_an_alarm_has_its_logical_id() -> None:
    """As in the template and the runbook; a name that CloudFormation did not make stays."""
    assert [alarm_name(ARN), alarm_name("arn:aws:cloudwatch:eu-west-1:1:alarm:mine")] == ["DeadLettersAlarm", "mine"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.25, "0.25"), (12, "12"), (1500, "1.5k"), (20_000, "20k"), (3_000_000, "3M")],
)
def test_figures_at_an_axis_are_short(value: float, expected: str) -> None:
    """Without words such as milli, which a share is not."""
    assert number(value) == expected
