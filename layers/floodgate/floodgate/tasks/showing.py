"""What a task's chat sees while it runs: "typing…".

Rule: it is said at once and then again and again, beside the task and never in its way: no limit is charged, nothing is
remembered, and what goes wrong with it is nobody's failure. Telegram shows it for five seconds, or until a message
comes. A schedule's task shows nothing: nobody waits for it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from telegram.constants import ChatAction
from telegram.error import BadRequest, Forbidden, InvalidToken, TelegramError

from floodgate.telegram.errors import told_to_wait_s
from floodgate.telegram.limiter import aside
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from telegram.ext import ExtBot

    from floodgate.tasks.task import Task

#: What Telegram shows for 5 seconds (Bot API 10.1, sendChatAction) is said again after so many.
EVERY_S: Final = 4.5
#: What a call that is cancelled may take to end, in seconds.
_MOMENT_S: Final = 0.2
#: Said again, it would be refused again.
_FOR_GOOD: Final = (BadRequest, Forbidden, InvalidToken)


@asynccontextmanager
async def show_typing(bot: ExtBot[Any], task: Task | None) -> AsyncIterator[None]:
    """Within this block, the chat of the task sees that the bot is typing; None, or one without a chat: nobody does."""
    if task is None or task.chat_id is None or task.scheduled_at is not None:
        yield
        return
    context = copy_context()
    context.run(running.set, None)  # it is none of the task's calls
    context.run(aside.set, True)
    showing = asyncio.create_task(_show(bot, task.chat_id, task.thread_id), context=context)
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait({showing}, timeout=_MOMENT_S)


async def _show(bot: ExtBot[Any], chat_id: int, thread_id: int | None) -> None:
    while True:
        pause_s = EVERY_S
        try:
            await bot.send_chat_action(chat_id, ChatAction.TYPING, message_thread_id=thread_id)
        except _FOR_GOOD:
            return
        except TelegramError as error:
            pause_s = max(pause_s, told_to_wait_s(error) or 0.0)
        await asyncio.sleep(pause_s)
