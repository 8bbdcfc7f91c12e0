"""The Telegram emulator in this process, anew for each event and always on the same port."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import httpx

from local.ports import HOST
from local.telegram.app import create_app
from local.telegram.server import listen, server

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "123456:AAlocal-emulator-token-0123456789ab"
"""As long as a real one, so that what hides tokens in logs hides it."""


class Telegram:
    """A Telegram that knows nobody yet, from `with` to its end."""

    def __init__(self, port: int) -> None:
        self.address = f"http://{HOST}:{port}"
        self._port = port

    def __enter__(self) -> Self:
        self._listener = listen(self._port)
        self._server = server(create_app(token=TOKEN))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def send(self, update: Mapping[str, Any]) -> None:
        """Have the update be one of this Telegram's, so that its chat and message are known."""
        self._read(httpx.post(f"{self.address}/control/updates", json=update, trust_env=False))

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a Bot API method and return its result."""
        answer = httpx.post(f"{self.address}/bot{TOKEN}/{method}", json=parameters, trust_env=False)
        return self._read(answer)["result"]

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Return each call that was made: its method and its parameters."""
        made = self._read(httpx.get(f"{self.address}/control/calls", trust_env=False))
        return [(call["method"], call["parameters"]) for call in made]

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json()
