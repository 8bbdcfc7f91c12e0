"""What the bridge says and does when Telegram does not answer as it should."""

from collections.abc import Callable

import httpx
import pytest

from local.bridge.polling import LONGEST_PAUSE_S
from local.telegram.faults import Fault
from tests.unit.bridge.harness import REAL, Crossing

WAITS = "Updates wait there meanwhile. Trying again in 1 s."


def refusing(code: int, description: str, **parameters: int) -> Callable[[httpx.Request], httpx.Response | None]:
    """Return a line on which getUpdates is answered so."""
    body = {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    return lambda request: httpx.Response(code, json=body) if request.url.path.endswith("/getUpdates") else None


def broken(_: httpx.Request) -> httpx.Response | None:
    """Be a line that is cut, and quotes what it carried."""
    raise httpx.ConnectError(f"All connection attempts to /bot{REAL}/getUpdates failed")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            broken,
            (
                "Telegram at https://api.telegram.org does not answer (ConnectError: All connection attempts to "
                f"/bot<token>/getUpdates failed). {WAITS}"
            ),
        ),
        (
            lambda _: httpx.Response(200, html="<p>Log in to the hotel's network"),
            "Telegram at https://api.telegram.org does not answer (an answer 200 that is not Telegram's). " + WAITS,
        ),
        (
            lambda _: httpx.Response(200, json={"ok": True, "result": True}),
            "Telegram at https://api.telegram.org does not answer (an answer that is no list of updates). " + WAITS,
        ),
        (lambda _: httpx.Response(502, text="<html>"), f"Telegram answers 502 Bad Gateway to getUpdates. {WAITS}"),
        (
            refusing(429, "Too Many Requests: retry after 7", retry_after=7),
            "Telegram wants to be asked for updates less often (429). Trying again in 7 s.",
        ),
        (
            refusing(409, "Conflict: terminated by other getUpdates request"),
            (
                "Another program asks for this bot's updates (getUpdates), and each gets a part of them: stop one of "
                "the two. Trying again in 1 s."
            ),
        ),
        (
            refusing(401, "Unauthorized"),
            (
                "Telegram takes the token no more (401): it was revoked, or the bot deleted. Stop this, and start it "
                "with the token that @BotFather has now. Trying again in 30 s."
            ),
        ),
    ],
    ids=["no connection", "a portal", "no list", "502", "429", "409", "401"],
)
async def test_what_is_wrong_is_said_and_loses_nothing(
    crossing: Crossing, fault: Callable[[httpx.Request], httpx.Response | None], sentence: str
) -> None:
    """A sentence that holds no token; and once it is over, what waited arrives."""
    crossing.line.fault = fault
    said = await crossing.say(5)
    await crossing.hook()
    status = crossing.bridge.status()
    assert (status["state"], status["sentence"]) == ("trouble", sentence)
    assert crossing.outcomes() == dict.fromkeys(said, "pending")
    crossing.line.fault = lambda _: None
    await crossing.clock.advance(LONGEST_PAUSE_S)
    assert crossing.endpoint.update_ids == said
    assert crossing.outcomes() == dict.fromkeys(said, "confirmed")
    assert crossing.bridge.status()["state"] == "polling"


async def test_pauses_grow_to_half_a_minute_and_start_anew(crossing: Crossing) -> None:
    """1, 2, 4, 8, 16, 30, 30 s, and 1 s again after an answer."""
    times: list[float] = []

    def fault(request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/getUpdates")
        times.append(crossing.clock.now() - 1_800_000_000)
        return httpx.Response(500, text="")

    crossing.line.fault = fault
    await crossing.hook()
    await crossing.clock.advance(100)
    assert times == [0, 1, 3, 7, 15, 31, 61, 91]
    crossing.line.fault = lambda _: None
    await crossing.clock.advance(40)
    crossing.line.fault = fault
    times.clear()
    await crossing.clock.advance(52)
    assert [later - times[0] for later in times[:3]] == [0, 1, 3]


async def test_a_429_is_waited_for_as_long_as_it_says(crossing: Crossing) -> None:
    """However long that is."""
    crossing.line.fault = refusing(429, "Too Many Requests: retry after 100", retry_after=100)
    await crossing.hook()
    await crossing.clock.advance(99)
    assert crossing.polls() == 1
    await crossing.clock.advance(1)
    assert crossing.polls() == 2


async def test_a_webhook_that_is_set_meanwhile_is_named(crossing: Crossing) -> None:
    """Telegram ends the poll; the sentence has the host, and once the webhook is gone updates arrive again."""
    await crossing.hook()
    set_elsewhere = {"url": "https://bot.example.localhost/path", "secret_token": "s"}
    assert (await crossing.there.post(f"/bot{REAL}/setWebhook", json=set_elsewhere)).json()["ok"]
    await crossing.clock.settle()
    assert crossing.bridge.status()["sentence"] == (
        "A webhook was set meanwhile, at bot.example.localhost: Telegram sends the updates there. Stop what set it, or "
        "remove it: Ctrl-C, and make run again. Trying again in 1 s."
    )
    await crossing.there.post(f"/bot{REAL}/deleteWebhook")
    said = await crossing.say(5)
    await crossing.clock.advance(LONGEST_PAUSE_S)
    assert crossing.endpoint.update_ids == said


async def test_an_answer_that_is_lost_repeats_nothing(crossing: Crossing) -> None:
    """A poll that confirmed and whose answer broke off is made again; nothing is delivered twice."""
    await crossing.hook()
    crossing.telegram.faults.add(fault := _drop())
    said = await crossing.say(5)
    await crossing.clock.advance(60)
    said += await crossing.say(5)
    await crossing.clock.advance(60)
    assert fault.count == 0
    assert crossing.endpoint.update_ids == said
    assert crossing.outcomes() == dict.fromkeys(said, "confirmed")


def _drop() -> Fault:
    return Fault("getUpdates", 1, after_delivery=True, drop=True)


async def test_a_poll_that_hangs_is_given_up(crossing: Crossing) -> None:
    """A line that went dead without a word holds nothing up beyond the long poll and a little more."""
    await crossing.hook()
    crossing.telegram.faults.add(Fault("getUpdates", 1, delay_s=10_000))
    before = await crossing.say(5)
    await crossing.clock.settle()
    meanwhile = await crossing.say(5)
    await crossing.clock.advance(64)
    assert crossing.endpoint.update_ids == before
    await crossing.clock.advance(3)
    assert crossing.endpoint.update_ids == before + meanwhile


async def test_a_webhook_that_takes_nothing_is_told_of(crossing: Crossing) -> None:
    """The second time it fails, with what it answered, until the update is delivered."""
    crossing.endpoint.answer = lambda _: httpx.Response(503)
    await crossing.hook()
    await crossing.say(5)
    await crossing.clock.settle()
    status = crossing.bridge.status()
    assert (status["state"], status["sentence"]) == (
        "trouble",
        (
            "The webhook on this machine does not take an update, which is kept. Wrong response from the webhook: 503 "
            "Service Unavailable."
        ),
    )
    crossing.endpoint.answer = lambda _: httpx.Response(200)
    await crossing.clock.advance(5)
    assert crossing.bridge.status()["state"] == "polling"


async def test_it_says_so_if_it_has_failed_itself(crossing: Crossing) -> None:
    """A deaf bridge never looks like one that waits for people."""
    crossing.line.fault = lambda _: httpx.Response(200, json={"ok": True, "result": [{"no": "update_id"}]})
    await crossing.hook()
    assert crossing.bridge.status()["state"] == "trouble"
    assert crossing.bridge.status()["sentence"] == (
        "The bridge itself has failed, and asks for no more updates: start it anew."
    )


async def test_it_learns_who_the_bot_is(crossing: Crossing) -> None:
    """From the start, or not at all if Telegram does not say."""
    assert crossing.bridge.status()["bot"] is None
    await crossing.bridge.start()
    assert crossing.bridge.status()["bot"]["username"] == "floodgate_local_bot"
    crossing.build()
    crossing.line.fault = broken
    await crossing.bridge.start()
    assert crossing.bridge.status()["bot"] is None
