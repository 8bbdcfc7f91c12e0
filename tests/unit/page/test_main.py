"""The page as `python -m local.page` puts it together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from local.page.__main__ import around_the_emulator
from local.telegram import app as telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HERE = "http://127.0.0.1:8081"


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the page without a stack."""
    app = around_the_emulator(telegram.create_app())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
        yield client


async def test_levers_act_on_its_telegram(browser: httpx.AsyncClient) -> None:
    """What a lever does is what a bot's call meets, and its Undo takes that back."""
    await browser.post("/control/messages", json={"chat_id": 5, "text": "hi"})
    send = {"chat_id": 5, "text": "hello"}
    assert (await browser.post("/page/levers/broken", json={"on": True})).json()["on"] is True
    assert (await browser.post("/bot123456:local/sendMessage", json=send)).status_code == 500
    assert (await browser.post("/page/levers/broken", json={"on": False})).json()["on"] is False
    assert (await browser.post("/bot123456:local/sendMessage", json=send)).status_code == 200


async def test_an_update_nobody_logged_of_has_no_lines(browser: httpx.AsyncClient) -> None:
    """The answer is empty, and not a failure."""
    assert (await browser.get("/page/updates/7")).json() == {"lines": []}


async def test_the_runbook_is_read_by_section(browser: httpx.AsyncClient) -> None:
    """As an alarm names it, whichever way that is written; another is not found."""
    answer = await browser.get("/page/runbook/deadlettersalarm")
    assert answer.text.startswith("## DeadLettersAlarm\n")
    assert "## UnkeptLettersAlarm" not in answer.text
    assert (await browser.get("/page/runbook/nothing")).status_code == 404
    assert json.loads((await browser.get("/control/deliveries")).text) == []
