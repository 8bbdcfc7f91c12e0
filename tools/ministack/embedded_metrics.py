"""CloudWatch's embedded metric format: what a log line counts, if it is such a line.

Rule: a JSON object with `_aws` says which of its members are metrics, and for which sets of dimensions; each set is a
metric of its own, and a list holds several values. Pure. What is not of the format counts nothing, as on AWS, which
keeps such a line as a line.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class Datum(NamedTuple):
    """Values of one metric at one time, a Unix time."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    at: float
    unit: str
    values: tuple[float, ...]


def data(line: str) -> Iterator[Datum]:
    """Yield what the line counts."""
    if '"_aws"' not in line:
        return
    try:
        said: dict[str, Any] = json.loads(line)
        at = float(said["_aws"]["Timestamp"]) / 1000
        for directive in said["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                value = said[metric["Name"]]
                values = tuple(float(one) for one in (value if isinstance(value, list) else [value]))
                for names in directive.get("Dimensions") or [[]]:
                    dimensions = {name: str(said[name]) for name in names}
                    yield Datum(
                        directive["Namespace"], metric["Name"], dimensions, at, metric.get("Unit", "None"), values
                    )
    except (KeyError, TypeError, ValueError):
        return
