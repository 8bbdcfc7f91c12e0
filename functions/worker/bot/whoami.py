"""/id: the ids that a bot's owner needs, such as for the AdminChatId parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram.ext import CommandHandler, ContextTypes

from bot.texts import translator

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App


async def whoami(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Tell the ids of this chat and of you."""
    if update.effective_message and update.effective_chat:
        _ = translator(update, context).gettext
        lines = [_("This chat's id is {id}.").format(id=update.effective_chat.id)]
        if update.effective_user:
            lines.append(_("Your user id is {id}.").format(id=update.effective_user.id))
        await update.effective_message.reply_text("\n".join(lines))


def register(app: App) -> None:
    """Add /id."""
    app.add_handler(CommandHandler("id", whoami))
