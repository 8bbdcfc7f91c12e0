"""The word to a person who goes too fast. At most once per quiet period: what could not be said is not repeated."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram import ReplyParameters
from telegram.error import TelegramError

from floodgate.ingress.updates import chat_id
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telegram import Bot

    from floodgate.telegram.run import Run


#: Nobody waits for a word after these; and into the chat of a guest message the bot cannot write.
_SILENT: Final = frozenset({"message_reaction", "channel_post", "edited_channel_post", "guest_message"})


def can_be_told(run: Run) -> bool:
    """Tell whether there is a place for a word to whoever is behind the update."""
    kind, chat = run.update.type, chat_id(run.update.update)
    if kind == "callback_query":
        return not run.is_acknowledged or (chat is not None and chat > 0)
    return chat is not None and kind not in _SILENT


def may_go_on(wait_s: float) -> str:
    """Return when somebody may go on who has to wait for `wait_s` seconds, in words."""
    for unit_s, unit in ((1, "second"), (60, "minute"), (3600, "hour")):
        count = max(1, math.ceil(wait_s / unit_s))
        if count < 100 or unit == "hour":
            break
    return f"in {count} {unit}" if count == 1 else f"in {count} {unit}s"


def too_fast(wait_s: float) -> str:
    """Return the notice to a person."""
    return f"You are going too fast for me: I left something out. You may go on {may_go_on(wait_s)}."


def too_busy(wait_s: float) -> str:
    """Return the notice to a group."""
    return f"There is more going on here than I can answer, so I left something out. I can go on {may_go_on(wait_s)}."


async def tell(bot: Bot, run: Run, notice: str) -> None:
    """Say it where the update came from: as an answer to a button, else as a message; to inline queries nothing.

    To be asked only if it `can_be_told`. Raises nothing: whether it could be said or not, the update is over. So it is
    no call of the update's: a frozen chat does not have it wait, and it takes a third of the update's time at most.
    """
    token = running.set(None)
    try:
        async with asyncio.timeout((run.deadline - asyncio.get_running_loop().time()) / 3):
            await _say(bot, run, notice)
        metrics.count(metrics.NOTICES_SENT)
    except (TelegramError, BotoCoreError, ClientError, TimeoutError, KeyError, TypeError) as error:
        logger.warning("notice not sent", update_type=run.update.type, error=type(error).__name__)
    finally:
        running.reset(token)


async def _say(bot: Bot, run: Run, notice: str) -> None:
    kind = run.update.type
    content: Mapping[str, Any] = run.update.update[kind]
    chat = chat_id(run.update.update)
    if kind == "callback_query" and not run.is_acknowledged:
        await bot.answer_callback_query(content["id"], notice)
    elif chat is not None:
        reply_to = content.get("message_id")
        await bot.send_message(
            chat,
            notice,
            message_thread_id=content.get("message_thread_id") if content.get("is_topic_message") else None,
            business_connection_id=content.get("business_connection_id"),
            reply_parameters=ReplyParameters(reply_to) if chat < 0 and isinstance(reply_to, int) else None,
        )
