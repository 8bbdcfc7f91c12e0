"""What reminders keep of a person, to be shown and to be deleted.

Hazard: DynamoDB writes a hundred records together at most, and each takes its time; so of many chats those beyond the
first AT_ONCE are cleared by tasks, soon after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bot.reminders.book import Book
from bot.texts import spoken
from floodgate.tasks import later
from floodgate.tasks.schedules import unschedule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from telegram.ext import ContextTypes

    from bot.reminders.book import Reminder
    from floodgate.tasks import Task
    from floodgate.telegram import App

AT_ONCE: Final = 20
#: The task that clears further chats.
TASK: Final = "forget-reminders"


async def export(context: ContextTypes.DEFAULT_TYPE, user_id: int) -> dict[str, Any]:
    """Return the reminders that a person made, by chat."""
    found: dict[str, Any] = {}
    for chat_id, _book, mine in _books(context, user_id, _chats(context, user_id)):
        if mine:
            found[str(chat_id)] = [
                {
                    "text": one.text,
                    "due": one.due.isoformat(),
                    "recurs": one.every.cron if one.every else None,
                }
                for one in _each_once(mine)
            ]
    return {"reminders": found} if found else {}


async def forget(context: ContextTypes.DEFAULT_TYPE, user_id: int) -> list[str]:
    """Delete the reminders that a person made, in every chat, and their schedules; return what was deleted."""
    count = await _clear(context, user_id, _chats(context, user_id))
    context.application.user_data[user_id].pop("reminder_chats", None)
    ngettext = spoken().ngettext
    return [ngettext("{count} reminder", "{count} reminders", count).format(count=count)] if count else []


async def go_on(task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Delete a person's reminders in further chats."""
    await _clear(context, task.data["person"], task.data["chats"])


async def _clear(context: ContextTypes.DEFAULT_TYPE, user_id: int, chats: Collection[int]) -> int:
    """Delete a person's reminders in the first chats, and have the rest follow; return how many that are."""
    count, cleared, rest = 0, 0, []
    for chat_id, book, mine in _books(context, user_id, chats):
        count += len(_each_once(mine))
        if not mine:
            continue
        if cleared == AT_ONCE:
            rest.append(chat_id)
            continue
        cleared += 1
        for one in mine:
            await unschedule(one.schedule)  # of what came once there is none
            book.strike(one.id)
            book.forget_delivery(one.id)
    if rest:
        await later(TASK, person=user_id, chats=rest)
    return count


def _each_once(reminders: list[Reminder]) -> list[Reminder]:
    """Return reminders without those that are there because they came: what recurs comes often, and is one."""
    return list({one.schedule: one for one in reversed(reminders)}.values())[::-1]


def _chats(context: ContextTypes.DEFAULT_TYPE, user_id: int) -> set[int]:
    return {user_id, *context.application.user_data[user_id].get("reminder_chats", ())}  # a private chat has its id


def _books(
    context: ContextTypes.DEFAULT_TYPE, user_id: int, chats: Collection[int]
) -> Iterator[tuple[int, Book, list[Reminder]]]:
    found: set[str] = set()
    for chat_id in sorted(chats):
        book = Book(context.application.chat_data[chat_id])
        # A group that became a supergroup has two ids, and one book.
        mine = [one for one in book.all() if user_id in (one.maker, chat_id) and one.schedule not in found]
        found.update(one.schedule for one in mine)
        yield chat_id, book, mine


def register(app: App) -> None:
    """Add the task."""
    app.add_task(TASK, go_on)
