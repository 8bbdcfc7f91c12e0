"""Webhook delivery and polling."""

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest

from local.telegram.updates import MAX_PENDING
from tests.unit.telegram_emulator.harness import API, URL, Harness

DEFAULT_LACKS = ("chat_member", "message_reaction", "message_reaction_count")


async def speak(telegram: Harness, *chat_ids: int) -> list[int]:
    """Let a user write in each chat and return the ids of the updates."""
    return [(await telegram.order("messages", chat_id=chat_id, text="x"))["update_id"] for chat_id in chat_ids]


async def test_updates_are_posted_with_the_secret(telegram: Harness) -> None:
    """Each pending update arrives as a JSON POST with the secret header, and is pending no longer."""
    await telegram.hook(secret_token="s_-1")
    await telegram.clock.settle()
    assert [request.headers["x-telegram-bot-api-secret-token"] for request in telegram.endpoint.requests] == [
        "s_-1"
    ] * 2
    assert telegram.endpoint.requests[0].headers["content-type"] == "application/json"
    assert json.loads(telegram.endpoint.requests[0].content)["message"]["text"] == "hello"
    info = await telegram.result("getWebhookInfo")
    assert (info["url"], info["pending_update_count"], info["max_connections"]) == (URL, 0, 40)


async def test_a_failing_update_is_sent_again_at_once_then_ever_later(telegram: Harness) -> None:
    """The attempts are 0, 0, 2, 6, 14, 30 ... s after the first, at most 120 s apart, for 24 hours."""
    telegram.emulator.updates.clear()
    telegram.endpoint.answer = lambda _: httpx.Response(500)
    await telegram.hook()
    await speak(telegram, 5)
    await telegram.clock.advance(25 * 3600)
    (delivery,) = (await telegram.look("deliveries"))[2:]
    times = [attempt["at"] - 1_800_000_000 for attempt in delivery["attempts"]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[:7] == [0, 0, 2, 6, 14, 30, 62]
    assert all(60 <= gap <= 120 for gap in gaps[7:])
    assert delivery["outcome"] == "expired"
    assert 24 * 3600 - 120 <= times[-1] <= 24 * 3600
    info = await telegram.result("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"
    assert info["last_error_date"] == int(1_800_000_000 + times[-1])


@pytest.mark.parametrize(
    ("update", "lifetime_s"),
    [
        ({"callback_query": {"id": "1", "from": {"id": 5}}}, 150),
        ({"shipping_query": {"id": "1", "from": {"id": 5}}}, 150),
        ({"pre_checkout_query": {"id": "1", "from": {"id": 5}}}, 150),
        ({"inline_query": {"id": "1", "from": {"id": 5}}}, 30),
        ({"chosen_inline_result": {"result_id": "1", "from": {"id": 5}}}, 600),
    ],
)
async def test_an_update_expires_in_its_time(telegram: Harness, update: dict[str, Any], lifetime_s: int) -> None:
    """While the endpoint fails, an update is pending until its type's time is over."""
    telegram.emulator.updates.clear()
    telegram.endpoint.answer = lambda _: httpx.Response(503, headers={"Retry-After": "1"})
    await telegram.hook()
    await telegram.order("updates", **update)
    await telegram.clock.advance(lifetime_s - 2)
    assert (await telegram.look("deliveries"))[-1]["outcome"] == "pending"
    await telegram.clock.advance(3)
    assert (await telegram.look("deliveries"))[-1]["outcome"] == "expired"


async def test_retry_after_is_honoured_up_to_an_hour(telegram: Harness) -> None:
    """A Retry-After of 100 s waits that long, one of a day an hour."""
    telegram.emulator.updates.clear()
    waits = iter(["100", "86400"])
    telegram.endpoint.answer = lambda _: httpx.Response(503, headers={"Retry-After": next(waits, "0")})
    await telegram.hook()
    await speak(telegram, 5)
    await telegram.clock.advance(99)
    assert len(telegram.endpoint.requests) == 1
    await telegram.clock.advance(1)
    assert len(telegram.endpoint.requests) == 2
    await telegram.clock.advance(3599)
    assert len(telegram.endpoint.requests) == 2
    await telegram.clock.advance(1)
    assert len(telegram.endpoint.requests) > 2


async def test_a_failing_chat_holds_back_its_own_updates_only() -> None:
    """While chat 5's first update fails, its second waits and chat 6 is served; then both come in order."""
    telegram = Harness()
    await telegram.hook()
    first, second, other = await speak(telegram, 5, 5, 6)
    telegram.endpoint.answer = lambda request: httpx.Response(
        500 if json.loads(request.content)["update_id"] == first else 204
    )
    await telegram.clock.advance(1)
    assert set(telegram.endpoint.update_ids) == {first, other}
    telegram.endpoint.answer = lambda _: httpx.Response(204)
    await telegram.clock.advance(10)
    assert telegram.endpoint.update_ids[-2:] == [first, second]
    await telegram.close()


async def test_at_most_max_connections_at_once_and_twice_as_many_loaded() -> None:
    """Three connections carry three updates at a time; with six failing, a seventh chat is not served."""
    at_once = most = 0
    doors = asyncio.Semaphore(0)

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await doors.acquire()
        at_once -= 1
        return httpx.Response(500)

    telegram = Harness(handle)
    await telegram.hook(max_connections=3)
    await speak(telegram, *range(1, 10))
    await telegram.clock.settle()
    assert at_once == 3
    for _ in range(1000):
        doors.release()
    await telegram.clock.advance(5)
    tried = [item["update_id"] for item in await telegram.look("deliveries") if item["attempts"]]
    assert (most, len(tried)) == (3, 6)
    await telegram.close()


async def test_an_endpoint_that_hangs_fails_after_sixty_seconds() -> None:
    """No answer within 60 s is a failure, recorded as a timeout."""

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    telegram = Harness(hang)
    await telegram.hook()
    await speak(telegram, 5)
    await telegram.clock.advance(59)
    assert "last_error_message" not in await telegram.result("getWebhookInfo")
    await telegram.clock.advance(1)
    assert (await telegram.result("getWebhookInfo"))["last_error_message"] == "Read timeout expired"
    await telegram.close()


async def test_an_answer_may_carry_a_call(telegram: Harness) -> None:
    """A method in the endpoint's answer is carried out, in JSON or form; getMe, setWebhook and the like are not."""
    answers = iter(
        [
            httpx.Response(200, json={"method": "sendMessage", "chat_id": 5, "text": "json"}),
            httpx.Response(200, json={"method": "deleteWebhook"}),
            httpx.Response(
                200,
                content=b"method=sendmessage&chat_id=5&text=form",
                headers={"content-type": "application/x-www-form-urlencoded"},
            ),
            httpx.Response(200, json={"method": "getMe"}),
            httpx.Response(200, content=b"{", headers={"content-type": "application/json"}),
        ]
    )
    telegram.endpoint.answer = lambda _: next(answers)
    await telegram.hook()
    await speak(telegram, 5, 5, 5)
    await telegram.clock.settle()
    assert sorted(line["text"] for line in await telegram.look("chats/5/messages") if line["from"] == "bot") == [
        "form",
        "json",
    ]
    assert [call["method"] for call in await telegram.look("calls") if call["via"] == "webhook"] == ["sendMessage"] * 2
    assert (await telegram.result("getWebhookInfo"))["url"] == URL


async def test_names_under_localhost_go_to_loopback_with_their_host(telegram: Harness) -> None:
    """A *.localhost webhook is requested from 127.0.0.1 with the Host header kept."""
    await telegram.result("setWebhook", url="http://ab12.execute-api.localhost:4566/webhook?x=1")
    await telegram.clock.settle()
    request = telegram.endpoint.requests[0]
    assert str(request.url) == "http://127.0.0.1:4566/webhook?x=1"
    assert request.headers.get_list("host") == ["ab12.execute-api.localhost:4566"]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"url": "https://example.org/"}, "bad webhook: this emulator delivers to loopback only"),
        ({"url": "http://10.0.0.1/"}, "bad webhook: this emulator delivers to loopback only"),
        ({"url": "http://localhost.example.org/"}, "bad webhook: this emulator delivers to loopback only"),
        ({"url": URL, "ip_address": "10.0.0.1"}, "bad webhook: this emulator delivers to loopback only"),
        ({"url": "ftp://127.0.0.1/"}, "invalid webhook URL specified"),
        ({"url": "webhook"}, "invalid webhook URL specified"),
        ({"url": URL, "secret_token": "a b"}, "secret token contains unallowed characters"),
        ({"url": URL, "secret_token": "a" * 257}, "secret token is too long"),
        ({"url": URL, "allowed_updates": "message"}, "can't parse allowed_updates JSON object"),
    ],
)
async def test_a_bad_webhook_is_refused(telegram: Harness, parameters: dict[str, Any], sentence: str) -> None:
    """The call refuses it with a 400 that says why and sets nothing."""
    code, description = await telegram.error("setWebhook", **parameters)
    assert (code, description.startswith(f"Bad Request: {sentence}")) == (400, True)
    assert (await telegram.result("getWebhookInfo"))["url"] == ""


async def test_set_and_delete_say_what_they_did(telegram: Harness) -> None:
    """A repeat is a no-op, a change within the second gets a 429, and deletion says whether there was one."""
    assert (await telegram.call("setWebhook", url=URL))["description"] == "Webhook was set"
    assert (await telegram.call("setWebhook", url=URL))["description"] == "Webhook is already set"
    assert await telegram.error("setWebhook", url=URL + "2") == (429, "Too Many Requests: retry after 1")
    await telegram.clock.advance(1)
    assert (await telegram.call("setWebhook", url=URL + "2"))["description"] == "Webhook was set"
    assert (await telegram.call("deleteWebhook"))["description"] == "Webhook was deleted"
    assert (await telegram.call("setWebhook", url=""))["description"] == "Webhook is already deleted"


async def test_allowed_updates_are_kept_until_named_again(telegram: Harness) -> None:
    """The default lacks three types; a list filters; left out it stays; an empty one is the default again."""

    async def outcomes(*kinds: str) -> list[str]:
        for kind in kinds:
            body = {"chat": {"id": 5, "type": "private"}, "user": {"id": 5, "is_bot": False, "first_name": "U"}}
            await telegram.order("updates", **{kind: body})
        await telegram.clock.settle()
        return [item["outcome"] for item in (await telegram.look("deliveries"))[-len(kinds) :]]

    await telegram.hook()
    assert await outcomes(*DEFAULT_LACKS) == ["not allowed"] * 3
    assert await outcomes("message", "invented_tomorrow") == ["delivered"] * 2
    await telegram.result("setWebhook", url=URL, allowed_updates=["chat_member", "nonsense"])
    await telegram.result("setWebhook", url=URL)
    assert (await telegram.result("getWebhookInfo"))["allowed_updates"] == ["chat_member"]
    assert await outcomes("message", "chat_member") == ["not allowed", "delivered"]
    await telegram.result("setWebhook", url=URL, allowed_updates=[])
    assert await outcomes("message") == ["delivered"]


async def test_dropping_pending_updates_drops_the_loaded_ones_too(telegram: Harness) -> None:
    """With drop_pending_updates even failing updates are gone."""
    telegram.endpoint.answer = lambda _: httpx.Response(500)
    await telegram.hook()
    await telegram.clock.advance(1)
    await telegram.hook(drop_pending_updates=True)
    assert (await telegram.result("getWebhookInfo"))["pending_update_count"] == 0
    before = len(telegram.endpoint.requests)
    await telegram.clock.advance(600)
    assert len(telegram.endpoint.requests) == before


async def test_deleting_the_webhook_keeps_what_failed(telegram: Harness) -> None:
    """Updates that failed are pending after deleteWebhook, and getUpdates returns them."""
    telegram.endpoint.answer = lambda _: httpx.Response(500)
    await telegram.hook()
    await telegram.clock.advance(1)
    await telegram.result("deleteWebhook")
    assert len(await telegram.result("getUpdates")) == 2


async def test_polling_confirms_by_offset(telegram: Harness) -> None:
    """Polling returns from the offset on, up to the limit; what came before is done; a negative offset counts back."""
    third, fourth = await speak(telegram, 5, 5)
    assert [update["update_id"] for update in await telegram.result("getUpdates", limit=1)] == [third - 2]
    assert [update["update_id"] for update in await telegram.result("getUpdates", offset=third)] == [third, fourth]
    assert [update["update_id"] for update in await telegram.result("getUpdates", offset=-1)] == [fourth]
    assert await telegram.result("getUpdates", offset=fourth + 1) == []


async def test_polling_waits_for_an_update(telegram: Harness) -> None:
    """With a timeout the call returns when an update comes, or empty when the time is over."""
    telegram.emulator.updates.clear()
    poll = asyncio.create_task(telegram.result("getUpdates", timeout=30))
    await telegram.clock.advance(29)
    assert not poll.done()
    (update_id,) = await speak(telegram, 5)
    assert [update["update_id"] for update in await poll] == [update_id]
    empty = asyncio.create_task(telegram.result("getUpdates", timeout=30, offset=update_id + 1))
    await telegram.clock.advance(30)
    assert await empty == []


async def test_two_pollers_or_a_webhook_are_a_conflict(telegram: Harness) -> None:
    """A second getUpdates ends the first with a 409, setWebhook ends it too, and then polling is a 409."""
    telegram.emulator.updates.clear()
    first = asyncio.create_task(telegram.error("getUpdates", timeout=30))
    await telegram.clock.settle()
    second = asyncio.create_task(telegram.error("getUpdates", timeout=30))
    await telegram.clock.settle()
    other = "terminated by other getUpdates request; make sure that only one bot instance is running"
    assert await first == (409, f"Conflict: {other}")
    await telegram.hook()
    assert await second == (409, "Conflict: terminated by setWebhook request")
    active = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    assert await telegram.error("getUpdates") == (409, f"Conflict: {active}")


async def test_at_most_a_hundred_thousand_wait(telegram: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the queue is full a further update is refused with a sentence."""
    assert MAX_PENDING == 100_000
    monkeypatch.setattr("local.telegram.updates.MAX_PENDING", 2)
    status, sentence = await telegram.refused("messages", {"chat_id": 5, "text": "x"})
    assert (status, "updates wait already" in sentence) == (409, True)


async def test_health_needs_a_webhook_that_refuses_strangers(telegram: Harness) -> None:
    """Health is 503 without a webhook or when it fails, 200 when it refuses a POST without the secret."""

    async def health() -> tuple[int, str]:
        response = await telegram.client.get("/control/health")
        return response.status_code, response.json().get("reason", "")

    telegram.emulator.updates.clear()
    assert await health() == (503, "no webhook is set: call setWebhook")
    await telegram.hook(secret_token="s")
    telegram.endpoint.answer = lambda request: httpx.Response(
        200 if "x-telegram-bot-api-secret-token" in request.headers else 403
    )
    assert await health() == (200, "")
    assert telegram.endpoint.requests[-1].content == b"{}"
    telegram.endpoint.answer = lambda _: httpx.Response(502)
    assert await health() == (503, "the webhook answered 502 to a POST without the secret token, not 401 or 403")


async def test_the_probe_without_a_secret_is_a_get(telegram: Harness) -> None:
    """A webhook without a secret is asked by GET, and any answer below 500 will do."""
    telegram.emulator.updates.clear()
    await telegram.hook()
    telegram.endpoint.answer = lambda request: httpx.Response(404 if request.method == "GET" else 500)
    assert (await telegram.client.get("/control/health")).status_code == 200
    assert (await telegram.client.get(f"{API}/getWebhookInfo")).json()["result"]["pending_update_count"] == 0
