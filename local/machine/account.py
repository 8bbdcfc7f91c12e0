"""What the local AWS says of the stack: how deep its queues are, and which alarms ring.

Problem: the stack may not be there yet, be deployed just now, or be gone and come again. Rule: a look never raises;
what cannot be seen is None, and is looked for anew the next time. It waits on the network, so it belongs in a thread.
Hazard: a look costs the local AWS some milliseconds: queues are looked at each second, alarms each fifth.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

type Json = dict[str, Any]

QUEUES = {"updates": "UpdatesQueue", "tasks": "TasksQueue", "dead": "DeadQueue"}
ALARMS_EVERY = 5
_STATES = {"ALARM": "rings", "OK": "in order", "INSUFFICIENT_DATA": "no data yet"}
_ORDER = tuple(_STATES.values())
_WAITING, _IN_HAND, _DELAYED = (
    "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
)  # fmt: skip
#: Nobody answers, or without sense; a resource that is being made has no id yet.
_NOT_THERE = (BotoCoreError, ClientError, ResponseParserError, KeyError)
_SECTION = re.compile(r"\s*What to do: \S*#([\w-]+)\s*$")


class Aws(Protocol):
    """What is asked of `local.aws.LocalAws`."""

    stack_name: str

    @property
    def sqs(self) -> "SQSClient":
        """The client of SQS."""
        ...

    def client(self, service: str) -> Any:
        """Return a client of that service."""
        ...

    def physical_ids(self, resource_type: str) -> dict[str, str]:
        """Return the stack's resources of that type by logical id."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `queues` has `waiting` and `in_hand` of each by QUEUES' names; `alarms` are as shown."""

    at: float
    queues: Mapping[str, Mapping[str, int]] | None = None
    alarms: tuple[Json, ...] | None = None


class Account:
    """Looks at the stack in a local AWS; `connect` makes the client once it is first looked at."""

    def __init__(self, connect: Callable[[], Aws], clock: Callable[[], float] = time.time) -> None:
        self._connect = connect
        self._clock = clock
        self._aws: Aws | None = None
        self._cloudwatch: Any = None
        self._urls: dict[str, str] = {}
        self._looks = 0
        self._alarms: tuple[Json, ...] | None = None

    def look(self) -> Look:
        """Return what there is to see."""
        at = self._clock()
        if self._aws is None:
            self._aws = self._connect()
            self._cloudwatch = self._aws.client("cloudwatch")
        try:
            queues = self._depths(self._aws)
        except _NOT_THERE:
            self._urls, self._alarms, self._looks = {}, None, 0
            return Look(at)
        if self._looks % ALARMS_EVERY == 0:
            try:
                self._alarms = self._states(self._aws)
            except _NOT_THERE:
                self._alarms = None
        self._looks += 1
        return Look(at, queues, self._alarms)

    def _depths(self, aws: Aws) -> dict[str, dict[str, int]] | None:
        if not self._urls:
            found = aws.physical_ids("AWS::SQS::Queue")
            urls = {name: found[logical_id] for name, logical_id in QUEUES.items() if logical_id in found}
            if len(urls) < len(QUEUES):  # it is being deployed
                return None
            self._urls = urls
        return {name: self._depth(aws, url) for name, url in self._urls.items()}

    @staticmethod
    def _depth(aws: Aws, url: str) -> dict[str, int]:
        names = (_WAITING, _IN_HAND, _DELAYED)
        said = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]  # type: ignore[arg-type] # the literals are lost in the tuple
        waiting, in_hand, delayed = (int(said.get(name, 0)) for name in names)  # type: ignore[call-overload] # likewise
        return {"waiting": waiting + delayed, "in_hand": in_hand}

    def _states(self, aws: Aws) -> tuple[Json, ...]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{aws.stack_name}-")
        alarms = [alarm_shown(alarm, aws.stack_name) for page in pages for alarm in page.get("MetricAlarms", [])]
        return tuple(sorted(alarms, key=lambda alarm: (_ORDER.index(alarm["state"]), alarm["name"])))


def alarm_shown(alarm: Mapping[str, Any], stack_name: str) -> Json:
    """Return the alarm as the page shows it: its name in the template, state, meaning and section of the runbook."""
    words = str(alarm.get("AlarmDescription", ""))
    section = _SECTION.search(words)
    name = alarm["AlarmName"].removeprefix(f"{stack_name}-").rpartition("-")[0] or alarm["AlarmName"]
    state = _STATES.get(alarm.get("StateValue", ""), _STATES["INSUFFICIENT_DATA"])
    since = alarm.get("StateUpdatedTimestamp")
    return {
        "name": name,
        "state": state,
        "means": _SECTION.sub("", words)[:300],
        "why": str(alarm.get("StateReason", ""))[:300] if state == "rings" else "",
        "since": since.timestamp() if since is not None and state == "rings" else None,
        "section": section[1] if section else "",
    }
