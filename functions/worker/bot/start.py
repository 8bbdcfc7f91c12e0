"""/start: the first thing that people see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram.ext import CommandHandler, ContextTypes

from bot.texts import translator

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App


async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say hello."""
    if update.effective_message and update.effective_user:
        _ = translator(update, context).gettext
        greeting = _("Hello {name}! I am here and listening. /help lists what I can do.")
        await update.effective_message.reply_text(greeting.format(name=update.effective_user.first_name))


def register(app: App) -> None:
    """Add /start."""
    app.add_handler(CommandHandler("start", start))
