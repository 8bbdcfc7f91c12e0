"""The emulator in process: a clock to move, a client to call with, an endpoint to deliver to."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from local.telegram.app import create_app
from local.telegram.clock import ManualClock
from local.telegram.emulator import Emulator

API = "/bot123456:local"
URL = "http://127.0.0.1:9/webhook"


class Endpoint:
    """A bot's webhook that answers as told and remembers what it got."""

    answer: Callable[[httpx.Request], httpx.Response]

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = lambda _: httpx.Response(200)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Take one delivery."""
        self.requests.append(request)
        return self.answer(request)

    @property
    def update_ids(self) -> list[int]:
        """The ids of the updates that came, in order."""
        return [json.loads(request.content)["update_id"] for request in self.requests]


class Harness:
    """An emulator for the bot 123456:local and what a test needs around it."""

    emulator: Emulator

    def __init__(self, handle: Any = None) -> None:
        self.clock = ManualClock()
        self.endpoint = Endpoint()
        self.app = create_app(clock=self.clock, webhook_transport=httpx.MockTransport(handle or self.endpoint.handle))
        self.emulator = self.app.state.emulator
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://telegram")

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method with a JSON body and return the whole answer."""
        answer: dict[str, Any] = (await self.client.post(f"{API}/{method}", json=parameters)).json()
        return answer

    async def result(self, method: str, **parameters: Any) -> Any:
        """Call a method that must succeed and return its result."""
        answer = await self.call(method, **parameters)
        assert answer["ok"], answer
        return answer["result"]

    async def error(self, method: str, **parameters: Any) -> tuple[int, str]:
        """Call a method that must fail and return its code and description."""
        answer = await self.call(method, **parameters)
        assert not answer["ok"], answer
        return answer["error_code"], answer["description"]

    async def order(self, path: str, **body: Any) -> Any:
        """Give an order that must succeed and return what it answers."""
        response = await self.client.post(f"/control/{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def refused(self, path: str, body: Any) -> tuple[int, str]:
        """Give an order that must fail and return its status and sentence."""
        response = await self.client.post(f"/control/{path}", json=body)
        return response.status_code, response.json()["error"]

    async def look(self, path: str) -> Any:
        """Return what a GET under /control answers."""
        return (await self.client.get(f"/control/{path}")).json()

    async def updates(self, *update_ids: int) -> list[Any]:
        """Return the bodies of the updates with these ids, of all if none is given, and confirm them all."""
        types = ["message", "channel_post", "my_chat_member", "chat_member", "callback_query"]
        pending = await self.result("getUpdates", allowed_updates=types)
        if pending:
            await self.result("getUpdates", offset=pending[-1]["update_id"] + 1)
        return [
            body
            for update in pending
            if not update_ids or update["update_id"] in update_ids
            for name, body in update.items()
            if name != "update_id"
        ]

    async def forget(self) -> None:
        """Have no update wait, and all types allowed from now on."""
        await self.updates()

    async def hook(self, **parameters: Any) -> None:
        """Set the webhook to the endpoint."""
        await self.result("setWebhook", url=URL, **parameters)

    async def close(self) -> None:
        """Stop everything."""
        await self.emulator.close()
        await self.client.aclose()
