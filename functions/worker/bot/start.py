"""/start: the first thing that people see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram.ext import CommandHandler, ContextTypes

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App


async def start(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say hello."""
    if update.effective_message and update.effective_user:
        name = update.effective_user.first_name
        await update.effective_message.reply_text(f"Hello {name}! I am here and listening. /help lists what I can do.")


def register(app: App) -> None:
    """Add /start."""
    app.add_handler(CommandHandler("start", start))
