"""The emulator on an ephemeral port of loopback."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import telegram
from telegram.request import HTTPXRequest

from local.telegram.app import create_app
from local.telegram.server import running


@pytest.fixture
def address() -> Iterator[str]:
    """Serve in a thread and return the emulator's address."""
    with running(create_app()) as url:
        yield url


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client on the emulator, in which user 5 spoke."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as connected:
        await connected.post("/control/messages", json={"chat_id": 5, "text": "hello"})
        yield connected


@pytest.fixture
def make_bot(address: str) -> Callable[[str], telegram.Bot]:
    """Return what makes a bot with a token."""

    def make(token: str) -> telegram.Bot:
        options: dict[str, Any] = {"httpx_kwargs": {"trust_env": False}}
        return telegram.Bot(
            token,
            base_url=f"{address}/bot",
            base_file_url=f"{address}/file/bot",
            request=HTTPXRequest(**options),
            get_updates_request=HTTPXRequest(**options),
        )

    return make


@pytest.fixture
async def bot(
    make_bot: Callable[[str], telegram.Bot],
    client: httpx.AsyncClient,  # noqa: ARG001 - user 5 spoke
) -> AsyncIterator[telegram.Bot]:
    """Return the bot, initialized: it called getMe."""
    async with make_bot("123456:local") as initialized:
        yield initialized
