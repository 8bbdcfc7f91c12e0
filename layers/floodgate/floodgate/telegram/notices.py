"""The word to a person who goes too fast. At most once per quiet period: what could not be said is not repeated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram import ReplyParameters
from telegram.error import TelegramError

from floodgate.ingress.updates import chat_id
from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telegram import Bot

    from floodgate.ingress.updates import IncomingUpdate


#: Nobody waits for a word after these.
_SILENT: Final = frozenset({"message_reaction", "channel_post", "edited_channel_post"})


def may_go_on(wait_s: float) -> str:
    """Return when somebody may go on who has to wait for `wait_s` seconds, in words."""
    for unit_s, unit in ((1, "second"), (60, "minute"), (3600, "hour")):
        count = max(1, math.ceil(wait_s / unit_s))
        if count < 100 or unit == "hour":
            break
    return f"in {count} {unit}" if count == 1 else f"in {count} {unit}s"


def too_fast(wait_s: float) -> str:
    """Return the notice to a person."""
    return f"You are going too fast for me, so I left out what you sent last. You may go on {may_go_on(wait_s)}."


def too_busy(wait_s: float) -> str:
    """Return the notice to a group."""
    return f"There is more going on here than I can answer, so I left something out. I can go on {may_go_on(wait_s)}."


async def tell(bot: Bot, update: IncomingUpdate, notice: str, *, is_acknowledged: bool) -> None:
    """Say it where the update came from: as an answer to a button, else as a message; to inline queries nothing.

    `is_acknowledged`: the button has been answered, which can be done once. Raises nothing: whether it could be said or
    not, the update is over.
    """
    content: Mapping[str, Any] = update.update[update.type]
    chat = chat_id(update.update)
    try:
        if update.type == "callback_query" and not is_acknowledged:
            await bot.answer_callback_query(content["id"], notice)
        elif chat is not None and update.type not in _SILENT and not (is_acknowledged and chat < 0):
            reply_to = content.get("message_id")
            await bot.send_message(
                chat,
                notice,
                message_thread_id=content.get("message_thread_id") if content.get("is_topic_message") else None,
                business_connection_id=content.get("business_connection_id"),
                reply_parameters=ReplyParameters(reply_to) if chat < 0 and isinstance(reply_to, int) else None,
            )
    except (TelegramError, BotoCoreError, ClientError, KeyError, TypeError) as error:
        logger.warning("notice not sent", update_type=update.type, error=type(error).__name__)
