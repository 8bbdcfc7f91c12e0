"""A reminder that is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.reminders.book import Book, short
from bot.reminders.buttons import snooze_buttons
from bot.reminders.planning import TASK, cancel, set_schedule
from bot.texts import translator
from floodgate.tasks.schedules import unschedule
from floodgate.telegram import ChatUnreachable

if TYPE_CHECKING:
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App


async def deliver(task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send the reminder to its chat; of one that was cancelled or forgotten say nothing."""
    if task.chat_id is None:
        return
    book = Book.here(context)
    reminder = book.find(str(task.data["reminder"]))
    if reminder is None:
        if task.data["recurs"]:
            await unschedule(str(task.data["schedule"]))
        return
    if reminder.every is not None and task.data.get("zone") != book.zone_name:
        # The chat's zone was changed, or not, by an update that was given up between the schedules and the book.
        await set_schedule(reminder, book)
    delivery = reminder.id
    if reminder.every is not None and task.scheduled_at is not None:
        delivery += "-" + short(int(task.scheduled_at.timestamp()))
    try:
        await context.bot.send_message(
            task.chat_id,
            f"⏰ {reminder.text}",
            message_thread_id=reminder.thread,
            reply_markup=snooze_buttons(delivery, translator(task, context).gettext),
        )
    except ChatUnreachable:  # for good: it would come back every day to somebody who left
        await cancel(reminder, book)
        return
    book.deliver(reminder, delivery)


def register(app: App) -> None:
    """Add the task."""
    app.add_task(TASK, deliver)
