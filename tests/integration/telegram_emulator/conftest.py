"""The emulator on an ephemeral port of loopback."""

import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from local.telegram.app import create_app
from local.telegram.server import HOST, listen, server


@pytest.fixture
def address() -> Iterator[str]:
    """Serve in a thread and return the emulator's address."""
    listener = listen(0)
    running = server(create_app())
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://{HOST}:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client on the emulator, in which user 5 spoke."""
    async with httpx.AsyncClient(base_url=address, trust_env=False) as connected:
        await connected.post("/control/messages", json={"chat_id": 5, "text": "hello"})
        yield connected
