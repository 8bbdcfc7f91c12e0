"""/settings: language, time zone, welcome and announcements of a chat, in one message that changes in place.

In a group the menu is for its admins: whoever else presses a button is told so, and each press is checked, for buttons
stay when their reader has long been somebody else. What a button says is checked as well: anybody can send any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telegram import Message
from telegram.ext import CallbackQueryHandler, CommandHandler, ContextTypes

from bot.reminders import set_timezone
from bot.settings import zones
from bot.settings.menu import PREFIX, Here, language_page, main_page, zones_page
from bot.texts import LANGUAGES, Texts, translator
from bot.welcome.kept import Welcome
from floodgate.announcements import subscribe, unsubscribe
from floodgate.tasks.schedules import ScheduleRefused
from floodgate.telegram import leads_chat

if TYPE_CHECKING:
    from telegram import CallbackQuery, Update

    from floodgate.telegram import App


async def settings(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Choose language, time zone and more."""
    message, here = update.effective_message, Here.of(update, context)
    if message is None or here is None:
        return
    texts = translator(update, context)
    if await leads_chat(update, context.bot):
        await message.reply_text(**await main_page(here, texts))
    else:
        await message.reply_text(texts.gettext("Only the admins of this group can change its settings."))


async def press(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do what a button of the menu says."""
    query, here = update.callback_query, Here.of(update, context)
    if query is None:
        return
    _ = translator(update, context).gettext
    try:
        await _obey(update, context, query, here)
    except ScheduleRefused:
        await query.answer(_("I cannot change the time zone right now. Please try again later."), show_alert=True)


async def _obey(update: Update, context: ContextTypes.DEFAULT_TYPE, query: CallbackQuery, here: Here | None) -> None:
    _ = translator(update, context).gettext
    if here is None or not isinstance(query.message, Message):
        await query.answer(_("That menu is too old. Send /settings again."), show_alert=True)
    elif not await leads_chat(update, context.bot):
        await query.answer(_("Only the admins of this group can change its settings."), show_alert=True)
    elif not await _choose(here, _order(query), context):
        await query.answer(_("There is no such setting. Send /settings again."), show_alert=True)
    else:
        await query.answer()
        page = await _page(here, _order(query), translator(update, context))  # the language may be another now
        await query.edit_message_text(**page)


def _order(query: CallbackQuery) -> list[str]:
    return (query.data or "").split(":")[1:]


async def _choose(here: Here, order: list[str], context: ContextTypes.DEFAULT_TYPE) -> bool:
    """Change what a button orders; return False if the menu has no such button."""
    match order:
        case ["main" | "language" | "zones" | "done"]:
            return True
        case ["zones", number]:
            return number in {str(one) for one in range(zones.PAGES)}
        case ["language", "auto"]:
            here.language_data.pop("language", None)
        case ["language", code] if code in LANGUAGES:
            here.language_data["language"] = code
        case ["zone", zone] if zone in zones.ZONES:
            await set_timezone(context, zone)
        case ["welcome", "on" | "off" as state] if here.is_group:
            Welcome.of(here.chat_data).turned(on=state == "on").keep(here.chat_data)
        case ["subscription", "on"]:
            await subscribe(here.chat.id)
        case ["subscription", "off"]:
            await unsubscribe(here.chat.id)
        case _:
            return False
    return True


async def _page(here: Here, order: list[str], texts: Texts) -> dict[str, Any]:
    match order:
        case ["language"]:
            return language_page(here, texts)
        case ["zones", *number]:
            return zones_page(here, texts, *map(int, number))
        case ["done"]:
            return {**await main_page(here, texts), "reply_markup": None}
    return await main_page(here, texts)


def register(app: App) -> None:
    """Add /settings and its buttons."""
    app.add_handler(CommandHandler("settings", settings))
    app.add_handler(CallbackQueryHandler(press, pattern=rf"^{PREFIX}:"))
