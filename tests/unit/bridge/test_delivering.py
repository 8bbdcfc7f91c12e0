"""Updates on their way from Telegram to the webhook on this machine, and when they are confirmed."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from local.telegram.faults import Fault
from tests.unit.bridge.harness import LOCAL, Crossing
from tests.unit.telegram_emulator.harness import URL


def failing(*update_ids: int) -> Callable[[httpx.Request], httpx.Response]:
    """Return an endpoint that fails for these updates."""
    return lambda request: httpx.Response(500 if json.loads(request.content)["update_id"] in update_ids else 200)


async def test_what_waits_arrives_with_the_secret_and_is_confirmed(crossing: Crossing) -> None:
    """Each update is posted once, as Telegram would post it, and Telegram forgets it."""
    said = await crossing.say(5, 6, 5)
    await crossing.hook(secret_token="s_-1")
    await crossing.clock.settle()
    assert sorted(crossing.endpoint.update_ids) == said
    assert {request.headers["x-telegram-bot-api-secret-token"] for request in crossing.endpoint.requests} == {"s_-1"}
    assert crossing.outcomes() == dict.fromkeys(said, "confirmed")


async def test_what_is_written_later_arrives_at_once(crossing: Crossing) -> None:
    """A long poll waits for it, each 50 s a new one; and its being delivered is confirmed by the next."""
    await crossing.hook()
    await crossing.clock.advance(120)
    assert crossing.polls() == 1 + 3
    (said,) = await crossing.say(5)
    await crossing.clock.settle()
    assert crossing.endpoint.update_ids == [said]
    assert crossing.outcomes() == {said: "confirmed"}
    assert crossing.polls() == 1 + 3 + 1


async def test_nothing_is_asked_for_without_a_webhook(crossing: Crossing) -> None:
    """Before it is set and after it was deleted, updates wait at Telegram."""
    before = await crossing.say(5)
    await crossing.clock.advance(100)
    assert crossing.polls() == 0
    await crossing.hook()
    await crossing.call("deleteWebhook")
    polls = crossing.polls()
    after = await crossing.say(5)
    await crossing.clock.advance(100)
    assert crossing.polls() == polls
    assert crossing.outcomes() == dict.fromkeys(before, "confirmed") | dict.fromkeys(after, "pending")


async def test_telegram_is_asked_for_the_types_that_the_bot_wants(crossing: Crossing) -> None:
    """allowed_updates of setWebhook go with the polls, and a change of them ends the poll that waits."""
    await crossing.hook(allowed_updates=["message", "chat_member"])
    assert crossing.telegram.updates.allowed == {"message", "chat_member"}
    await crossing.hook(allowed_updates=["message"])
    assert crossing.telegram.updates.allowed == {"message"}
    info = (await crossing.call("getWebhookInfo"))["result"]
    assert info["allowed_updates"] == ["message"]


@pytest.mark.parametrize("kind", ["chat_member", "message_reaction", "a_type_of_tomorrow"])
async def test_whatever_telegram_sends_is_delivered(crossing: Crossing, kind: str) -> None:
    """It has chosen by what the bot asks for; here nothing is sorted out, and so nothing confirmed unseen."""
    await crossing.hook(allowed_updates=["message", "chat_member", "message_reaction"])
    order = {"update_id": 9, kind: {"chat": {"id": -5, "type": "group"}, "user": {"id": 5}}}
    assert (await crossing.there.post("/control/updates", json=order)).status_code == 200
    await crossing.clock.settle()
    assert [json.loads(request.content) for request in crossing.endpoint.requests] == [order]
    assert crossing.outcomes() == {9: "confirmed"}


async def test_a_chat_keeps_its_order_and_holds_nobody_up(crossing: Crossing) -> None:
    """While a chat's first update fails its second waits, and another chat's is delivered; then both come in order."""
    first, second, other = await crossing.say(5, 5, 6)
    crossing.endpoint.answer = failing(first)
    await crossing.hook()
    await crossing.clock.advance(4)
    assert Counter(crossing.endpoint.update_ids) == {first: 3, other: 1}
    crossing.endpoint.answer = lambda _: httpx.Response(204)
    await crossing.clock.advance(10)
    assert crossing.endpoint.update_ids[-2:] == [first, second]
    assert crossing.outcomes() == dict.fromkeys([first, second, other], "confirmed")


async def test_what_is_not_delivered_is_not_confirmed(crossing: Crossing) -> None:
    """Telegram keeps all from the oldest that fails on; what was delivered behind it is not delivered again."""
    done, stuck, behind = await crossing.say(5, 6, 7)
    crossing.endpoint.answer = failing(stuck)
    await crossing.hook()
    await crossing.clock.advance(30)
    assert crossing.outcomes() == {done: "confirmed", stuck: "pending", behind: "pending"}
    assert crossing.endpoint.update_ids.count(behind) == 1


async def test_a_timeout_is_a_failure(crossing: Crossing) -> None:
    """An endpoint that does not answer within 60 s gets the update again, and Telegram keeps it."""
    answers = asyncio.Event()

    async def handle(request: httpx.Request) -> httpx.Response:
        await crossing.endpoint.handle(request)
        await answers.wait()
        return httpx.Response(200)

    crossing.handle = handle
    crossing.build()
    (said,) = await crossing.say(5)
    await crossing.hook()
    await crossing.clock.advance(59)
    assert crossing.endpoint.update_ids == [said]
    await crossing.clock.advance(2)
    assert crossing.endpoint.update_ids == [said, said]
    assert crossing.outcomes() == {said: "pending"}
    answers.set()
    await crossing.clock.advance(1)
    assert crossing.outcomes() == {said: "confirmed"}


async def test_while_something_fails_telegram_is_asked_once_a_second(crossing: Crossing) -> None:
    """It answers at once then, with the same; and what is new is found within the second."""
    (stuck,) = await crossing.say(5)
    crossing.endpoint.answer = failing(stuck)
    await crossing.hook()
    await crossing.clock.advance(60)
    assert 59 <= crossing.polls() <= 62
    (new,) = await crossing.say(6)
    await crossing.clock.advance(1)
    assert new in crossing.endpoint.update_ids


async def test_no_more_is_in_hand_than_telegram_shows_at_once(crossing: Crossing) -> None:
    """However many wait, behind an update that fails a hundred are known, with it, and the rest stays at Telegram."""
    said = await crossing.say(5, *range(1001, 1301))
    crossing.endpoint.answer = failing(said[0])
    await crossing.hook()
    await crossing.clock.advance(10)
    assert set(crossing.endpoint.update_ids) == set(said[:100])
    assert crossing.bridge.status()["waiting"] == 1
    crossing.endpoint.answer = failing()
    await crossing.clock.advance(10)
    assert set(crossing.endpoint.update_ids) == set(said)
    assert set(crossing.outcomes().values()) == {"confirmed"}


async def test_what_has_expired_holds_nothing_up(crossing: Crossing) -> None:
    """A query that fails is given up as Telegram gives up, within 150 s, and what came behind it is confirmed."""
    query = {"id": "1", "from": {"id": 5}, "data": "x"}
    stuck = (await crossing.there.post("/control/updates", json={"callback_query": query})).json()["update_id"]
    (behind,) = await crossing.say(6)
    crossing.endpoint.answer = failing(stuck)
    await crossing.hook()
    await crossing.clock.advance(100)
    assert crossing.outcomes() == {stuck: "pending", behind: "pending"}
    await crossing.clock.advance(60)
    assert crossing.outcomes() == {stuck: "confirmed", behind: "confirmed"}
    assert Counter(crossing.endpoint.update_ids) == {stuck: 8, behind: 1}


async def test_an_update_of_a_form_that_nobody_knows_is_delivered(crossing: Crossing) -> None:
    """What Telegram may invent is the bot's to judge, and holds up nothing."""
    strange = {"update_id": 41, "one": {"x": 1}, "two": [2]}
    pages = iter([[strange], []])

    def fault(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/getUpdates") and (page := next(pages, None)) is not None:
            return httpx.Response(200, json={"ok": True, "result": page})
        return None

    crossing.line.fault = fault
    await crossing.hook()
    await crossing.clock.settle()
    assert [json.loads(request.content) for request in crossing.endpoint.requests] == [strange]


async def test_after_a_crash_only_what_was_not_confirmed_comes_again(crossing: Crossing) -> None:
    """A bridge that is killed loses nothing, and its successor repeats what Telegram had not heard of."""
    done, stuck, behind = await crossing.say(5, 6, 7)
    crossing.endpoint.answer = failing(stuck)
    await crossing.hook()
    await crossing.clock.advance(5)
    await crossing.crash()
    crossing.endpoint.requests.clear()
    crossing.endpoint.answer = failing()
    crossing.build()
    await crossing.hook()
    await crossing.clock.settle()
    assert sorted(crossing.endpoint.update_ids) == [stuck, behind]
    assert crossing.outcomes() == dict.fromkeys([done, stuck, behind], "confirmed")


async def test_after_a_week_of_sleep_telegram_begins_at_a_lower_number(crossing: Crossing) -> None:
    """The machine slept with an answer on its way: what was to be confirmed then would confirm what came since."""
    await crossing.hook()
    crossing.telegram.faults.add(Fault("getUpdates", 1, after_delivery=True, drop=True))
    (before,) = await crossing.say(5)
    await crossing.clock.settle()
    assert crossing.endpoint.update_ids == [before]
    crossing.clock.jump(8 * 86_400)
    message = {"message_id": 9, "date": 0, "chat": {"id": 5, "type": "private"}, "text": "back from holiday"}
    await crossing.there.post("/control/updates", json={"update_id": 7, "message": message})
    await crossing.clock.advance(60)
    assert crossing.endpoint.update_ids == [before, 7]
    assert crossing.outcomes() == {before: "confirmed", 7: "confirmed"}


async def test_a_clean_stop_confirms_what_was_delivered_and_no_more(crossing: Crossing) -> None:
    """With one last call; the next bridge gets what failed and what came meanwhile."""
    done, stuck = await crossing.say(5, 6)
    await crossing.hook()
    delivered = crossing.endpoint.update_ids.copy()
    await crossing.say(5)
    crossing.endpoint.answer = failing(stuck + 1)
    await crossing.clock.settle()
    await crossing.bridge.stop()
    (late,) = await crossing.say(5)
    await crossing.clock.advance(100)
    assert delivered == [done, stuck]
    assert crossing.outcomes() == {done: "confirmed", stuck: "confirmed", stuck + 1: "pending", late: "pending"}
    status = crossing.bridge.status()
    assert (status["state"], status["sentence"]) == (
        "stopped",
        "1 update was not delivered: it waits at Telegram.",
    )


async def test_a_stop_is_the_last_word(crossing: Crossing) -> None:
    """Also while the bot, deployed anew, asks for other types of updates: Telegram is asked for none after it."""
    await crossing.hook()
    asking = asyncio.create_task(crossing.call("setWebhook", url=URL, allowed_updates=["message"]))
    while crossing.bridge._polling.allowed is None:  # noqa: ASYNC110 - turns of the loop, not time
        await asyncio.sleep(0)
    await crossing.bridge.stop()
    await asking
    polls = crossing.polls()
    await crossing.clock.advance(100)
    assert crossing.polls() == polls
    assert crossing.bridge.status()["state"] == "stopped"


async def test_a_stop_lets_deliveries_end_and_starts_none(crossing: Crossing) -> None:
    """What is under way is delivered and confirmed; what waited behind it is not begun."""
    answers = asyncio.Event()

    async def handle(request: httpx.Request) -> httpx.Response:
        await crossing.endpoint.handle(request)
        await answers.wait()
        return httpx.Response(200)

    crossing.handle = handle
    crossing.build()
    first, second = await crossing.say(5, 5)
    await crossing.hook()
    stopping = asyncio.create_task(crossing.bridge.stop())
    await crossing.clock.settle()
    assert not stopping.done()
    answers.set()
    await stopping
    assert crossing.endpoint.update_ids == [first]
    assert crossing.outcomes() == {first: "confirmed", second: "pending"}


async def test_a_stop_does_not_wait_for_ever(crossing: Crossing) -> None:
    """A delivery that hangs is given up, and Telegram keeps its update."""

    async def handle(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    crossing.handle = handle
    crossing.build()
    (said,) = await crossing.say(5)
    await crossing.hook()
    stopping = asyncio.create_task(crossing.bridge.stop())
    await crossing.clock.advance(10)
    assert stopping.done()
    assert crossing.outcomes() == {said: "pending"}


async def test_a_stop_that_telegram_does_not_hear_says_what_comes_again(crossing: Crossing) -> None:
    """The sentence counts what was delivered and could not be confirmed."""
    (said,) = await crossing.say(5)
    await crossing.hook()
    assert crossing.outcomes() == {said: "confirmed"}
    stuck, behind = await crossing.say(6, 7)
    crossing.endpoint.answer = failing(stuck)
    await crossing.clock.advance(2)
    crossing.endpoint.answer = failing()
    crossing.line.fault = lambda _: httpx.Response(502, text="Bad Gateway")
    await crossing.clock.advance(10)
    await crossing.bridge.stop()
    assert crossing.bridge.status()["sentence"] == (
        "Telegram could not be told that 2 updates were delivered (502 Bad Gateway): what was comes again."
    )
    assert crossing.outcomes() == {said: "confirmed", stuck: "pending", behind: "pending"}


async def test_a_call_in_the_webhooks_answer_is_carried_out_at_telegram(crossing: Crossing) -> None:
    """As Telegram does it, but for what says where updates go, or only asks."""
    answers = iter(
        [
            {"method": "sendMessage", "chat_id": 5, "text": "by the answer"},
            {"method": "setWebhook", "url": "http://127.0.0.1:1/elsewhere"},
            {"method": "getUpdates", "offset": 2**30},
        ]
    )
    crossing.endpoint.answer = lambda _: httpx.Response(200, json=next(answers))
    await crossing.say(5, 5, 5)
    await crossing.hook()
    await crossing.clock.settle()
    assert [call["method"] for call in crossing.telegram.calls if call["method"] != "getUpdates"] == ["sendMessage"]
    assert crossing.telegram.world.chats[5].messages[4]["text"] == "by the answer"
    assert crossing.telegram.sender.webhook is None


async def test_the_bot_cannot_poll_beside_the_bridge(crossing: Crossing) -> None:
    """Its getUpdates is answered as Telegram answers it to a bot with a webhook, and does not reach Telegram."""
    await crossing.hook()
    polls = crossing.polls()
    answer = await crossing.call("getUpdates", offset=2**30)
    assert (answer["error_code"], answer["description"]) == (
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    )
    assert crossing.polls() == polls


async def test_the_webhook_is_kept_here(crossing: Crossing) -> None:
    """setWebhook, getWebhookInfo and deleteWebhook answer as Telegram, which never hears of that webhook."""
    assert (await crossing.call("setWebhook", url=URL))["description"] == "Webhook was set"
    assert (await crossing.call("setWebhook", url=URL))["description"] == "Webhook is already set"
    changed = await crossing.call("setWebhook", url=URL, max_connections=7)
    assert (changed["error_code"], changed["parameters"]) == (429, {"retry_after": 1})
    await crossing.clock.advance(1)
    assert (await crossing.call("setWebhook", url=URL, max_connections=7))["ok"]
    info = (await crossing.call("getWebhookInfo"))["result"]
    assert (info["url"], info["max_connections"], info["pending_update_count"]) == (URL, 7, 0)
    assert crossing.telegram.sender.webhook is None
    assert (await crossing.call("setWebhook", url=""))["description"] == "Webhook was deleted"
    assert (await crossing.call("deleteWebhook"))["description"] == "Webhook is already deleted"
    assert (await crossing.call("getWebhookInfo"))["result"]["url"] == ""


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"url": "http://192.0.2.1/x"}, "Bad Request: bad webhook: this emulator delivers to loopback only, "),
        ({"url": URL, "secret_token": "no spaces"}, "Bad Request: secret token contains unallowed characters"),
    ],
    ids=["elsewhere", "secret"],
)
async def test_a_webhook_that_cannot_be_one_is_refused(
    crossing: Crossing, parameters: dict[str, str], description: str
) -> None:
    """By the emulator's own rules, loopback alone."""
    answer = await crossing.call("setWebhook", **parameters)
    assert (answer["error_code"], answer["description"].startswith(description)) == (400, True)


@pytest.mark.parametrize("method", ["setWebhook", "deleteWebhook"])
async def test_no_order_drops_what_people_have_written(crossing: Crossing, method: str) -> None:
    """drop_pending_updates is refused with a sentence, and nothing changes."""
    said = await crossing.say(5)
    answer = await crossing.call(method, url=URL, drop_pending_updates=True)
    assert (answer["error_code"], answer["description"]) == (
        400,
        "Bad Request: the bridge to Telegram drops no updates: leave out drop_pending_updates",
    )
    assert crossing.outcomes() == dict.fromkeys(said, "pending")


async def test_what_waits_is_counted_here_and_at_telegram(crossing: Crossing) -> None:
    """What failed here counts, what was delivered and is not confirmed does not, what Telegram has not shown does."""
    said = await crossing.say(5, *range(1001, 1151))
    crossing.endpoint.answer = failing(said[0])
    await crossing.hook()
    await crossing.clock.advance(5)
    info = (await crossing.call("getWebhookInfo"))["result"]
    assert info["pending_update_count"] == 1 + (len(said) - 100)
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


async def test_health_is_whether_the_webhook_can_be_reached(crossing: Crossing) -> None:
    """As the emulator's, which the stack waits for: an empty POST without the secret is refused."""
    crossing.endpoint.answer = lambda request: httpx.Response(
        200 if "x-telegram-bot-api-secret-token" in request.headers else 403
    )
    assert (await crossing.here.get("/control/health")).status_code == 503
    await crossing.hook(secret_token="s")
    assert (await crossing.here.get("/control/health")).json() == {"status": "ok"}


async def test_it_is_stopped_by_an_order_and_still_hands_calls_on(crossing: Crossing) -> None:
    """What the local queues hold is answered while nothing new comes."""
    await crossing.say(5)
    await crossing.hook()
    answer = await crossing.here.post("/bridge/stop")
    assert (answer.json()["state"], answer.json()["sentence"]) == ("stopped", "")
    polls = crossing.polls()
    assert (await crossing.call("sendMessage", chat_id=5, text="late"))["ok"]
    refused = await crossing.call("setWebhook", url="http://127.0.0.1:9/another")
    assert refused["error_code"] == 503
    await crossing.clock.advance(60)
    assert crossing.polls() == polls
    assert LOCAL not in str(crossing.bridge.status())
