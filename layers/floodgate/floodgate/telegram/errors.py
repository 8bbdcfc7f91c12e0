"""What Telegram's errors mean for an update, read from their types, and where Telegram gives no code, from its words.

TelegramError
  Forbidden
    ChatUnreachable   Telegram refuses this chat for good; nothing is sent to it any more
  RetryAfter
    ChatFrozen        another chat than the update's own must be waited for
Exception
  LimitedMidway       the update must wait, and has sent something that its next attempt sends again
BaseException
  MustWait            the update must wait, and nothing was sent that would be sent again
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Final

from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter

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


class LimitedMidway(Exception):
    """The update must wait after its handler had sent something, which its next attempt sends again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"told to wait {wait_s} s with something sent already")
        self.wait_s = wait_s


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


def token_refused(error: BaseException) -> bool:
    """Tell whether Telegram no longer takes the bot's token: no fault of an update, and mended by a deployment."""
    return isinstance(error, InvalidToken)
