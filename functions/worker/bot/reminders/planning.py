"""A reminder comes into being: checked, scheduled and written down, from a message or a button alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from bot.reminders.book import Book, Reminder, schedule_name, short
from floodgate.tasks.schedules import ScheduleRefused, now, schedule, unschedule
from floodgate.telegram import once

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from bot.reminders.when import Understood

#: The task that is run when one is due.
TASK: Final = "remind"
#: The scheduler is on time within a minute, and no better (AWS: "Schedule types in EventBridge Scheduler").
SOONEST: Final = timedelta(minutes=1)
#: Of what is further away nobody can say that its time zone will be what it is.
FURTHEST: Final = timedelta(days=5 * 366)


async def asked_at(update: Update) -> datetime:
    """Return when somebody wrote or pressed, the same each time that the update is tried."""
    if update.message is not None:
        return update.message.date
    return datetime.fromtimestamp(await once("asked at", _seconds), UTC)  # a press has no date


async def _seconds() -> int:
    return int(now().timestamp())


async def plan(
    update: Update, context: ContextTypes.DEFAULT_TYPE, understood: Understood, thread: int | None
) -> Reminder:
    """Schedule a reminder and write it down; raises ScheduleRefused, and then there is none."""
    chat, user = update.effective_chat, update.effective_user
    if chat is None:
        raise ValueError("reminders belong to a chat")
    key = short(update.update_id)
    name = schedule_name(chat.id, key)
    message = update.message
    # Who is anonymous bears one and the same id in all groups: their reminders are the group's, and nobody's.
    maker = user.id if user and not (message and message.sender_chat) else None
    reminder = Reminder(key, understood.text, understood.due, understood.every, maker, thread, name)
    book = Book.here(context)
    await set_schedule(reminder, book)
    book.write(reminder)
    if maker is not None and context.user_data is not None:  # so that all that a person has made is found again
        context.user_data["reminder_chats"] = {*context.user_data.get("reminder_chats", ()), chat.id}
    return reminder


async def cancel(reminder: Reminder, book: Book) -> None:
    """Have it come no more."""
    await unschedule(reminder.schedule)
    book.strike(reminder.id)


async def move(context: ContextTypes.DEFAULT_TYPE, zone_name: str) -> None:
    """Have the chat's times be those of another zone: what recurs at nine comes at nine there.

    What comes once keeps its moment. Raises ScheduleRefused, and then the chat's zone is as it was.
    """
    book = Book.here(context)
    before = book.zone_name if book.has_zone else None
    book.zone_name = zone_name
    moved: list[Reminder] = []
    try:
        for reminder in book.recurring():
            await set_schedule(reminder, book)
            moved.append(reminder)
    except ScheduleRefused:
        book.forget_zone()
        if before is not None:
            book.zone_name = before
        for reminder in moved:
            await set_schedule(reminder, book)
        raise
    for reminder in moved:
        if reminder.every is not None:
            book.write(replace(reminder, due=reminder.every.after(now(), book.zone)))


async def set_schedule(reminder: Reminder, book: Book) -> None:
    """Have its schedule be as the book has it, in the chat's zone. Raises ScheduleRefused."""
    data: dict[str, Any] = {
        "reminder": reminder.id,
        "schedule": reminder.schedule,
        "recurs": reminder.every is not None,
        "zone": book.zone_name,
    }
    when = reminder.due if reminder.every is None else reminder.every.cron
    await schedule(reminder.schedule, TASK, when, data=data, timezone=book.zone_name)
