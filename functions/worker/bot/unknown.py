"""A friendly word, once a minute, for whatever nobody else understood in a private chat; silence in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram.ext import ContextTypes, MessageHandler, filters

from bot.texts import translator
from floodgate.traffic.quiet import first_in

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App

QUIET_S = 60


async def unknown(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Point to /help."""
    message = update.effective_message
    if message and await first_in(QUIET_S, f"unknown#{message.chat_id}"):
        _ = translator(update, context).gettext
        await message.reply_text(_("I do not know what to do with that. /help lists what I can do."))


def register(app: App) -> None:
    """Add the handler for the rest; it stands in the last module, so that every other comes first."""
    app.add_handler(
        MessageHandler(filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE & ~filters.StatusUpdate.ALL, unknown)
    )
