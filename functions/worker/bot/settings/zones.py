"""Time zones to choose from with a button: one for most people's clock, from west to east.

All others are for /timezone, which takes every name of the IANA database.
"""

from __future__ import annotations

from typing import Final

PER_PAGE: Final = 8
ZONES: Final = (
    "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Chicago",
    "America/New_York", "America/Halifax", "America/Sao_Paulo",
    "Atlantic/Azores", "UTC", "Europe/London", "Africa/Lagos", "Europe/Berlin", "Europe/Paris", "Africa/Johannesburg",
    "Africa/Cairo",
    "Europe/Athens", "Europe/Kyiv", "Europe/Istanbul", "Europe/Moscow", "Africa/Nairobi", "Asia/Tehran", "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata", "Asia/Dhaka", "Asia/Jakarta", "Asia/Shanghai", "Asia/Manila", "Asia/Tokyo", "Australia/Sydney",
    "Pacific/Auckland",
)  # fmt: skip
PAGES: Final = len(ZONES) // PER_PAGE


def page(number: int) -> tuple[str, ...]:
    """Return the zones on a page, from 0."""
    return ZONES[number * PER_PAGE : (number + 1) * PER_PAGE]


def page_of(zone: str) -> int:
    """Return the page that a zone is on; the middle of the world for one that is on none."""
    return ZONES.index(zone if zone in ZONES else "UTC") // PER_PAGE
