"""What somebody wants to be reminded of, and when: `10m tea`, `tomorrow 9:00 call Ann`, `every monday standup`.

Rule: the beginning is read as a time, as much of it as makes sense, and the rest is the text. Durations, times of the
day and what recurs are read here; dates, in English and in the person's own language, by dateparser, which is loaded
for them only: that takes 0.3 s on a fast machine. Pure: now and the zone are told. Hazard: people's words are
ambiguous, so whatever was understood is shown before it counts.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from bot.reminders.local_time import Oddity, instant
from bot.reminders.recurrence import Recurrence
from bot.reminders.repeating import EVERY, recurring

if TYPE_CHECKING:
    from datetime import tzinfo

#: When something is due of which only the day is known.
MORNING: Final = time(9)
_EVENING: Final = time(20)
#: A date has up to so many words: "the day after tomorrow".
_LONGEST_DATE: Final = 4
_LONGEST_CHARACTERS: Final = 40
_UNITS: Final = {
    "s": r"s|sec|secs|seconds?|sek|sekunden?",
    "m": r"m|min|mins|minutes?|minuten?",
    "h": r"h|hrs?|hours?|std|stunden?",
    "d": r"d|days?|tage?n?",
    "w": r"w|weeks?|wochen?",
    "M": r"months?|monate?n?",
    "y": r"y|years?|jahre?n?",
}
_UNIT: Final = "|".join(f"(?P<{name}>{words})" for name, words in _UNITS.items())
_AMOUNT: Final = re.compile(
    rf"(?:and\s+|und\s+)?(?:(\d{{1,6}})\s*|(?:an?|eine?[rmn]?)\s+)(?:{_UNIT})(?![^\W\d_])[\s,.:]*", re.IGNORECASE
)
_ON: Final = re.compile(r"(?:on|am)\s+", re.IGNORECASE)
_IN: Final = re.compile(r"in\s+", re.IGNORECASE)
_AT: Final = re.compile(
    r"(?P<at>(?:at|um|@)\s*)?"
    r"(?:(?P<noon>noon|midday|mittags?)|(?P<midnight>midnight|mitternachts?)"
    r"|(?P<hour>\d{1,2})(?:(?P<point>[:.])(?P<minute>\d{2}))?(?:\s*(?P<half>am|pm|a\.m\.|p\.m\.)|(?P<oclock>\s*(?:uhr|o'clock|h)))?)"
    r"(?!\.?\d)(?![^\W_])[\s,;]*",
    re.IGNORECASE,
)
#: What a date begins with that follows its time: "9:00 on friday", "18:30 24.12."
_DATE_BEHIND: Final = re.compile(
    r"on\s|am\s|\d|next\s|nächste|(?:today|heute|tomorrow|morgen|übermorgen|day\s+after|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
    r"(?![^\W_])",
    re.IGNORECASE,
)
#: Later than anybody may ask for.
_NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_DAY_AND_MONTH: Final = re.compile(r"(\d{1,2})[./](\d{1,2})[./]?")
_NUMBER: Final = re.compile(r"(?:on\s+|am\s+)?(?:the\s+)?\d{1,2}(?:st|nd|rd|th|\.)", re.IGNORECASE)
#: dateparser takes "a" for some month, and "in a moment" for now; "in a month" is a duration.
_NO_DATE: Final = re.compile(r"\d+[.,]?|now|jetzt|(?:in\s+)?(?:an?|eine?[rmns]?)(?:\s.*)?", re.IGNORECASE | re.DOTALL)
_TONIGHT: Final = re.compile(r"(?:tonight|this\s+evening|heute\s+abend)(?![^\W_])[\s,:]*", re.IGNORECASE)
#: "tonight 8", also if it is no more than that.
_HOUR_TONIGHT: Final = re.compile(r"(?:[5-9]|1[0189]|2[0-3])(?=\s|$)")
#: What looks like a time of the day and is none, if `_time` finds none in it.
_BAD_TIME: Final = re.compile(
    r"(?:(?:at|um|@)\s*\d{1,2}(?![^\W_])|\d{1,2}:\d{2}(?!\d)|\d{1,2}\s*(?:am|pm)(?![^\W_]))", re.IGNORECASE
)
#: An hour, or so many of something.
_BARE_NUMBER: Final = re.compile(r"(?:1?\d|2[0-4])(?=\s|$)")
_ALL: Final = re.compile(r"(?:hourly|stündlich|alle\s+(?:\d+|zwei|drei|vier))(?![^\W_])", re.IGNORECASE)
_TOO_OFTEN: Final = re.compile(
    r"(?:\d+(?:st|nd|rd|th|\.)?|other|first|second|third|fourth|two|three|four|half|hours?|minutes?|seconds?"
    r"|erste[nrs]?|zweite[nrs]?|dritte[nrs]?|vierte[nrs]?|halbe|stunde|minute|sekunde)(?![^\W_])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Understood:
    """A reminder as it was understood."""

    text: str
    #: When it is due first, in UTC.
    due: datetime
    every: Recurrence | None = None
    #: What the clocks do at that time.
    oddity: Oddity = Oddity.NONE


class TimeNotUnderstood(ValueError):
    """It does not begin with a time."""


class HourUnclear(TimeNotUnderstood):
    """Behind a day stands a number that may be the hour, or so many of something."""


class HourMissing(TimeNotUnderstood):
    """It is for today, at no time that is said."""


class RecursOtherwise(TimeNotUnderstood):
    """It recurs in a way that cannot be had: by the hour, or every other week."""


def understand(words: str, now: datetime, zone: tzinfo, language: str | None = None) -> Understood:
    """Return what `words`, said at `now`, ask for; `now` has a zone. Raises TimeNotUnderstood.

    It may be due in the past, and its text may be empty: whoever asks says what is wrong with that.
    """
    words = words.strip()
    if _ALL.match(words):
        raise RecursOtherwise(words)
    if EVERY.match(words):
        found = _recurring(words, now, zone, language)
    else:
        found = _duration(words, now, zone) or _date_and_time(words, now.astimezone(zone), zone, language)
    return replace(found, text=found.text.strip().lstrip(",;:- "))


def _recurring(words: str, now: datetime, zone: tzinfo, language: str | None) -> Understood:
    days = recurring(words, lambda rest: _date(rest, now.astimezone(zone).date(), language))
    if days is None:
        began = EVERY.match(words)
        otherwise = began is not None and _TOO_OFTEN.match(words, began.end())
        raise RecursOtherwise(words) if otherwise else TimeNotUnderstood(words)
    at, rest = _time_behind(days.rest)
    moment = at or MORNING
    every = Recurrence(moment.hour, moment.minute, days.weekdays, days.day, days.month)
    return Understood(rest, every.after(now, zone), every)


def _duration(words: str, now: datetime, zone: tzinfo) -> Understood | None:
    """Read `10m`, `2h 30min`, `in 3 days 9:00`: minutes and hours as they pass, days and more by the calendar."""
    found = _IN.match(words)
    rest = words[found.end() :] if found else words
    exact, days, months, some = timedelta(), 0, 0, False
    while match := _AMOUNT.match(rest):
        amount = int(match[1] or 1)
        match match.lastgroup:
            case "d":
                days += amount
            case "w":
                days += 7 * amount
            case "M":
                months += amount
            case "y":
                months += 12 * amount
            case unit:
                exact += amount * timedelta(seconds={"s": 1, "m": 60, "h": 3600}[unit or "s"])
        rest, some = rest[match.end() :], True
    if not some:
        return None
    try:
        if not days and not months:
            return Understood(rest, now.astimezone(UTC) + exact)
        wall = _months_later(now.astimezone(zone).replace(tzinfo=None), months) + timedelta(days)
        at, behind = _time_behind(rest, may_be_number=True) if not exact else (None, rest)
        due, oddity = instant(wall if at is None else datetime.combine(wall, at), zone)
        return Understood(behind, due + exact, oddity=oddity if not exact else Oddity.NONE)
    except OverflowError:
        return Understood(rest, _NEVER)


def _months_later(wall: datetime, months: int) -> datetime:
    """Return the same day of another month, or its last; raises OverflowError beyond the calendar."""
    years, month = divmod(wall.month - 1 + months, 12)
    year = wall.year + years
    if year > _NEVER.year:
        raise OverflowError(year)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))


def _date_and_time(words: str, local: datetime, zone: tzinfo, language: str | None) -> Understood:
    at, rest = _time(words)
    if evening := _TONIGHT.match(rest):
        return _tonight(at, rest[evening.end() :], local, zone)
    day = None
    if at is None or _DATE_BEHIND.match(rest):  # "18:30 dinner" needs no library
        day, rest = _day(rest, local.date(), language)
    if at is None and day is not None:
        at, rest = _time_behind(rest)
    if at is None and day is None:
        raise TimeNotUnderstood(words)
    if day is None and at is not None:  # today, or else tomorrow
        due, oddity = instant(datetime.combine(local.date(), at), zone)
        if due > local:
            return Understood(rest, due, oddity=oddity)
    by_itself = day.time() if day is not None and day.time() != time() else MORNING  # "tonight"
    wall = datetime.combine(day.date() if day is not None else local.date() + timedelta(1), at or by_itself)
    due, oddity = instant(wall, zone)
    if at is None and wall.date() == local.date() and due <= local:
        raise HourMissing(words)
    return Understood(rest, due, oddity=oddity)


def _tonight(at: time | None, rest: str, local: datetime, zone: tzinfo) -> Understood:
    """Read what follows `tonight`: at 8 is at 20:00 then."""
    if at is None and (bare := _HOUR_TONIGHT.match(rest)):
        at, rest = time(int(bare[0])), rest[bare.end() :]
    elif at is None:
        at, rest = _time_behind(rest)
    moment = at or _EVENING
    if 5 <= moment.hour < 12:
        moment = moment.replace(hour=moment.hour + 12)
    due, oddity = instant(datetime.combine(local.date(), moment), zone)
    if at is None and due <= local:
        raise HourMissing(rest)
    return Understood(rest, due, oddity=oddity)


def _time_behind(words: str, *, may_be_number: bool = False) -> tuple[time | None, str]:
    """Return the time of the day that follows a day, and the rest; raises TimeNotUnderstood if it is a bad one."""
    at, rest = _time(words)
    if at is None and _BAD_TIME.match(words):
        raise TimeNotUnderstood(words)
    if at is None and not may_be_number and _BARE_NUMBER.match(words):
        raise HourUnclear(words)
    return at, rest


def _time(words: str) -> tuple[time | None, str]:
    """Return the time of the day that `words` begin with, and the rest."""
    found = _AT.match(words)
    if found is None:
        return None, words
    rest = words[found.end() :]
    if found["noon"]:
        return time(12), rest
    if found["midnight"]:
        return time(0), rest
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    is_said = found["at"] or found["half"] or found["oclock"]
    is_date = found["point"] == "." and (minute <= 12 or rest.startswith("."))  # "24.12." and, more likely so, "10.12"
    if not is_said and (is_date or not found["minute"]):  # "2 eggs"
        return None, words
    if found["half"]:
        if not 1 <= hour <= 12:
            return None, words
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    return (time(hour, minute), rest) if hour < 24 and minute < 60 else (None, words)


def _date(words: str, today: date, language: str | None) -> tuple[date | None, str]:
    day, rest = _day(words, today, language)
    return (day.date() if day is not None else None), rest


def _day(words: str, today: date, language: str | None) -> tuple[datetime | None, str]:
    """Return the day that `words` begin with, at midnight if they name no time, and the rest."""
    if (on := _ON.match(words)) and (after := _day(words[on.end() :], today, language))[0] is not None:
        return after
    tokens: list[re.Match[str]] = []
    for token in re.finditer(r"\S+\s*", words):
        if len(tokens) == _LONGEST_DATE or (tokens and _time(words[token.start() :])[0] is not None):
            break
        tokens.append(token)
    found: list[tuple[datetime | None, int]] = [(None, 0)]
    for token in tokens:
        candidate = words[: token.end()].strip(" \t\n,;")
        found.append((_parsed(candidate, today, language), token.end()))
    while len(found) > 1:
        day, end = found.pop()
        # "tomorrow 2 eggs": a word that says nothing belongs to the text.
        before, word = words[: found[-1][1]], words[found[-1][1] : end].strip()
        says_nothing = day == found[-1][0] and not _is_part_of_date(word, today, language)
        if found[-1][0] is not None and _BARE_NUMBER.fullmatch(word) and not re.search(r"\d", before):
            says_nothing = True  # "friday 9" is no 9th
        if day is not None and not says_nothing:
            return day, words[end:]
    return None, words


def _is_part_of_date(word: str, today: date, language: str | None) -> bool:
    """Tell whether it is a year, or a word for a month or a day."""
    if word[:1].isdecimal():
        return re.fullmatch(r"\d{4}\W*", word) is not None
    return _read(word.strip(" ,;"), today, language, "first") is not None


def _parsed(candidate: str, today: date, language: str | None) -> datetime | None:
    if _NO_DATE.fullmatch(candidate) or len(candidate) > _LONGEST_CHARACTERS:
        return None
    if plain := _DAY_AND_MONTH.fullmatch(candidate):  # dateparser takes 10.12. for a time
        candidate = f"{plain[1]}/{plain[2]}"
    has_number = any(character.isdigit() for character in candidate)
    found = _read(candidate, today, language, "first")
    if found is None or (has_number and found.time() != time()):
        return None
    if found.date() < today and _NUMBER.fullmatch(candidate):  # "the 3rd", of next month
        found = _read(candidate, (today.replace(day=28) + timedelta(7)).replace(day=1), language, "first")
    if not has_number and found != _read(candidate, today, language, "last"):
        return None  # "may flowers": a month is no day
    return found


def _read(candidate: str, today: date, language: str | None, day_of_month: str) -> datetime | None:
    # It takes longer to load than all of this module's work, and most reminders are for "10m" or "9:00".
    import dateparser  # noqa: PLC0415

    settings = {
        "RELATIVE_BASE": datetime.combine(today, time()),
        "PREFER_DATES_FROM": "future",
        "PREFER_DAY_OF_MONTH": day_of_month,
        "DATE_ORDER": "DMY",
        "RETURN_AS_TIMEZONE_AWARE": False,
        "TIMEZONE": "UTC",
        "PARSERS": ["relative-time", "absolute-time"],
    }
    own = (language or "en").partition("-")[0].lower()
    for languages in dict.fromkeys((("en",), ("en", own))):
        try:
            found: datetime | None = dateparser.parse(candidate, languages=list(languages), settings=settings)
        except (ValueError, OverflowError):  # a language that it does not know
            continue
        if found is not None:
            return found
    return None
