"""EventBridge Scheduler's part: what moto's schedules hold and is due by the cloud's clock goes into its queue.

moto 5.2 keeps schedules and fires none, forgets ActionAfterCompletion in an update, and takes any expression and any
time zone. What is here is what AWS documents: one-time and cron expressions in a time zone, a time that the clocks
leave out is left out, one that comes twice comes once; `<aws.scheduler.scheduled-time>` is filled in; a one-time
schedule with DELETE is gone once it has run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.scheduler.models import scheduler_backends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.worker.cloud import Cloud

_NAMES = {name: number for number, name in enumerate(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"])}
_CRON = re.compile(r"cron\((\d+) (\d+) (\S+) (\S+) (\S+) \*\)")


@dataclass
class Due:
    """Hands out what is due."""

    cloud: Cloud
    #: What was handed out, in UTC.
    sent: list[datetime] = field(default_factory=list)
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin now."""
        self._since = self.cloud.clock()

    @property
    def schedules(self) -> dict[str, Any]:
        """Every schedule of the group, by name."""
        group = scheduler_backends[ACCOUNT]["eu-central-1"].schedule_groups.get("schedules")
        return dict(group.schedules) if group else {}

    def hand_out(self) -> int:
        """Send what has become due since the last time, and return how many that were."""
        since, self._since = self._since, self.cloud.clock()
        found = sorted(
            (moment, name)
            for name, one in self.schedules.items()
            for moment in occurrences(one.schedule_expression, one.schedule_expression_timezone, since, self._since)
        )
        for moment, name in found:
            self.send(name, moment)
        return len(found)

    def send(self, name: str, moment: datetime) -> None:
        """Send a schedule's message, as AWS may do more than once."""
        group = scheduler_backends[ACCOUNT]["eu-central-1"].schedule_groups["schedules"]
        one = group.schedules[name]
        assert one.target["Arn"].endswith(":tasks.fifo")
        body = one.target["Input"].replace("<aws.scheduler.scheduled-time>", f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        self.sent.append(moment)
        self.cloud.queue(body, one.target["SqsParameters"]["MessageGroupId"], self.cloud.tasks_url)
        if one.action_after_completion == "DELETE":
            del group.schedules[name]


def occurrences(expression: str, timezone: str, since: float, until: float) -> Iterator[datetime]:
    """Yield each time, in UTC, that an expression names after `since` and up to `until`."""
    zone = ZoneInfo(timezone)
    if found := re.fullmatch(r"at\((.+)\)", expression):
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=zone)
        # One that was late when it was made is sent at once.
        if moment.timestamp() <= until:
            yield moment.astimezone(UTC)
        return
    found = _CRON.fullmatch(expression)
    assert found is not None, expression
    minute, hour, day, month, weekdays = found.groups()
    assert (day == "?") != (weekdays == "?"), "EventBridge takes one of them"
    one = datetime.fromtimestamp(since, zone).date()
    while one <= datetime.fromtimestamp(until, zone).date():
        if _is_on(one, day, month, weekdays):
            local = datetime(one.year, one.month, one.day, int(hour), int(minute), tzinfo=zone)
            moment = local.astimezone(UTC)
            is_there = moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
            if is_there and since < moment.timestamp() <= until:
                yield moment
        one += timedelta(1)


def _is_on(one: date, day: str, month: str, weekdays: str) -> bool:
    if month not in {"*", str(one.month)}:
        return False
    if day == "?":
        return weekdays == "*" or one.weekday() in {_NAMES[name] for name in weekdays.split(",")}
    if day == "L":
        return (one + timedelta(1)).day == 1
    return day in {"*", str(one.day)}
