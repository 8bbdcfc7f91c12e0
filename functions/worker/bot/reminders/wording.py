"""How reminders and their times are written, in the reader's language and the chat's time zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.reminders.local_time import Oddity
from bot.reminders.recurrence import DAILY, LAST, WEEKDAYS, WEEKEND

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from bot.reminders.recurrence import Recurrence

    type Gettext = Callable[[str], str]


def at(moment: datetime, zone: ZoneInfo, _: Gettext) -> str:
    """Return a day and a time: `Mon 15 Jun 2026, 09:00`."""
    local = moment.astimezone(zone)
    weekday, month = _short_weekdays(_)[local.weekday()], _months(_)[local.month - 1]
    # Translators: a date such as "Mon 15 Jun 2026, 09:00"
    return _("{weekday} {day} {month} {year}, {time}").format(
        weekday=weekday, day=local.day, month=month, year=local.year, time=f"{local:%H:%M}"
    )


def every(recurrence: Recurrence, _: Gettext) -> str:  # noqa: PLR0911 - one for each way
    """Return when something recurs: `every Monday at 09:00`."""
    time = f"{recurrence.hour:02}:{recurrence.minute:02}"
    match recurrence.weekdays:
        case days if days == DAILY:
            return _("every day at {time}").format(time=time)
        case days if days == WEEKDAYS:
            return _("Monday to Friday at {time}").format(time=time)
        case days if days == WEEKEND:
            return _("every Saturday and Sunday at {time}").format(time=time)
        case (*first, last):
            names = _weekdays(_)[last]
            if first:
                # Translators: of days of the week, such as: Monday, Wednesday and Friday
                names = _("{days} and {last}").format(days=", ".join(_weekdays(_)[day] for day in first), last=names)
            return _("every {weekdays} at {time}").format(weekdays=names, time=time)
    if recurrence.month is not None:
        month = _months(_)[recurrence.month - 1]
        return _("every year on {day} {month} at {time}").format(day=recurrence.day, month=month, time=time)
    if recurrence.day == LAST:
        return _("on the last day of every month at {time}").format(time=time)
    return _("on day {day} of every month at {time}").format(day=recurrence.day, time=time)


def oddity(what: Oddity, zone: ZoneInfo, _: Gettext) -> str:
    """Return a sentence on what the clocks do then; empty if nothing."""
    if what is Oddity.LEFT_OUT:
        return _("The clocks in {zone} jump over the time that you wrote, so it is that much later.").format(zone=zone)
    if what is Oddity.TWICE:
        return _("The clocks in {zone} show that time twice on that day; it is the first.").format(zone=zone)
    return ""


def _short_weekdays(_: Gettext) -> tuple[str, ...]:
    return _("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")


def _weekdays(_: Gettext) -> tuple[str, ...]:
    return (
        _("Monday"),
        _("Tuesday"),
        _("Wednesday"),
        _("Thursday"),
        _("Friday"),
        _("Saturday"),
        _("Sunday"),
    )


def _months(_: Gettext) -> tuple[str, ...]:
    return (
        _("Jan"),
        _("Feb"),
        _("Mar"),
        _("Apr"),
        _("May"),
        _("Jun"),
        _("Jul"),
        _("Aug"),
        _("Sep"),
        _("Oct"),
        _("Nov"),
        _("Dec"),
    )
