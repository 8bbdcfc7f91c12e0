"""One recipient: a copy of the message sent to a chat, and what came of it.

Rule: these calls stand outside of the update's journal. A step makes thousands, and what it must not repeat is told by
what its lane had in hand. A chat that refuses the bot for good is no subscriber any more. Whatever is wrong with the
message, or with where it is copied from, is wrong for everybody: then the broadcast stops before it has failed for all.
Hazard: Telegram's refusals of a copy may be about either chat; where the words leave that open, the recipient is asked.
"""

from __future__ import annotations

import asyncio
import json
from contextvars import copy_context
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram import InlineKeyboardMarkup
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed
from floodgate.telegram.errors import Arrival, ChatUnreachable, arrival, is_for_good, told_to_wait_s
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from telegram import Bot

    from floodgate.state.broadcasts import Broadcast
    from floodgate.state.subscribers import Subscribers

#: After how many seconds what surely did not arrive, for the network's sake, is sent again.
_AGAIN_S: Final = 5.0
#: How Telegram says that the message itself cannot be copied, or not any more.
_NO_SOURCE: Final = (
    "message to copy not found",
    "message can't be copied",
    "message_id_invalid",
    "reply markup",
    "button_",
)


class Result(Enum):
    """What came of one recipient."""

    SENT = auto()
    #: The chat lets the bot in no more, and is no subscriber any more.
    BLOCKED = auto()
    #: Telegram refuses this message in this chat.
    FAILED = auto()
    #: Nobody knows whether it arrived.
    UNKNOWN = auto()
    #: It did not arrive, and may later.
    LATER = auto()
    #: It did not arrive, and would not for anybody.
    USELESS = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, after how many seconds something may be tried again, and for `USELESS` why."""

    result: Result
    wait_s: float = 0.0
    #: What was wrong may be so for everybody: Telegram asked to wait, or did not answer.
    may_be_all: bool = False
    why: str = ""


class Delivery:
    """Sends a broadcast's copies with `bot`."""

    def __init__(self, bot: Bot, subscribers: Subscribers, clock: Callable[[], float]) -> None:
        self._bot = bot
        self._subscribers = subscribers
        self._clock = clock

    async def send(self, broadcast: Broadcast, chat: int) -> Outcome:
        """Return what came of it; raises nothing but its own cancellation."""
        began_at = self._clock()
        try:
            await self._copy(broadcast, chat)
        except (ChatUnreachable, Forbidden, BadRequest) as error:
            outcome = await self._refused(error, chat)
        except InvalidToken:
            outcome = Outcome(Result.USELESS, why="Telegram does not take the bot's token")
        except RetryAfter as error:
            outcome = Outcome(Result.LATER, told_to_wait_s(error) or 0.0, may_be_all=True)
        except ChatMigrated:
            outcome = Outcome(Result.LATER, _AGAIN_S)
        except TelegramError as error:
            outcome = _by_arrival(error)
        except Exception as error:  # noqa: BLE001 - of one recipient: the others are not to wait for it
            logger.error("copy of a broadcast failed", chat=hashed(chat), error=type(error).__name__)
            outcome = Outcome(Result.UNKNOWN, _AGAIN_S, may_be_all=True)
        else:
            return Outcome(Result.SENT)
        if outcome.result is Result.BLOCKED:
            await self._lapse(chat, began_at)
        return outcome

    async def _copy(self, broadcast: Broadcast, chat: int) -> None:
        await self._bot.copy_message(
            chat, broadcast.chat, broadcast.message_id, reply_markup=_buttons(broadcast.markup)
        )

    async def _refused(self, error: Forbidden | BadRequest, chat: int) -> Outcome:
        words = error.message.lower()
        if isinstance(error, ChatUnreachable):
            return Outcome(Result.BLOCKED)
        is_about_one = is_for_good(error, chat) if isinstance(error, Forbidden) else "chat not found" in words
        if is_about_one and isinstance(error, Forbidden) and chat > 0:
            return Outcome(Result.BLOCKED)
        if is_about_one:  # this chat, or the one that is copied from
            if await self._is_gone(chat):
                return Outcome(Result.BLOCKED)
            return Outcome(Result.USELESS, why="Telegram does not let the bot copy from this chat")
        if any(reason in words for reason in _NO_SOURCE):
            return Outcome(Result.USELESS, why="the message cannot be copied any more")
        return Outcome(Result.FAILED)

    async def _is_gone(self, chat: int) -> bool:
        """Tell whether Telegram refuses the chat also if nothing is copied into it."""
        try:
            await self._bot.send_chat_action(chat, "typing")
        except (Forbidden, BadRequest):
            return True
        except TelegramError:
            pass
        return False

    async def _lapse(self, chat: int, began_at: float) -> None:
        try:
            await self._subscribers.lapse(chat, began_at)
        except (BotoCoreError, ClientError) as trouble:
            # It stays for the next broadcast, which will be refused as well.
            logger.error("subscriber not taken off", chat=hashed(chat), error=fault(trouble))


@lru_cache(maxsize=4)
def _buttons(markup: str) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup.de_json(json.loads(markup), None) if markup else None


def _by_arrival(error: TelegramError) -> Outcome:
    match arrival(error):
        case Arrival.NEVER:
            return Outcome(Result.LATER, _AGAIN_S, may_be_all=True)
        case Arrival.LOST:
            return Outcome(Result.SENT)
        case Arrival.UNKNOWN:
            return Outcome(Result.UNKNOWN, _AGAIN_S, may_be_all=True)


def unjournaled[T](work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Return a task of its own, whose calls to Telegram no update remembers; whoever starts it must end it."""
    context = copy_context()
    context.run(running.set, None)
    return asyncio.get_running_loop().create_task(work, context=context)
