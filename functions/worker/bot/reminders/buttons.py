"""The buttons below reminders: cancel, delete and turn the pages of the list, and put off what came.

Rule: what a button names is looked up among the reminders of the chat that its message stands in, whatever its data
says; and it is answered before anything is done, for Telegram refuses late answers, which ends an update. Hazard: of a
message that is gone Telegram tells no more than where it stood: what its button says is done, and not shown.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.error import BadRequest
from telegram.ext import CallbackQueryHandler, ContextTypes

from bot.reminders import wording
from bot.reminders.book import MOST, Book, short
from bot.reminders.commands import cancel_button, listed
from bot.reminders.local_time import Oddity, instant
from bot.reminders.planning import asked_at, cancel, plan
from bot.reminders.rights import may_change
from bot.reminders.when import Understood
from bot.texts import translator
from floodgate.tasks.schedules import ScheduleRefused

if TYPE_CHECKING:
    from re import Match

    from telegram import CallbackQuery, Update

    from bot.reminders.book import Reminder
    from bot.reminders.wording import Gettext
    from floodgate.telegram import App

_TOMORROW: Final = "1d"
_DELAYS: Final = {"10m": timedelta(minutes=10), "1h": timedelta(hours=1)}


def snooze_buttons(delivery: str, _: Gettext) -> InlineKeyboardMarkup:
    """Return the buttons below a reminder that came."""
    shown = {"10m": _("10 min"), "1h": _("1 hour"), _TOMORROW: _("Tomorrow")}
    return InlineKeyboardMarkup.from_row(
        [InlineKeyboardButton(words, callback_data=f"remind:{delay}:{delivery}") for delay, words in shown.items()]
    )


async def on_cancel(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Cancel the reminder that was confirmed."""
    query, [key] = _pressed(update, context)
    _ = translator(update, context).gettext
    book = Book.here(context)
    reminder = await _found(update, context, found := book.find(key), _)
    if found is None:
        await _show_over(query, _)
    if reminder is None:
        return
    await query.answer()
    await cancel(reminder, book)
    await _write(query, _("Cancelled: {text}").format(text=reminder.text))


async def on_delete(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Delete a reminder from the list, and show what is left of it."""
    query, [page, key] = _pressed(update, context)
    _ = translator(update, context).gettext
    book = Book.here(context)
    reminder = book.find(key)
    if reminder is not None and not await may_change(update, context.bot, reminder):
        await query.answer(_not_yours(_), show_alert=True)
        return
    await query.answer()
    if reminder is not None:
        await cancel(reminder, book)
    await _show(update, query, book, int(page), _)


async def on_page(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Turn to another page of the list."""
    query, [page] = _pressed(update, context)
    await query.answer()
    await _show(update, query, Book.here(context), int(page), translator(update, context).gettext)


async def on_snooze(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Put off what came."""
    query, [delay, delivery] = _pressed(update, context)
    _ = translator(update, context).gettext
    book = Book.here(context)
    reminder = await _found(update, context, book.delivered(delivery), _)
    if reminder is None:
        return
    if book.is_full(short(update.update_id)):
        full = _("There are {most} reminders here, and that is the most. /reminders lets you delete some.")
        await query.answer(full.format(most=MOST), show_alert=True)
        return
    await query.answer()
    due, oddity = _put_off(reminder, delay, await asked_at(update), book)
    try:
        later = await plan(update, context, Understood(reminder.text, due), reminder.thread)
    except ScheduleRefused:
        sorry = _("I cannot put this off right now. Please try again later.")
        await _write(query, f"⏰ {reminder.text}\n\n{sorry}", snooze_buttons(delivery, _))
        return
    if reminder.maker != later.maker:
        later = replace(later, maker=reminder.maker)
        book.write(later)
    book.forget_delivery(delivery)
    until = _("Again on {when} ({zone}).").format(when=wording.at(due, book.zone, _), zone=book.zone_name)
    note = wording.oddity(oddity, book.zone, _)
    lines = "\n".join(line for line in (f"⏰ {reminder.text}", "", until, note) if line or line == "")
    await _write(query, lines.strip(), cancel_button(later, _))


def _put_off(reminder: Reminder, delay: str, pressed: datetime, book: Book) -> tuple[datetime, Oddity]:
    if delay != _TOMORROW:
        return pressed + _DELAYS[delay], Oddity.NONE
    due = reminder.due.astimezone(book.zone).time()
    at = due.replace(hour=reminder.every.hour, minute=reminder.every.minute) if reminder.every else due
    return instant(datetime.combine(pressed.astimezone(book.zone).date() + timedelta(1), at), book.zone)


async def _found(
    update: Update, context: ContextTypes.DEFAULT_TYPE, reminder: Reminder | None, _: Gettext
) -> Reminder | None:
    """Return the reminder if the person may change it; else answer why not, and return None."""
    query = cast("CallbackQuery", update.callback_query)
    if reminder is None:
        # The buttons stay: after a second press of one that put it off, they are those of what was put off.
        await query.answer(_("This reminder is over."))
        return None
    if not await may_change(update, context.bot, reminder):
        await query.answer(_not_yours(_), show_alert=True)
        return None
    return reminder


async def _show(update: Update, query: CallbackQuery, book: Book, page: int, _: Gettext) -> None:
    words, markup = listed(book, await asked_at(update), page, _)
    await _write(query, words, markup)


async def _write(query: CallbackQuery, words: str, markup: InlineKeyboardMarkup | None = None) -> None:
    if isinstance(query.message, Message):
        # It may be gone since the press. What was pressed is done at the scheduler, and is to be saved.
        with suppress(BadRequest):
            await query.edit_message_text(words, reply_markup=markup)


async def _show_over(query: CallbackQuery, _: Gettext) -> None:
    """Have a message that says when something comes again say that it does not: it was deleted from the list."""
    words = (query.message.text if isinstance(query.message, Message) else None) or ""
    reminder, _between, _until = words.rpartition("\n\n")
    if reminder.startswith("⏰ "):
        await _write(query, "{}\n\n{}".format(reminder, _("This reminder is over.")))


def _not_yours(_: Gettext) -> str:
    return _("Only who asked for this reminder and the group's admins can change it.")


def _pressed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> tuple[CallbackQuery, tuple[str, ...]]:
    # The handlers below are asked for nothing but callback queries with data that matches.
    found = cast("list[Match[str]]", context.matches)
    return cast("CallbackQuery", update.callback_query), found[0].groups()


def register(app: App) -> None:
    """Add the buttons."""
    app.add_handler(CallbackQueryHandler(on_cancel, r"^remind:cancel:([0-9a-z]{1,32})$"))
    app.add_handler(CallbackQueryHandler(on_delete, r"^remind:delete:(\d{1,3}):([0-9a-z]{1,32})$"))
    app.add_handler(CallbackQueryHandler(on_page, r"^remind:page:(\d{1,3})$"))
    app.add_handler(CallbackQueryHandler(on_snooze, r"^remind:(10m|1h|1d):([0-9a-z-]{1,40})$"))
