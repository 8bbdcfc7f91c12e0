"""What CloudWatch and AWS Budgets send to a topic, as AWS's documentation and real notifications have it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

STACK: Final = "floodgate"
WAITING: Final = "floodgate-WaitingUpdatesAlarm-1A2B3C4D5E6F"
USERS: Final = "floodgate-UsersAffectedAlarm-ZZ9988776655"
FAILING: Final = "floodgate-FailingUpdatesAlarm-0F0F0F0F0F0F"
#: 11 June 2026, 00:00 UTC.
NOW: Final = 1_781_136_000.0
DESCRIPTION: Final = (
    "20 000 updates or more wait in updates.fifo: they come in faster than the workers handle them. What to do: "
    "docs/runbook.md#waitingupdatesalarm"
)
RAISED: Final = (
    "Threshold Crossed: 1 out of the last 1 datapoints [25000.0 (11/06/26 00:00:00)] was greater than or equal to the "
    "threshold (20000.0) (minimum 1 datapoint for OK -> ALARM transition)."
)
FELL: Final = RAISED.replace("was greater", "was not greater").replace("25000.0", "12.0").replace("OK -> ALARM", "x")

BUDGET: Final = """AWS Budget Notification June 11, 2026
AWS Account 123456789012

Dear AWS Customer,

You requested that we alert you when the ACTUAL Cost associated with your floodgate budget is greater than $8.00 for the
current month. You can find additional details below and by accessing the AWS Budgets dashboard [1].

Budget Name: floodgate
Budget Type: Cost
Budgeted Amount: $10.00
Alert Type: ACTUAL
Alert Threshold: > $8.00
ACTUAL Amount: $8.31

[1] https://console.aws.amazon.com/billing/home#/budgets
"""


def sns(message: Any, subject: str = "ALARM", message_id: str = "11111111-2222-3333-4444-555555555555") -> Any:
    """Return the `Sns` of a record of Lambda's event."""
    return {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:floodgate-AlertsTopic-ABC",
        "Subject": subject,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-06-11T00:00:00.000Z",
    }


def change(state: str, at: float, name: str = WAITING, **more: Any) -> dict[str, Any]:
    """Return CloudWatch's message of a change of a metric alarm."""
    return {
        "AlarmName": name,
        "AlarmDescription": DESCRIPTION,
        "AWSAccountId": "123456789012",
        "NewStateValue": state,
        "NewStateReason": RAISED if state == "ALARM" else FELL,
        "StateChangeTime": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
        "Region": "EU (Frankfurt)",
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}",
        "OldStateValue": "OK" if state == "ALARM" else "ALARM",
        "Trigger": {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Namespace": "AWS/SQS",
            "StatisticType": "Statistic",
            "Statistic": "MAXIMUM",
            "Unit": None,
            "Dimensions": [{"value": "floodgate-UpdatesQueue-X.fifo", "name": "QueueName"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 20000.0,
            "TreatMissingData": "notBreaching",
        },
        **more,
    }


def described(state: str, at: float, name: str = WAITING, **more: Any) -> dict[str, Any]:
    """Return the same alarm as DescribeAlarms has it."""
    return {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}",
        "AlarmDescription": DESCRIPTION,
        "ActionsEnabled": True,
        "StateValue": state,
        "StateReason": RAISED if state == "ALARM" else FELL,
        "StateUpdatedTimestamp": datetime.fromtimestamp(at + 3, UTC),
        "StateTransitionedTimestamp": datetime.fromtimestamp(at, UTC),
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Namespace": "AWS/SQS",
        "Statistic": "Maximum",
        "Dimensions": [{"Name": "QueueName", "Value": "floodgate-UpdatesQueue-X.fifo"}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 20000.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **more,
    }
