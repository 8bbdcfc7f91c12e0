"""The orders under /control."""

import asyncio
from typing import Any

import pytest

from local.telegram.errors import ConnectionDropped
from tests.unit.telegram_emulator.harness import API, Harness

GROUP = -1000000000001


async def test_a_message_arrives_as_an_update(telegram: Harness) -> None:
    """What a user says is an update with their chat, themselves and the entities."""
    said = await telegram.order("messages", chat_id=8, text="/start@floodgate_local_bot now")
    update = (await telegram.result("getUpdates"))[-1]
    assert update == {
        "update_id": said["update_id"],
        "message": {
            "message_id": said["message_id"],
            "from": {"id": 8, "is_bot": False, "first_name": "User 8", "username": "user8", "language_code": "en"},
            "chat": {"id": 8, "type": "private", "first_name": "User 8", "username": "user8"},
            "date": 1_800_000_000,
            "text": "/start@floodgate_local_bot now",
            "entities": [{"type": "bot_command", "offset": 0, "length": 26}],
        },
    }


@pytest.mark.parametrize(
    ("order", "chat_type", "user_id"),
    [
        ({"chat_id": 9}, "private", 9),
        ({"chat_id": -9}, "group", 1),
        ({"chat_id": -1000000000009, "user_id": 4}, "supergroup", 4),
        ({"chat_id": -9, "chat_type": "supergroup"}, "supergroup", 1),
    ],
)
async def test_chat_and_user_have_sensible_defaults(
    telegram: Harness, order: dict[str, Any], chat_type: str, user_id: int
) -> None:
    """The chat's type follows from its id unless given; the admin speaks in groups."""
    await telegram.order("messages", text="x", **order)
    message = (await telegram.result("getUpdates"))[-1]["message"]
    assert (message["chat"]["type"], message["from"]["id"]) == (chat_type, user_id)


async def test_a_channel_post_has_no_sender(telegram: Harness) -> None:
    """In a channel a message is a channel_post from the channel itself."""
    await telegram.order("messages", chat_id=-9, chat_type="channel", text="x")
    post = (await telegram.result("getUpdates"))[-1]["channel_post"]
    assert (post["sender_chat"]["id"], "from" in post) == (-9, False)


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("messages", [], 400, "send a JSON object as the body"),
        ("messages", {"chat_id": 5}, 400, "'text' is missing: send a string"),
        ("messages", {"chat_id": "5", "text": "x"}, 400, "'chat_id' must be a whole number, not \"5\""),
        ("messages", {"chat_id": True, "text": "x"}, 400, "'chat_id' must be a whole number, not true"),
        ("messages", {"chat_id": 0, "text": "x"}, 400, "'chat_id' must be a whole number of at most 52 bits and not 0"),
        ("messages", {"chat_id": 5, "text": " "}, 400, "'text' must have 1 to 4096 characters"),
        ("messages", {"chat_id": 5, "text": "x", "to": 1}, 400, "unknown field 'to': the fields are chat_id, text"),
        ("messages", {"chat_id": 5, "text": "x", "user_id": 6}, 400, "in the private chat 5 only user 5 speaks"),
        ("messages", {"chat_id": 6, "text": "x", "chat_type": "group"}, 400, "a private chat has a positive"),
        ("messages", {"chat_id": -6, "text": "x", "chat_type": "den"}, 400, "'chat_type' must be one of private"),
        ("messages", {"chat_id": GROUP, "text": "x", "chat_type": "group"}, 409, "chat -1000000000001 exists as a"),
        ("updates", {"message": 1}, 400, 'an update has one field beside "update_id"'),
        ("updates", {"update_id": 0, "message": {}}, 400, "'update_id' must be a whole number from 1"),
        ("updates", {"update_id": 1}, 400, 'an update has one field beside "update_id"'),
        ("callbacks", {"chat_id": 99, "message_id": 1, "data": "x"}, 404, "chat 99 doesn't exist"),
        ("callbacks", {"chat_id": 5, "message_id": 9, "data": "x"}, 404, "chat 5 has no message 9"),
        ("callbacks", {"chat_id": 5, "message_id": 1, "data": "x"}, 400, "message 1 isn't the bot's"),
        ("faults", {"method": "sendMessage", "count": 1}, 400, "say what goes wrong"),
        ("faults", {"method": "sendMassage", "count": 1, "drop": True}, 400, "'method' must be \"*\" or one of"),
        ("faults", {"method": "*", "count": 0, "drop": True}, 400, "'count' must be at least 1"),
        ("faults", {"method": "*", "count": 1, "error_code": 200}, 400, "'error_code' must be from 400 to 599"),
        ("faults", {"method": "*", "count": 1, "delay_s": -1}, 400, "'delay_s' must not be negative"),
        (
            "faults",
            {"method": "*", "count": 1, "drop": True, "chat_id": 1, "spares_chat_id": 1},
            400,
            "send 'chat_id', whose",
        ),
    ],
)
async def test_a_bad_order_says_what_to_send(
    telegram: Harness, path: str, body: object, status: int, sentence: str
) -> None:
    """Each mistake gets its status and a sentence that helps, and no update."""
    before = len(await telegram.look("deliveries"))
    given_status, given_sentence = await telegram.refused(path, body)
    assert (given_status, given_sentence[: len(sentence)]) == (status, sentence)
    assert len(await telegram.look("deliveries")) == before


@pytest.mark.parametrize("content", [b"", b"{", b'{"chat_id": 5, "text": "\\ud83d"}', b"\xff"])
async def test_a_body_that_is_no_json_is_refused(telegram: Harness, content: bytes) -> None:
    """An unreadable body gets a 400 with a sentence."""
    response = await telegram.client.post("/control/messages", content=content)
    assert (response.status_code, "JSON object" in response.json()["error"]) == (400, True)


async def test_unknown_paths_and_chats_are_not_found(telegram: Harness) -> None:
    """The transcript of an unknown chat, a chat id that is no number, and an unknown order say so."""
    for path, status, sentence in (
        ("chats/99/messages", 404, "chat 99 doesn't exist: speak in it first, with POST /control/messages"),
        ("chats/me/messages", 400, "a chat's id is a whole number, not 'me'"),
        ("nothing", 404, "Not Found: GET /control/nothing is no order; docs/emulator.md lists them"),
        ("messages", 405, "Method Not Allowed: GET /control/messages is no order; docs/emulator.md lists them"),
    ):
        response = await telegram.client.get(f"/control/{path}")
        assert (response.status_code, response.json()["error"]) == (status, sentence)


async def test_the_admin_is_there_from_the_start(telegram: Harness) -> None:
    """Chat 1 has an empty transcript and takes messages before anybody spoke in it."""
    assert await telegram.look("chats/1/messages") == []
    await telegram.result("sendMessage", chat_id=1, text="x", reply_markup={"keyboard": [[{"text": "a"}]]})
    assert [line["reply_markup"] for line in await telegram.look("chats/1/messages")] == [
        {"keyboard": [[{"text": "a"}]]}
    ]


async def test_a_raw_update_keeps_its_id_and_makes_its_chat(telegram: Harness) -> None:
    """The same update_id can be delivered twice, and the chat that the update names exists afterwards."""
    chat = {"id": -44, "type": "group", "title": "Raw"}
    sender = {"id": 44, "is_bot": False, "first_name": "Raw"}
    message = {"message_id": 10, "date": 5, "chat": chat, "from": sender, "text": "raw"}
    await telegram.hook()
    for _ in range(2):
        assert await telegram.order("updates", update_id=77, message=message) == {"update_id": 77}
    await telegram.clock.settle()
    assert telegram.endpoint.update_ids.count(77) == 2
    assert (await telegram.result("getChatMember", chat_id=-44, user_id=44))["user"] == sender
    assert (await telegram.result("sendMessage", chat_id=-44, text="x"))["message_id"] == 11


@pytest.mark.parametrize(
    "update",
    [
        {"message": {"chat": 5, "from": "x", "message_id": "1", "date": 1}},
        {"my_chat_member": {"chat": {"id": 5, "type": "private"}, "new_chat_member": {"user": {}}}},
        {"callback_query": {"id": 1, "message": None, "from": {"id": "x"}}},
        {"message": {"chat": {"id": 70, "type": "private"}, "date": 1, "message_id": 1, "entities": [[1], 2]}},
        {"poll": {"id": "p"}},
        {"something_new": {}},
    ],
)
async def test_odd_updates_are_delivered_all_the_same(telegram: Harness, update: dict[str, Any]) -> None:
    """An update of any shape goes to the bot as it is and breaks nothing."""
    given = await telegram.order("updates", **update)
    assert (await telegram.result("getUpdates"))[-1] == given | update
    assert (await telegram.client.get("/control/chats/5/messages")).status_code == 200


async def test_a_press_is_a_callback_query(telegram: Harness) -> None:
    """A button's press carries the message, the data and the user, in the user's own queue."""
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    sent = await telegram.result("sendMessage", chat_id=GROUP, text="x", reply_markup=markup)
    await telegram.order("callbacks", chat_id=GROUP, message_id=sent["message_id"], data="go", user_id=5)
    query = (await telegram.result("getUpdates"))[-1]["callback_query"]
    assert (query["data"], query["from"]["id"], query["message"]) == ("go", 5, sent)
    assert (await telegram.look("deliveries"))[-1]["queue"] == "callback:5"


async def test_a_fault_fails_the_next_calls_only(telegram: Harness) -> None:
    """Two calls of the method fail without effect, other methods don't, and the third works."""
    await telegram.order("faults", method="sendmessage", count=2, error_code=500)
    await telegram.result("getMe")
    for _ in range(2):
        assert await telegram.error("sendMessage", chat_id=5, text="x") == (500, "Internal Server Error")
    await telegram.result("sendMessage", chat_id=5, text="x")
    assert [line["text"] for line in await telegram.look("chats/5/messages")] == ["hello", "x"]


@pytest.mark.parametrize(
    ("fault", "expected"), [({"chat_id": 42}, [False, True, False]), ({"spares_chat_id": 42}, [True, False, True])]
)
async def test_a_fault_may_be_for_one_chat_or_spare_one(
    telegram: Harness, fault: dict[str, int], expected: list[bool]
) -> None:
    """What goes elsewhere is answered, and does not use the fault up."""
    for chat_id in (42, 43):
        await telegram.order("messages", chat_id=chat_id, text="hello")
    await telegram.order("faults", method="sendMessage", count=2, error_code=500, **fault)
    answers = [await telegram.call("sendMessage", chat_id=chat_id, text="hi") for chat_id in (42, 43, 42)]
    assert [answer["ok"] for answer in answers] == expected


async def test_a_fault_may_follow_the_effect(telegram: Harness) -> None:
    """With after_delivery the message is there although the call failed."""
    await telegram.order("faults", method="*", count=1, retry_after=7, after_delivery=True)
    answer = await telegram.call("sendMessage", chat_id=5, text="there")
    assert (answer["error_code"], answer["parameters"]) == (429, {"retry_after": 7})
    assert (await telegram.look("chats/5/messages"))[-1]["text"] == "there"


async def test_a_fault_may_only_delay(telegram: Harness) -> None:
    """With delay_s alone the call works, later."""
    await telegram.order("faults", method="getMe", count=1, delay_s=2.5)
    call = asyncio.create_task(telegram.call("getMe"))
    await telegram.clock.advance(2.4)
    assert not call.done()
    await telegram.clock.advance(0.1)
    assert (await call)["ok"]


async def test_a_person_may_reply(telegram: Harness) -> None:
    """To a message that is there; the update has it, without what that one replied to."""
    first = await telegram.order("messages", chat_id=5, text="one")
    second = await telegram.order("messages", chat_id=5, text="two", reply_to_message_id=first["message_id"])
    await telegram.order("messages", chat_id=5, text="three", reply_to_message_id=second["message_id"])
    two, three = (one["message"] for one in (await telegram.result("getUpdates"))[-2:])
    assert two["reply_to_message"]["text"] == "one"
    assert (three["reply_to_message"]["text"], "reply_to_message" in three["reply_to_message"]) == ("two", False)
    refused = await telegram.refused("messages", {"chat_id": 5, "text": "x", "reply_to_message_id": 999})
    assert refused == (404, "chat 5 has no message 999: see /control/chats/5/messages")


async def test_a_fault_may_drop_the_connection(telegram: Harness) -> None:
    """With drop there is no answer; DELETE takes faults back."""
    await telegram.order("faults", method="getMe", count=2, drop=True)
    with pytest.raises(ConnectionDropped):
        await telegram.call("getMe")
    response = await telegram.client.delete("/control/faults")
    assert response.status_code == 200
    assert (await telegram.call("getMe"))["ok"]
    assert [call["status"] for call in await telegram.look("calls?method=getme")] == [None, 200]


async def test_calls_are_recorded_without_the_token(telegram: Harness) -> None:
    """Each call has its method, typed parameters, time and status; a token in a parameter is blotted out."""
    await telegram.client.post(f"{API}/sendMessage", data={"chat_id": "5", "text": "7", "protect_content": "true"})
    await telegram.call("setWebhook", url="http://127.0.0.1/123456:local")
    sent, hook = await telegram.look("calls")
    assert sent["parameters"] == {"chat_id": 5, "text": "7", "protect_content": True}
    assert (sent["method"], sent["at"], sent["status"], sent["via"]) == ("sendMessage", 1_800_000_000, 200, "http")
    assert hook["parameters"] == {"url": "http://127.0.0.1/<token>"}


async def test_deliveries_tell_the_attempts(telegram: Harness) -> None:
    """Each update has its outcome and for each attempt the status and the latency."""
    await telegram.hook()
    await telegram.clock.settle()
    delivery = (await telegram.look("deliveries"))[0]
    assert (delivery["type"], delivery["queue"], delivery["outcome"]) == ("message", "chat:5", "delivered")
    assert delivery["attempts"] == [{"at": 1_800_000_000, "status": 200, "latency_ms": 0}]
