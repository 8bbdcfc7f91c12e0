"""The emulator on a socket.

Problem: an injected fault may close a connection without an answer, which no ASGI application can.
Rule: DroppableProtocol puts a function that closes the connection into each request's scope, for the app to call.
Hazard: uvicorn raises the signal that stopped it once more, and so ends in a traceback or a non-zero code; Server
doesn't.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.telegram.app import DROP

HOST = "127.0.0.1"
SHUTDOWN_S = 2
GREETING = "Telegram emulator on {address}, orders at /control; docs/emulator.md says which."


class DroppableProtocol(H11Protocol):
    """HTTP/1.1 with a way to hang up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        app = self.app

        async def with_drop(scope: Any, receive: Any, send: Any) -> None:
            scope[DROP] = self._hang_up
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:  # the server stops
                self._hang_up()

        self.app = with_drop

    def _hang_up(self) -> None:
        if self.cycle is not None:
            self.cycle.disconnected = True  # whatever is sent from now on goes nowhere
        self.transport.close()


class Server(uvicorn.Server):
    """A server for which SIGTERM and SIGINT are clean ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on whoever still waits (a long poll, a delayed answer) and stop."""
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and don't raise it again afterwards; in a thread there are no signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; raise OSError if the port is taken."""
    # asyncio sends at once what is written only if the protocol is named; else an answer's body waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def server(app: Starlette) -> Server:
    """Return a server for the app that says nothing of single requests, whose URLs hold the token."""
    return Server(
        uvicorn.Config(
            app,
            http=DroppableProtocol,
            ws="none",
            access_log=False,
            log_level="warning",
            # Longer than any client keeps an idle connection, or one is closed in the moment of its next use.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )


@contextlib.contextmanager
def running(app: Starlette, port: int = 0) -> Iterator[str]:
    """Serve the app from a thread, on any free port unless one is given, and have its address."""
    listener = listen(port)
    serving = server(app)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]}, name="local Telegram")
    thread.start()
    try:
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        serving.should_exit = True
        thread.join()
        listener.close()


def serve(port: int, app: Starlette, greeting: str = GREETING) -> None:
    """Say so and serve the app until SIGINT or SIGTERM; raise OSError if the port is taken."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    listener = listen(port)
    sys.stdout.write(greeting.format(address=f"http://{HOST}:{port}") + "\n")
    sys.stdout.flush()
    server(app).run(sockets=[listener])
