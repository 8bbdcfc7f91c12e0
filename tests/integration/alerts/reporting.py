"""CloudWatch at the far end of a real client: the figures and alarms that a test says, or its next fault."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from floodgate.alerts.status import StatusReport

if TYPE_CHECKING:
    from tests.integration.worker.cloud import Cloud


@dataclass(frozen=True)
class _Answered:
    """What botocore needs to know of an HTTP response that has been parsed."""

    status_code: int = 200


@dataclass
class CloudWatchWire:
    """What CloudWatch has."""

    figures: dict[tuple[str, str, str], dict[float, float]] = field(default_factory=lambda: defaultdict(dict))
    """By name, function and statistic: values by the minute in which they were measured, Unix seconds."""
    ringing: dict[str, float] = field(default_factory=dict)
    """Alarms by name, and since when they ring."""
    asked: list[dict[str, Any]] = field(default_factory=list)

    def tap(self, client: Any) -> Any:
        """Put this wire below `client`."""
        client.meta.events.register("provide-client-params", self._keep)
        client.meta.events.register("before-call", self._answer)
        return client

    def _keep(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(params)

    def _answer(self, model: Any, **_: Any) -> tuple[_Answered, dict[str, Any]]:
        if model.name == "DescribeAlarms":
            alarms = [
                {
                    "AlarmName": name,
                    "StateValue": "ALARM",
                    "StateUpdatedTimestamp": datetime.fromtimestamp(since + 40, UTC),
                    "StateTransitionedTimestamp": datetime.fromtimestamp(since, UTC),
                }
                for name, since in self.ringing.items()
            ]
            return _Answered(), {"MetricAlarms": alarms, "CompositeAlarms": []}
        asked = [one for one in self.asked if "MetricDataQueries" in one][-1]
        return _Answered(), {"MetricDataResults": [self._found(asked, query) for query in asked["MetricDataQueries"]]}

    def _found(self, asked: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
        """Return the values of one query as CloudWatch does: the latest first, by the start of their period."""
        metric, period_s = query["MetricStat"]["Metric"], query["MetricStat"]["Period"]
        [dimension] = metric["Dimensions"]
        assert (metric["Namespace"], dimension["Name"]) == ("Floodgate/floodgate", "function")
        start, end = asked["StartTime"].timestamp(), asked["EndTime"].timestamp()
        kept = self.figures.get((metric["MetricName"], dimension["Value"], query["MetricStat"]["Stat"]), {})
        periods = {
            start + (at - start) // period_s * period_s: value for at, value in kept.items() if start <= at < end
        }
        latest_first = sorted(periods.items(), reverse=True)
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in latest_first],
            "Values": [value for _, value in latest_first],
            "StatusCode": "Complete",
        }


def reporting(cloud: Cloud, cloudwatch: CloudWatchWire) -> StatusReport:
    """Return what reports on the stack in that cloud."""
    return StatusReport(
        namespace="Floodgate/floodgate",
        stack_name="floodgate",
        state_table="state",
        queues={"updates": cloud.updates_url, "tasks": cloud.tasks_url, "dead": cloud.dead_url},
        cloudwatch=cloudwatch.tap(cloud.client("cloudwatch")),
        sqs=cloud.client("sqs"),
        dynamodb=cloud.client("dynamodb"),
        clock=cloud.clock,
    )
