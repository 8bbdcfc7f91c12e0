"""The local AWS does what AWS does, where the bot rests on it and the emulator alone does not: tools/ministack/.

What these tests use is what an upgrade of the emulator may break.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import ROOT
from tests.e2e.test_failures import soon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import PutMetricAlarmInputTypeDef
    from mypy_boto3_sqs import SQSClient

    from local.control import TelegramControl
    from local.stack import Stack

_ASK = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from ministack.services import eventbridge
import schedules
handed_on = []
eventbridge._invoke_target = lambda target, event, *rest: handed_on.append(target["Input"])
schedules.install()
for source in ("aws.scheduler", "aws.events"):
    target = {"Input": '{"at":"<aws.scheduler.scheduled-time>"}'}
    eventbridge._invoke_target(target, {"Source": source, "Time": 1781136000.9}, {})
print(json.dumps(handed_on))
"""
_NEW_ALARMS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ministack.services import cloudwatch
import alarms
alarms.install()
for number in range(5):
    cloudwatch._alarms[f"A{number}"] = {
        "AlarmName": f"A{number}", "AlarmArn": "arn", "Namespace": "Test", "MetricName": "Calls", "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        "StateValue": "INSUFFICIENT_DATA",
    }
rounds = []
cloudwatch._record_history = lambda name, *_, **__: rounds[-1].append(name)
for _ in range(4):
    rounds.append([])
    alarms.evaluate()
print(json.dumps(rounds))
"""
_names = (f"E2e{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def cloudwatch(stack: Stack) -> CloudWatchClient:
    """The local CloudWatch."""
    client: CloudWatchClient = stack.aws.client("cloudwatch")
    return client


@contextmanager
def alarm(stack: Stack, cloudwatch: CloudWatchClient, sqs: SQSClient, **options: Any) -> Iterator[tuple[str, str]]:
    """Have an alarm of a metric of its own, and a queue that hears of it; their names."""
    name = next(_names)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns = stack.aws.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    given: PutMetricAlarmInputTypeDef = {
        "AlarmName": name,
        "AlarmDescription": "of a test",
        "Namespace": "Test",
        "MetricName": name,
        "Dimensions": [{"Name": "function", "Value": "worker"}],
        "Statistic": "Sum",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 3,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [topic],
        "OKActions": [topic],
        **options,  # type: ignore[typeddict-item] # some of the keys above
    }
    cloudwatch.put_metric_alarm(**given)
    try:
        yield name, queue
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])
        sns.delete_topic(TopicArn=topic)
        sqs.delete_queue(QueueUrl=queue)


def heard(sqs: SQSClient, queue: str) -> list[dict[str, Any]]:
    """Return what the alarm has told since the last call, as soon as there is something."""
    found = soon(lambda: sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"))
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def test_the_time_of_a_schedules_run_is_in_its_message(stack: Stack) -> None:  # noqa: ARG001 - it brings the local AWS
    """In place of what stands for it; in what is no schedule's, nothing is changed."""
    assert [json.loads(one)["at"] for one in said_by(_ASK)] == [
        "2026-06-11T00:00:00Z",
        "<aws.scheduler.scheduled-time>",
    ]


def test_a_message_brings_its_trace(stack: Stack, sqs: SQSClient) -> None:  # noqa: ARG001 - it brings the local AWS
    """Sent alone or in a batch, as dead letters are when they are sent again."""
    header = "Root=1-5759e988-bd862e3fe1be46a994272793"
    of_trace: Any = {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}}
    queue = sqs.create_queue(QueueName=next(_names))["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="alone", **of_trace)
    entries: Any = [{"Id": "1", "MessageBody": "traced", **of_trace}, {"Id": "2", "MessageBody": "without"}]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"])["Messages"]
    sqs.delete_queue(QueueUrl=queue)
    assert {one["Body"]: one["Attributes"].get("AWSTraceHeader") for one in found} == {
        "alone": header,
        "traced": header,
        "without": None,
    }


def test_new_alarms_say_one_after_the_other_that_all_is_well(stack: Stack) -> None:  # noqa: ARG001 - it brings the local AWS
    """Each message starts a function: at once they would take the processors from the deployment that is going on."""
    assert said_by(_NEW_ALARMS) == [["A4"], ["A3"], ["A2"], ["A1"]]


def said_by(code: str) -> Any:
    """Run that with what is in tools/ministack, and return what its last line says."""
    folder = ROOT / "tools" / "ministack"
    python = folder / ".venv" / "bin" / "python"
    said = subprocess.run([python, "-c", code, folder], capture_output=True, text=True, check=True, timeout=60).stdout
    return json.loads(said.splitlines()[-1])


def test_an_alarm_rings_and_recovers(stack: Stack, cloudwatch: CloudWatchClient, sqs: SQSClient) -> None:
    """By its own dimensions alone, once for each change, in AWS's shape; what is missing then ends it."""

    def put(value: float, function: str) -> None:
        dimensions = [{"Name": "function", "Value": function}]
        datum = {"MetricName": name, "Dimensions": dimensions, "Value": value}
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])  # type: ignore[list-item] # a typed dict

    with alarm(stack, cloudwatch, sqs) as (name, queue):
        # New, it learns that nothing is wrong, as on AWS.
        assert [(said["OldStateValue"], said["NewStateValue"]) for said in heard(sqs, queue)] == [
            ("INSUFFICIENT_DATA", "OK")
        ]
        put(100, "tasks")
        put(2, "worker")
        put(1.5, "worker")
        (rung,) = heard(sqs, queue)
        assert (rung["AlarmName"], rung["OldStateValue"], rung["NewStateValue"]) == (name, "OK", "ALARM")
        assert rung["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [3.5 (")
        assert rung["Trigger"] == {
            "MetricName": name,
            "Namespace": "Test",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"value": "worker", "name": "function"}],
            "Period": 10,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 3.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        }
        (described,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert (described["StateValue"], json.loads(described["StateReasonData"])["recentDatapoints"]) == (
            "ALARM",
            [3.5],
        )
        (over,) = heard(sqs, queue)
        assert (over["OldStateValue"], over["NewStateValue"]) == ("ALARM", "OK")


def total(cloudwatch: CloudWatchClient, namespace: str, metric: str, **dimensions: str) -> float:
    """Return the metric's sum over the last minutes."""
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_what_goes_through_the_bot_is_counted(
    stack: Stack, cloudwatch: CloudWatchClient, telegram: TelegramControl, chat_id: int, outputs: dict[str, str]
) -> None:
    """API, functions, queue and tables have AWS's metrics of one update; the queue's come within seconds."""
    queue = outputs["UpdatesQueue"].rpartition("/")[2]
    api = stack.aws.physical_ids("AWS::ApiGatewayV2::Api")["WebhookApi"]
    worker = stack.aws.physical_ids("AWS::Lambda::Function")["WorkerFunction"]
    watched: dict[str, tuple[str, dict[str, str]]] = {
        "NumberOfMessagesSent": ("AWS/SQS", {"QueueName": queue}),
        "NumberOfMessagesReceived": ("AWS/SQS", {"QueueName": queue}),
        "NumberOfMessagesDeleted": ("AWS/SQS", {"QueueName": queue}),
        "Count": ("AWS/ApiGateway", {"ApiId": api}),
        "Invocations": ("AWS/Lambda", {"FunctionName": worker}),
        "ConsumedWriteCapacityUnits": ("AWS/DynamoDB", {"TableName": outputs["TrafficTable"]}),
    }

    def sums() -> dict[str, float]:
        return {name: total(cloudwatch, where, name, **of) for name, (where, of) in watched.items()}

    before = sums()
    telegram.say(chat_id, "/id")
    telegram.wait_for_reply(chat_id)
    soon(lambda: all(after > before[name] for name, after in sums().items()))


def test_lines_of_the_embedded_metric_format_become_metrics(
    cloudwatch: CloudWatchClient, telegram: TelegramControl, chat_id: int
) -> None:
    """A full lane has an update wait: the worker's line of it counts under its namespace and its dimensions."""

    def waited() -> float:
        metrics = cloudwatch.list_metrics(MetricName="UpdatesWaiting")["Metrics"]
        asked = [(one["Namespace"], {each["Name"]: each["Value"] for each in one["Dimensions"]}) for one in metrics]
        return sum(total(cloudwatch, namespace, "UpdatesWaiting", **of) for namespace, of in asked if of)

    before = waited()
    for _ in range(8):
        telegram.say(chat_id, "/id")
    soon(lambda: waited() > before)


def test_what_functions_are_given_and_say_is_told_as_it_happens(
    stack: Stack, telegram: TelegramControl, chat_id: int, outputs: dict[str, str]
) -> None:
    """The worker's invocation begins with the update and ends with its lines, which stand in the log for people too."""
    update_id = telegram.say(chat_id, "/id")["update_id"]
    telegram.wait_for_reply(chat_id)

    def told() -> list[dict[str, Any]]:
        whole = (stack.folder / "invocations.jsonl").read_text().split("\n")[:-1]
        return [said for said in map(json.loads, whole) if said["function"] == "WorkerFunction"]

    def given() -> list[tuple[str, dict[str, Any]]]:
        began = [said for said in told() if said["event"] == "began"]
        return [(said["id"], one) for said in began for one in said["messages"] if one["update_id"] == update_id]

    ((request_id, message),) = soon(given)
    assert (message["queue"], message["receives"]) == (outputs["UpdatesQueue"], 1)
    (ended,) = soon(lambda: [said for said in told() if (said["event"], said["id"]) == ("ended", request_id)])
    assert (ended["error"], message["id"] in ended["put_back"]) == (None, False)
    (line,) = [line for line in ended["lines"] if '"outcome"' in line and str(update_id) in line]
    assert json.loads(line)["message"] == "update"
    assert f"Worker: {line}" in (stack.folder / "functions.log").read_text().splitlines()
