"""Order, size and patience of the queues, and how functions are fed from them."""

from typing import Any

import pytest

from tests.template.reading import Template

QUEUES = ("UpdatesQueue", "TasksQueue", "DeadQueue")
VISIBILITY = {"UpdatesQueue": "UpdatesVisibility", "TasksQueue": "TasksVisibility"}
BATCHES = {
    "WorkerFunction": ("UpdatesQueue", 10),
    "TasksFunction": ("TasksQueue", 1),
    "DeadletterFunction": ("DeadQueue", 10),
}


def source(template: Template, function: str) -> dict[str, Any]:
    """Return the properties of the function's one event source."""
    [event] = template.functions[function]["Events"].values()
    assert event["Type"] == "SQS"
    properties: dict[str, Any] = event["Properties"]
    return properties


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_keeps_each_group_in_order(template: Template, queue: str) -> None:
    """FIFO per group at high throughput, the largest messages, kept for 14 days, encrypted."""
    properties = template.resources[queue]["Properties"]
    expected = {
        "FifoQueue": True,
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "MaximumMessageSize": 1_048_576,
        "MessageRetentionPeriod": 14 * 86_400,
        "SqsManagedSseEnabled": True,
    }
    assert {name: properties.get(name) for name in expected} == expected


@pytest.mark.parametrize("queue", QUEUES)
def test_only_tasks_are_told_apart_by_content(template: Template, queue: str) -> None:
    """Schedules set no deduplication id; everybody else does, and must not be able to forget it."""
    properties = template.resources[queue]["Properties"]
    assert properties.get("ContentBasedDeduplication", False) is (queue == "TasksQueue")


@pytest.mark.parametrize("queue", VISIBILITY)
def test_receives_are_a_net_only(template: Template, queue: str) -> None:
    """SQS gives a message up after 1000 receives, and a killed worker costs a chat what the parameter says."""
    properties = template.resources[queue]["Properties"]
    assert properties["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadQueue", "Arn"]},
        "maxReceiveCount": 1000,
    }
    assert properties["VisibilityTimeout"] == {"Ref": VISIBILITY[queue]}


def test_letters_wait_for_their_function(template: Template) -> None:
    """The dead queue gives nothing up, and hides a letter for twice its function's time, as the others do."""
    properties = template.resources["DeadQueue"]["Properties"]
    assert "RedrivePolicy" not in properties
    assert properties["VisibilityTimeout"] >= 2 * template.functions["DeadletterFunction"]["Timeout"]


@pytest.mark.parametrize("function", BATCHES)
def test_a_function_is_fed_by_its_queue(template: Template, function: str) -> None:
    """It reports each failed message by itself; a FIFO queue knows no window to wait for more."""
    properties = source(template, function)
    queue, size = BATCHES[function]
    assert properties["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert properties["BatchSize"] == size
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "MaximumBatchingWindowInSeconds" not in properties


def test_concurrency_is_bounded_at_the_queue(template: Template) -> None:
    """The event source holds back; reserved concurrency would throttle, and a throttle eats receives."""
    maxima = {function: source(template, function)["ScalingConfig"]["MaximumConcurrency"] for function in BATCHES}
    assert maxima == {
        "WorkerFunction": {"Ref": "WorkerConcurrency"},
        "TasksFunction": {"Ref": "WorkerConcurrency"},
        "DeadletterFunction": 2,
    }
    assert [name for name, one in template.functions.items() if "ReservedConcurrentExecutions" in one] == []
