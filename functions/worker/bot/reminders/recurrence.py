"""What comes again and again: as EventBridge writes it, and when it comes next.

Rule: EventBridge decides; `after` says what it will do. Hazard: on a night on which the clocks leave its time out it
does not come at all, and of two equal times it takes one (AWS: "Daylight savings time on EventBridge Scheduler").
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from bot.reminders.local_time import Oddity, instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

LAST: Final = 32
"""A day of the month that stands for the last one, whatever its number."""

_DAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
#: A 29 February may be eight years away (1896, 1904), and so, with a time that the clocks leave out, is nothing else.
_HORIZON_DAYS: Final = 9 * 366
WEEKDAYS: Final = (0, 1, 2, 3, 4)
WEEKEND: Final = (5, 6)
DAILY: Final = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A time of the day on days of the week, or on a day of every month, or of one month."""

    hour: int
    minute: int
    #: Monday is 0; empty if a day of the month decides.
    weekdays: tuple[int, ...] = ()
    day: int | None = None
    month: int | None = None

    @property
    def cron(self) -> str:
        """The schedule expression."""
        if self.day is None:
            days = "*" if self.weekdays == DAILY else ",".join(_DAYS[day] for day in self.weekdays)
            return f"cron({self.minute} {self.hour} ? * {days} *)"
        day = "L" if self.day == LAST else self.day
        return f"cron({self.minute} {self.hour} {day} {self.month or '*'} ? *)"

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """Return when it comes next after `moment`, in UTC."""
        today = moment.astimezone(zone).date()
        for days in range(_HORIZON_DAYS):
            if self._is_on(one := today + timedelta(days)):
                due, oddity = instant(datetime(one.year, one.month, one.day, self.hour, self.minute), zone)  # noqa: DTZ001 - a wall clock's
                if due > moment and oddity is not Oddity.LEFT_OUT:
                    return due
        raise ValueError(f"{self} never comes")

    def _is_on(self, one: date) -> bool:
        if self.day is None:
            return one.weekday() in self.weekdays
        days = monthrange(one.year, one.month)[1]
        return (self.month or one.month) == one.month and one.day == (days if self.day == LAST else self.day)

    def kept(self) -> dict[str, Any]:
        """Return it as it is kept in chat_data."""
        return {
            "hour": self.hour,
            "minute": self.minute,
            "weekdays": list(self.weekdays),
            "day": self.day,
            "month": self.month,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """Return what was kept."""
        return cls(kept["hour"], kept["minute"], tuple(kept["weekdays"]), kept["day"], kept["month"])
