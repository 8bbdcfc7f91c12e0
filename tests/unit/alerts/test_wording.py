"""What stands in the admin chat of an alarm."""

from __future__ import annotations

from dataclasses import replace

from floodgate.admin.alarm_buttons import with_mute
from floodgate.alerts.episodes import after
from floodgate.alerts.news import from_notification
from floodgate.alerts.wording import LONGEST, buttons, message, ordinal
from floodgate.state.alarms import Alarm, alarm_key
from tests.unit.alerts.samples import BUDGET, NOW, STACK, WAITING, change, sns

WORDS = "20 000 updates or more wait in updates.fifo: they come in faster than the workers handle them."
FIGURE = "Approximate number of messages visible: 25 000, alarm from 20 000"


def ringing(subject: str = "", text: str = "") -> Alarm:
    """Return the alarm of a first notification."""
    told = sns(text, subject) if text else sns(change("ALARM", NOW))
    alarm = after(None, from_notification(told, STACK))
    assert alarm is not None
    return alarm


def test_an_alarm_says_what_it_is_its_figure_and_since_when() -> None:
    """The logical id in words, the description's sentence, the figure against its threshold."""
    assert message(ringing(), STACK).splitlines() == [
        "🔴 Waiting updates · floodgate",
        WORDS,
        FIGURE,
        "Since 2026-06-11 00:00:00 UTC",
    ]


def test_a_recovery_says_after_how_long_and_how_often() -> None:
    """The figure that raised it stays to be seen."""
    alarm = replace(ringing(), since=NOW + 600, rings=3)
    over = after(alarm, from_notification(sns(change("OK", NOW + 1020)), STACK))
    assert over is not None
    assert message(over, STACK).splitlines() == [
        "🟢 Waiting updates: recovered · floodgate",
        WORDS,
        FIGURE,
        "After 7 min, at 2026-06-11 00:17:00 UTC",
        "The 3rd time since 2026-06-11 00:00:00 UTC",
    ]


def test_a_note_is_passed_on() -> None:
    """Its subject and its lines; there is nothing to mute."""
    note = ringing("AWS Budgets: floodgate has exceeded your alert threshold", BUDGET)
    assert message(note, STACK).splitlines()[:2] == [
        "🟡 AWS Budgets: floodgate has exceeded your alert threshold · floodgate",
        "Budget Name: floodgate",
    ]
    assert buttons(note, dashboard="", runbook="https://r.example", is_muted=False) is None


def test_a_message_fits_below_a_photo() -> None:
    """However long the words are."""
    long = replace(ringing(), description="x" * 5000, figure="y" * 5000, rings=1000)
    assert len(message(long, STACK)) <= LONGEST
    assert message(long, STACK).splitlines()[-1].startswith("The 1000th time")


def test_buttons_lead_to_dashboard_and_runbook_and_mute() -> None:
    """The runbook at the alarm's own section; no button for what is nowhere."""
    alarm = ringing()
    markup = buttons(alarm, dashboard="https://d.example", runbook="https://r.example/runbook.md", is_muted=False)
    assert markup is not None
    assert [[(one.text, one.url or one.callback_data) for one in row] for row in markup.inline_keyboard] == [
        [("Dashboard", "https://d.example"), ("Runbook", "https://r.example/runbook.md#waitingupdatesalarm")],
        [("Mute 1 h", f"floodgate:mute:{alarm_key(WAITING)}")],
    ]
    muted = with_mute(markup, alarm.key, is_muted=True)
    assert muted == buttons(alarm, dashboard="https://d.example", runbook="https://r.example/runbook.md", is_muted=True)
    bare = buttons(alarm, dashboard="https://d.example", runbook="", is_muted=True)
    assert bare is not None
    assert [[one.text for one in row] for row in bare.inline_keyboard] == [["Dashboard"], ["Unmute"]]


def test_ordinals() -> None:
    """As people write them."""
    assert [ordinal(count) for count in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th")
    ]
