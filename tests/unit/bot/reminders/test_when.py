"""What people write, and what is understood: a time, what recurs, and the text behind it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reminders.local_time import Oddity
from bot.reminders.when import (
    HourMissing,
    HourUnclear,
    RecursOtherwise,
    TimeNotUnderstood,
    Understood,
    understand,
)

BERLIN = ZoneInfo("Europe/Berlin")
#: Thursday, at noon in Berlin.
NOW = datetime(2026, 6, 11, 12, 0, tzinfo=BERLIN)


def understood(words: str, language: str = "en", now: datetime = NOW) -> Understood:
    """Return what is understood in Berlin."""
    return understand(words, now, BERLIN, language)


ONCE = [
    ("10m tea", "tea", "2026-06-11 12:10"),
    ("10 m tea", "tea", "2026-06-11 12:10"),
    ("2h30m tea", "tea", "2026-06-11 14:30"),
    ("1 hour and 5 minutes tea", "tea", "2026-06-11 13:05"),
    ("in 2 hours 3 eggs", "3 eggs", "2026-06-11 14:00"),
    ("in an hour call", "call", "2026-06-11 13:00"),
    ("in 5 min. tea", "tea", "2026-06-11 12:05"),
    ("in 2 weeks holidays", "holidays", "2026-06-25 12:00"),
    ("in 3 days 9:00 x", "x", "2026-06-14 09:00"),
    ("in 3 days at 9 2 eggs", "2 eggs", "2026-06-14 09:00"),
    ("in 3 months dentist", "dentist", "2026-09-11 12:00"),
    ("a month 9:00 x", "x", "2026-07-11 09:00"),
    ("in 1 year 1 month x", "x", "2027-07-11 12:00"),
    ("at 18:30 dinner", "dinner", "2026-06-11 18:30"),
    ("18:30 dinner", "dinner", "2026-06-11 18:30"),
    ("9:00 early", "early", "2026-06-12 09:00"),
    ("5pm beer", "beer", "2026-06-11 17:00"),
    ("12am sleep", "sleep", "2026-06-12 00:00"),
    ("at noon lunch", "lunch", "2026-06-12 12:00"),
    ("10.30 tea", "tea", "2026-06-12 10:30"),
    ("tomorrow 9:00 call Ann", "call Ann", "2026-06-12 09:00"),
    ("tomorrow at 9 call Ann", "call Ann", "2026-06-12 09:00"),
    ("9:00 tomorrow call Ann", "call Ann", "2026-06-12 09:00"),
    ("tomorrow call Ann", "call Ann", "2026-06-12 09:00"),
    ("tomorrow 9:00 2 eggs", "2 eggs", "2026-06-12 09:00"),
    ("day after tomorrow 8:00 x", "x", "2026-06-13 08:00"),
    ("tonight x", "x", "2026-06-11 20:00"),
    ("tonight 21:00 x", "x", "2026-06-11 21:00"),
    ("tonight 8 x", "x", "2026-06-11 20:00"),
    ("tonight at 8:30 x", "x", "2026-06-11 20:30"),
    ("at 8 tonight x", "x", "2026-06-11 20:00"),
    ("tonight 22 x", "x", "2026-06-11 22:00"),
    ("in 3 days 2 eggs", "2 eggs", "2026-06-14 12:00"),
    ("friday 12 june x", "x", "2026-06-12 09:00"),
    ("on friday at 5pm: beer", "beer", "2026-06-12 17:00"),
    ("next monday 9:00 x", "x", "2026-06-15 09:00"),
    ("24 Dec 9:00 presents", "presents", "2026-12-24 09:00"),
    ("Dec 24 at 9:00 presents", "presents", "2026-12-24 09:00"),
    ("24 Dec 2027 presents", "presents", "2027-12-24 09:00"),
    ("1 Jan x", "x", "2027-01-01 09:00"),
    ("24.12. 9:00 x", "x", "2026-12-24 09:00"),
    ("10.12. 9:00 x", "x", "2026-12-10 09:00"),
    ("10/12 9:00 x", "x", "2026-12-10 09:00"),
    ("2026-12-24 9:00 x", "x", "2026-12-24 09:00"),
    ("3rd x", "x", "2026-07-03 09:00"),
    ("on 3rd july 9:00 x", "x", "2026-07-03 09:00"),
    ("29 feb 9:00 x", "x", "2028-02-29 09:00"),
    ("yesterday 9:00 x", "x", "2026-06-10 09:00"),
    ("10m", "", "2026-06-11 12:10"),
    ("10m line\nand line", "line\nand line", "2026-06-11 12:10"),
]


@pytest.mark.parametrize(("words", "text", "due"), ONCE)
def test_a_time_and_a_text_are_read(words: str, text: str, due: str) -> None:
    """As much of the beginning as makes sense is the time, and the rest the text."""
    found = understood(words)
    assert (found.text, f"{found.due.astimezone(BERLIN):%Y-%m-%d %H:%M}") == (text, due)
    assert (found.every, found.oddity) == (None, Oddity.NONE)


GERMAN = [
    ("in einer Stunde x", "x", "2026-06-11 13:00"),
    ("in einem Monat 9 Uhr x", "x", "2026-07-11 09:00"),
    ("ein Jahr x", "x", "2027-06-11 12:00"),
    ("am Freitag um 8 Sport", "Sport", "2026-06-12 08:00"),
    ("am 24.12. 9:00 Geschenke", "Geschenke", "2026-12-24 09:00"),
    ("am Montag 9:00 x", "x", "2026-06-15 09:00"),
    ("heute Abend x", "x", "2026-06-11 20:00"),
    ("heute Abend um 8 x", "x", "2026-06-11 20:00"),
    ("10 Minuten Tee", "Tee", "2026-06-11 12:10"),
    ("um 18:30 Abendessen", "Abendessen", "2026-06-11 18:30"),
    ("morgen 9:00 Ann anrufen", "Ann anrufen", "2026-06-12 09:00"),
    ("übermorgen 8 Uhr x", "x", "2026-06-13 08:00"),
    ("24. Dezember 9 Uhr x", "x", "2026-12-24 09:00"),
    ("tomorrow 9:00 x", "x", "2026-06-12 09:00"),
]


@pytest.mark.parametrize(("words", "text", "due"), GERMAN)
def test_a_person_may_write_in_their_own_language(words: str, text: str, due: str) -> None:
    """Or in English."""
    found = understood(words, "de-AT")
    assert (found.text, f"{found.due.astimezone(BERLIN):%Y-%m-%d %H:%M}") == (text, due)


def test_a_language_that_nobody_reads_dates_in_is_no_obstacle() -> None:
    """What is written in English is understood."""
    assert understood("tomorrow 9:00 x", "tlh").text == "x"


RECURRING = [
    ("every day 8:00 pills", "pills", "cron(0 8 ? * * *)", "2026-06-12 08:00"),
    ("daily at 7 x", "x", "cron(0 7 ? * * *)", "2026-06-12 07:00"),
    ("every monday 9:00 standup", "standup", "cron(0 9 ? * MON *)", "2026-06-15 09:00"),
    ("every monday and celebrate", "and celebrate", "cron(0 9 ? * MON *)", "2026-06-15 09:00"),
    ("every mon, wed and fri at 9am gym", "gym", "cron(0 9 ? * MON,WED,FRI *)", "2026-06-12 09:00"),
    ("every thursday 13:00 x", "x", "cron(0 13 ? * THU *)", "2026-06-11 13:00"),
    ("every weekday 9:30 x", "x", "cron(30 9 ? * MON,TUE,WED,THU,FRI *)", "2026-06-12 09:30"),
    ("every weekend 10:00 x", "x", "cron(0 10 ? * SAT,SUN *)", "2026-06-13 10:00"),
    ("every month on the 1st rent", "rent", "cron(0 9 1 * ? *)", "2026-07-01 09:00"),
    ("every 15th of the month 9:00 x", "x", "cron(0 9 15 * ? *)", "2026-06-15 09:00"),
    ("every month on the 31st x", "x", "cron(0 9 31 * ? *)", "2026-07-31 09:00"),
    ("every month on the last day 18:00 x", "x", "cron(0 18 L * ? *)", "2026-06-30 18:00"),
    ("every year on 24 Dec 9:00 presents", "presents", "cron(0 9 24 12 ? *)", "2026-12-24 09:00"),
    ("every 31st of december x", "x", "cron(0 9 31 12 ? *)", "2026-12-31 09:00"),
    ("jeden Montag 9:00 x", "x", "cron(0 9 ? * MON *)", "2026-06-15 09:00"),
    ("monatlich am 1. 8:00 Miete", "Miete", "cron(0 8 1 * ? *)", "2026-07-01 08:00"),
    ("täglich 8:00 x", "x", "cron(0 8 ? * * *)", "2026-06-12 08:00"),
]


@pytest.mark.parametrize(("words", "text", "cron", "due"), RECURRING)
def test_what_recurs_is_read(words: str, text: str, cron: str, due: str) -> None:
    """Days of the week, of the month and of the year."""
    found = understood(words, "de")
    assert found.every is not None
    assert (found.text, found.every.cron) == (text, cron)
    assert f"{found.due.astimezone(BERLIN):%Y-%m-%d %H:%M}" == due


BAD = ["", "tea", "2 eggs", "5 call", "may flowers", "march on", "second thoughts", "25:00 x", "13pm x", "31 feb x"]
BAD += [
    "every",
    "every 2 hours x",
    "every month",
    "every month on the 40th x",
    "every year x",
    "every 2nd monday x",
    "as soon x",
    "am x",
    "now x",
    "10mm x",
    "😀",
    "a tea",
    "an apple",
    "in a moment call",
    "am 6pm x",
    "at 25:99 dinner",
    "every day at 25:00 x",
    "every day 25:00 x",
    "tomorrow 25:00 x",
    "in 3 days at 25 x",
    "every monday 13pm x",
]


@pytest.mark.parametrize("words", ["ein Tee", "in einem Moment x", "jeden Tag um 25:00 x"])
def test_words_that_only_look_like_a_time_are_refused_in_german_too(words: str) -> None:
    """An article is no date, and no clock shows 25:00."""
    with pytest.raises(TimeNotUnderstood):
        understood(words, "de")


@pytest.mark.parametrize(
    "words", ["tomorrow 9 call Ann", "tomorrow 2 eggs", "friday 9 x", "every day 8 x", "today 9 x"]
)
def test_a_number_behind_a_day_is_asked_about(words: str) -> None:
    """It may be the hour, or so many of something."""
    with pytest.raises(HourUnclear):
        understood(words)


@pytest.mark.parametrize("words", ["today x", "this morning x", "heute x"])
def test_of_today_the_time_is_asked_if_the_morning_is_over(words: str) -> None:
    """Before nine it is nine o'clock."""
    with pytest.raises(HourMissing):
        understood(words, "de")
    assert understood("today x", now=NOW.replace(hour=8)).due == NOW.replace(hour=9)


def test_late_in_the_evening_the_time_of_tonight_is_asked() -> None:
    """Eight o'clock is over."""
    with pytest.raises(HourMissing):
        understood("tonight x", now=NOW.replace(hour=21))


OTHERWISE = ["every hour x", "every 2 hours x", "every other monday 9:00 x", "every 2nd monday x", "hourly x"]
OTHERWISE += ["alle 2 Stunden x", "jede Stunde x", "jeden zweiten Montag x"]


@pytest.mark.parametrize("words", OTHERWISE)
def test_what_recurs_in_a_way_that_cannot_be_had_is_told_apart(words: str) -> None:
    """So that people are told what can be had."""
    with pytest.raises(RecursOtherwise):
        understood(words)


def test_a_month_may_be_shorter() -> None:
    """Then it is its last day."""
    found = understood("in a month x", now=datetime(2027, 1, 31, 12, 0, tzinfo=BERLIN))
    assert f"{found.due.astimezone(BERLIN):%Y-%m-%d %H:%M}" == "2027-02-28 12:00"


@pytest.mark.parametrize("words", BAD)
def test_what_is_no_time_is_refused(words: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(TimeNotUnderstood):
        understood(words)


@pytest.mark.parametrize(
    "words", ["999999 weeks x", "999999 days 999999 weeks x", "9999-12-31 23:59 x", "999999 months x", "999999y x"]
)
def test_what_is_out_of_all_bounds_is_far_away(words: str) -> None:
    """No calendar of Python's goes there."""
    assert understood(words).due > NOW + timedelta(days=365 * 100)


def test_hours_pass_and_days_are_of_the_calendar() -> None:
    """Over the night on which the clocks go forward a day is 23 hours long."""
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=BERLIN)
    assert understood("24h x", now=evening).due.astimezone(BERLIN).hour == 21
    assert understood("1 day x", now=evening).due.astimezone(BERLIN).hour == 20


def test_a_time_that_the_clocks_leave_out_is_that_much_later() -> None:
    """02:30 is 03:30 then, and somebody is told."""
    found = understood("29.03.2026 2:30 x", now=datetime(2026, 3, 1, tzinfo=BERLIN))
    assert found.due == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert f"{found.due.astimezone(BERLIN):%H:%M}" == "03:30"
    assert found.oddity is Oddity.LEFT_OUT


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    """02:30 in summer time, and somebody is told."""
    found = understood("25.10.2026 2:30 x", now=datetime(2026, 10, 1, tzinfo=BERLIN))
    assert found.due == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert found.oddity is Oddity.TWICE


_PIECES = st.sampled_from(
    [
        "10m",
        "2h",
        "in",
        "at",
        "on",
        "every",
        "next",
        "day",
        "monday",
        "and",
        "month",
        "year",
        "the",
        "1st",
        "last",
        "of",
        "tomorrow",
        "24",
        "dec",
        "9:00",
        "9am",
        "12.12.",
        "99",
        ".",
        ",",
        ":",
        "x",
        "é",
        "😀",
        "\n",
        "daily",
        "1.1.1",
        "31",
        "feb",
        "uhr",
        "um",
        "jeden",
        "0m",
        "-5",
    ]
)


@given(st.one_of(st.lists(_PIECES, max_size=7).map(" ".join), st.text(max_size=40)))
def test_nothing_that_people_write_makes_it_fail(words: str) -> None:
    """It is understood or it is not; what is understood has a time, and of what recurs the next one."""
    try:
        found = understood(words, "de")
    except TimeNotUnderstood:
        return
    assert found.due.tzinfo is UTC
    assert found.text == found.text.strip()
    if found.every is not None:
        assert found.due > NOW


@given(
    st.datetimes(datetime(2026, 6, 12), datetime(2029, 12, 31)),  # noqa: DTZ001 - of a wall clock
    st.sampled_from(["{:%Y-%m-%d %H:%M}", "{:%d %b %Y %H:%M}", "{:%H:%M %d.%m.%Y}"]),
)
def test_a_date_is_read_as_it_is_written(wall: datetime, form: str) -> None:
    """In several ways, to the minute."""
    wall = wall.replace(second=0, microsecond=0)
    found = understood(form.format(wall) + " x")
    if found.oddity is Oddity.NONE:
        assert found.due.astimezone(BERLIN).replace(tzinfo=None) == wall
    assert found.text == "x"


def test_the_library_for_dates_is_loaded_for_dates_only() -> None:
    """It takes longer than all else: not with the bot, not for a duration, a time of the day or what recurs."""
    code = (
        "import sys, bot\n"
        "from datetime import datetime, UTC\n"
        "from bot.reminders.when import understand\n"
        "for words in ('10m tea', 'at 18:30 tea', 'every monday 9:00 tea'):\n"
        "    understand(words, datetime.now(UTC), UTC)\n"
        "    assert 'dateparser' not in sys.modules, words\n"
        "understand('tomorrow tea', datetime.now(UTC), UTC)\n"
        "assert 'dateparser' in sys.modules\n"
    )
    root = Path(__file__).parents[4]
    path = f"{root / 'layers' / 'floodgate'}:{root / 'functions' / 'worker'}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path})
