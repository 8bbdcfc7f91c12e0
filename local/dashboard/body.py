"""A CloudWatch dashboard's body: its widgets, and which metrics each of them shows.

Rule: what AWS's page "Dashboard body structure and syntax" says, as far as the template uses it: text, alarm and metric
widgets; rows of metrics with their short forms (`.` for the same as above, `...` for all that is the same); statistics
and periods of the row, or else the widget's; expressions; horizontal lines. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """A line of a graph: a metric, or an expression of other rows by their ids."""

    id: str
    label: str
    namespace: str = ""
    name: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    stat: str = "Average"
    period_s: int = 300
    expression: str = ""
    is_right: bool = False
    is_visible: bool = True


@dataclass(frozen=True)
class Widget:
    """A rectangle of the dashboard's grid of 24 columns."""

    kind: str
    x: int
    y: int
    width: int
    height: int
    properties: Mapping[str, Any]
    rows: tuple[Row, ...] = ()

    @property
    def title(self) -> str:
        """What stands above it."""
        return str(self.properties.get("title", ""))

    def axis(self, side: str) -> Mapping[str, Any]:
        """Return what is said of the axis `left` or `right`."""
        axis: Mapping[str, Any] = self.properties.get("yAxis", {}).get(side, {})
        return axis

    @property
    def thresholds(self) -> list[tuple[str, float]]:
        """Labels and values of its horizontal lines."""
        lines = self.properties.get("annotations", {}).get("horizontal", [])
        return [(str(line.get("label", "")), float(line["value"])) for line in lines]


def widgets(body: str) -> list[Widget]:
    """Return the widgets of a dashboard's body."""
    return [
        Widget(
            kind=one["type"],
            x=one["x"],
            y=one["y"],
            width=one["width"],
            height=one["height"],
            properties=one["properties"],
            rows=_rows(one["properties"], f"w{number}"),
        )
        for number, one in enumerate(json.loads(body)["widgets"])
    ]


def _rows(properties: Mapping[str, Any], prefix: str) -> tuple[Row, ...]:
    found: list[Row] = []
    before: list[str] = []
    for number, row in enumerate(properties.get("metrics", [])):
        options: Mapping[str, Any] = row[-1] if isinstance(row[-1], dict) else {}
        words = [one for one in row if isinstance(one, str)]
        common: dict[str, Any] = {
            "id": options.get("id", f"{prefix}m{number}"),
            "is_right": options.get("yAxis") == "right",
            "is_visible": options.get("visible", True),
            "period_s": int(options.get("period", properties.get("period", 300))),
        }
        if expression := options.get("expression"):
            found.append(Row(label=options.get("label", expression), expression=expression, **common))
            continue
        before = words = _in_full(words, before)
        found.append(
            Row(
                label=options.get("label", words[1]),
                namespace=words[0],
                name=words[1],
                dimensions=dict(zip(words[2::2], words[3::2], strict=True)),
                stat=options.get("stat", properties.get("stat", "Average")),
                **common,
            )
        )
    return tuple(found)


def _in_full(words: list[str], before: list[str]) -> list[str]:
    """Return a row's words with what its short forms stand for."""
    if words and words[0] == "...":
        own = words[1:]
        words = [*before[: len(before) - len(own)], *own]
    return [before[at] if word == "." else word for at, word in enumerate(words)]
