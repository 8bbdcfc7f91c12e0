"""What Telegram's errors mean for an update, read from their types, and where Telegram gives no code, from its words.

TelegramError
  Forbidden
    ChatUnreachable   Telegram refuses this chat for good; nothing is sent to it any more
  RetryAfter
    ChatFrozen        another chat than the update's own must be waited for
Exception
  OutcomeUnknown      the handler goes on with a message of which nobody knows whether it was sent
  LookupError
    UnknownTask         the bot has no task of that name
  TypeError
    ResultNotKept     an effect has happened, and what it returned cannot be kept
BaseException
  AlreadySaved       the update has done its work in an earlier attempt, and what it remembered is kept
  MustWait            the update must wait; what it has sent is not sent again
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from enum import Enum
from typing import Final

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

# The Bot API server's words, as of 10.1, in lower case. "not enough rights" and the like are about one request.
_PERSON_GONE: Final = (
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation",
    "bot can't send messages to bots",
    "bots can't send messages to bots",
)
_GROUP_GONE: Final = (
    "bot was kicked",
    "bot is not a member",
    "the group chat was deleted",
)


class ChatUnreachable(Forbidden):
    """Telegram refuses this chat for good: blocked, deactivated, kicked. `my_chat_member` brings it back."""

    def __init__(self, chat: int | str) -> None:
        super().__init__(f"chat {chat} is unreachable until somebody lets the bot in or writes there again")
        self.chat = chat


class ChatFrozen(RetryAfter):
    """Nothing may be sent to this chat for now, and it is not the update's own; `retry_after` says for how long."""

    def __init__(self, chat: int | str, wait_s: float) -> None:
        super().__init__(math.ceil(wait_s))
        self.chat = chat
        self.wait_s = wait_s


class AlreadySaved(BaseException):
    """The update was handled to its end before; no Exception, so that a handler's `except Exception` lets it pass."""


class OutcomeUnknown(Exception):
    """An earlier attempt's call may have arrived or not, and the handler cannot go on without knowing."""

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} needs to know what became of an earlier call, and nobody does")
        self.method = method


class UnknownTask(LookupError):
    """The bot has no task of that name: `register` must add it, in this version of the bot as in the next."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no task is called {name!r}: add it in register(app), with app.add_task({name!r}, …)")
        self.name = name


class ResultNotKept(TypeError):
    """What a handler did `once` has happened, and returned what JSON cannot hold: it is not done again."""

    def __init__(self, name: str) -> None:
        super().__init__(f"what {name} returned cannot be kept: return None, text, numbers, lists or dicts of them")
        self.name = name


class MustWait(BaseException):
    """Ends the handler: the update goes back to its queue for `wait_s` seconds, and that is no failure.

    No Exception, so that neither a handler's `except Exception` nor python-telegram-bot takes it for one.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"the update waits for {wait_s} s")
        self.wait_s = wait_s


def told_to_wait_s(error: BaseException) -> float | None:
    """Return the seconds that a 429 asks for; None if `error` is none. They may be hours."""
    if not isinstance(error, RetryAfter):
        return None
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


def is_for_good(error: Forbidden, chat: int | str) -> bool:
    """Tell whether a 403 holds for everything that could be sent to `chat`, now and later.

    It may be about another: a person who is to be promoted in a group, the group that a message is copied from.
    """
    words = error.message.lower()
    reasons = _PERSON_GONE if isinstance(chat, int) and chat > 0 else _GROUP_GONE
    return any(reason in words for reason in reasons)


def is_done_already(error: BadRequest) -> bool:
    """Tell whether Telegram refuses an edit because the message looks like that already, as after a second press."""
    return "message is not modified" in error.message.lower()


def is_too_late(error: BaseException) -> bool:
    """Tell whether Telegram no longer takes the answer to a query, for whoever asked has stopped waiting."""
    return isinstance(error, BadRequest) and "query is too old" in error.message.lower()


def token_refused(error: BaseException) -> bool:
    """Tell whether Telegram no longer takes the bot's token: no fault of an update, and mended by a deployment."""
    return isinstance(error, InvalidToken)


class Arrival(Enum):
    """What is known of a call that raised."""

    #: Telegram has done nothing.
    NEVER = "never"
    #: Nobody knows.
    UNKNOWN = "unknown"
    #: Telegram has done it, and what it answered is lost.
    LOST = "lost"


#: With these Telegram says that it has done nothing.
_REFUSALS: Final = (BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter)
#: httpx raises these, and no others, before it has written any of a request.
_BEFORE_SENDING: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
#: How python-telegram-bot words a status of which it has no class of its own, such as 413.
_CLIENT_ERROR: Final = re.compile(r"[^(]*\(4[0-9]{2}\)")


def is_client_error(error: BaseException) -> bool:
    """Tell whether it is a 4xx of which python-telegram-bot has no class of its own, as for an upload too large."""
    if not isinstance(error, NetworkError):
        return False
    return _CLIENT_ERROR.match(error.message) is not None or "request entity too large" in error.message.lower()


def is_refusal(error: BaseException) -> bool:
    """Tell whether Telegram refused a call with a 4xx other than 429."""
    return (isinstance(error, _REFUSALS) and not isinstance(error, RetryAfter)) or is_client_error(error)


def may_pass(error: BaseException) -> bool:
    """Tell whether what Telegram or the network has refused may be done when it is asked again."""
    if isinstance(error, RetryAfter):
        return True
    return isinstance(error, NetworkError) and not isinstance(error, BadRequest) and not is_client_error(error)


def arrival(error: BaseException) -> Arrival:
    """Tell what a call has done at Telegram that raised `error`; python-telegram-bot 22 keeps the cause in it."""
    if isinstance(error, _REFUSALS):
        return Arrival.NEVER
    cause = error.__cause__
    if isinstance(error, NetworkError):
        # Without a cause it is a status with Telegram's own words: a server error in which it says that it failed.
        if cause is None or type(cause) in _BEFORE_SENDING or is_client_error(error):
            return Arrival.NEVER
        return Arrival.UNKNOWN
    if isinstance(error, TelegramError):  # a success whose body cannot be read
        return Arrival.LOST
    return Arrival.NEVER if isinstance(error, Exception) else Arrival.UNKNOWN
