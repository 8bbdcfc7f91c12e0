"""What CloudFormation's events say of a failure."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.aws import reasons

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import ResourceStatusType
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef


def event(resource: str, status: "ResourceStatusType", reason: str | None = None) -> "StackEventTypeDef":
    """Return an event of a resource."""
    made: StackEventTypeDef = {
        "StackId": "stack",
        "EventId": "event",
        "StackName": "floodgate-local",
        "Timestamp": datetime.now(UTC),
        "LogicalResourceId": resource,
        "ResourceType": "AWS::CloudFormation::Stack" if resource == "floodgate-local" else "AWS::Lambda::Function",
        "ResourceStatus": status,
    }
    if reason is not None:
        made["ResourceStatusReason"] = reason
    return made


def test_causes_are_listed_first_first_and_consequences_left_out() -> None:
    """Cancelled resources and the stack's own summary say nothing new."""
    events = [
        event("floodgate-local", "CREATE_FAILED", "The following resources failed"),
        event("DeadQueue", "CREATE_FAILED", "Resource creation cancelled"),
        event("TasksFunction", "CREATE_FAILED", "no such layer"),
        event("Registration", "CREATE_FAILED", "The bot does not start."),
        event("UpdatesQueue", "CREATE_COMPLETE"),
        event("floodgate-local", "CREATE_IN_PROGRESS", "User initiated"),
    ]
    assert reasons(events) == ["Registration: The bot does not start.", "TasksFunction: no such layer"]
