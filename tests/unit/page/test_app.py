"""The page as an application: its files, its stream, its levers, and who may ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local.errors import LocalError
from local.page.app import create_app
from local.telegram import app as telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = "http://127.0.0.1:8081"


class Switch:
    """A lever that can be stuck."""

    name = "switch"
    label = "Switch"
    watch = "Nothing happens."

    def __init__(self) -> None:
        self.is_on = False

    def state(self) -> dict[str, Any]:
        """Return whether it is on."""
        return {"on": self.is_on, "busy": False, "said": ""}

    async def pull(self, order: dict[str, Any]) -> None:
        """Switch it on, unless it is stuck."""
        if order.get("stuck"):
            raise LocalError("It is stuck: oil it.")
        self.is_on = True

    async def undo(self) -> None:
        """Switch it off."""
        self.is_on = False


@pytest.fixture
async def page() -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the page."""
    app = create_app(telegram.create_app(), levers=[Switch()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
        yield client


async def test_it_serves_itself_and_the_emulator(page: httpx.AsyncClient) -> None:
    """The page is at the root, its files below /page/static, and everything else is the emulator's."""
    assert "<title>Floodgate</title>" in (await page.get("/")).text
    assert (await page.get("/page/static/page.js")).status_code == 200
    assert (await page.get("/bot123456:local/getMe")).json()["ok"]
    assert (await page.post("/control/messages", json={"chat_id": 5, "text": "hi"})).json()["message_id"] == 1


async def test_levers_are_pulled_and_undone(page: httpx.AsyncClient) -> None:
    """The answer is the lever's state, or the sentence that says why not."""
    assert (await page.post("/page/levers/switch", json={"on": True})).json()["on"] is True
    assert (await page.post("/page/levers/switch", json={"on": False})).json()["on"] is False
    stuck = await page.post("/page/levers/switch", json={"on": True, "stuck": True})
    assert (stuck.status_code, stuck.json()) == (409, {"error": "It is stuck: oil it."})
    assert (await page.post("/page/levers/other", json={"on": True})).status_code == 409
    assert (await page.post("/page/levers/switch", json={"on": "yes"})).status_code == 400
    assert (await page.post("/page/levers/switch", content=b"\xff")).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
    ids=["another site", "a site that hides", "another page of this machine", "what a site embeds"],
)
async def test_another_site_may_give_no_orders(page: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """What another site has the browser send is refused, of the Bot API too: everybody knows the local token."""
    for path in ("/control/messages", "/page/levers/switch", "/bot123456:local/getMe"):
        assert (await page.post(path, headers=headers, json={"on": True})).status_code == 403
    assert (await page.get("/", headers=headers)).status_code == 403
    assert (await page.get("/bot123456:local/getMe", headers=headers)).status_code == 403


async def test_by_another_name_it_is_the_bot_api_alone(page: httpx.AsyncClient) -> None:
    """A container calls this machine by its own name for it; a site that takes one may not look."""
    headers = {"Host": "host.docker.internal:8081"}
    assert (await page.post("/control/messages", headers=headers, json={})).status_code == 403
    assert (await page.get("/", headers=headers)).status_code == 403
    assert (await page.get("/bot123456:local/getMe", headers=headers)).status_code == 200


async def test_a_link_leads_to_the_page(page: httpx.AsyncClient) -> None:
    """From whichever site; but none leads to a method of the bot's."""
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await page.get("/", headers=headers)).status_code == 200
    assert (await page.get("/bot123456:local/getMe", headers=headers)).status_code == 403


async def test_its_own_orders_are_taken(page: httpx.AsyncClient) -> None:
    """The browser says that they come from this page."""
    answer = await page.post("/page/levers/switch", headers={"Origin": HERE}, json={"on": True})
    assert answer.status_code == 200


async def test_a_job_that_fails_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """The log has why; the page goes on without it."""

    async def fail() -> None:
        raise ValueError("not foreseen")

    app = create_app(telegram.create_app(), jobs=[fail])
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as page,
    ):
        await asyncio.sleep(0)
        assert (await page.get("/")).status_code == 200
    (record,) = caplog.records
    assert "stands still" in record.getMessage()
    assert "not foreseen" in str(record.exc_info)
