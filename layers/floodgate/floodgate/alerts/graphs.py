"""The graph of an alarm's metric, as a PNG: CloudWatch's own, or one that is drawn here from the same figures.

Rule: a message waits for its graph for a few seconds only, and comes without one if there is none: the words are what
matters. Hazard: CloudWatch may be what is down.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.alerts.chart import Panel, Series, draw
from floodgate.aws import fault
from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudwatch import CloudWatchClient

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
        names = {  # as CloudWatch would say; the local AWS says the query's id
            query["Id"]: query["MetricStat"]["Metric"]["MetricName"]
            for query in graph.queries
            if "MetricStat" in query and "Label" not in query
        }
        series = [
            Series(names.get(one.get("Id", ""), one["Label"]), [(at.timestamp(), value) for at, value in points])
            for one in answer["MetricDataResults"]
            if (points := list(zip(one["Timestamps"], one["Values"], strict=True)))
        ]
        return draw([Panel(graph.title, series, "", graph.threshold)]) if series else None


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
