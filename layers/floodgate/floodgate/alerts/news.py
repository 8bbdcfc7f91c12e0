"""News of an alarm, from whoever brings it: CloudWatch through SNS, the list of all alarms, a budget. Pure.

Problem: the same is told in three shapes, and one of them is prose. Rule: each is read into `News`. A metric alarm's
metric becomes the queries of GetMetricData, which hold a single metric as well as an expression. What is no alarm, such
as a budget's message, is a note: it is passed on and never recovers. Hazard: anybody whom the topic lets publish may
write anything, so what is not understood is a note too, and shortened.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from floodgate.alerts.quantities import alarms_named, figure, words
from floodgate.state.alarms import alarm_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ANCHOR: Final = re.compile(r"(?:\s*What to do:)?\s*docs/runbook\.md#([a-z0-9-]+)\s*$")
_DETAIL: Final = re.compile(r"[A-Z][A-Za-z ]{2,40}: \S.{0,100}")
#: A note's text: its details if it has some, for a budget's message greets at length; else its beginning.
_DETAILS: Final = 8
_LONGEST: Final = 700
_SUBJECT: Final = 100


@dataclass(frozen=True, slots=True)
class Graph:
    """What to draw: the queries of GetMetricData, and the line that the figure is held against."""

    queries: Sequence[Mapping[str, Any]]
    title: str
    threshold: float | None
    #: How much the alarm looks at, in seconds.
    window_s: int


@dataclass(frozen=True, slots=True)
class News:
    """What an alarm's state is since when, as somebody has told it."""

    name: str
    state: Literal["ALARM", "OK", "INSUFFICIENT_DATA", "NOTE"]
    #: Unix seconds, to the millisecond.
    at: float
    description: str = ""
    #: The runbook's section.
    anchor: str = ""
    figure: str = ""
    graph: Graph | None = None
    #: What its item is kept under: its name stands for an alarm, and each note is one of its own.
    item: str = ""

    @property
    def key(self) -> str:
        """What its item is kept under."""
        return self.item or alarm_key(self.name)


def logical_id(name: str, stack: str) -> str | None:
    """Return what the template calls the alarm; None if it is not this stack's."""
    found = re.fullmatch(rf"{re.escape(stack)}-([A-Za-z0-9]+Alarm)-[A-Za-z0-9]+", name)
    return found[1] if found else None


def title(name: str, stack: str) -> str:
    """Return an alarm's name in words; another's than this stack's as it is."""
    ours = logical_id(name, stack)
    return name if ours is None else words(ours.removesuffix("Alarm"))


def from_notification(notification: Mapping[str, Any], stack: str) -> News:
    """Return what an SNS message tells; `notification` is the `Sns` of Lambda's event."""
    try:
        told = json.loads(notification["Message"])
        return _of_alarm(told, stack)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _note(notification)


def _of_alarm(told: Mapping[str, Any], stack: str) -> News:
    trigger: Mapping[str, Any] = told.get("Trigger") or {}
    return _news(
        told["AlarmName"],
        told["NewStateValue"],
        datetime.fromisoformat(told["StateChangeTime"]),
        told.get("AlarmDescription") or "",
        told.get("NewStateReason") or "",
        {**trigger, "Statistic": trigger.get("ExtendedStatistic") or _statistic(trigger)},
        " ".join(f":alarm:{one['Arn'].rpartition(':alarm:')[2]}" for one in told.get("TriggeringChildren") or []),
        stack,
    )


def _statistic(trigger: Mapping[str, Any]) -> str:
    """Return a statistic as GetMetricData writes it; in a notification it is in capitals."""
    return str(trigger.get("Statistic") or "").replace("_", " ").title().replace(" ", "") or "Average"


def from_description(alarm: Mapping[str, Any], stack: str) -> News:
    """Return what DescribeAlarms tells of an alarm, metric or composite; of one that is switched off, nothing new."""
    return _news(
        alarm["AlarmName"],
        alarm["StateValue"] if alarm.get("ActionsEnabled", True) else "INSUFFICIENT_DATA",
        alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"],
        alarm.get("AlarmDescription", ""),
        alarm.get("StateReason", ""),
        {**alarm, "Statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")},
        "",
        stack,
    )


def again(item: str, name: str) -> News:
    """Return no news of what is kept under `item`: whatever of it is due is to be shown."""
    return News(name, "INSUFFICIENT_DATA", 0.0, item=item)


def gone(name: str, at: float) -> News:
    """Return that an alarm is over, for it is no longer there."""
    return News(name, "OK", round(at, 3))


def _news(
    name: str,
    state: Any,
    at: datetime,
    description: str,
    reason: str,
    metric: Mapping[str, Any],
    children: str,
    stack: str,
) -> News:
    if state not in {"ALARM", "OK", "INSUFFICIENT_DATA"}:
        raise ValueError(state)
    anchor = _ANCHOR.search(description)
    threshold = metric.get("Threshold")
    queries = _queries(metric)
    said = figure(
        reason,
        _label(queries, metric),
        str(metric.get("Statistic", "")),
        str(metric.get("ComparisonOperator", "")),
        None if threshold is None or metric.get("ThresholdMetricId") else float(threshold),
    )
    if not said and (named := alarms_named(children or reason)):
        said = "Because of: " + ", ".join(title(one, stack) for one in named)
    ours = logical_id(name, stack)
    return News(
        name=name,
        state=state,
        at=round(at.timestamp(), 3),
        description=" ".join(_ANCHOR.sub("", description).split()),
        anchor=anchor[1] if anchor else (ours or "").lower(),
        figure=said,
        graph=_graph(queries, metric, title(name, stack)),
    )


def _graph(queries: Sequence[Mapping[str, Any]], metric: Mapping[str, Any], name: str) -> Graph | None:
    if not queries:
        return None
    period_s = max(int(one.get("MetricStat", one).get("Period") or 60) for one in queries)
    threshold = None if metric.get("ThresholdMetricId") else metric.get("Threshold")
    return Graph(
        queries, name, None if threshold is None else float(threshold), period_s * int(metric["EvaluationPeriods"])
    )


def _queries(metric: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the metric of an alarm as GetMetricData asks for it; nothing for a composite alarm."""
    if metric.get("Metrics"):
        return [_query(one) for one in metric["Metrics"]]
    if not metric.get("MetricName"):
        return []
    stat = {
        "Metric": _metric(metric),
        "Period": int(metric.get("Period") or 60),
        "Stat": metric["Statistic"],
    }
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": True}]


def _query(query: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("Id", "Expression", "Label", "Period", "ReturnData", "AccountId")
    found = {name: query[name] for name in names if query.get(name) is not None}
    if stat := query.get("MetricStat"):
        found["MetricStat"] = {"Metric": _metric(stat["Metric"]), "Period": int(stat["Period"]), "Stat": stat["Stat"]}
    return found


def _metric(metric: Mapping[str, Any]) -> Mapping[str, Any]:
    dimensions = [{name.title(): value for name, value in one.items()} for one in metric.get("Dimensions") or []]
    return {"Namespace": metric["Namespace"], "MetricName": metric["MetricName"], "Dimensions": dimensions}


def _label(queries: Sequence[Mapping[str, Any]], metric: Mapping[str, Any]) -> str:
    """Return what the figure is of: the metric, or what an expression calls itself."""
    if metric.get("MetricName"):
        return str(metric["MetricName"])
    returned = next((one for one in queries if one.get("ReturnData", True)), {})
    stat: Mapping[str, Any] = returned.get("MetricStat") or {}
    return str(stat.get("Metric", {}).get("MetricName") or returned.get("Label") or "Figure")


def _note(notification: Mapping[str, Any]) -> News:
    text = str(notification.get("Message") or "")
    details = [line.strip() for line in text.splitlines() if _DETAIL.fullmatch(line.strip())]
    subject = " ".join(str(notification.get("Subject") or "A message on the alarms' topic").split())
    return News(
        name=subject[:_SUBJECT],
        state="NOTE",
        at=round(_moment(notification), 3),
        description="\n".join(details[:_DETAILS]) or " ".join(text.split())[:_LONGEST],
        item=alarm_key(str(notification["MessageId"])),
    )


def _moment(notification: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(notification["Timestamp"]).astimezone(UTC).timestamp()
