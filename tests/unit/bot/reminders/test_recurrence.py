"""When something recurs: what is shown is what EventBridge will do, on the nights of changed clocks too."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reminders.book import Book, Reminder, short
from bot.reminders.local_time import Oddity, instant, zone_named, zones, zones_like
from bot.reminders.recurrence import DAILY, LAST, Recurrence
from tests.integration.worker.due import occurrences

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Pacific/Apia"]
_TIMES = {"hour": st.integers(0, 23), "minute": st.integers(0, 59)}
_RECURRENCES = st.one_of(
    st.builds(
        Recurrence,
        **_TIMES,
        weekdays=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    st.builds(Recurrence, **_TIMES, day=st.one_of(st.integers(1, 31), st.just(LAST))),
    st.builds(Recurrence, **_TIMES, day=st.integers(1, 29), month=st.integers(1, 12)),
)
_MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC's


@given(_RECURRENCES, _MOMENTS, st.sampled_from(ZONES))
def test_what_comes_next_is_what_the_scheduler_sends_next(every: Recurrence, moment: datetime, name: str) -> None:
    """Its expression, read by somebody else, names no time in between, and that one."""
    due = every.after(moment, ZoneInfo(name))
    assert due > moment
    # Within the window that is looked at; a 29 February may be years away.
    horizon = min(due, moment + timedelta(days=800))
    sent = list(occurrences(every.cron, name, moment.timestamp(), horizon.timestamp()))
    assert sent == ([due] if due <= horizon else [])


@given(_RECURRENCES)
def test_what_is_kept_is_what_was_asked_for(every: Recurrence) -> None:
    """Through JSON's types."""
    assert Recurrence.of(every.kept()) == every


def test_a_night_without_its_time_is_left_out() -> None:
    """So does EventBridge."""
    every = Recurrence(2, 30, DAILY)
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert every.after(before, BERLIN) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_a_night_with_its_time_twice_has_it_once() -> None:
    """The first."""
    every = Recurrence(2, 30, DAILY)
    first = every.after(datetime(2026, 10, 24, 12, tzinfo=UTC), BERLIN)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert every.after(first, BERLIN) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_nine_is_nine_in_summer_and_in_winter() -> None:
    """In the chat's zone, not in UTC."""
    every = Recurrence(9, 0, DAILY)
    winter, summer = (every.after(datetime(2026, month, 1, tzinfo=UTC), BERLIN) for month in (1, 7))
    assert (winter.hour, summer.hour) == (8, 7)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001 - a wall clock's
def test_a_local_time_is_an_instant(wall: datetime, name: str) -> None:
    """It reads so on the clocks there, unless they leave it out: then later, by what they jump."""
    zone = ZoneInfo(name)
    moment, oddity = instant(wall, zone)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    if oddity is Oddity.LEFT_OUT:
        assert timedelta() < shown - wall <= timedelta(days=1)
    else:
        assert shown == wall


NAMES = [
    ("Europe/Berlin", "Europe/Berlin"),
    ("europe/berlin", "Europe/Berlin"),
    ("berlin", "Europe/Berlin"),
    ("New York", "America/New_York"),
    ("america / new york", "America/New_York"),
    ("utc", "UTC"),
    ("Mars/Olympus", None),
    ("", None),
    ("../../etc/passwd", None),
]


@pytest.mark.parametrize(("words", "name"), NAMES)
def test_a_zone_is_found_however_it_is_written(words: str, name: str | None) -> None:
    """By its name or its city."""
    assert zone_named(words) == name


@pytest.mark.parametrize(("words", "like"), [("Europe/Berlni", "Europe/Berlin"), ("lodnon", "Europe/London")])
def test_a_slip_of_the_pen_has_suggestions(words: str, like: str) -> None:
    """The likeliest first, three at most."""
    found = zones_like(words)
    assert found[0] == like
    assert len(found) <= 3
    assert set(found) <= zones()


@given(st.text(max_size=60))
def test_nothing_that_is_no_zone_makes_it_fail(words: str) -> None:
    """It is one or it is not."""
    assert zone_named(words) in {None, *zones()}
    assert set(zones_like(words)) <= zones()


def test_a_zones_button_fits() -> None:
    """Telegram takes 64 bytes."""
    assert max(len(f"timezone:{name}") for name in zones()) <= 64
    assert len(f"remind:delete:999:{short(2**63)}-{short(2**32)}") <= 64


@given(_RECURRENCES | st.none(), _MOMENTS)
def test_a_reminder_is_kept(every: Recurrence | None, due: datetime) -> None:
    """To the second."""
    due = due.replace(microsecond=0)
    reminder = Reminder("a", "tea", due, every, 7001, None, "reminder.7001.a")
    book = Book({})
    book.write(reminder)
    assert book.find("a") == reminder
    assert book.open(due - timedelta(days=1)) == [reminder]


def test_the_zones_come_with_the_layer() -> None:
    """Lambda's machine has none, or other ones."""
    code = (
        "from bot.reminders.local_time import zone, zones; assert len(zones()) > 400; assert zone('Europe/Berlin').key"
    )
    root = Path(__file__).parents[4]
    path = f"{root / 'layers' / 'floodgate'}:{root / 'functions' / 'worker'}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path, "PYTHONTZPATH": ""})
    assert "\ntzdata==" in (root / "layers" / "dependencies" / "requirements.txt").read_text()
