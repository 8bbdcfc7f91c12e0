"""The admin's side of announcements: `/broadcast`, the question below the copy, and the buttons of what is under way.

Rule: these handlers belong to every bot that has an admin chat, and come before the bot's own; from any other chat
`/broadcast` is left to those, and a press is refused. What is copied to everybody is the copy that the admin has seen,
which nobody can edit. Hazard: a press may be handled twice, so each does what it says or finds it done.
"""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from telegram import InlineKeyboardMarkup, Message
from telegram.error import BadRequest
from telegram.ext import ApplicationHandlerStop, CallbackQueryHandler, CommandHandler, MessageHandler, filters

from floodgate.admin.desk import FIRST, answer
from floodgate.admin.notices import OWN
from floodgate.announcements.subscribing import follow
from floodgate.telegram.once import once
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import CallbackQuery, Update
    from telegram.ext import ContextTypes

    from floodgate.announcements.orders import Orders
    from floodgate.tasks import Task
    from floodgate.telegram.application import App

#: What the data of a broadcast's buttons begins with.
BUTTON: Final = f"{OWN}broadcast:"
#: The name of the task that a step of a broadcast is.
TASK: Final = "floodgate.broadcast"
_GONE: Final = "Nothing of this is kept any more. /broadcast begins anew."
_DATA: Final = re.compile(rf"{BUTTON}(?P<order>[a-z]+):(?P<name>[0-9a-f]{{12}})")


class AnnouncementDesk:
    """Answers the admin chat `chat`."""

    def __init__(self, chat: int, opened: Callable[[], Orders]) -> None:
        """`opened` is called with the first order, for what is needed then need not load with every worker."""
        self._chat = chat
        self._opened = opened

    @cached_property
    def _orders(self) -> Orders:
        return self._opened()

    def register(self, app: App) -> None:
        """Add the handlers."""
        here = filters.Chat(self._chat) & filters.UpdateType.MESSAGE

        async def broadcast(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
            # No docstring: it would be the description of a command that everybody is shown.
            if update.message is not None:
                await self._propose(update.message)
            raise ApplicationHandlerStop

        async def pressed(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
            if update.callback_query is not None:
                await self._pressed(update.callback_query)
            raise ApplicationHandlerStop

        app.add_handler(CommandHandler("broadcast", broadcast, here), group=FIRST)
        app.add_handler(CallbackQueryHandler(pressed, re.escape(BUTTON)), group=FIRST)
        moved = filters.UpdateType.MESSAGE & filters.StatusUpdate.MIGRATE
        app.add_handler(MessageHandler(moved, _migrated), group=FIRST)
        app.add_task(TASK, self._step, typing=False)

    async def _step(self, task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        run = running.get()
        if run is not None:
            await self._orders.step(context.bot, task.data, run.deadline)

    async def _propose(self, message: Message) -> None:
        original = message.reply_to_message
        if original is None or original.forum_topic_created is not None:  # what every message in a topic replies to
            await message.reply_text(self._orders.usage)
            return
        if (refused := await self._orders.refusal(original)) is not None:
            await message.reply_text(refused)
            return
        markup = _kept(original.reply_markup)

        async def copy() -> int | None:
            thread = message.message_thread_id if message.is_topic_message else None
            try:
                copied = await message.get_bot().copy_message(
                    self._chat, self._chat, original.message_id, reply_markup=markup, message_thread_id=thread
                )
            except BadRequest:
                return None
            # An answer that got lost leaves no id of the copy; then the original has to do.
            return copied.message_id or original.message_id

        # A refusal is remembered as well: asked again and again, it would use up the time of the answer to it.
        source = await once("copy for a broadcast", copy)
        if source is None:
            await message.reply_text("Telegram does not let a bot copy this kind of message.")
            return
        name = hashlib.sha256(f"{message.chat_id} {message.message_id}".encode()).hexdigest()[:12]
        text, buttons = await self._orders.propose(name, self._chat, source, "" if markup is None else markup.to_json())
        await message.reply_text(text, reply_markup=buttons)

    async def _pressed(self, query: CallbackQuery) -> None:
        message = query.message
        if message is None or message.chat.id != self._chat:
            await answer(query, "This button is not for you.", alert=True)
            return
        asked = _DATA.fullmatch(query.data or "")
        if asked is None:
            await answer(query, _GONE, alert=True)
            return
        # Tried again, it is answered as it was before, and not that this was done before.
        words = await once("broadcast", self._orders.press, asked["order"], asked["name"], message.message_id)
        await answer(query, words or _GONE, alert=words is None)
        try:
            await self._orders.show(query.get_bot(), asked["name"])
        except BadRequest:
            return  # it shows what it showed before


async def _migrated(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    # No docstring, and no end: the bot's own handlers hear of it as well.
    message = update.effective_message
    if message is not None and message.migrate_to_chat_id is not None:
        await follow(message.chat_id, message.migrate_to_chat_id)
    elif message is not None and message.migrate_from_chat_id is not None:
        await follow(message.migrate_from_chat_id, message.chat_id)


def _kept(markup: InlineKeyboardMarkup | None) -> InlineKeyboardMarkup | None:
    """Return the buttons that work in any chat: links, texts to copy, and those that the bot itself answers."""
    rows = [
        [
            one
            for one in row
            if one.url
            or one.copy_text
            or (isinstance(one.callback_data, str) and not one.callback_data.startswith(OWN))
        ]
        for row in (markup.inline_keyboard if markup is not None else ())
    ]
    return InlineKeyboardMarkup([row for row in rows if row]) if any(rows) else None
