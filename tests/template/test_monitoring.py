"""Alarms reach somebody, and alarms and dashboard show what exists: metrics, functions, queues, tables."""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from floodgate.monitoring import metrics
from tests.template.reading import Template, references, resolve, walk

OURS = {"Fn::Sub": "Floodgate/${AWS::StackName}"}
#: What AWS names each kind of thing by, and the type that must be behind it.
DIMENSIONS = {
    "QueueName": "AWS::SQS::Queue",
    "FunctionName": "AWS::Serverless::Function",
    "ApiId": "AWS::ApiGatewayV2::Api",
    "TableName": "AWS::DynamoDB::Table",
}
ALARM_TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


def alarms_shown(template: Template) -> list[Any]:
    """Return the alarms that the dashboard shows, as the template writes them."""
    _, variables = template.resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    _, shown = variables["Alarms"]["Fn::Join"]
    found: list[Any] = shown
    return found


def widgets(template: Template) -> list[Mapping[str, Any]]:
    """Return the dashboard's widgets; what stands for a resource is `{"Fn::Sub": …}`, numbers are as by default."""
    text, variables = template.resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert variables["Ours"] == OURS
    numbered = re.sub(r": \$\{(\w+)\}", lambda found: f": {template.defaults[found[1]]}", text)
    found: list[Mapping[str, Any]] = _with_references(json.loads(numbered))["widgets"]
    return found


def _with_references(value: Any) -> Any:
    match value:
        case "${Ours}":
            return OURS
        case str() if value.startswith("${"):
            return {"Fn::Sub": value}
        case list():
            return [_with_references(one) for one in value]
        case dict():
            return {key: _with_references(one) for key, one in value.items()}
    return value


def alarmed(template: Template) -> Iterator[tuple[Any, str, str, Any]]:
    """Yield namespace, metric, dimension and value of all that alarms name."""
    for _, value in walk(template.of_type("AWS::CloudWatch::Alarm")):
        if isinstance(value, dict) and {"Namespace", "MetricName", "Dimensions"} <= value.keys():
            [dimension] = value["Dimensions"]
            yield value["Namespace"], value["MetricName"], dimension["Name"], dimension["Value"]


def watched(template: Template) -> Iterator[tuple[Any, str, str, Any]]:
    """Yield the same of all that alarms and dashboard name."""
    yield from alarmed(template)
    for widget in widgets(template):
        for row in widget["properties"].get("metrics", []):
            if not isinstance(row[0], dict) or "expression" not in row[0]:
                yield row[0], row[1], row[2], row[3]


def test_every_alarm_tells_of_its_end_too(template: Template) -> None:
    """It publishes both changes to the topic."""
    topic = [{"Ref": "AlertsTopic"}]
    alarms = template.of_type(*ALARM_TYPES)
    assert {name for name, one in alarms.items() if (one["AlarmActions"], one["OKActions"]) != (topic, topic)} == set()


def test_every_dimension_names_something_that_exists(template: Template) -> None:
    """A queue, a function, a table or the API of this template; of our own metrics, one of the functions."""
    for namespace, metric, dimension, value in watched(template):
        if namespace == OURS:
            assert (dimension, value in metrics.FUNCTIONS[metric]) == ("function", True), metric
        else:
            [name] = references(value)
            assert template.resources[name]["Type"] == DIMENSIONS[dimension], metric


def test_every_metric_of_ours_is_watched(template: Template) -> None:
    """Whatever is emitted is on the dashboard or in an alarm, and nothing else is."""
    seen = {metric for namespace, metric, *_ in watched(template) if namespace == OURS}
    assert seen == set(metrics.ALL)


def test_every_alarm_is_on_the_dashboard(template: Template) -> None:
    """The first thing that one sees."""
    assert next(one for one in widgets(template) if one["type"] == "alarm")["properties"]["alarms"] == [
        {"Fn::Sub": "${Alarms}"}
    ]
    assert references(alarms_shown(template)) & set(template.resources) == set(template.of_type(*ALARM_TYPES))


def test_an_alarm_that_may_be_missing_is_shown_where_it_exists(template: Template) -> None:
    """Its place on the dashboard has its own condition."""
    for one in alarms_shown(template):
        [name] = references(one) & set(template.resources)
        assert one.get("Fn::If", [None])[0] == template.resources[name].get("Condition")


def test_widgets_fit_and_do_not_overlap(template: Template) -> None:
    """Within 24 columns."""
    places = [
        {(x, y) for x in range(one["x"], one["x"] + one["width"]) for y in range(one["y"], one["y"] + one["height"])}
        for one in widgets(template)
    ]
    assert max(x for place in places for x, _ in place) < 24
    assert [1 for one, other in itertools.combinations(places, 2) if one & other] == []


def test_each_part_says_what_is_normal(template: Template) -> None:
    """A text opens each part."""
    texts = [str(one["properties"]["markdown"]) for one in widgets(template) if one["type"] == "text"]
    assert len(texts) == 5
    assert [one for one in texts if "**Normal:**" not in one] == []


def test_a_line_in_a_graph_is_where_the_alarm_rings(template: Template) -> None:
    """Its label names the alarm, its value is the threshold."""
    lines = [
        line for one in widgets(template) for line in one["properties"].get("annotations", {}).get("horizontal", [])
    ]
    assert lines
    for line in lines:
        threshold = resolve(template.resources[line["label"]]["Properties"]["Threshold"], template.defaults)
        assert line["value"] == float(threshold)


def test_users_are_affected_by_alarms_that_exist(template: Template) -> None:
    """The composite alarm names alarms, and none that the real AWS may lack."""
    rule = template.resources["UsersAffectedAlarm"]["Properties"]["AlarmRule"]["Fn::Sub"]
    named = set(re.findall(r"\$\{(\w+)\}", rule))
    assert named - set(template.of_type("AWS::CloudWatch::Alarm")) == set()
    assert {template.resources[name].get("Condition", "OnAws") for name in named} == {"OnAws"}


def test_only_alarms_and_budgets_of_this_account_publish(template: Template) -> None:
    """The topic's policy names both services, with the account, and nobody else."""
    policy = template.resources["AlertsTopicPolicy"]["Properties"]["PolicyDocument"]
    assert [one["Principal"] for one in policy["Statement"]] == [
        {"Service": "cloudwatch.amazonaws.com"},
        {"Service": "budgets.amazonaws.com"},
    ]
    for one in policy["Statement"]:
        assert (one["Action"], one["Resource"]) == ("sns:Publish", {"Ref": "AlertsTopic"})
        assert one["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "KmsMasterKeyId" not in template.resources["AlertsTopic"].get("Properties", {})


def test_what_the_local_aws_does_not_know_stands_behind_a_condition(template: Template) -> None:
    """Metric math, composite alarms and budgets."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    math = {name for name, one in alarms.items() if "Metrics" in one}
    assert {template.resources[name].get("Condition") for name in {*math, "UsersAffectedAlarm"}} == {"OnAws"}
    assert template.resources["MonthBudget"]["Condition"] == "HasBudget"


@pytest.mark.parametrize(
    "name", ["TelegramLimitsAlarm", "BroadcastLimitsAlarm", "DeadLettersAlarm", "WaitingUpdatesAlarm"]
)
def test_the_quick_alarms_ring_and_end_within_two_minutes(template: Template, name: str) -> None:
    """One metric, minute by minute: they ring in the local AWS as well."""
    alarm = template.resources[name]["Properties"]
    assert "Condition" not in template.resources[name]
    assert (alarm["Period"], alarm["EvaluationPeriods"] <= 2) == (60, True)


def test_one_update_with_a_bug_wakes_nobody_by_its_attempts(template: Template) -> None:
    """All of its attempts at their slowest are within fewer of the clock's minutes than the alarm asks for."""
    alarm = template.resources["FailingUpdatesAlarm"]["Properties"]
    told = {name: int(template.defaults[name]) for name in ("BugAttempts", "BackoffFirst", "UpdateDeadline")}
    waits_s = [told["BackoffFirst"] * 2**failure for failure in range(told["BugAttempts"] - 1)]
    lasts_s = sum(waits_s) + told["BugAttempts"] * told["UpdateDeadline"]
    assert alarm["Period"] == 60
    assert alarm["DatapointsToAlarm"] > 1 + math.ceil(lasts_s / 60)


def value_of(template: Template, name: str, data: Mapping[str, float | None]) -> float:
    """Return what a metric-math alarm compares, of what its metrics say in one period; None is a missing value."""
    names: dict[str, Any] = {
        **data,
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "MAX": lambda values: max(value for value in values if value is not None),
        "SUM": lambda values: sum(value for value in values if value is not None),
    }
    expressions = [one for one in template.resources[name]["Properties"]["Metrics"] if "Expression" in one]
    for one in reversed(expressions):  # what the first rests on stands below it
        names[one["Id"]] = eval(one["Expression"].replace(" AND ", " and "), {}, names)  # noqa: S307 - our own template
    return float(names[expressions[0]["Id"]])


HOUR: Mapping[str, float | None] = {"age": 3600, "visible": 5, "received": None, "chats": 0}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (HOUR, 3600),  # nobody receives, and where nobody asks there is no count
        ({**HOUR, "received": 0}, 3600),
        ({**HOUR, "received": 7}, 0),  # there is work, and it is done
        ({**HOUR, "chats": 1}, 0),  # a frozen chat at night: five updates stand behind the one that was put back
        ({**HOUR, "visible": 0}, 0),
    ],
)
def test_a_frozen_chat_is_no_stuck_queue(template: Template, data: Mapping[str, float | None], value: float) -> None:
    """What it holds back is there to receive, as SQS counts; that nobody has any other chat in work tells."""
    assert value_of(template, "StuckQueueAlarm", data) == value


def test_a_bot_that_nobody_calls_though_updates_wait_is_deaf(template: Template) -> None:
    """Without a request there is no count of requests."""
    name = "UndeliveredUpdatesAlarm"
    found = [value_of(template, name, {"pending": 3, "requests": count}) for count in (None, 0, 1)]
    assert found == [3, 3, 0]


def test_refusals_of_a_table_end(template: Template) -> None:
    """DynamoDB counts no zeros, and an alarm on its metrics alone stays as it is without data."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    assert [name for name, one in alarms.items() if one.get("Namespace") == "AWS/DynamoDB"] == []
    none: dict[str, float | None] = dict.fromkeys(("gates_read", "gates_written", "state_read", "state_written"))
    assert value_of(template, "TableThrottlesAlarm", {**none, "waiting": 9}) == 0
    assert value_of(template, "TableThrottlesAlarm", {**none, "gates_written": 70, "waiting": 9}) == 70


def test_no_alarm_rests_on_filling_a_metric_that_may_have_no_value(template: Template) -> None:
    """FILL has nothing to fill in between then, and the alarm would never ring."""
    expressions = [value for _, value in walk(template.of_type("AWS::CloudWatch::Alarm")) if isinstance(value, str)]
    assert [one for one in expressions if "FILL(" in one] == []


def test_what_is_kept_and_not_yet_told_rings_nowhere(template: Template) -> None:
    """It stays in dead.fifo for up to a day, if its person's chat is frozen, so no alarm is on that queue's age."""
    ages = [value for _, metric, _, value in alarmed(template) if metric == "ApproximateAgeOfOldestMessage"]
    assert {name for value in ages for name in references(value)} == {"UpdatesQueue"}
