"""What is known of a call whose answer did not come, with python-telegram-bot's own client on a loopback server.

A new python-telegram-bot or httpx that says otherwise fails here, before a message is sent twice or not at all.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from floodgate.delivery.outcomes import Outcome, classify
from floodgate.telegram.errors import Arrival, arrival
from tests.unit.telegram.wire import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

#: How long a client waits in these tests, in seconds.
PATIENCE_S = 0.15
LARGE = b"\x00" * 30_000_000


@dataclass(frozen=True)
class Case:
    """How a server behaves, and what follows from it."""

    name: str
    serve: Serve
    arrival: Arrival
    outcome: Outcome
    scheme: str = "http"
    upload: bytes | None = None


async def _request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    await reader.readexactly(length)


def says(status: int, body: str, *, kind: str = "application/json", cut: int = 0) -> Serve:
    """Return a server that answers a request, and closes `cut` bytes before the end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body) + cut}\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()

    return serve


def refuses(status: int, words: str, parameters: str = "{}") -> Serve:
    """Return a server that refuses in Telegram's words."""
    return says(
        status,
        f'{{"ok": false, "error_code": {status}, "description": "{words}", "parameters": {parameters}}}',
    )


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take everything and say nothing."""
    await reader.read()


async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read nothing at all."""
    await asyncio.sleep(5)


async def closing(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Close after the request."""
    await _request(reader)


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection after the request."""
    await _request(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def no_tls(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what should be a handshake."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(PATIENCE_S)


NEVER, UNKNOWN, LOST = Arrival.NEVER, Arrival.UNKNOWN, Arrival.LOST
RETRY, WAIT, REJECTED = Outcome.RETRY, Outcome.WAIT, Outcome.REJECTED
PAGE = "<html><body>Bad Gateway</body></html>"
CASES = [
    Case("a handshake that never ends", silent, NEVER, RETRY, scheme="https"),
    Case("a handshake that fails", no_tls, NEVER, RETRY, scheme="https"),
    Case("no answer", silent, UNKNOWN, RETRY),
    Case("a reset", resetting, UNKNOWN, RETRY),
    Case("closed", closing, UNKNOWN, RETRY),
    Case("cut short", says(200, '{"ok": true, "result": ', cut=20), UNKNOWN, RETRY),
    Case("an upload that stalls", deaf, UNKNOWN, RETRY, upload=LARGE),
    Case("502 of a proxy", says(502, PAGE, kind="text/html"), UNKNOWN, RETRY),
    Case("504 without a body", says(504, ""), UNKNOWN, RETRY),
    Case("500 in Telegram's words", refuses(500, "Internal Server Error"), NEVER, RETRY),
    Case("502 in Telegram's words", refuses(502, "Bad Gateway"), NEVER, RETRY),
    Case("200 that is no JSON", says(200, PAGE), LOST, RETRY),
    Case("400", refuses(400, "Bad Request: chat not found"), NEVER, REJECTED),
    Case("401", refuses(401, "Unauthorized"), NEVER, WAIT),
    Case("403", refuses(403, "Forbidden: not enough rights"), NEVER, REJECTED),
    Case("404", refuses(404, "Not Found"), NEVER, WAIT),
    Case("409", refuses(409, "Conflict"), NEVER, REJECTED),
    Case("429", refuses(429, "Too Many Requests", '{"retry_after": 7}'), NEVER, WAIT),
    Case("migrated", refuses(400, "x", '{"migrate_to_chat_id": -1001}'), NEVER, Outcome.MOVED),
    Case("400 of a proxy", says(400, PAGE, kind="text/html"), NEVER, REJECTED),
]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[int]:
    """Run a server; yield its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            tasks.add(task)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(take, "127.0.0.1", 0, limit=1 << 16)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def bot_at(base_url: str, connections: int = 4) -> AsyncIterator[Bot]:
    """Yield a bot with little patience."""
    request = HTTPXRequest(connections, PATIENCE_S, PATIENCE_S, PATIENCE_S, PATIENCE_S, media_write_timeout=PATIENCE_S)
    async with request:
        yield Bot(TOKEN, base_url=f"{base_url}/bot", request=request)


async def failure(bot: Bot, upload: bytes | None = None) -> TelegramError:
    """Return what sending raises."""
    with pytest.raises(TelegramError) as caught:
        await (bot.send_document(7001, upload) if upload else bot.send_message(7001, "hello"))
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_a_broken_call_has_done(case: Case) -> None:
    """Never sent only where nothing was written or Telegram says so; lost where it was a success; else unknown."""
    async with server(case.serve) as port, bot_at(f"{case.scheme}://127.0.0.1:{port}") as bot:
        error = await failure(bot, case.upload)
    assert (arrival(error), classify(error, 7001)[0]) == (case.arrival, case.outcome)


async def test_where_nobody_listens_nothing_arrives() -> None:
    """A refused connection."""
    async with server(silent) as port:
        pass
    async with bot_at(f"http://127.0.0.1:{port}") as bot:
        assert arrival(await failure(bot)) is NEVER


async def test_a_name_that_is_not_found_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, no connection."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    async with bot_at("http://telegram.invalid") as bot:
        assert arrival(await failure(bot)) is NEVER


async def test_a_call_without_a_connection_was_not_made() -> None:
    """All connections are taken, and this call has had none; the one that has it is unknown."""
    async with server(silent) as port, bot_at(f"http://127.0.0.1:{port}", connections=1) as bot:
        slow = asyncio.create_task(bot.send_message(7001, "slow", read_timeout=3 * PATIENCE_S))
        await asyncio.sleep(0.01)
        assert arrival(await failure(bot)) is NEVER
        with pytest.raises(TelegramError) as caught:
            await slow
        assert arrival(caught.value) is UNKNOWN
