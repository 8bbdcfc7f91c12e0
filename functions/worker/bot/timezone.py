"""/timezone: where the chat's clocks are, for reminders."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.ext import CallbackQueryHandler, CommandHandler, ContextTypes, filters

from bot.reminders.book import Book
from bot.reminders.local_time import zone, zone_named, zones, zones_like
from bot.reminders.planning import asked_at, move
from bot.texts import translator
from floodgate.tasks.schedules import ScheduleRefused
from floodgate.telegram import leads_chat

if TYPE_CHECKING:
    from datetime import datetime
    from re import Match

    from telegram import CallbackQuery, Update

    from bot.reminders.wording import Gettext
    from floodgate.telegram import App

#: Where people with a language probably are; a guess that a button offers.
_LIKELY = {
    "de": ("Europe/Berlin", "Europe/Vienna", "Europe/Zurich"),
    "en": ("Europe/London", "America/New_York", "America/Los_Angeles"),
}


async def timezone(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Show or set the time zone of this chat."""
    message = update.message
    if message is None:
        return
    _ = translator(update, context).gettext
    words = " ".join((message.text or "").split()[1:])
    if not words:
        tag = (update.effective_user.language_code if update.effective_user else None) or "en"
        await message.reply_text(
            _shown(Book.here(context), message.date, _), reply_markup=_choice(_LIKELY.get(tag[:2], _LIKELY["en"]))
        )
        return
    chosen = zone_named(words)
    if chosen is None:
        like = zones_like(words)
        known = _("I know no time zone of that name. Did you mean one of these?")
        unknown = _("I know no time zone of that name. Write a continent and a city, such as: /timezone Europe/Berlin")
        await message.reply_text(known if like else unknown, reply_markup=_choice(like) if like else None)
        return
    await message.reply_text(await _set(update, context, chosen, message.date, _))


async def on_choice(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Set the time zone of a button."""
    query = cast("CallbackQuery", update.callback_query)
    chosen = cast("list[Match[str]]", context.matches)[0][1]
    _ = translator(update, context).gettext
    if chosen not in zones():
        await query.answer()
        return
    if not await leads_chat(update, context.bot):
        await query.answer(_for_admins(_), show_alert=True)
        return
    await query.answer()
    words = await _set(update, context, chosen, await asked_at(update), _)
    if isinstance(query.message, Message):  # of one that is gone Telegram tells no more than where it stood
        await query.edit_message_text(words)


async def _set(update: Update, context: ContextTypes.DEFAULT_TYPE, chosen: str, moment: datetime, _: Gettext) -> str:
    """Set it, and return what to say about that."""
    if not await leads_chat(update, context.bot):
        return _for_admins(_)
    try:
        await move(context, chosen)
    except ScheduleRefused:
        return _("I cannot change the time zone right now. Please try again later.")
    return _("The time zone is {zone} now. There it is {time}.").format(
        zone=chosen, time=f"{moment.astimezone(zone(chosen)):%H:%M}"
    )


def _shown(book: Book, moment: datetime, _: Gettext) -> str:
    return _("The time zone is {zone}. There it is {time}. To change it: /timezone Europe/Berlin").format(
        zone=book.zone_name, time=f"{moment.astimezone(book.zone):%H:%M}"
    )


def _for_admins(_: Gettext) -> str:
    return _("Only the admins of this group can change its time zone.")


def _choice(names: tuple[str, ...] | list[str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup.from_column(
        [InlineKeyboardButton(name, callback_data=f"timezone:{name}") for name in names]
    )


def register(app: App) -> None:
    """Add /timezone."""
    app.add_handler(CommandHandler("timezone", timezone, filters.UpdateType.MESSAGE))
    app.add_handler(CallbackQueryHandler(on_choice, r"^timezone:([A-Za-z0-9_+/-]{1,50})$"))
