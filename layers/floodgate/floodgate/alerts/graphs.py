"""The graph of an alarm's metric, as a PNG: CloudWatch's own, or one that is drawn here from the same figures.

Rule: a message waits for its graph for a few seconds only, and comes without one if there is none: the words are what
matters. Hazard: CloudWatch may be what is down.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.alerts.chart import Panel, Series, draw
from floodgate.alerts.quantities import axis, words
from floodgate.aws import fault
from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataResultTypeDef

    from floodgate.alerts.news import Graph
    from floodgate.aws import AwsCalls

#: The least and the most that a graph shows, in seconds, and how often what the alarm looks at fits into it.
_LEAST_S: Final = 3600
_MOST_S: Final = 86_400
_WINDOWS: Final = 12
_WIDTH, _HEIGHT = 800, 400


class Graphs:
    """Gets graphs from CloudWatch."""

    def __init__(self, cloudwatch: CloudWatchClient, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._cloudwatch = cloudwatch
        self._calls = calls
        self._clock = clock

    async def picture(self, graph: Graph) -> bytes | None:
        """Return the graph up to now, None if it cannot be had. Raises nothing."""
        try:
            answer = await self._calls.run(
                self._cloudwatch.get_metric_widget_image,
                MetricWidget=json.dumps(widget(graph)),
                OutputFormat="png",
            )
        except (BotoCoreError, ClientError) as error:
            logger.info("graph not made by CloudWatch", error=fault(error))
        else:
            return answer["MetricWidgetImage"]
        try:
            return await self._drawn(graph)
        except Exception as error:  # noqa: BLE001 - a message without a graph is better than none
            logger.warning("no graph", error=type(error).__name__)
            return None

    async def _drawn(self, graph: Graph) -> bytes | None:
        now = self._clock()
        answer = await self._calls.run(
            self._cloudwatch.get_metric_data,
            MetricDataQueries=graph.queries,  # type: ignore[arg-type] # as alarms have them
            StartTime=datetime.fromtimestamp(now - shown_s(graph), UTC),
            EndTime=datetime.fromtimestamp(now, UTC),
            ScanBy="TimestampAscending",
        )
        panel = panel_of(graph, answer["MetricDataResults"])
        return draw([panel]) if panel.series else None


def panel_of(graph: Graph, results: Sequence[MetricDataResultTypeDef]) -> Panel:
    """Return the figures as a person reads them: the metric's name, its unit, and a gap where there was nothing."""
    asked = {query["Id"]: query["MetricStat"] for query in graph.queries if "MetricStat" in query}
    labels = {query["Id"]: query["Label"] for query in graph.queries if "Label" in query}
    first = next(iter(asked.values()), None)
    scale, unit = axis(first["Metric"]["MetricName"], first["Stat"], graph.threshold) if first else (1.0, "")
    series = []
    for one in results:
        query = one.get("Id", "")
        stat = asked.get(query)
        points = [(at.timestamp(), value * scale) for at, value in zip(one["Timestamps"], one["Values"], strict=True)]
        if points:
            said = words(stat["Metric"]["MetricName"]) if stat else one.get("Label", "")
            series.append(Series(labels.get(query, said), _with_gaps(points, stat["Period"] if stat else math.inf)))
    return Panel(graph.title, series, unit, None if graph.threshold is None else graph.threshold * scale)


def _with_gaps(points: Sequence[tuple[float, float]], period_s: float) -> list[tuple[float, float | None]]:
    """Return the points with None where one or more periods had no value."""
    found: list[tuple[float, float | None]] = list(points[:1])
    for (before, _), (at, value) in pairwise(points):
        if at - before > period_s:
            found.append((before + period_s, None))
        found.append((at, value))
    return found


def shown_s(graph: Graph) -> int:
    """Return how far back the graph goes, in seconds."""
    return min(_MOST_S, max(_LEAST_S, _WINDOWS * graph.window_s))


def widget(graph: Graph) -> dict[str, Any]:
    """Return the graph as GetMetricWidgetImage wants it."""
    asked: dict[str, Any] = {
        "title": graph.title,
        "metrics": [_line(query) for query in graph.queries],
        "start": f"-PT{shown_s(graph)}S",
        "end": "PT0H",
        "width": _WIDTH,
        "height": _HEIGHT,
        "yAxis": {"left": {"min": 0}},
        "timezone": "+0000",
    }
    if graph.threshold is not None:
        asked["annotations"] = {"horizontal": [{"label": "Alarm", "value": graph.threshold}]}
    return asked


def _line(query: Any) -> list[Any]:
    options = {"id": query["Id"], "visible": query.get("ReturnData", True)}
    if "Label" in query:
        options["label"] = query["Label"]
    if "Expression" in query:
        return [{**options, "expression": query["Expression"]}]
    stat = query["MetricStat"]
    metric = stat["Metric"]
    dimensions = [part for one in metric["Dimensions"] for part in (one["Name"], one["Value"])]
    return [
        metric["Namespace"],
        metric["MetricName"],
        *dimensions,
        {**options, "stat": stat["Stat"], "period": stat["Period"]},
    ]
