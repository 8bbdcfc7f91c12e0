"""What the admin chat is shown of a broadcast, and the buttons below it. Pure.

Rule: a button names its broadcast and needs nothing else, so it works for as long as that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from floodgate.announcements.desk import BUTTON
from floodgate.announcements.pace import per_s

if TYPE_CHECKING:
    from collections.abc import Iterable

    from floodgate.state.broadcasts import Broadcast, Lane

USAGE: Final = (
    "Write /broadcast as a reply to a message, and I will copy it to everybody who has subscribed: its text, its photo "
    "or whatever it holds, and its buttons. You see it first."
)
ALBUM: Final = (
    "This is one of several photos that were sent as an album, and a copy would be of it alone. Send it alone."
)
NOBODY: Final = "Nobody has subscribed yet. People do so with /subscribe."


@dataclass(frozen=True, slots=True)
class Count:
    """Recipients so far, of all lanes."""

    claimed: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    #: Lists of the unknown and chats put aside that were not sent to yet: what is left of a second round.
    rest: int = 0

    @classmethod
    def of(cls, lanes: Iterable[Lane]) -> Count:
        """Return the sum."""
        sums = [0, 0, 0, 0, 0, 0]
        for lane in lanes:
            rest = lane.rows - lane.row + len(lane.later)
            for number, part in enumerate((lane.claimed, lane.sent, lane.blocked, lane.failed, lane.unknown, rest)):
                sums[number] += part
        return cls(*sums)

    @property
    def settled(self) -> int:
        """Those of whom is known what came of them, or that nobody knows."""
        return self.sent + self.blocked + self.failed + self.unknown


def preview(broadcast: Broadcast, before: int) -> tuple[str, InlineKeyboardMarkup]:
    """Return the question below the copy; `before` broadcasts are to go out before this one."""
    takes = duration(broadcast.expected / per_s(broadcast.groups))
    lines = [f"This goes to {_chats(broadcast.expected)}. It takes about {takes}."]
    if before:
        lines.append(f"It waits for {_others(before)} first.")
    return "\n".join(lines), _buttons(broadcast, ("Confirm", "confirm"), ("Cancel", "cancel"))


def panel(
    broadcast: Broadcast, count: Count, *, before: int = 0, rate: float | None = None
) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return what shows how it goes, and its buttons; `rate` is what goes out in a second now."""
    lines = [_title(broadcast, before), _counts(broadcast, count)]
    if broadcast.note and broadcast.state == "paused":
        lines.append(f"Stopped: {broadcast.note}.")
    left = broadcast.expected - count.settled if broadcast.round == 0 else count.unknown
    if broadcast.state == "running" and rate:
        lines.append(f"{rate:.1f} a second, about {duration(max(0, left) / rate)} left")
    if broadcast.state == "cancelled" and broadcast.round == 0 and count.claimed < broadcast.expected:
        lines.append(_not_sent(broadcast.expected - count.claimed, is_exact=not count.claimed))
    if broadcast.is_over and count.unknown:
        lines.append(
            "Unknown means that Telegram did not answer in time, or that a worker or its connection died just then: "
            "they may have it, or not."
        )
    return "\n".join(lines), _panel_buttons(broadcast, count, before)


def _panel_buttons(broadcast: Broadcast, count: Count, before: int) -> InlineKeyboardMarkup | None:
    match broadcast.state:
        case "queued" if before:
            return _buttons(broadcast, ("Cancel", "cancel"))
        case "queued" | "running":
            return _buttons(broadcast, ("Pause", "pause"), ("Cancel", "cancel"))
        case "paused":
            return _buttons(broadcast, ("Resume", "resume"), ("Cancel", "cancel"))
    if broadcast.ended_at and count.unknown and broadcast.round == 0:
        return _buttons(broadcast, (f"Send to the {count.unknown} unknown", "again"))
    if broadcast.ended_at and count.rest and broadcast.round:
        return _buttons(broadcast, ("Send to the rest of the unknown", "again"))
    return None


def _title(broadcast: Broadcast, before: int) -> str:
    match broadcast.state:
        case "queued" if before:
            return f"📣 Waiting for {_others(before)}"
        case "queued":
            return "📣 Starting"
        case "running":
            return "📣 Sending" if broadcast.round == 0 else "📣 Sending to the unknown"
        case "paused":
            return "📣 Paused"
        case "cancelled":
            return "📣 Cancelled" if broadcast.ended_at else "📣 Cancelling"
    return "📣 Done"


def _counts(broadcast: Broadcast, count: Count) -> str:
    of = f" of {broadcast.expected}" if not broadcast.is_over and broadcast.round == 0 else ""
    return f"{count.sent}{of} sent · {count.blocked} blocked · {count.failed} failed · {count.unknown} unknown"


def _not_sent(count: int, *, is_exact: bool) -> str:
    """Return how many were not sent to: some may have come or gone since they were counted."""
    about = "" if is_exact else "About "
    return f"{about}{count} {'was' if count == 1 else 'were'} not sent to."


def _chats(count: int) -> str:
    return "1 subscriber" if count == 1 else f"{count} subscribers"


def _others(count: int) -> str:
    return "another broadcast" if count == 1 else f"{count} other broadcasts"


def duration(seconds: float) -> str:
    """Return a time in words, no more exact than it is known."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _buttons(broadcast: Broadcast, *row: tuple[str, str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=f"{BUTTON}{order}:{broadcast.name}") for label, order in row]]
    )
