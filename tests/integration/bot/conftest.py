"""The bot of this repository in a worker, on an AWS and a Telegram that live in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import bot
from local.telegram.app import create_app
from local.telegram.updates import ALL_TYPES
from tests.integration.bot.chats import TOKEN, Chat, Chats, MovedClock
from tests.integration.worker.conftest import clock, cloud, loops, telegram, text, workers
from tests.unit.ingress.samples import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire

__all__ = ["clock", "cloud", "loops", "telegram", "workers"]


@dataclass
class People:
    """Those who write to the bot, and what they read."""

    cloud: Cloud
    telegram: TelegramWire
    drain: Callable[[dict[str, Any]], dict[str, Any]]
    _update_ids: count[int] = field(default_factory=lambda: count(1))

    def say(self, words: str, chat: dict[str, Any] = PRIVATE, **changes: Any) -> list[str]:
        """Have Ann write to a chat; return what the bot answers there."""
        return self.send(text(words, next(self._update_ids), chat, **changes), chat["id"])

    def send(self, update: dict[str, Any], chat: int = PRIVATE["id"]) -> list[str]:
        """Deliver any update; return what the bot then sends to `chat`."""
        self.telegram.calls.clear()
        self.cloud.queue(update, f"chat:{chat}")
        assert self.cloud.deliver(self.drain) == []
        assert self.cloud.left() == 0
        assert {called for called, _ in self.telegram.sent} <= {chat}
        assert set(self.telegram.methods) <= {"sendMessage"}
        return [words for _, words in self.telegram.sent]


@pytest.fixture
def people(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> People:
    """People before a bot that runs."""
    return People(cloud, telegram, workers.drain(bot.register))


@pytest.fixture
def chats(
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    workers: Workers,
) -> Chats:
    """People before the bot, on the Telegram emulator."""
    app = create_app(token=TOKEN, clock=MovedClock(cloud))
    emulated = httpx.ASGITransport(app)

    async def handle(_transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await emulated.handle_async_request(request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    app.state.emulator.updates.allow(ALL_TYPES)
    return Chats(cloud, app.state.emulator, workers)


@pytest.fixture
def ann(chats: Chats) -> Chat:
    """Somebody in Berlin, where it is 02:00 on Thursday, 11 June 2026."""
    ann = chats.private()
    ann.say("/timezone Europe/Berlin")
    return ann
