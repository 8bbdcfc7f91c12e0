"""The page as `python -m local.page` puts it together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from local.machine.levers import CROWD, on_telegram
from local.page.__main__ import around_the_emulator
from local.page.chats import Chats
from local.telegram import app as telegram
from local.telegram.clock import ManualClock
from local.telegram.speaking import say

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


async def test_undoing_a_crowd_takes_its_guests_off_the_page() -> None:
    """Also once all are with the bot, for then they stand above everybody; the next crowd is shown again."""
    clock = ManualClock()
    emulator = telegram.create_app(clock=clock).state.emulator
    chats = Chats(emulator)
    lever = next(one for one in on_telegram(emulator, list_people=chats.list_people) if one.name == "crowd")
    say(emulator, {"chat_id": 5, "text": "hi"})
    await lever.pull({"on": True})
    await clock.advance(10)
    for pending in list(emulator.updates):
        emulator.updates.settle(pending, "delivered")
    assert lever.state() == {"on": False, "busy": False, "said": "All 1000 are with the bot.", "can_undo": True}
    chats.changes()
    await lever.undo()
    assert "can_undo" not in lever.state()
    frame = chats.changes()
    assert frame is not None
    assert frame["kind"] == "snapshot"
    assert {chat["id"] for chat in frame["chats"]} == {1, 5}
    assert not {person["id"] for person in frame["people"]} & set(CROWD)
    emulator.world.post(emulator.world.chats[CROWD[0]], emulator.world.bot, {"text": "late"})
    assert chats.changes() is None
    await lever.pull({"on": True})
    frame = chats.changes()
    assert frame is not None
    assert set(CROWD) <= {chat["id"] for chat in frame["chats"]}
    await lever.undo()


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
