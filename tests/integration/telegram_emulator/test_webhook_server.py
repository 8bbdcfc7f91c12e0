"""Webhook delivery over real sockets, and the emulator as a process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from local.telegram.server import listen

ROOT = Path(__file__).parents[3]


class Received:
    """An HTTP server that reads one request for each connection, refuses strangers and answers the rest 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        self.requests.append((head, await reader.readexactly(length)))
        status = b"200 OK" if "x-telegram-bot-api-secret-token: s3cret\r\n" in head else b"403 Forbidden"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def test_a_localhost_name_is_delivered_to_and_healthy(client: httpx.AsyncClient) -> None:
    """An update reaches a webhook named under .localhost, and health turns from 503 to 200."""
    received = Received()
    listening = await asyncio.start_server(received.handle, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    assert (await client.get("/control/health")).status_code == 503
    webhook = {"url": f"http://ab12.execute-api.localhost:{port}/webhook", "secret_token": "s3cret"}
    assert (await client.post("/bot123456:local/setWebhook", json=webhook)).status_code == 200
    assert (await client.get("/control/health")).json() == {"status": "ok"}
    for _ in range(100):
        if all(item["outcome"] == "delivered" for item in (await client.get("/control/deliveries")).json()):
            break
        await asyncio.sleep(0.05)
    listening.close()
    await listening.wait_closed()
    (delivered,) = [(head, body) for head, body in received.requests if body != b"{}"]
    assert json.loads(delivered[1])["message"]["text"] == "hello"
    assert f"host: ab12.execute-api.localhost:{port}\r\n" in delivered[0]


async def test_answers_are_sent_at_once() -> None:
    """No connection holds an answer's body back until its head was acknowledged, which is 40 ms for every call."""
    with listen(0) as listener:
        listener.setblocking(False)
        accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        class Accepted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = transport.get_extra_info("socket")
                accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        serving = await asyncio.get_running_loop().create_server(Accepted, sock=listener)
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted != 0
        writer.close()
        serving.close()
        await serving.wait_closed()


def _start(port: int) -> subprocess.Popen[str]:
    environment = os.environ | {"FLOODGATE_TELEGRAM_PORT": str(port)}
    command = [sys.executable, "-m", "local.telegram"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly(port: int, number: signal.Signals) -> None:
    """Started as a module it serves, says where, and ends at a signal with 0 and nothing on stderr, polled or not."""
    process = _start(port)
    try:
        for _ in range(100):
            try:
                response = httpx.get(f"http://127.0.0.1:{port}/bot123456:local/getMe", trust_env=False)
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        assert response.json()["result"]["id"] == 123456
        with socket.create_connection(("127.0.0.1", port)) as polling:
            polling.sendall(b"GET /bot123456:local/getUpdates?timeout=50 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.2)
            process.send_signal(number)
            assert polling.recv(100) == b""
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert out == f"Telegram emulator on http://127.0.0.1:{port}, orders at /control; docs/emulator.md says which.\n"


def test_a_taken_port_is_said_in_a_sentence() -> None:
    """When the port is taken the process says so and exits 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        out, err = _start(number).communicate(timeout=20)
    assert out == ""
    assert err == (
        f"The Telegram emulator can't listen on 127.0.0.1:{number}: Address already in use. "
        "Stop what does, or choose another port with FLOODGATE_TELEGRAM_PORT.\n"
    )
