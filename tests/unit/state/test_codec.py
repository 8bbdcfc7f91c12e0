"""What a bot remembers comes back as it was, or is refused; nothing comes back as something else."""

from __future__ import annotations

import enum
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import User

from floodgate.state.codec import NotStorable, dumps, loads

KEYS = st.one_of(
    st.text(), st.integers(), st.booleans(), st.none(), st.sampled_from(["~", "~tuple", "~dict", "~x"]),
    st.tuples(st.integers(), st.text()),
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.characters()), st.binary(),
    st.dates(), st.timedeltas(),
    st.datetimes(timezones=st.none() | st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=30)))),
    st.sets(st.integers() | st.text() | st.tuples(st.integers())), st.frozensets(st.text() | st.binary()),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


class Colour(enum.IntEnum):
    """A number, and more than that."""

    RED = 1


@given(VALUES)
def test_what_is_kept_comes_back_as_it_was(value: Any) -> None:
    """Equal, and of the same type all the way down; and keeping it again gives the same text."""
    text = dumps(value, "x")
    again = loads(text)
    assert again == value
    assert _types(again) == _types(value)
    assert dumps(again, "x") == text
    text.encode()


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return [(type(key), _types(one)) for key, one in value.items()]
    return [type(value), *map(_types, value)] if isinstance(value, list | tuple) else type(value)


def test_plain_data_is_plain_json() -> None:
    """So that a person can read the table; letters stand as they are."""
    value = {"name": "Jürgen", "seeds": [1, 2.5, None, True], "where": {"town": "Łódź"}}
    assert json.loads(dumps(value, "x")) == value
    assert "Jürgen" in dumps(value, "x")


def test_half_a_character_is_kept() -> None:
    """Telegram sends such a thing when somebody cuts an emoji; UTF-8 has no way to write it."""
    assert loads(dumps({"cut": "\ud83c"}, "x")) == {"cut": "\ud83c"}


def test_an_equal_set_is_the_same_text() -> None:
    """Or a record that nobody touched would be written each time."""
    assert dumps({"b", "a", "c", 1}, "x") == dumps({1, "c", "a", "b"}, "x")


@pytest.mark.parametrize(
    "value",
    [Colour.RED, Decimal(1), defaultdict(int), Counter("ab"), User(1, "Ann", False), object(), lambda: None, 1j],
    ids=lambda value: type(value).__name__,
)
def test_what_would_come_back_as_something_else_is_refused(value: Any) -> None:
    """The error says what it is and where it stands."""
    with pytest.raises(NotStorable, match=rf"user_data\['cart'\]\[1\] is a \S*{type(value).__name__}"):
        dumps({"cart": [1, value]}, "user_data")


def test_what_holds_itself_is_refused() -> None:
    """There is no text for that."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotStorable, match="holds itself"):
        dumps(endless, "user_data")


def test_a_time_keeps_its_zone() -> None:
    """Not only what its clocks were ahead by: the same time tomorrow may be another number of hours away."""
    berlin = ZoneInfo("Europe/Berlin")
    nine = loads(dumps(datetime(2026, 3, 28, 9, tzinfo=berlin), "x"))
    assert (nine + timedelta(1)).isoformat() == "2026-03-29T09:00:00+02:00"
    second = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    assert loads(dumps(second, "x")).isoformat() == second.isoformat() == "2026-10-25T02:30:00+01:00"
    assert loads(dumps(second.replace(tzinfo=None), "x")).fold == 1


def test_a_zone_without_a_name_is_refused() -> None:
    """Nobody could find it again."""

    class Here(tzinfo):
        pass

    with pytest.raises(NotStorable, match="time zone that cannot be kept"):
        dumps(datetime(2026, 6, 11, tzinfo=Here()), "user_data")  # type: ignore[abstract] # nobody asks it


def test_dates_are_no_times() -> None:
    """A datetime is a date as well, in Python."""
    value = [date(2026, 6, 11), datetime(2026, 6, 11, tzinfo=UTC)]
    assert loads(dumps(value, "x")) == value
