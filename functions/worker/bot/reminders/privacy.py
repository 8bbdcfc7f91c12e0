"""What reminders keep of a person, to be shown and to be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.reminders.book import Book
from bot.texts import spoken
from floodgate.tasks.schedules import unschedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telegram.ext import ContextTypes

    from bot.reminders.book import Reminder


async def export(context: ContextTypes.DEFAULT_TYPE, user_id: int) -> dict[str, Any]:
    """Return the reminders that a person made, by chat."""
    found: dict[str, Any] = {}
    for chat_id, _book, mine in _books(context, user_id):
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
    count = 0
    for _chat_id, book, mine in _books(context, user_id):
        for one in mine:
            await unschedule(one.schedule)  # of what came once there is none
            book.strike(one.id)
            book.forget_delivery(one.id)
        count += len(_each_once(mine))
    own = context.application.user_data[user_id]
    own.pop("reminder_chats", None)
    ngettext = spoken().ngettext
    return [ngettext("{count} reminder", "{count} reminders", count).format(count=count)] if count else []


def _each_once(reminders: list[Reminder]) -> list[Reminder]:
    """Return reminders without those that are there because they came: what recurs comes often, and is one."""
    return list({one.schedule: one for one in reversed(reminders)}.values())[::-1]


def _books(context: ContextTypes.DEFAULT_TYPE, user_id: int) -> Iterator[tuple[int, Book, list[Reminder]]]:
    chats = {user_id, *context.application.user_data[user_id].get("reminder_chats", ())}  # a private chat has its id
    found: set[str] = set()
    for chat_id in sorted(chats):
        book = Book(context.application.chat_data[chat_id])
        # A group that became a supergroup has two ids, and one book.
        mine = [one for one in book.all() if user_id in (one.maker, chat_id) and one.schedule not in found]
        found.update(one.schedule for one in mine)
        yield chat_id, book, mine
