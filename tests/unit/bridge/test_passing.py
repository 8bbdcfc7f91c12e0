"""Calls and files on their way through: what arrives at Telegram, and what comes back."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from local.bridge.account import Account
from local.bridge.app import create_app
from local.telegram.app import DROP
from local.telegram.faults import Fault
from tests.unit.bridge.harness import LOCAL, REAL, Crossing

BOT = f"/bot{LOCAL}"


async def test_a_call_takes_effect_and_its_answer_comes_back(crossing: Crossing) -> None:
    """By query, JSON or form, whichever the client uses; the way there is at the bot's own token."""
    await crossing.say(5)
    for response in (
        await crossing.here.get(f"{BOT}/sendMessage?chat_id=5&text=a%20b%26c"),
        await crossing.here.post(f"{BOT}/sendMessage", json={"chat_id": 5, "text": "json"}),
        await crossing.here.post(f"{BOT}/sendMessage?chat_id=5", data={"text": "form ü"}),
    ):
        assert (response.status_code, response.json()["ok"]) == (200, True)
    texts = [message.get("text") for message in crossing.telegram.world.chats[5].messages.values()]
    assert texts == ["hello", "a b&c", "json", "form ü"]
    assert {request.url.path for request in crossing.line.requests} == {f"/bot{REAL}/sendMessage"}
    assert all(LOCAL not in str(request.headers) for request in crossing.line.requests)


async def test_a_file_goes_up_and_comes_down_as_it_is(crossing: Crossing) -> None:
    """A document by multipart, with its name and kind, and the same bytes from its path."""
    await crossing.say(5)
    data = bytes(range(256)) * 2000
    sent = await crossing.here.post(
        f"{BOT}/sendDocument", data={"chat_id": "5"}, files={"document": ("ä b.bin", data, "application/x-thing")}
    )
    document = sent.json()["result"]["document"]
    assert (document["file_name"], document["file_size"]) == ("ä b.bin", len(data))
    path = (await crossing.call("getFile", file_id=document["file_id"]))["result"]["file_path"]
    answer = await crossing.here.get(f"/file{BOT}/{path}")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "application/x-thing"
    missing = await crossing.here.get(f"/file{BOT}/documents/none")
    assert (missing.status_code, missing.json()["description"]) == (404, "Not Found")


class Telegram(httpx.AsyncBaseTransport):
    """Takes what comes, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.length = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read the body, and answer."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self.length = request.headers["content-length"]
        async for piece in request.stream:
            self.pieces += [piece]
        return httpx.Response(200, stream=httpx.ByteStream(b'{"ok": true, "result": true}'))


async def test_an_upload_is_not_kept_on_its_way(crossing: Crossing) -> None:
    """What has arrived here is at Telegram before the rest was sent."""
    telegram = Telegram()
    crossing.bridge.account.client = httpx.AsyncClient(transport=telegram)
    before: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            before.append(len(telegram.pieces))
            yield b"x" * 1000

    await _raw(crossing, pieces())
    assert (telegram.length, b"".join(telegram.pieces)) == ("3000", b"x" * 3000)
    assert before == [0, 1, 2]


async def _raw(crossing: Crossing, pieces: AsyncIterator[bytes]) -> None:
    """Send a body piece by piece, which ASGITransport does not."""
    app = crossing.here._transport.app  # type: ignore[attr-defined] # the test's own

    async def receive() -> dict[str, object]:
        piece = await anext(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(_: object) -> None:
        return

    headers = [(b"content-length", b"3000"), (b"content-type", b"application/octet-stream")]
    scope = {
        "type": "http", "method": "POST", "path": f"{BOT}/sendDocument", "raw_path": b"", "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("bridge", 80), "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)


async def test_a_refusal_comes_back_as_it_is(crossing: Crossing) -> None:
    """Its status, its words, and the time to wait in both places."""
    crossing.telegram.faults.add(Fault("sendMessage", 1, error_code=429, retry_after=31))
    answer = await crossing.here.post(f"{BOT}/sendMessage", json={"chat_id": 5, "text": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "31")
    assert answer.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 31",
        "parameters": {"retry_after": 31},
    }
    unknown = await crossing.call("sendNothing")
    assert (unknown["error_code"], unknown["description"]) == (404, "Not Found: method not found")


async def test_encodings_are_the_clients_business(crossing: Crossing) -> None:
    """A compressed answer stays so, and none is asked for unless the bot does."""
    asked: list[str | None] = []
    packed = gzip.compress(b'{"ok": true, "result": true}')

    def telegram(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("accept-encoding"))
        # Not packed by httpx, which would do it once more.
        return httpx.Response(200, stream=httpx.ByteStream(packed), headers={"content-encoding": "gzip"})

    crossing.line.fault = telegram
    async with crossing.here.stream("GET", f"{BOT}/getMe", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert (raw, answer.headers["content-encoding"]) == (packed, "gzip")
    request = crossing.here.build_request("GET", f"{BOT}/getMe")
    del request.headers["accept-encoding"]
    await crossing.here.send(request)
    assert asked == ["gzip", "identity"]


@pytest.mark.parametrize("token", [REAL, "777:another", "x"])
async def test_no_other_token_is_taken(crossing: Crossing, token: str) -> None:
    """Not the real one either: nobody here should know it."""
    for path in (f"/bot{token}/getMe", f"/file/bot{token}/x"):
        answer = await crossing.here.get(path)
        assert (answer.status_code, answer.json()["description"]) == (401, "Unauthorized")
    assert crossing.line.requests == []


async def test_what_surely_did_not_go_out_says_so(crossing: Crossing) -> None:
    """A 502 in the Bot API's form, without the token: the bot tries again."""

    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no way to {request.url}")

    crossing.line.fault = cut
    answer = await crossing.here.post(f"{BOT}/sendMessage", json={"chat_id": 5, "text": "x"})
    assert (answer.status_code, answer.json()["error_code"]) == (502, 502)
    assert answer.json()["description"] == (
        "Bad Gateway: Telegram cannot be reached (ConnectError: no way to "
        "https://api.telegram.org/bot<token>/sendMessage)"
    )


@pytest.mark.parametrize("error", [httpx.ReadTimeout(""), httpx.RemoteProtocolError("closed"), httpx.WriteError("")])
async def test_what_may_have_gone_out_says_nothing_of_the_bot_api(crossing: Crossing, error: httpx.HTTPError) -> None:
    """A 5xx without a Bot API's body: nobody knows, and the bot repeats nothing."""

    def lose(_: httpx.Request) -> httpx.Response:
        raise error

    crossing.line.fault = lose
    answer = await crossing.here.post(f"{BOT}/sendMessage", json={"chat_id": 5, "text": "x"})
    assert answer.status_code == 504
    assert answer.text.startswith("Telegram did not answer (")


async def test_a_file_that_breaks_off_breaks_off_here(crossing: Crossing) -> None:
    """Nobody takes half a file for a whole one: the connection closes."""

    async def half() -> AsyncIterator[bytes]:
        yield b"half"
        raise httpx.ReadError("")

    class Half(httpx.AsyncByteStream):
        def __aiter__(self) -> AsyncIterator[bytes]:
            return half()

    dropped: list[bool] = []
    app = create_app(crossing.bridge)

    async def with_drop(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {DROP: lambda: dropped.append(True)}, receive, send)

    crossing.line.fault = lambda _: httpx.Response(200, stream=Half(), headers={"content-length": "8"})
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(with_drop), base_url="http://bridge") as client,
        client.stream("GET", f"/file{BOT}/x") as answer,
    ):
        assert b"".join([piece async for piece in answer.aiter_raw()]) == b"half"
    assert dropped == [True]


async def test_commands_reach_telegram(crossing: Crossing) -> None:
    """What the registrar sets is what people see in their menu."""
    commands = [{"command": "start", "description": "Begin"}]
    assert (await crossing.call("setMyCommands", commands=commands))["ok"]
    assert (await crossing.call("getMyCommands"))["result"] == commands
    there = await crossing.there.post(f"/bot{REAL}/getMyCommands")
    assert there.json()["result"] == commands


def test_an_account_shows_no_token() -> None:
    """Neither does what is printed of it, nor of its addresses in errors."""
    account = Account(REAL)
    assert REAL not in repr(account)
    assert (
        account.reason(ValueError(f"x {account.url('getMe')}"))
        == "ValueError: x https://api.telegram.org/bot<token>/getMe"
    )
