"""The bot's figures of an hour, as CloudWatch has them: one question, answered by the minute.

Rule: what is counted is added up over the functions that count it, for a metric has one dimension and no total. A
percentile cannot be added up: the hour's is asked for as one, of the worker, with which people speak.
Hazard: CloudWatch may lay the hour's periods otherwise than asked for, and then answers with two; the worse one counts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from floodgate.monitoring import metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

HOUR_S: Final = 3600
MINUTE_S: Final = 60
#: How long CloudWatch may take to have a figure: what is not there yet is no nought.
LATE_S: Final = 120
WORKERS: Final = ("worker", "tasks")

_COUNTED: Final = (
    metrics.UPDATES_HANDLED,
    metrics.UPDATES_LIMITED,
    metrics.UPDATES_GIVEN_UP,
    metrics.ATTEMPTS_FAILED,
    metrics.TELEGRAM_CALLS,
    metrics.TELEGRAM_CALLS_FAILED,
    metrics.TELEGRAM_CALLS_LIMITED,
    metrics.CACHE_HITS,
    metrics.CACHE_MISSES,
)
#: Of the hour, and of each minute for the chart.
_PERCENTILES: Final = (
    (metrics.ANSWER_TIME, "p50", HOUR_S),
    (metrics.ANSWER_TIME, "p99", HOUR_S),
    (metrics.QUEUE_WAIT, "p99", HOUR_S),
    (metrics.ANSWER_TIME, "p50", MINUTE_S),
    (metrics.ANSWER_TIME, "p99", MINUTE_S),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted and measured from `start` to `end`, Unix seconds, whole minutes."""

    start: int
    end: int
    #: By metric and minute.
    counts: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    #: By metric, percentile and period: milliseconds by the period's start.
    times: Mapping[tuple[str, str, int], Mapping[int, float]] = field(default_factory=dict)

    @property
    def since(self) -> int | None:
        """The first minute in which anything was counted; None if nothing was."""
        return min((at for found in self.counts.values() for at in found), default=None)

    def total(self, metric: str) -> int:
        """Return how many there were."""
        return round(sum(self.counts.get(metric, {}).values()))

    def worst_s(self, metric: str, percentile: str) -> float | None:
        """Return the hour's percentile in seconds; None if nothing was measured."""
        found = self.times.get((metric, percentile, HOUR_S), {}).values()
        return max(found) / 1000 if found else None

    def by_minute(self, metric: str) -> list[tuple[float, float | None]]:
        """Return the count of each minute; None before anything was counted, and where it may not be known yet."""
        found = self.counts.get(metric, {})
        counted = {at for others in self.counts.values() for at in others}
        known = range(min(counted, default=self.end), max({*counted, self.end - LATE_S - MINUTE_S}) + 1)
        return [(at, found.get(at, 0.0) if at in known else None) for at in self._minutes()]

    def seconds_by_minute(self, metric: str, percentile: str) -> list[tuple[float, float | None]]:
        """Return the percentile of each minute in seconds; None where nothing was measured."""
        found = self.times.get((metric, percentile, MINUTE_S), {})
        return [(at, found[at] / 1000 if at in found else None) for at in self._minutes()]

    def _minutes(self) -> Sequence[int]:
        return range(self.start, self.end, MINUTE_S)


def figures(cloudwatch: CloudWatchClient, namespace: str, now: float) -> Figures:
    """Return the figures of the hour up to the last whole minute; raises what botocore raises."""
    end = int(now) // MINUTE_S * MINUTE_S
    start = end - HOUR_S
    wanted: dict[str, tuple[str, str, str, int]] = {}  # by id, which CloudWatch wants to begin with a small letter
    for metric in _COUNTED:
        wanted |= {f"q{len(wanted) + number}": (metric, "Sum", of, MINUTE_S) for number, of in enumerate(WORKERS)}
    for metric, percentile, period_s in _PERCENTILES:
        wanted[f"q{len(wanted)}"] = (metric, percentile, WORKERS[0], period_s)

    counts: defaultdict[str, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    times: defaultdict[tuple[str, str, int], dict[int, float]] = defaultdict(dict)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query(name, namespace, *what) for name, what in wanted.items()],
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
    )
    for result in (one for page in pages for one in page["MetricDataResults"]):
        metric, statistic, _, period_s = wanted[result["Id"]]
        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
            if statistic == "Sum":
                counts[metric][int(at.timestamp())] += value
            else:
                times[metric, statistic, period_s][max(start, int(at.timestamp()))] = value
    return Figures(start, end, counts, times)


def _query(name: str, namespace: str, metric: str, statistic: str, function: str, period_s: int) -> Any:
    asked: MetricDataQueryTypeDef = {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": "function", "Value": function}],
            },
            "Period": period_s,
            "Stat": statistic,
        },
    }
    return asked
