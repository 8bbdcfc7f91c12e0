"""A traffic table that lives in this process, two workers on it, and a Telegram that counts the questions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.aws import AwsCalls
from floodgate.cache.cache import Cache
from floodgate.ingress.updates import IncomingUpdate, parse
from tests.integration.worker.conftest import clock, cloud
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.integration.worker.cloud import Cloud

__all__ = ["ann", "bob", "clock", "cloud", "telegram"]

type Shown = dict[int, dict[str, Any]]


@dataclass
class Telegram:
    """What Telegram knows, and how often it was asked."""

    title: str = "Allotments"
    trouble: Exception | None = None
    questions: int = 0
    #: Happens while the answer, already determined, is on its way.
    meanwhile: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def __call__(self) -> Any:
        """Answer getChat."""
        self.questions += 1
        answer = {**GROUP, "title": self.title, "accent_color_id": 3}
        events, self.meanwhile = self.meanwhile, []
        for event in events:
            await event()
        if self.trouble is not None:
            raise self.trouble
        return answer


@dataclass
class WorkerCache:
    """A worker's cache, asked from outside of any event loop."""

    cache: Cache
    telegram: Telegram

    def title(self, shown: Shown | None = None, chat: int | str = GROUP["id"]) -> str:
        """Return the chat's title as a handler sees it."""
        answer = run(self.cache.answer("getChat", {"chat_id": chat}, self.telegram, shown))
        return str(answer["title"])

    def asks(self, method: str, data: dict[str, Any], answer: Any, shown: Shown | None = None) -> Any:
        """Return what a handler gets that asks anything; `answer` is what Telegram would say now."""

        async def ask() -> Any:
            self.telegram.questions += 1
            return answer

        return run(self.cache.answer(method, data, ask, shown))

    def hears(self, kind: str, content: dict[str, Any]) -> None:
        """Receive an update."""
        run(self.cache.heard(incoming(kind, content)))

    def calls(self, method: str, **data: Any) -> None:
        """Have the bot make a call."""
        run(self.cache.called(method, data))

    def forgets(self, chat_id: int | str = GROUP["id"], user_id: int | None = None) -> None:
        """Forget by hand."""
        run(self.cache.forget(chat_id, user_id))


def incoming(kind: str, content: dict[str, Any]) -> IncomingUpdate:
    """Return an update as the worker reads it."""
    return parse(json.dumps({"update_id": 1, kind: content}))


@pytest.fixture
def telegram() -> Telegram:
    """A Telegram that answers."""
    return Telegram()


def new_worker(cloud: Cloud, telegram: Telegram) -> WorkerCache:
    """Return a worker that has just started."""
    return WorkerCache(Cache(cloud.client("dynamodb"), "traffic", AwsCalls(), cloud.clock), telegram)


@pytest.fixture
def ann(cloud: Cloud, telegram: Telegram) -> WorkerCache:
    """One worker."""
    return new_worker(cloud, telegram)


@pytest.fixture
def bob(cloud: Cloud, telegram: Telegram) -> WorkerCache:
    """Another worker."""
    return new_worker(cloud, telegram)
