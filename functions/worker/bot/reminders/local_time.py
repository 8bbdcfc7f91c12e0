"""Wall clocks: what instant a local time is, on the nights on which clocks are changed too.

Rule: a time that the clocks leave out in spring is as much later as they jump, 02:30 then being 03:30; of one that
comes twice in autumn the first counts. Whoever asks is told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

if TYPE_CHECKING:
    from datetime import tzinfo

#: The zones that people live in; the rest are old names, and means to other ends.
_AREAS = (
    "Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
    "Pacific/",
)  # fmt: skip
_ENOUGH = 3


class Oddity(StrEnum):
    """What may be the matter with a local time."""

    NONE = "none"
    LEFT_OUT = "left out"
    TWICE = "twice"


def instant(wall: datetime, zone: tzinfo) -> tuple[datetime, Oddity]:
    """Return when it is `wall` (without a zone) in `zone`, in UTC."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    moment = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return moment, Oddity.NONE
    is_there = moment.astimezone(zone).replace(tzinfo=None) == wall
    return moment, Oddity.TWICE if is_there else Oddity.LEFT_OUT


@cache
def zones() -> frozenset[str]:
    """Return the names of the time zones that may be chosen."""
    return frozenset(name for name in available_timezones() if name.startswith(_AREAS)) | {"UTC"}


def zone_named(words: str) -> str | None:
    """Return the zone that somebody means: by its name, however written, or by its city if no other has that name."""
    wanted = _plain(words)
    found = [name for name in zones() if _plain(name) == wanted]
    found = found or [name for name in zones() if _plain(name.rpartition("/")[2]) == wanted]
    return found[0] if len(found) == 1 else None


def zones_like(words: str) -> list[str]:
    """Return up to three zones that somebody may have meant, the likeliest first."""
    # Nobody needs these but for a slip of the pen.
    from difflib import get_close_matches  # noqa: PLC0415

    wanted = _plain(words).rpartition("/")[2]
    by_city: dict[str, list[str]] = {}
    for name in sorted(zones()):
        by_city.setdefault(_plain(name.rpartition("/")[2]), []).append(name)
    close = get_close_matches(wanted, by_city, n=_ENOUGH, cutoff=0.6)
    close += [city for city in sorted(by_city) if len(wanted) > _ENOUGH and wanted in city and city not in close]
    return [name for city in close for name in by_city[city]][:_ENOUGH]


def zone(name: str) -> ZoneInfo:
    """Return a zone that was chosen; UTC if this machine does not know it any more."""
    return ZoneInfo(name if name in zones() else "UTC")


def _plain(name: str) -> str:
    return "/".join(part.strip().casefold().replace(" ", "_") for part in name.split("/"))
