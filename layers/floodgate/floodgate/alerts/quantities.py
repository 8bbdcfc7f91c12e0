"""What raised an alarm, in a line: `Queue wait (p99): 45 s, alarm above 30 s`. Pure.

Rule: CloudWatch's reason is a sentence whose data points carry their times; the latest of them is the figure. Units
follow from a metric's name, for an alarm knows none: ours and AWS's end in what they measure. Hazard: the sentence is
AWS's to change; a reason that is not understood gives no figure, and the message does without.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_POINT: Final = re.compile(r"(-?[0-9.]+(?:E-?[0-9]+)?) \(([0-9/]{8} [0-9:]{8})\)")
_EDGE: Final = re.compile(r"(lower|upper) thresholds? \[(-?[0-9.]+(?:E-?[0-9]+)?)")
_ALARMS: Final = re.compile(r":alarm:([^\s,]+)")
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+[a-z]*")
_MILLISECONDS: Final = ("Time", "Wait", "Latency", "Duration")
_SECONDS: Final = ("AgeOfOldestMessage",)
_SIDES: Final = {
    "GreaterThanThreshold": "alarm above {}",
    "GreaterThanOrEqualToThreshold": "alarm from {}",
    "LessThanThreshold": "alarm below {}",
    "LessThanOrEqualToThreshold": "alarm at {} or less",
}


def figure(reason: str, metric: str, statistic: str, comparison: str, threshold: float | None) -> str:
    """Return the line; "" if the reason names no figure."""
    points = [(_time(found[2]), float(found[1])) for found in _POINT.finditer(reason)]
    if not points:
        return ""
    value = max(points)[1]

    def written(number: float) -> str:
        return quantity(number, metric, is_rate=is_rate(statistic, threshold))

    said = f"{words(metric)}{f' ({statistic})' if statistic.startswith('p') else ''}: {written(value)}"
    if threshold is not None:
        return f"{said}, {_SIDES.get(comparison, 'threshold {}').format(written(threshold))}"
    edges = dict(_EDGE.findall(reason))
    return f"{said}, usual {' to '.join(written(float(edges[one])) for one in ('lower', 'upper') if one in edges)}"


def is_rate(statistic: str, threshold: float | None) -> bool:
    """Tell whether an alarm is on a share: the average of noughts and ones."""
    return statistic == "Average" and threshold is not None and threshold <= 1


def axis(metric: str, statistic: str, threshold: float | None) -> tuple[float, str]:
    """Return what a metric's values are multiplied by on a graph, and their unit there, "" for a number."""
    if is_rate(statistic, threshold):
        return 100.0, "%"
    if metric.endswith(_MILLISECONDS):
        return 0.001, "seconds"
    return 1.0, "seconds" if metric.endswith(_SECONDS) else ""


def alarms_named(reason: str) -> list[str]:
    """Return the names of the alarms that a composite alarm's reason names."""
    return list(dict.fromkeys(_ALARMS.findall(reason)))


def quantity(value: float, metric: str, *, is_rate: bool = False) -> str:
    """Return a metric's value with its unit, as people read it."""
    if is_rate:
        return f"{number(value * 100)} %"
    if metric.endswith(_MILLISECONDS):
        return lasting(value / 1000)
    if metric.endswith(_SECONDS):
        return lasting(value)
    return number(value)


def lasting(seconds: float) -> str:
    """Return a length of time: `850 ms`, `4.2 s`, `7 min`, `2 h 5 min`, `3 days 4 h`."""
    if seconds < 1:
        return f"{number(seconds * 1000)} ms"
    if seconds < 120:
        return f"{number(seconds)} s"
    minutes = round(seconds / 60)
    for size, unit, smaller_size, smaller in ((1440, "days", 60, "h"), (60, "h", 1, "min")):
        if minutes >= 2 * size or (size == 60 and minutes >= size):
            rest = minutes % size // smaller_size
            return f"{minutes // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{minutes} min"


def number(value: float) -> str:
    """Return a number with three figures that count, or whole, its thousands apart: `0.5`, `4.2`, `25 000`."""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def words(name: str) -> str:
    """Return a name's words: `Queue wait` for `QueueWait`; the first keeps its capital, and so do abbreviations."""
    found = _WORDS.findall(name)
    return " ".join(one if not at or one.isupper() else one.lower() for at, one in enumerate(found)) or name


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%y %H:%M:%S").replace(tzinfo=UTC)
