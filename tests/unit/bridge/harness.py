"""A bridge between two stand-ins, in process: an emulator in the role of Telegram, and a bot's endpoint.

`line` is the way to Telegram: it can break, and knows what went over it. The clock is everybody's.
"""

from typing import TYPE_CHECKING, Any

import httpx

from local.bridge.account import Account
from local.bridge.app import create_app as create_bridge_app
from local.bridge.bridge import Bridge
from local.telegram.app import create_app
from local.telegram.clock import ManualClock
from local.telegram.errors import ConnectionDropped
from tests.unit.telegram_emulator.harness import URL, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.telegram.emulator import Emulator

REAL = "777:real-secret"
LOCAL = "777:of-this-run"


class Line(httpx.AsyncBaseTransport):
    """The way to Telegram, which does what `fault` says instead, if it says anything."""

    def __init__(self, app: Any) -> None:
        self._telegram = httpx.ASGITransport(app)
        self.requests: list[httpx.Request] = []
        self.fault: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one request there and its answer back."""
        self.requests.append(request)
        if (instead := self.fault(request)) is not None:
            return instead
        try:
            return await self._telegram.handle_async_request(request)
        except ConnectionDropped:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.") from None

    def methods(self) -> list[str]:
        """Return the methods that were called, in order."""
        return [request.url.path.rpartition("/")[2] for request in self.requests]


class Crossing:
    """Telegram on one side, the bot on the other, and a bridge that can crash and be built anew."""

    bridge: Bridge

    def __init__(self) -> None:
        self.clock = ManualClock()
        telegram = create_app(token=REAL, clock=self.clock)
        self.telegram: Emulator = telegram.state.emulator
        self.there = httpx.AsyncClient(transport=httpx.ASGITransport(telegram), base_url="http://telegram")
        self.line = Line(telegram)
        self.endpoint = Endpoint()
        self.handle: Any = self.endpoint.handle
        self.build()

    def build(self) -> None:
        """Put a new bridge there, which knows nothing of any before it."""
        self.bridge = Bridge(
            Account(REAL, clock=self.clock, transport=self.line),
            LOCAL,
            clock=self.clock,
            webhook_transport=httpx.MockTransport(self.handle),
        )
        self.here = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_bridge_app(self.bridge)), base_url="http://bridge"
        )

    async def crash(self) -> None:
        """End the bridge as SIGKILL does: nothing is said to Telegram any more."""
        await self.bridge._stop_polling()
        await self.bridge.sender.close()
        self.bridge._has_stopped = True

    async def say(self, *chat_ids: int) -> list[int]:
        """Have a person write in each chat, and return the ids of the updates."""
        order = "/control/messages"
        answers = [await self.there.post(order, json={"chat_id": chat_id, "text": "hello"}) for chat_id in chat_ids]
        return [answer.json()["update_id"] for answer in answers]

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method as the bot on this machine does, and return the whole answer."""
        answer: dict[str, Any] = (await self.here.post(f"/bot{LOCAL}/{method}", json=parameters)).json()
        return answer

    async def hook(self, **parameters: Any) -> None:
        """Set the local webhook, and let what waits arrive."""
        answer = await self.call("setWebhook", url=URL, **parameters)
        assert answer["ok"], answer
        await self.clock.settle()

    def outcomes(self) -> dict[int, str]:
        """Return what Telegram thinks became of each update."""
        return {item.update["update_id"]: item.outcome for item in self.telegram.updates.history}

    def polls(self) -> int:
        """Return how often Telegram was asked for updates."""
        return self.line.methods().count("getUpdates")

    async def close(self) -> None:
        """Stop everything."""
        await self.crash()
        await self.bridge.account.close()
        await self.telegram.close()
        await self.there.aclose()
        await self.here.aclose()
