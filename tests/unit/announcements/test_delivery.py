"""What each answer of Telegram to a copy means for its recipient, and for everybody."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from httpx import ConnectError, ReadTimeout
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from floodgate.announcements.delivery import Delivery, Outcome, Result
from floodgate.state.broadcasts import Broadcast
from floodgate.telegram.errors import ChatFrozen, ChatUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Bot

    from floodgate.state.subscribers import Subscribers

PERSON, GROUP = 7001, -77
BROADCAST = Broadcast("0123456789ab", 900, 5, '{"inline_keyboard": []}', 1, 0.0, ("bulk",))


@pytest.fixture(autouse=True)
def times_as_they_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


class World:
    """A bot whose copies all end the same way, and subscribers."""

    def __init__(self, copying: Exception | None, typing: Exception | None = None) -> None:
        self.copying = copying
        self.typing = typing
        self.lapsed: list[tuple[int, float]] = []

    async def copy_message(self, *_: Any, **__: Any) -> None:
        """Copy."""
        if self.copying is not None:
            raise self.copying

    async def send_chat_action(self, *_: Any) -> None:
        """Be typing."""
        if self.typing is not None:
            raise self.typing

    async def lapse(self, chat: int, refused_at: float) -> None:
        """Take it off."""
        self.lapsed.append((chat, refused_at))

    async def send(self, chat: int) -> Outcome:
        """Return what came of a copy to a chat."""
        return await Delivery(cast("Bot", self), cast("Subscribers", self), lambda: 100.0).send(BROADCAST, chat)


def caused(error: TelegramError, cause: Exception) -> TelegramError:
    """Return the error as python-telegram-bot raises it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("chat", "error", "result"),
    [
        (PERSON, None, Result.SENT),
        (PERSON, Forbidden("Forbidden: bot was blocked by the user"), Result.BLOCKED),
        (PERSON, Forbidden("Forbidden: user is deactivated"), Result.BLOCKED),
        (PERSON, ChatUnreachable(PERSON), Result.BLOCKED),
        (PERSON, Forbidden("Forbidden: not enough rights"), Result.FAILED),
        (PERSON, BadRequest("Bad Request: VOICE_MESSAGES_FORBIDDEN"), Result.FAILED),
        (PERSON, caused(TimedOut(), ReadTimeout("late")), Result.UNKNOWN),
        (PERSON, caused(NetworkError("broken"), ConnectError("refused")), Result.LATER),
        (PERSON, caused(TelegramError("no JSON"), ValueError()), Result.SENT),
        (GROUP, ChatMigrated(-1001), Result.LATER),
        (PERSON, InvalidToken(), Result.USELESS),
        (PERSON, BadRequest("Bad Request: message to copy not found"), Result.USELESS),
        (PERSON, BadRequest("Bad Request: chat not found"), Result.USELESS),
        (GROUP, Forbidden("Forbidden: bot was kicked from the group chat"), Result.USELESS),
        (PERSON, ValueError("a bug"), Result.UNKNOWN),
    ],
)
async def test_each_answer_has_its_result(chat: int, error: Exception | None, result: Result) -> None:
    """While the recipient's chat is there for what is no copy."""
    world = World(error)
    assert (await world.send(chat)).result is result
    assert world.lapsed == ([(chat, 100.0)] if result is Result.BLOCKED else [])


@pytest.mark.parametrize(
    ("chat", "error"),
    [
        (GROUP, Forbidden("Forbidden: bot was kicked from the group chat")),
        (PERSON, BadRequest("Bad Request: chat not found")),
    ],
)
async def test_what_may_be_about_either_chat_is_asked(chat: int, error: Exception) -> None:
    """If the recipient refuses everything, it is theirs."""
    assert (await World(error, typing=ChatUnreachable(chat)).send(chat)).result is Result.BLOCKED


@pytest.mark.parametrize("kind", [RetryAfter, partial(ChatFrozen, PERSON)])
async def test_a_429_is_for_later(kind: Callable[[int], Exception]) -> None:
    """For as long as Telegram says."""
    assert await World(kind(40)).send(PERSON) == Outcome(Result.LATER, 40.0, may_be_all=True)
