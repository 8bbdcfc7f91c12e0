"""Alarms wake somebody: each says in which section of the runbook to read on, and what no data means."""

import re
import string
from typing import Any

import pytest

from tests.template.reading import ROOT, Template

RUNBOOK = "docs/runbook.md"
_ANCHOR = re.compile(rf"\b{re.escape(RUNBOOK)}#([a-z0-9-]+)$")
_NOT_IN_AN_ANCHOR = str.maketrans({character: None for character in string.punctuation if character not in "-_"})


def headings() -> list[str]:
    """Return the runbook's headings below its title."""
    return re.findall(r"^##+ (.+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE)


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return heading.lower().translate(_NOT_IN_AN_ANCHOR).replace(" ", "-")


def text(description: Any) -> str:
    """Return a description's text, also of one that names a parameter."""
    return str(description["Fn::Sub"] if isinstance(description, dict) else description)


def test_every_alarm_leads_to_its_section(template: Template) -> None:
    """Its description ends with the runbook's section of its name."""
    alarms = template.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    found = {name: _ANCHOR.findall(text(one.get("AlarmDescription", ""))) for name, one in alarms.items()}
    assert found == {name: [anchor(name)] for name in alarms}
    assert {anchor(name) for name in alarms} - {anchor(heading) for heading in headings()} == set()


def test_every_section_on_an_alarm_is_on_one_that_exists(template: Template) -> None:
    """Nobody searches for an alarm that was removed."""
    named = {heading for heading in headings() if re.fullmatch(r"\w+Alarm", heading)}
    assert named - set(template.resources) == set()


def test_the_runbook_quotes_what_is_logged() -> None:
    """Each line of the log that it tells to look for is one that the library writes."""
    quoted = set(re.findall(r"`((?:update|worker) [a-zA-Z ]+)`", (ROOT / RUNBOOK).read_text()))
    written = "".join(path.read_text() for path in (ROOT / "layers" / "floodgate").rglob("*.py"))
    assert quoted
    assert {line for line in quoted if f'"{line}"' not in written} == set()


def test_every_alarm_says_what_no_data_means(template: Template) -> None:
    """The default, insufficient data, tells nobody anything."""
    meanings = {"breaching", "notBreaching", "ignore"}
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    assert [name for name, one in alarms.items() if one.get("TreatMissingData") not in meanings] == []


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("WaitingUpdatesAlarm", "ApproximateNumberOfMessagesVisible"),
        ("HeldUpdatesAlarm", "ApproximateNumberOfMessagesNotVisible"),
    ],
)
def test_waiting_updates_are_told_of_in_time(template: Template, name: str, metric: str) -> None:
    """Long before 120 000, where SQS no longer looks for chats with nothing ahead of them, and within a minute."""
    alarm = template.resources[name]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", metric)
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["UpdatesQueue", "QueueName"]}}]
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Maximum", "GreaterThanOrEqualToThreshold")
    assert alarm["Threshold"] <= 120_000 / 5
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 60
    assert alarm["TreatMissingData"] == "notBreaching"
