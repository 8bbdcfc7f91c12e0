"""/remind and /reminders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.ext import CommandHandler, ContextTypes, filters

from bot.reminders import wording
from bot.reminders.book import LONGEST_TEXT, MOST, Book, short
from bot.reminders.planning import FURTHEST, SOONEST, asked_at, plan
from bot.reminders.when import HourMissing, HourUnclear, RecursOtherwise, TimeNotUnderstood, understand
from bot.texts import SOURCE, language_of, translator
from floodgate.tasks.schedules import ScheduleRefused

if TYPE_CHECKING:
    from datetime import datetime

    from telegram import Message, Update

    from bot.reminders.book import Reminder
    from bot.reminders.when import Understood
    from bot.reminders.wording import Gettext
    from floodgate.telegram import App

#: Reminders that one page of the list shows.
PAGE = 5
#: Characters of a reminder's text that the list shows.
_GLIMPSE = 60


async def remind(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Set a reminder: /remind 10m tea."""
    message = update.message
    if message is None:
        return
    texts = translator(update, context)
    _ = texts.gettext
    book = Book.here(context)
    words = _words(message)
    if not words:
        await message.reply_text(_usage(_))
        return
    try:
        understood = understand(words, message.date, book.zone, _language(update, context))
    except TimeNotUnderstood as error:
        await message.reply_text(_why(error, _))
        return
    understood = _with_text(understood, message)
    if objection := _objection(understood, message.date, book, short(update.update_id), _):
        await message.reply_text(objection)
        return
    try:
        reminder = await plan(
            update, context, understood, message.message_thread_id if message.is_topic_message else None
        )
    except ScheduleRefused:
        await message.reply_text(_("I cannot take a reminder right now, so there is none. Please try again later."))
        return
    await message.reply_text(
        _confirmation(reminder, understood, message.date, book, _), reply_markup=cancel_button(reminder, _)
    )


async def reminders(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """List the reminders of this chat."""
    if update.message is not None:
        words, markup = listed(Book.here(context), await asked_at(update), 0, translator(update, context).gettext)
        await update.message.reply_text(words, reply_markup=markup)


def listed(book: Book, moment: datetime, page: int, _: Gettext) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return a page of the list of what is to come, and its buttons."""
    found = book.open(moment)
    if not found:
        return _("There are no reminders here. Set one: /remind tomorrow 9:00 call Ann"), None
    page = max(0, min(page, (len(found) - 1) // PAGE))
    shown = list(enumerate(found, 1))[page * PAGE : (page + 1) * PAGE]
    lines = [_("Reminders of this chat, times in {zone}:").format(zone=book.zone_name), ""]
    for number, one in shown:
        lines.append(f"{number}. {_when(one, moment, book, _)}: {_glimpse(one.text)}")
    deletes = [
        InlineKeyboardButton(
            # Translators: a button that deletes the reminder with this number
            _("Delete {number}").format(number=number),
            callback_data=f"remind:delete:{page}:{one.id}",
        )
        for number, one in shown
    ]
    rows = [deletes[:3], deletes[3:]]
    turns = []
    if page > 0:
        turns.append(InlineKeyboardButton(_("« Earlier"), callback_data=f"remind:page:{page - 1}"))
    if (page + 1) * PAGE < len(found):
        turns.append(InlineKeyboardButton(_("Later »"), callback_data=f"remind:page:{page + 1}"))
    return "\n".join(lines), InlineKeyboardMarkup([row for row in (*rows, turns) if row])


def cancel_button(reminder: Reminder, _: Gettext) -> InlineKeyboardMarkup:
    """Return the button below a confirmation."""
    return InlineKeyboardMarkup.from_button(
        InlineKeyboardButton(_("Cancel"), callback_data=f"remind:cancel:{reminder.id}")
    )


def _why(error: TimeNotUnderstood, _: Gettext) -> str:
    """Return why there is no time in what was written, and an example."""
    match error:
        case RecursOtherwise():
            return _(
                "I cannot do that: once a day is the most, on days of the week, of the month or of the year. "
                "Such as: /remind every monday 9:00 standup"
            )
        case HourUnclear():
            return _(
                "Is the number behind the day a time? Write it in full, such as: /remind tomorrow 9:00 call Ann\n"
                "If it belongs to the text, write a time before it: /remind tomorrow 9:00 2 eggs"
            )
        case HourMissing():
            return _("At what time today? Such as: /remind today 23:30 lights out")
    return _("I do not understand when that is.") + "\n\n" + _usage(_)


def _usage(_: Gettext) -> str:
    return _(
        "Tell me when, and then of what:\n"
        "/remind 10m tea\n"
        "/remind at 18:30 dinner\n"
        "/remind tomorrow 9:00 call Ann\n"
        "/remind 24 Dec 9:00 presents\n"
        "/remind every monday 9:00 standup\n"
        "/remind every month on the 1st 8:00 rent"
    )


def _objection(understood: Understood, asked: datetime, book: Book, key: str, _: Gettext) -> str | None:  # noqa: PLR0911 - one for each thing that may be wrong
    """Return what is wrong with a reminder."""
    if understood.due <= asked:
        when = wording.at(understood.due, book.zone, _)
        return _("{when} ({zone}) is over. Name a time to come: /remind tomorrow 9:00 call Ann").format(
            when=when, zone=book.zone_name
        )
    if understood.every is None and understood.due < asked + SOONEST:
        return _("That is too soon: a minute is the least. Such as: /remind 1m tea")
    if understood.due > asked + FURTHEST:
        return _("That is too far away: five years are the most. Such as: /remind 24 Dec 9:00 presents")
    if not understood.text:
        return _("Of what shall I remind you? Write it behind the time: /remind 10m tea")
    if len(understood.text) > LONGEST_TEXT:
        return _("That is too long: {most} characters are the most, and yours are {length}.").format(
            most=LONGEST_TEXT, length=len(understood.text)
        )
    if book.is_full(key):
        return _("There are {most} reminders here, and that is the most. /reminders lets you delete some.").format(
            most=MOST
        )
    return None


def _confirmation(reminder: Reminder, understood: Understood, asked: datetime, book: Book, _: Gettext) -> str:
    lines = [
        _("I will remind you: {text}").format(text=reminder.text),
        f"{_when(reminder, asked, book, _)} ({book.zone_name})",
    ]
    if note := wording.oddity(understood.oddity, book.zone, _):
        lines.append(note)
    if not book.has_zone:
        lines.append(_("Is that not your time zone? /timezone changes it."))
    return "\n".join(lines)


def _when(reminder: Reminder, moment: datetime, book: Book, _: Gettext) -> str:
    due = wording.at(reminder.next_after(moment, book.zone), book.zone, _)
    if reminder.every is None:
        return due
    # Translators: such as: every Monday at 09:00, next on Mon 15 Jun 2026, 09:00
    return _("{every}, next on {due}").format(every=wording.every(reminder.every, _), due=due)


def _glimpse(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _GLIMPSE else line[: _GLIMPSE - 1] + "…"


def _language(update: Update, context: ContextTypes.DEFAULT_TYPE) -> str | None:
    """Return the language that dates may be written in, besides English: what is spoken here, or the person's own."""
    here = language_of(update, context)
    if here == SOURCE and update.effective_user:
        return update.effective_user.language_code
    return here


def _words(message: Message) -> str:
    parts = (message.text or "").split(maxsplit=1)
    return parts[1].strip() if len(parts) > 1 else ""


def _with_text(understood: Understood, message: Message) -> Understood:
    """Return it with the text of the message that was replied to, if it has none."""
    replied = message.reply_to_message
    text = understood.text or ((replied.text or replied.caption or "") if replied else "")
    return replace(understood, text=text)


def register(app: App) -> None:
    """Add the commands. An edited one asks for nothing: what it asked for at first stands."""
    app.add_handler(CommandHandler("remind", remind, filters.UpdateType.MESSAGE))
    app.add_handler(CommandHandler("reminders", reminders, filters.UpdateType.MESSAGE))
