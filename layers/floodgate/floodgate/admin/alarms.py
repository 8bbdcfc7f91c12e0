"""The admin's side of alarms: the buttons Mute and Unmute below their messages.

Rule: a press writes until when nothing of the alarm is to be sent, and nothing else; the alerts function reads it.
Presses from any other chat are refused. Hazard: a press may be handled twice, and then mutes for a moment longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import Message
from telegram.error import BadRequest
from telegram.ext import ApplicationHandlerStop, CallbackQueryHandler

from floodgate.admin.alarm_buttons import DATA, MUTED_S, with_mute
from floodgate.admin.desk import FIRST, answer
from floodgate.admin.notices import moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import CallbackQuery, Update
    from telegram.ext import ContextTypes

    from floodgate.state.alarms import Alarms
    from floodgate.telegram.application import App


class AlarmDesk:
    """Answers the admin chat `chat`."""

    def __init__(self, chat: int, alarms: Alarms, clock: Callable[[], float]) -> None:
        self._chat = chat
        self._alarms = alarms
        self._clock = clock

    def register(self, app: App) -> None:
        """Add the handler; it comes before that of failures, which takes every button of ours."""

        async def pressed(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
            if update.callback_query is not None:
                await self._pressed(update.callback_query)
            raise ApplicationHandlerStop

        app.add_handler(CallbackQueryHandler(pressed, DATA), group=FIRST)

    async def _pressed(self, query: CallbackQuery) -> None:
        asked, message = DATA.fullmatch(query.data or ""), query.message
        if message is None or message.chat.id != self._chat:
            await answer(query, "This button is not for you.", alert=True)
            return
        if asked is None:
            await answer(query, "I do not know this button any more.", alert=True)
            return
        is_muted = asked["order"] == "mute"
        until = self._clock() + MUTED_S if is_muted else 0.0
        if await self._alarms.mute(asked["alarm"], until) is None:
            await answer(query, "Nothing of this alarm is kept any more.", alert=True)
            return
        await answer(query, f"Muted until {moment(until)}." if is_muted else "No longer muted.")
        if isinstance(message, Message) and message.reply_markup is not None:
            buttons = with_mute(message.reply_markup, asked["alarm"], is_muted=is_muted)
            try:
                await query.edit_message_reply_markup(buttons)
            except BadRequest:  # gone meanwhile; it is muted all the same
                return
