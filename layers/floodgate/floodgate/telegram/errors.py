"""What Telegram's errors mean for an update, read from their types alone."""

from __future__ import annotations

from datetime import timedelta

from telegram.error import InvalidToken, RetryAfter


def told_to_wait_s(error: BaseException) -> float | None:
    """Return the seconds that a 429 asks for; None if `error` is none. They may be hours."""
    if not isinstance(error, RetryAfter):
        return None
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


class LimitedMidway(Exception):
    """Telegram answered 429 after the handler had sent something, which its next attempt sends again."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"told to wait {wait_s} s with something sent already")
        self.wait_s = wait_s


def token_refused(error: BaseException) -> bool:
    """Tell whether Telegram no longer takes the bot's token: no fault of an update, and mended by a deployment."""
    return isinstance(error, InvalidToken)
