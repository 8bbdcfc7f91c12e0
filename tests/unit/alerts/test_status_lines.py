"""The report says what is, what is not known and why, and fits below a picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from floodgate.alerts.figures import HOUR_S, MINUTE_S, Figures
from floodgate.alerts.status_lines import LONGEST, Depth, NotKnown, Status, panels, text
from floodgate.monitoring import metrics
from floodgate.state.health import Health

#: 2026-06-11 00:00:00 UTC.
NOW = 1_781_136_000
START = NOW - HOUR_S
FIGURES = Figures(
    START,
    NOW,
    {
        metrics.UPDATES_HANDLED: {START + 120: 1200.0, START + 180: 34.0},
        metrics.UPDATES_LIMITED: {START + 180: 7.0},
        metrics.ATTEMPTS_FAILED: {START + 180: 3.0},
        metrics.UPDATES_GIVEN_UP: {START + 180: 1.0},
        metrics.TELEGRAM_CALLS: {START + 120: 2310.0},
        metrics.TELEGRAM_CALLS_FAILED: {START + 120: 4.0},
        metrics.TELEGRAM_CALLS_LIMITED: {START + 120: 2.0},
        metrics.CACHE_HITS: {START + 120: 930.0},
        metrics.CACHE_MISSES: {START + 120: 70.0},
    },
    {
        (metrics.ANSWER_TIME, "p50", HOUR_S): {START: 420.0},
        (metrics.ANSWER_TIME, "p99", HOUR_S): {START: 1900.0},
        (metrics.QUEUE_WAIT, "p99", HOUR_S): {START: 120.0},
        (metrics.ANSWER_TIME, "p50", MINUTE_S): {START + 120: 420.0},
        (metrics.ANSWER_TIME, "p99", MINUTE_S): {START + 120: 1900.0},
    },
)
HEALTH = Health(allowed_updates=frozenset({"message"}), checked_at=NOW - 60, webhook="ours")
STATUS = Status(
    stack_name="floodgate",
    now=NOW + 20,
    figures=FIGURES,
    queues={"updates": Depth(12, 3), "tasks": Depth(0, 0), "dead": Depth(0, 0)},
    open_failures=4,
    health=HEALTH,
    alarms=[("QueueWaitAlarm", NOW - 600.0)],
)


def lines(**changes: Any) -> list[str]:
    """Return the lines of a status."""
    return text(replace(STATUS, **changes)).splitlines()


def telegram(**changes: Any) -> str:
    """Return the line of a webhook."""
    [line] = [one for one in lines(health=replace(HEALTH, **changes)) if one.startswith("At Telegram: ")]
    return line.removeprefix("At Telegram: ")


def test_a_busy_hour() -> None:
    """A title and ten lines."""
    assert lines() == [
        "<b>floodgate</b>, the hour to 00:00 UTC",
        "Updates: <b>1\u00a0234</b> handled, 7 limited; 3 attempts failed, 1 given up",
        "Answer time: p50 <b>0.42 s</b>, p99 <b>1.90 s</b>",
        "Queue wait: p99 0.12 s",
        "Telegram: 2\u00a0310 calls, 4 failed, 2 answered 429",
        "Cache: 93 % of 1\u00a0000 reads",
        "Queues now: updates 12 + 3 in hand, tasks 0, dead 0",
        "Failures open: <b>4</b> (/failures)",
        "Alarms: <b>Queue wait</b> since 23:50 UTC",
        "At Telegram: 0 pending, no error",
        "Counted since 23:02 UTC, up to 00:00 UTC",
    ]


def test_an_hour_without_figures() -> None:
    """A new bot's, or a quiet one's: zeros, and when to look again."""
    found = lines(figures=Figures(START, NOW), open_failures=0, alarms=[])
    assert found[1:6] == [
        "Updates: <b>0</b> handled, 0 limited; 0 attempts failed, 0 given up",
        "Answer time: none measured",
        "Queue wait: none measured",
        "Telegram: 0 calls, 0 failed, 0 answered 429",
        "Cache: no reads",
    ]
    assert found[7:9] == ["Failures open: none", "Alarms: none"]
    assert found[-1] == "Nothing was counted in this hour. What happens now is here in two minutes."


def test_what_is_not_known_is_said_with_its_reason() -> None:
    """Each line by itself."""
    nothing = NotKnown("CloudWatch: AccessDenied <x>")
    silent = NotKnown("DynamoDB did not answer")
    found = lines(figures=nothing, queues=NotKnown("SQS: X"), open_failures=silent, health=silent, alarms=nothing)
    assert found[1:] == [
        *(
            f"{what}: not known, CloudWatch: AccessDenied &lt;x&gt;"
            for what in ("Updates", "Answer time", "Queue wait", "Telegram", "Cache")
        ),
        "Queues now: not known, SQS: X",
        "Failures open: not known, DynamoDB did not answer",
        "Alarms: not known, CloudWatch: AccessDenied &lt;x&gt;",
        "At Telegram: not known, DynamoDB did not answer",
    ]


def test_alarms_beyond_five_are_counted() -> None:
    """A storm of them leaves room for the rest."""
    found = lines(alarms=[(f"Number{chr(65 + number)}Alarm", NOW - 60.0) for number in range(8)])
    assert found[8].endswith("<b>Number E</b> since 23:59 UTC, 3 more")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pending": 12}, "12 pending, no error"),
        (
            {"last_error_at": NOW - 160, "last_error": "Wrong response from the webhook: 503 <Service>"},
            "0 pending, last error 3 min ago: Wrong response from the webhook: 503 &lt;Service&gt;",
        ),
        ({"last_error_at": NOW - 3 * 86_400}, "0 pending, last error 3 days ago: no reason given"),
        ({"webhook": "foreign"}, "0 pending, <b>the webhook is somebody else's</b>, no error"),
        ({"webhook": "unrepaired"}, "0 pending, <b>the webhook is not set</b>, no error"),
        ({"webhook": "repaired"}, "0 pending, the webhook was set again, no error"),
        ({"checked_at": NOW - 7200 + 20.0}, "0 pending 2 h ago, <b>not checked since</b>, no error"),
        ({"checked_at": None}, "not looked at yet"),
    ],
)
def test_the_webhook(changes: dict[str, Any], said: str) -> None:
    """What waits at Telegram, whose it is, and its last error, if the check is as fresh as it should be."""
    assert telegram(**changes) == said


def test_a_bot_that_is_not_registered() -> None:
    """Nobody delivers to it."""
    assert "At Telegram: <b>the bot is not registered</b>" in lines(health=None)


def test_the_longest_report_fits_a_caption() -> None:
    """Whatever names and errors are like: Telegram refuses a longer one."""
    worst = replace(HEALTH, last_error_at=NOW, last_error="<" * 200, webhook="foreign", pending=99_999)
    alarms = [(f"{'Long' * 20}{letter}Alarm", NOW - 60.0) for letter in "ABCDEFGH"]
    said = text(replace(STATUS, health=worst, alarms=alarms, stack_name="s" * 128))
    assert len(said) <= LONGEST
    assert said.startswith(f"<b>{'s' * 128}</b>, the hour to 00:00 UTC\nUpdates: ")


def test_the_panels_show_the_hour() -> None:
    """Throughput, answer time in seconds, errors, by the minute; unknown before the first figure, nought after it."""
    updates, answers, errors = panels(FIGURES)
    assert [series.name for panel in (updates, answers, errors) for series in panel.series] == [
        *("handled", "limited"),
        *("p50", "p99"),
        *("failed", "given up", "429s"),
    ]
    assert list(updates.series[0].points)[:5] == [
        (START, None),
        (START + 60, None),
        (START + 120, 1200.0),
        (START + 180, 34.0),
        (START + 240, 0.0),
    ]
    assert list(answers.series[1].points)[1:4] == [(START + 60, None), (START + 120, 1.9), (START + 180, None)]


def test_what_cloudwatch_may_not_have_yet_is_no_nought() -> None:
    """A line that ends in a cliff would be read as an outage."""

    def ends(last: int) -> list[float | None]:
        found = Figures(START, NOW, {metrics.UPDATES_HANDLED: {START: 5.0, last: 7.0}})
        return [value for _, value in found.by_minute(metrics.UPDATES_HANDLED)][-4:]

    assert ends(NOW - 60) == [0.0, 0.0, 0.0, 7.0]
    assert ends(NOW - 120) == [0.0, 0.0, 7.0, None]
    assert ends(NOW - 1200) == [0.0, 0.0, None, None]
