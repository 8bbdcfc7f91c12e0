"""The reminders of a chat, as they are kept in its chat_data.

`chat_data["reminders"]` holds what is still to come, `chat_data["delivered"]` what came and may be put off, each by an
id that is made of the update that asked for it; so a retry finds what it has written, and an id of another chat finds
nothing. `chat_data["timezone"]` is the chat's zone. Hazard: of an unknown reminder that is due nothing is said: it was
cancelled while it was on its way, or its chat's data was deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from bot.reminders.local_time import zone
from bot.reminders.recurrence import Recurrence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from telegram.ext import ContextTypes

#: Reminders that a chat may have at once.
MOST: Final = 20
#: Delivered ones that are remembered: the newest.
_DELIVERED: Final = 20
#: What a message to people takes without being cut: the text is quoted with words around it.
LONGEST_TEXT: Final = 500
_BASE: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Reminder:
    """One that is to come, or came last."""

    id: str
    text: str
    #: When it is due first, in UTC.
    due: datetime
    every: Recurrence | None
    #: Who asked for it; None where Telegram names nobody.
    maker: int | None
    #: The forum topic that it belongs to.
    thread: int | None
    #: Its schedule's name; a group's id may change, this does not.
    schedule: str

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return when it comes next."""
        return self.due if self.every is None else self.every.after(moment, zone)

    def kept(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "text": self.text,
            "due": int(self.due.timestamp()),
            "every": self.every and self.every.kept(),
            "maker": self.maker,
            "thread": self.thread,
            "schedule": self.schedule,
        }

    @classmethod
    def of(cls, key: str, kept: Mapping[str, Any]) -> Self:
        """Return what was kept."""
        return cls(
            key,
            kept["text"],
            datetime.fromtimestamp(kept["due"], UTC),
            Recurrence.of(kept["every"]) if kept["every"] else None,
            kept["maker"],
            kept["thread"],
            kept["schedule"],
        )


class Book:
    """A chat's reminders."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    @classmethod
    def here(cls, context: ContextTypes.DEFAULT_TYPE) -> Self:
        """Return those of the chat of an update or a task."""
        if (data := context.chat_data) is None:
            raise ValueError("reminders belong to a chat")
        return cls(data)

    @property
    def zone_name(self) -> str:
        """The chat's time zone."""
        return str(self._data.get("timezone", "UTC"))

    @zone_name.setter
    def zone_name(self, name: str) -> None:
        self._data["timezone"] = name

    @property
    def zone(self) -> ZoneInfo:
        """The chat's time zone; UTC until one is chosen."""
        return zone(self.zone_name)

    @property
    def has_zone(self) -> bool:
        """Whether one was chosen."""
        return "timezone" in self._data

    def forget_zone(self) -> None:
        """Have no time zone chosen."""
        self._data.pop("timezone", None)

    def recurring(self) -> list[Reminder]:
        """Return what comes again and again."""
        return [one for one in self._reminders("reminders") if one.every is not None]

    def open(self, moment: datetime) -> list[Reminder]:
        """Return what is to come, the next one first."""
        return sorted(self._reminders("reminders"), key=lambda one: (one.next_after(moment, self.zone), one.id))

    def all(self) -> list[Reminder]:
        """Return what is to come and what is remembered of what came, each by the id that it has here."""
        return self._reminders("reminders") + self._reminders("delivered")

    def find(self, key: str) -> Reminder | None:
        """Return one that is to come."""
        kept = self._data.get("reminders", {}).get(key)
        return None if kept is None else Reminder.of(key, kept)

    def is_full(self, key: str) -> bool:
        """Tell whether there is no room for the reminder of this id."""
        found = self._data.get("reminders", {})
        return key not in found and len(found) >= MOST

    def write(self, reminder: Reminder) -> None:
        """Have it in the book."""
        self._data["reminders"] = {**self._data.get("reminders", {}), reminder.id: reminder.kept()}

    def strike(self, key: str) -> None:
        """Have none of this id."""
        self._take("reminders", key)

    def delivered(self, key: str) -> Reminder | None:
        """Return one that came, by the id of its delivery."""
        kept = self._data.get("delivered", {}).get(key)
        return None if kept is None else Reminder.of(key, kept)

    def deliver(self, reminder: Reminder, key: str) -> None:
        """Remember that it came; one that does not recur is over."""
        found = {**self._data.get("delivered", {}), key: reminder.kept()}
        self._data["delivered"] = dict(list(found.items())[-_DELIVERED:])
        if reminder.every is None:
            self.strike(reminder.id)

    def forget_delivery(self, key: str) -> None:
        """Have nothing of a delivery."""
        self._take("delivered", key)

    def _reminders(self, name: str) -> list[Reminder]:
        return [Reminder.of(key, kept) for key, kept in self._data.get(name, {}).items()]

    def _take(self, name: str, key: str) -> None:
        rest = {one: kept for one, kept in self._data.get(name, {}).items() if one != key}
        if rest:
            self._data[name] = rest
        else:
            self._data.pop(name, None)


def short(number: int) -> str:
    """Return a number, such as an update_id, in few characters: a button holds 64."""
    digits, rest = "", abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, len(_BASE))
        digits = _BASE[digit] + digits
    return digits


def schedule_name(chat_id: int, key: str) -> str:
    """Return the name of a reminder's schedule."""
    return f"reminder.{chat_id}.{key}"
