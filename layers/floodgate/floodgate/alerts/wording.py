"""What the admin chat is told of an alarm, and the buttons below it. Pure.

Rule: what it is, the figure against its threshold, since when; then how often, where it rang before. A message may be a
photo's caption, so it has at most 1024 characters. Times are UTC. Plain text: nothing of it needs markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from floodgate.admin.alarm_buttons import mute_button
from floodgate.admin.notices import moment
from floodgate.alerts.news import title
from floodgate.alerts.quantities import lasting

if TYPE_CHECKING:
    from floodgate.state.alarms import Alarm

#: What Telegram takes below a photo.
LONGEST: Final = 1024
_DESCRIPTION: Final = 700
_FIGURE: Final = 150


def message(alarm: Alarm, stack: str) -> str:
    """Return the text for the alarm as it is."""
    if alarm.is_note:
        return f"🟡 {alarm.name} · {stack}\n{alarm.description[:_DESCRIPTION]}"[:LONGEST]
    name = title(alarm.name, stack)
    lines = [f"🔴 {name} · {stack}" if alarm.state == "ALARM" else f"🟢 {name}: recovered · {stack}"]
    lines += filter(None, [alarm.description[:_DESCRIPTION], alarm.figure[:_FIGURE]])
    if alarm.state == "ALARM":
        lines.append(f"Since {moment(alarm.since)}")
    else:
        seconds = max(1, round(alarm.recovered_at - alarm.since))
        lines.append(f"After {lasting(seconds)}, at {moment(alarm.recovered_at)}")
    if alarm.rings > 1:
        lines.append(f"The {ordinal(alarm.rings)} time since {moment(alarm.first_at)}")
    return "\n".join(lines)[:LONGEST]


def buttons(
    alarm: Alarm, *, dashboard: str, runbook: str, is_muted: bool, has_links: bool = True
) -> InlineKeyboardMarkup | None:
    """Return what can be done about it: look, read on, have quiet; `has_links` is False where Telegram refuses them."""
    links = [InlineKeyboardButton("Dashboard", url=dashboard)] if dashboard else []
    if runbook and not alarm.is_note:
        links.append(InlineKeyboardButton("Runbook", url=f"{runbook}#{alarm.anchor}" if alarm.anchor else runbook))
    rows = [links] if links and has_links else []
    if not alarm.is_note:  # it comes once
        rows.append([mute_button(alarm.key, is_muted=is_muted)])
    return InlineKeyboardMarkup(rows) if rows else None


def ordinal(count: int) -> str:
    """Return `2nd` for 2."""
    teens = count % 100 in {11, 12, 13}
    return f"{count}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(count % 10, 'th')}"
