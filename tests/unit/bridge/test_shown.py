"""What the page shows of a bridge, and that the page stands around it as around the emulator."""

import httpx

from local.bridge.app import create_app, from_env
from local.bridge.shown import Shown
from local.machine.machine import Machine
from local.page.app import create_app as create_page
from local.telegram.faults import Fault
from tests.unit.bridge.harness import LOCAL, REAL, Crossing


async def test_the_page_is_told_whom_it_is_for_and_how_it_goes(crossing: Crossing) -> None:
    """Everything at first, again when something has changed, and nothing otherwise."""
    shown = Shown(crossing.bridge)
    before = shown.snapshot()
    assert (before["kind"], before["title"], before["link"]) == ("bridge", "The bot talks to the real Telegram", None)
    assert before["status"] == "Telegram is asked for updates as soon as the stack has set its webhook."
    await crossing.bridge.start()
    await crossing.hook()
    change = shown.changes()
    assert change is not None
    assert change["title"] == "@floodgate_local_bot talks to the real Telegram"
    assert change["link"] == {"url": "https://t.me/floodgate_local_bot", "text": "t.me/floodgate_local_bot"}
    assert change["said"][-1] == change["status"] == "Telegram is asked for updates."
    assert REAL not in str(change)
    assert shown.changes() is None


async def test_the_page_stands_around_the_bridge(crossing: Crossing) -> None:
    """The page, the bridge's status and the Bot API at one address; what stops it is not for other sites."""
    page = create_page(create_app(crossing.bridge), [Shown(crossing.bridge)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url="http://127.0.0.1:8081") as client:
        assert "<title>" in (await client.get("/")).text
        assert (await client.get("/bridge/status")).json()["state"] == "waiting"
        assert (await client.get(f"/bot{LOCAL}/getMe")).json()["ok"]
        refused = await client.post("/bridge/stop", headers={"origin": "https://elsewhere.example"})
        assert refused.status_code == 403
        assert crossing.bridge.status()["state"] == "waiting"


async def test_the_machine_counts_what_is_handed_on(crossing: Crossing) -> None:
    """Each call, and which of them Telegram answered 429."""
    machine = Machine(None, None, clock=crossing.clock.now)
    crossing.bridge.watch(machine)
    await crossing.say(5)
    for retry_after in (None, 3):
        if retry_after:
            crossing.telegram.faults.add(Fault("sendMessage", 1, error_code=429, retry_after=retry_after))
        await crossing.here.post(f"/bot{LOCAL}/sendMessage", json={"chat_id": 5, "text": "hi"})
    totals = machine.snapshot()["totals"]
    assert (totals["calls"], totals["limited"]) == (2, 1)


def test_a_bridge_is_made_where_the_environment_has_a_token() -> None:
    """With another address of Telegram if there is one; without a token there is none."""
    assert from_env({"FLOODGATE_TELEGRAM_API": "http://127.0.0.1:9"}, LOCAL) is None
    made = from_env({"FLOODGATE_BRIDGE_TOKEN": REAL, "FLOODGATE_TELEGRAM_API": "http://127.0.0.1:9/"}, LOCAL)
    assert made is not None
    assert (made.account.api, made.token) == ("http://127.0.0.1:9", LOCAL)
    usual = from_env({"FLOODGATE_BRIDGE_TOKEN": REAL}, LOCAL)
    assert usual is not None
    assert usual.account.api == "https://api.telegram.org"
