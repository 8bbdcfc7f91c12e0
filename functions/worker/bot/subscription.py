"""/subscribe and /unsubscribe: whether the owner's announcements come to this chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telegram.ext import CommandHandler, ContextTypes

from bot.texts import spoken, translator
from floodgate.announcements import is_subscribed
from floodgate.announcements import subscribe as subscribe_chat
from floodgate.announcements import unsubscribe as unsubscribe_chat
from floodgate.telegram import leads_chat, once

if TYPE_CHECKING:
    from telegram import Message, Update

    from floodgate.telegram import App


async def subscribe(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Get my announcements here."""
    message = update.effective_message
    _ = translator(update, context).gettext
    if message is None or not await _may_decide(message, update, context):
        return
    if await once("subscribe", subscribe_chat, message.chat_id):  # tried again, it is not "already"
        await message.reply_text(_("Subscribed: announcements come to this chat. /unsubscribe ends that."))
    else:
        await message.reply_text(_("This chat gets announcements already. /unsubscribe ends that."))


async def unsubscribe(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Get no more announcements here."""
    message = update.effective_message
    _ = translator(update, context).gettext
    if message is None or not await _may_decide(message, update, context):
        return
    if await once("unsubscribe", unsubscribe_chat, message.chat_id):
        await message.reply_text(_("Unsubscribed: no more announcements come to this chat."))
    else:
        await message.reply_text(_("No announcements come to this chat. /subscribe changes that."))


async def _may_decide(message: Message, update: Update, context: ContextTypes.DEFAULT_TYPE) -> bool:
    """Tell whether somebody decides for the chat, and tell them if not: in a group its admins do."""
    if await leads_chat(update, context.bot):
        return True
    _ = translator(update, context).gettext
    await message.reply_text(_("In a group only its admins decide about announcements."))
    return False


async def export(_context: ContextTypes.DEFAULT_TYPE, user_id: int) -> dict[str, Any]:
    """Return whether a person is subscribed; a private chat's id is its person's."""
    return {"announcements": await is_subscribed(user_id)}


async def forget(_context: ContextTypes.DEFAULT_TYPE, user_id: int) -> list[str]:
    """Unsubscribe a person."""
    _ = spoken().gettext
    if await once("forget subscription", unsubscribe_chat, user_id):
        return [_("your subscription to announcements")]
    return []


def register(app: App) -> None:
    """Add /subscribe and /unsubscribe."""
    app.add_handler(CommandHandler("subscribe", subscribe))
    app.add_handler(CommandHandler("unsubscribe", unsubscribe))
