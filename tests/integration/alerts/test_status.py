"""The report is made of what AWS has: CloudWatch's figures and alarms, the queues, the failures, the webhook."""

from __future__ import annotations

import base64
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectTimeoutError

from floodgate.alerts import status as module
from floodgate.alerts.status_lines import Depth
from floodgate.state.health import Health, note_check, note_registration
from tests.unit.ingress.samples import BOT

if TYPE_CHECKING:
    from floodgate.alerts.status import StatusReport
    from tests.integration.alerts.reporting import CloudWatchWire
    from tests.integration.worker.cloud import Cloud


def test_figures_of_both_workers_are_added_up(cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport) -> None:
    """The hour up to the last whole minute, from this stack's namespace; what is older is not in it."""
    now = cloud.clock() - cloud.clock() % 60
    cloud.clock.now = now + 30
    cloudwatch.figures["UpdatesHandled", "worker", "Sum"] = {now - 120: 40, now - 60: 2, now - 3700: 1000, now: 500}
    cloudwatch.figures["UpdatesHandled", "tasks", "Sum"] = {now - 120: 8}
    cloudwatch.figures["TelegramCalls", "worker", "Sum"] = {now - 120: 90}
    cloudwatch.figures["CacheHits", "worker", "Sum"] = {now - 120: 3}
    cloudwatch.figures["CacheMisses", "tasks", "Sum"] = {now - 60: 1}
    lines = status.report()["text"].splitlines()
    assert lines[1] == "Updates: <b>50</b> handled, 0 limited; 0 attempts failed, 0 given up"
    assert lines[4:6] == ["Telegram: 90 calls, 0 failed, 0 answered 429", "Cache: 75 % of 4 reads"]


def test_percentiles_are_the_workers(cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport) -> None:
    """They cannot be added up, and people speak with the worker."""
    at = cloud.clock() - 300
    cloudwatch.figures["AnswerTime", "worker", "p50"] = {at: 500}
    cloudwatch.figures["AnswerTime", "worker", "p99"] = {at: 2500}
    cloudwatch.figures["AnswerTime", "tasks", "p99"] = {at: 99_000}
    cloudwatch.figures["QueueWait", "worker", "p99"] = {at: 80}
    lines = status.report()["text"].splitlines()
    assert lines[2:4] == ["Answer time: p50 <b>0.50 s</b>, p99 <b>2.50 s</b>", "Queue wait: p99 0.08 s"]


def test_there_is_a_picture_once_something_was_counted(
    cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport
) -> None:
    """A PNG; a new bot has no use for empty panels."""
    assert status.report().keys() == {"text"}
    cloudwatch.figures["UpdatesHandled", "worker", "Sum"] = {cloud.clock() - 120: 40}
    assert base64.b64decode(status.report()["chart"])[:4] == b"\x89PNG"


def test_what_cannot_be_drawn_costs_the_picture_alone(
    cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer for another processor, say: the lines come all the same."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    cloudwatch.figures["UpdatesHandled", "worker", "Sum"] = {cloud.clock() - 120: 40}
    report = status.report()
    assert report.keys() == {"text"}
    assert report["text"].splitlines()[1].startswith("Updates: <b>40</b> handled")


def test_only_this_stacks_alarms_are_told(cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport) -> None:
    """Names that CloudFormation made for it; another stack's name may begin with this one's."""
    cloudwatch.ringing = {
        "floodgate-DeadLettersAlarm-1A2B3C": cloud.clock() - 60,
        "floodgate-test-DeadLettersAlarm-1A2B3C": cloud.clock(),
        "floodgate-by-hand": cloud.clock(),
    }
    assert status.status().alarms == [("DeadLettersAlarm", cloud.clock() - 60)]
    [asked] = [one for one in cloudwatch.asked if "AlarmNamePrefix" in one]
    assert (asked["AlarmNamePrefix"], asked["StateValue"]) == ("floodgate-", "ALARM")
    assert set(asked["AlarmTypes"]) == {"MetricAlarm", "CompositeAlarm"}


def test_queues_are_counted_now(cloud: Cloud, status: StatusReport) -> None:
    """What waits, and what is in hand or put back, of each."""
    for number in range(3):
        cloud.queue("x", f"chat:{number}")
    cloud.records()
    cloud.queue("x", "chat:9")
    cloud.queue("x", "chat:9", cloud.dead_url)
    assert status.status().queues == {"updates": Depth(1, 3), "tasks": Depth(0, 0), "dead": Depth(1, 0)}


def test_open_failures_are_counted(cloud: Cloud, status: StatusReport) -> None:
    """Those alone that are in the index: nobody has seen to them."""
    for number, state in enumerate(["open", "open", "discarded"]):
        item = {"pk": {"S": "failure"}, "sk": {"S": f"AAAAA-AAAA{number}"}, "last_at": {"N": "1"}}
        if state == "open":
            item["open_fingerprint"] = {"S": "0123456789ab"}
        cloud.dynamodb.put_item(TableName="state", Item=item)
    assert status.status().open_failures == 2


def test_the_webhook_is_as_the_last_check_found_it(cloud: Cloud, status: StatusReport) -> None:
    """And None if nothing is registered."""
    assert status.status().health is None
    note_registration(cloud.dynamodb, "state", ["message"])
    found = Health(
        allowed_updates=frozenset({"message"}),
        checked_at=cloud.clock(),
        pending=3,
        last_error_at=int(cloud.clock()) - 60,
        last_error="Connection refused",
        webhook="ours",
    )
    note_check(cloud.dynamodb, "state", found)
    assert status.status().health == found


@pytest.mark.parametrize("fault", ["AccessDenied", ConnectTimeoutError(endpoint_url="https://aws.example")], ids=str)
def test_what_fails_costs_its_own_lines(
    cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport, fault: str | Exception
) -> None:
    """And is named as it is in the log."""
    cloudwatch.figures["UpdatesHandled", "worker", "Sum"] = {cloud.clock() - 120: 40}
    cloud.wire.faults["GetMetricData"] = [fault]
    cloud.wire.faults["Scan"] = [fault]
    report = status.report()
    name = fault if isinstance(fault, str) else "ConnectTimeoutError"
    lines = report["text"].splitlines()
    assert lines[1] == f"Updates: not known, CloudWatch: {name}"
    assert lines[6:9] == [
        "Queues now: updates 0, tasks 0, dead 0",
        f"Failures open: not known, DynamoDB: {name}",
        "Alarms: none",
    ]
    assert "chart" not in report


def test_what_does_not_answer_is_not_waited_for(
    cloud: Cloud, status: StatusReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker waits for the report, and has an update's time."""
    monkeypatch.setattr(module, "WITHIN_S", 0.2)
    answered = threading.Event()

    def hang(**_: object) -> None:
        answered.wait(10)

    cloud.client("sqs").meta.events.register_first("before-call", hang)
    lines = status.report()["text"].splitlines()
    answered.set()
    assert "Queues now: not known, SQS did not answer" in lines
    assert "Failures open: none" in lines


def test_nothing_of_a_person_is_in_it(cloud: Cloud, cloudwatch: CloudWatchWire, status: StatusReport) -> None:
    """No id and no name; not even the bot's."""
    cloudwatch.figures["UpdatesHandled", "worker", "Sum"] = {cloud.clock() - 120: 40}
    assert BOT["username"] not in status.report()["text"]
