"""Who may change what others see in a group: whoever made it, and the group's admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floodgate.telegram import leads_chat

if TYPE_CHECKING:
    from telegram import Bot, Update

    from bot.reminders.book import Reminder


async def may_change(update: Update, bot: Bot, reminder: Reminder) -> bool:
    """Tell whether the person may cancel a reminder or put it off."""
    user = update.effective_user
    return (user is not None and user.id == reminder.maker) or await leads_chat(update, bot)
