"""What is seen of a stack in the local AWS, before it is there, while it is, and when it is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import EndpointConnectionError

from local.machine.account import ALARMS_EVERY, Account, alarm_shown

NOW = 1_800_000_000.0
URLS = {"UpdatesQueue": "u", "TasksQueue": "t", "DeadQueue": "d"}


class _Cloud:
    """A local AWS that is there or not."""

    stack_name = "floodgate-local"

    def __init__(self) -> None:
        self.is_there = True
        self.queues = dict(URLS)
        self.alarms: list[dict[str, Any]] = []
        self.asked = 0

    @property
    def sqs(self) -> Any:
        """Itself."""
        return self

    def client(self, _service: str) -> Any:
        """Return itself."""
        return self

    def physical_ids(self, _type: str) -> dict[str, str]:
        """Return the queues."""
        self._answer()
        return self.queues

    def get_queue_attributes(self, **_: Any) -> dict[str, dict[str, str]]:
        """Return depths."""
        self._answer()
        depths = {"": "3", "NotVisible": "2", "Delayed": "1"}
        return {"Attributes": {f"ApproximateNumberOfMessages{name}": depth for name, depth in depths.items()}}

    def get_paginator(self, _operation: str) -> Any:
        """Return itself."""
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """Return the alarms."""
        self._answer()
        self.asked += 1
        return [{"MetricAlarms": self.alarms}]

    def _answer(self) -> None:
        if not self.is_there:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")


def _alarm(name: str, state: str) -> dict[str, Any]:
    return {
        "AlarmName": f"floodgate-local-{name}-1A2B3C",
        "StateValue": state,
        "StateReason": "Threshold Crossed",
        "StateUpdatedTimestamp": datetime.fromtimestamp(NOW, UTC),
        "AlarmDescription": f"It is so. What to do: docs/runbook.md#{name.lower()}",
    }


def test_queues_are_as_deep_as_sqs_says() -> None:
    """What waits, delayed or not, and what is in hand."""
    look = Account(_Cloud, lambda: NOW).look()
    depth = {"waiting": 4, "in_hand": 2}
    assert (look.at, look.queues) == (NOW, {"updates": depth, "tasks": depth, "dead": depth})


def test_alarms_that_ring_come_first() -> None:
    """With their reason; then those in order, then those without data, each by name."""
    cloud = _Cloud()
    cloud.alarms = [_alarm("B", "OK"), _alarm("C", "INSUFFICIENT_DATA"), _alarm("A", "OK"), _alarm("D", "ALARM")]
    alarms = Account(lambda: cloud, lambda: NOW).look().alarms
    assert alarms is not None
    assert [(alarm["name"], alarm["state"]) for alarm in alarms] == [
        ("D", "rings"), ("A", "in order"), ("B", "in order"), ("C", "no data yet"),
    ]  # fmt: skip
    assert [alarm["why"] for alarm in alarms] == ["Threshold Crossed", "", "", ""]


def test_an_alarm_is_shown_by_its_meaning() -> None:
    """Its name in the template, and the runbook's section apart from its words."""
    assert alarm_shown(_alarm("DeadLettersAlarm", "ALARM"), "floodgate-local") == {
        "name": "DeadLettersAlarm", "state": "rings", "means": "It is so.", "why": "Threshold Crossed", "since": NOW,
        "section": "deadlettersalarm",
    }  # fmt: skip


def test_alarms_are_asked_for_less_often() -> None:
    """A look of five; the others show what was seen then."""
    cloud = _Cloud()
    account = Account(lambda: cloud, lambda: NOW)
    looks = [account.look() for _ in range(2 * ALARMS_EVERY)]
    assert cloud.asked == 2
    assert all(look.alarms == () for look in looks)


def test_a_stack_may_come_go_and_come_again() -> None:
    """What cannot be seen is None; another stack's queues are found anew."""
    cloud = _Cloud()
    account = Account(lambda: cloud, lambda: NOW)
    cloud.is_there = False
    assert account.look().queues is None
    cloud.is_there, cloud.queues = True, {"UpdatesQueue": "u"}
    assert (account.look().queues, account.look().alarms) == (None, ())
    cloud.queues = dict(URLS)
    assert account.look().queues is not None
    cloud.is_there = False
    assert (account.look().queues, account.look().alarms) == (None, None)
    cloud.is_there = True
    assert account.look().queues is not None
