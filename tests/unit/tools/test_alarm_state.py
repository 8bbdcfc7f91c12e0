"""An alarm's state of its datapoints, by the tables of AWS's page on missing data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tools.ministack.alarm_state import Datapoint, Rule, judge

NOW = 1_800_000_000.25
THREE = Rule("Sum", "GreaterThanOrEqualToThreshold", 1.0, periods=3, breaching=3)
TWO_OF_THREE = replace(THREE, breaching=2)
ONE = replace(THREE, periods=1, breaching=1)
RETAINED = "retained"


def points(drawn: str, rule: Rule = THREE) -> list[Datapoint | None]:
    """Return what is drawn, the latest last: X breaches, 0 does not, - is missing."""
    began = NOW - len(drawn) * rule.period_s
    values = {"X": 5.0, "0": 0.0}
    return [
        Datapoint(began + number * rule.period_s, values[one]) if one in values else None
        for number, one in enumerate(drawn)
    ]


def states(rule: Rule, drawn: str) -> list[str]:
    """Return the states for missing, ignore, breaching and notBreaching."""
    found = []
    for missing in ("missing", "ignore", "breaching", "notBreaching"):
        verdict = judge(replace(rule, missing=missing), points(drawn), RETAINED, now=NOW)
        found.append(verdict.state if verdict else RETAINED)
    return found


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("0-X-X", ["OK", "OK", "OK", "OK"]),
        ("----0", ["OK", "OK", "OK", "OK"]),
        ("-----", ["INSUFFICIENT_DATA", RETAINED, "ALARM", "OK"]),
        ("0XX-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("--X--", ["ALARM", RETAINED, "ALARM", "OK"]),
    ],
)
def test_three_of_three(drawn: str, expected: list[str]) -> None:
    """AWS's first table."""
    assert states(THREE, drawn) == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("0-X-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("00X0X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        ("0-X--", ["OK", "OK", "ALARM", "OK"]),
        ("----0", ["OK", "OK", "ALARM", "OK"]),
        ("---X-", ["ALARM", RETAINED, "ALARM", "OK"]),
    ],
)
def test_two_of_three(drawn: str, expected: list[str]) -> None:
    """AWS's second table."""
    assert states(TWO_OF_THREE, drawn) == expected


def test_what_changes_nothing_is_no_verdict() -> None:
    """An alarm that rings on, and one that stays quiet, are not told again."""
    assert [judge(ONE, points(drawn), state, now=NOW) for drawn, state in (("00X", "ALARM"), ("XX0", "OK"))] == [
        None,
        None,
    ]


def test_the_reason_is_aws_own_sentence() -> None:
    """People and alerts read it: which datapoints, when, against what, and how many it takes."""
    rung = judge(TWO_OF_THREE, points("--X0X"), "OK", now=NOW)
    assert rung is not None
    assert rung.reason == (
        "Threshold Crossed: 2 out of the last 3 datapoints [5.0 (15/01/27 07:59:00), 5.0 (15/01/27 07:57:00)] were "
        "greater than or equal to the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    over = judge(TWO_OF_THREE, points("--X00"), "ALARM", now=NOW)
    assert over is not None
    assert over.reason == (
        "Threshold Crossed: 2 out of the last 3 datapoints [0.0 (15/01/27 07:59:00), 0.0 (15/01/27 07:58:00)] were "
        "not greater than or equal to the threshold (1.0) (minimum 2 datapoints for ALARM -> OK transition)."
    )


_STOOD_IN = "no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]"


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("missing", "Insufficient Data: 1 datapoint was unknown."),
        ("notBreaching", f"Threshold Crossed: {_STOOD_IN}."),
    ],
)
def test_the_reason_names_what_is_missing(missing: str, reason: str) -> None:
    """Without a datapoint the sentence says so, and what stood in for it."""
    verdict = judge(replace(ONE, missing=missing), points("---"), "ALARM", now=NOW)
    assert verdict is not None
    assert verdict.reason == reason


def test_the_figures_are_machine_readable() -> None:
    """The reason's data has the datapoints, the threshold and the times, as AWS writes them."""
    verdict = judge(ONE, points("--X"), "OK", now=NOW)
    assert verdict is not None
    assert json.loads(verdict.data) == {
        "version": "1.0",
        "queryDate": "2027-01-15T08:00:00.250+0000",
        "startDate": "2027-01-15T07:59:00.250+0000",
        "statistic": "Sum",
        "period": 60,
        "recentDatapoints": [5.0],
        "threshold": 1.0,
        "evaluatedDatapoints": [{"timestamp": "2027-01-15T07:59:00.250+0000", "sampleCount": 1, "value": 5.0}],
    }


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("GreaterThanThreshold", ["OK", "OK", "ALARM"]),
        ("GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]),
        ("LessThanThreshold", ["ALARM", "OK", "OK"]),
        ("LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]),
    ],
)
def test_each_comparison(comparison: str, expected: list[str]) -> None:
    """A value below, at and above the threshold."""
    rule = replace(ONE, comparison=comparison)
    found = [judge(rule, [Datapoint(NOW - 60, value)], RETAINED, now=NOW) for value in (0.5, 1.0, 1.5)]
    assert [verdict.state if verdict else None for verdict in found] == expected


@pytest.mark.parametrize(("samples", "expected"), [(999, None), (1000, "ALARM")])
def test_a_percentile_of_too_few_changes_nothing(samples: int, expected: str | None) -> None:
    """With `ignore`, a p99 takes a thousand samples to mean something."""
    rule = replace(ONE, statistic="p99", low_samples="ignore")
    verdict = judge(rule, [Datapoint(NOW - 60, 5.0, samples)], "OK", now=NOW)
    assert (verdict.state if verdict else None) == expected
