"""The days on which something recurs, as people write them: `every monday and thursday`, `every month on the 1st`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.reminders.recurrence import DAILY, LAST, WEEKDAYS, WEEKEND

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

EVERY: Final = re.compile(
    r"(?:every|each|jede[nrs]?)\b\s*|(?=(?:daily|täglich|weekdays|werktags|monthly|monatlich)\b)", re.IGNORECASE
)

_DAYS: Final = (
    r"mon(?:days?)?|montags?|mo",
    r"tue(?:s|sdays?)?|dienstags?|di",
    r"wed(?:s|nesdays?)?|mittwochs?|mi",
    r"thu(?:rs?|rsdays?)?|donnerstags?|do",
    r"fri(?:days?)?|freitags?|fr",
    r"sat(?:urdays?)?|samstags?|sonnabends?|sa",
    r"sun(?:days?)?|sonntags?|so",
)
_SETS: Final = (
    (r"day|daily|tag|täglich", DAILY),
    (r"weekdays?|workdays?|workingdays?|werktags?|wochentags?|arbeitstag", WEEKDAYS),
    (r"weekends?|wochenende", WEEKEND),
    *((day, (number,)) for number, day in enumerate(_DAYS)),
)
_END: Final = r"(?![^\W_])[.]?"
_AND: Final = re.compile(r"\s*(?:,\s*and\b|,\s*und\b|,|\band\b|\bund\b|&|\+)\s*", re.IGNORECASE)
_MONTH: Final = re.compile(rf"(?:months?|monthly|monats?|monatlich){_END}\s*(?:(?:on|am)\s+)?", re.IGNORECASE)
_DAY: Final = re.compile(
    rf"(?:(?:the|am|den)\s+)?(?:(?P<last>last(?:\s+day)?|letzten?(?:\s+tag)?){_END}"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)(?![^\W_]))"
    r"(?:\s+(?:day\s+)?(?:of\s+(?:the|each|every)\s+month|(?:des|im)\s+monats?))?\s*",
    re.IGNORECASE,
)
_OF: Final = re.compile(r"of\s+", re.IGNORECASE)
_YEAR: Final = re.compile(rf"(?:year|jahr){_END}\s*(?:(?:on|am)\s+)?(?:the\s+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Days:
    """Days that recur, and what follows them in the text."""

    rest: str
    weekdays: tuple[int, ...] = ()
    day: int | None = None
    month: int | None = None


def recurring(words: str, date_at: Callable[[str], tuple[date | None, str]]) -> Days | None:
    """Return the days that `words` begin with; None if they name none. `date_at` reads the date of a yearly one."""
    began = EVERY.match(words)
    rest = words[began.end() :] if began else words
    if found := _YEAR.match(rest):
        day, rest = date_at(rest[found.end() :])
        return None if day is None else Days(rest, day=day.day, month=day.month)
    month = _MONTH.match(rest)
    if found := _DAY.match(rest[month.end() :] if month else rest):
        number = LAST if found["last"] else int(found["day"])
        rest = (rest[month.end() :] if month else rest)[found.end() :]
        if of := _OF.match(rest):  # "every 31st of december"
            day, rest = date_at(f"{number} {rest[of.end() :]}")
            return None if day is None else Days(rest, day=day.day, month=day.month)
        if _of_the_week(rest):  # "every 2nd monday" is no day of the month
            return None
        return Days(rest, day=number) if found["last"] or 1 <= number <= 31 else None
    return None if month else _of_the_week(rest)


def _of_the_week(rest: str) -> Days | None:
    chosen: set[int] = set()
    while True:
        for pattern, days in _SETS:
            if found := re.match(rf"(?:{pattern}){_END}", rest, re.IGNORECASE):
                chosen.update(days)
                rest = rest[found.end() :]
                break
        else:
            return Days(rest, tuple(sorted(chosen))) if chosen else None
        following = _AND.match(rest)
        ahead = rest[following.end() :] if following else ""
        if not any(re.match(rf"(?:{pattern}){_END}", ahead, re.IGNORECASE) for pattern, _ in _SETS):
            return Days(rest.lstrip(" ,"), tuple(sorted(chosen)))
        rest = ahead
