"""Reminders: /remind, /reminders and their buttons; each one is a schedule that sends a task to its chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.reminders import buttons, commands, delivery, privacy
from bot.reminders.planning import move as set_timezone
from bot.reminders.privacy import export, forget

if TYPE_CHECKING:
    from floodgate.telegram import App

__all__ = ["export", "forget", "register", "set_timezone"]


def register(app: App) -> None:
    """Add the commands, the buttons and the task."""
    commands.register(app)
    buttons.register(app)
    delivery.register(app)
    privacy.register(app)
