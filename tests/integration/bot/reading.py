"""What tests of reminders count in and look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chats

MINUTE, HOUR, DAY = 60, 3600, 86_400
#: The buttons below a reminder that came.
SNOOZES = [["10 min", "1 hour", "Tomorrow"]]


def names(chats: Chats) -> list[str]:
    """Return the names of the schedules."""
    return sorted(chats.due.schedules)
