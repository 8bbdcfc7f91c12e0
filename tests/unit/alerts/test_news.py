"""News of an alarm is the same, whoever brings it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.alerts.news import Graph, from_description, from_notification, logical_id, title
from tests.unit.alerts.samples import BUDGET, FAILING, NOW, STACK, USERS, WAITING, change, described, sns

FIGURE = "Approximate number of messages visible: 25 000, alarm from 20 000"


def test_a_notification_and_the_list_say_the_same() -> None:
    """State, time, words, figure, section and metric, whichever way CloudWatch writes them."""
    told = from_notification(sns(change("ALARM", NOW)), STACK)
    assert told == from_description(described("ALARM", NOW), STACK)
    assert (told.name, told.state, told.at, told.figure) == (WAITING, "ALARM", NOW, FIGURE)
    assert told.description == (
        "20 000 updates or more wait in updates.fifo: they come in faster than the workers handle them."
    )
    assert told.anchor == "waitingupdatesalarm"
    assert told.graph == Graph(
        [
            {
                "Id": "m1",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SQS",
                        "MetricName": "ApproximateNumberOfMessagesVisible",
                        "Dimensions": [{"Name": "QueueName", "Value": "floodgate-UpdatesQueue-X.fifo"}],
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
                "ReturnData": True,
            }
        ],
        "Waiting updates",
        20000.0,
        60,
    )


def test_a_rate_is_told_in_per_cent_and_a_percentile_with_its_unit() -> None:
    """An average of noughts and ones is a rate; what ends in Time or Wait is milliseconds."""
    reason = "Threshold Crossed: 2 datapoints [0.02 (11/06/26 00:00:00), 0.125 (11/06/26 00:01:00)] were greater"
    told = described("ALARM", NOW, FAILING, StateReason=reason, MetricName="AttemptsFailed", Statistic="Average")
    told |= {"Threshold": 0.05, "ComparisonOperator": "GreaterThanThreshold"}
    assert from_description(told, STACK).figure == "Attempts failed: 12.5 %, alarm above 5 %"
    reason = "Threshold Crossed: 1 datapoint [45210.0 (11/06/26 00:00:00)] was greater"
    told |= {"StateReason": reason, "MetricName": "QueueWait", "ExtendedStatistic": "p99", "Threshold": 30000.0}
    assert from_description(told, STACK).figure == "Queue wait (p99): 45.2 s, alarm above 30 s"


def test_an_expression_is_drawn_as_it_is_computed() -> None:
    """A math alarm's metrics become the same queries, from either source."""
    stat = {
        "Metric": {"Namespace": "AWS/ApiGateway", "MetricName": "5xx", "Dimensions": []},
        "Period": 300,
        "Stat": "Sum",
    }
    metrics = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 / 10", "Label": "Errors", "ReturnData": True},
    ]
    trigger: dict[str, Any] = {"Metrics": metrics, "Threshold": 0.01, "EvaluationPeriods": 3, "Period": 300}
    told = from_notification(sns(change("ALARM", NOW, Trigger=trigger)), STACK)
    assert told.graph is not None
    assert list(told.graph.queries) == metrics
    assert (told.graph.threshold, told.graph.window_s) == (0.01, 900)


def test_a_composite_alarm_names_those_that_it_rests_on() -> None:
    """It has no figure and no graph."""
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:"
    message = {
        **change("ALARM", NOW, USERS, TriggeringChildren=[{"Arn": arn + WAITING, "State": {"Value": "ALARM"}}]),
        "AlarmRule": f'ALARM("{WAITING}")',
        "NewStateReason": f"{arn}{WAITING} transitioned to ALARM at Thursday 11 June, 2026 00:00:00 UTC",
    }
    del message["Trigger"]
    told = from_notification(sns(message), STACK)
    assert (told.state, told.figure, told.graph) == ("ALARM", "Because of: Waiting updates", None)
    listed = {
        "AlarmName": USERS,
        "StateValue": "ALARM",
        "StateReason": message["NewStateReason"],
        "StateUpdatedTimestamp": described("ALARM", NOW)["StateTransitionedTimestamp"],
        "AlarmRule": message["AlarmRule"],
    }
    assert from_description(listed, STACK).figure == told.figure


def test_a_budgets_message_is_passed_on_without_its_greeting() -> None:
    """The subject, and the lines that say something; each message is one of its own."""
    told = from_notification(sns(BUDGET, "AWS Budgets: floodgate has exceeded your alert threshold"), STACK)
    assert (told.state, told.name) == ("NOTE", "AWS Budgets: floodgate has exceeded your alert threshold")
    assert told.description.splitlines()[0] == "Budget Name: floodgate"
    assert told.description.splitlines()[-1] == "ACTUAL Amount: $8.31"
    other = from_notification(sns(BUDGET, "AWS Budgets: floodgate", message_id="another"), STACK)
    assert told.key != other.key


def test_an_alarm_that_is_switched_off_is_no_news() -> None:
    """Somebody wanted it quiet."""
    assert from_description(described("ALARM", NOW, ActionsEnabled=False), STACK).state == "INSUFFICIENT_DATA"


@given(st.one_of(st.text(), st.dictionaries(st.text(), st.integers()), st.lists(st.none()), st.integers()))
def test_whatever_is_sent_is_understood_as_a_note(message: Any) -> None:
    """Nothing that is published to the topic stops the function."""
    assert from_notification(sns(message), STACK).state == "NOTE"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (WAITING, "WaitingUpdatesAlarm"),
        ("floodgate-two-WaitingUpdatesAlarm-1A2B", None),
        ("floodgate-Something-1A2B", None),
        ("my own alarm", None),
    ],
)
def test_ours_are_told_from_others(name: str, expected: str | None) -> None:
    """Another stack's alarms are not ours, even if its name begins with ours."""
    assert logical_id(name, STACK) == expected
    assert title(name, STACK) == ("Waiting updates" if expected else name)
