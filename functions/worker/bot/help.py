"""/help: the commands, as they are registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from telegram.ext import CommandHandler, ContextTypes

from bot.texts import translator
from floodgate.telegram.interface import commands

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App


async def help_(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """List what I can do."""
    if update.effective_message:
        app = cast("App", context.application)
        _ = translator(update, context).gettext
        lines = [f"/{shown['command']} - {shown['description']}" for shown in commands(app, _)]
        await update.effective_message.reply_text("\n".join([_("Here is what I can do:"), *lines]))


def register(app: App) -> None:
    """Add /help."""
    app.add_handler(CommandHandler("help", help_))
