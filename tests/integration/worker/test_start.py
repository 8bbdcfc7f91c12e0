"""An execution environment: what it needs to begin, and what it keeps between batches."""

from __future__ import annotations

import asyncio.events
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.test_failure import failing, journal, put_back_for
from tests.unit.ingress.samples import DATE, PRIVATE
from tests.unit.telegram.wire import TOKEN, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire


@pytest.mark.parametrize("operation", ["GetSecretValue", "GetItem"])
@pytest.mark.parametrize(
    "fault", ["AccessDeniedException", "ThrottlingException", ReadTimeoutError(endpoint_url="https://x")], ids=str
)
def test_a_batch_waits_for_what_the_worker_needs(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, operation: str, fault: Exception | str
) -> None:
    """Without token or identity all goes back for five seconds, untried and uncounted, and is answered later."""
    ids = [cloud.queue(text("/greet", number), ANNS_CHAT) for number in (1, 2)]
    cloud.wire.faults[operation] = [fault]
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == ids
    assert (put_back_for(cloud), journal(cloud), telegram.calls) == ([[5, 5]], [], [])
    cloud.clock.now += 6
    assert cloud.deliver(drain) == []
    assert len(telegram.sent) == 2


def test_a_bot_that_is_not_registered_asks_telegram_who_it_is(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Without a stored identity getMe is called once; while Telegram does not say, the batch waits."""
    cloud.dynamodb.delete_item(TableName="state", Key={"pk": {"S": "bot"}, "sk": {"S": "identity"}})
    message_id = cloud.queue(text("/greet"), ANNS_CHAT)
    telegram.faults["getMe"] = [refusal(502, "Bad Gateway")]
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == [message_id]
    assert (put_back_for(cloud), journal(cloud)) == ([[5]], [])
    cloud.clock.now += 6
    assert cloud.deliver(drain) == []
    cloud.queue(text("/greet", 2), ANNS_CHAT)
    assert cloud.deliver(drain) == []
    assert telegram.methods == ["getMe", "getMe", "sendMessage", "sendMessage"]


def test_no_log_of_a_failed_start_holds_the_token(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused token is logged as an error of that kind, and its value nowhere."""
    cloud.dynamodb.delete_item(TableName="state", Key={"pk": {"S": "bot"}, "sk": {"S": "identity"}})
    telegram.token = "7900:rotated"
    message_id = cloud.queue(text("/greet"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(failing)) == [message_id]
    records = [record for record in caplog.records if record.name == "floodgate"]
    assert [(record.getMessage(), vars(record)["error"]) for record in records] == [
        ("worker not ready", "InvalidToken")
    ]
    assert TOKEN not in str([vars(record) for record in records])


def test_a_new_token_is_picked_up_and_no_update_pays_for_it(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """What Telegram refuses for its token waits, uncounted, and is answered once the secret holds a good one."""
    drain = workers.drain(failing)
    cloud.queue(text("/greet", 1), ANNS_CHAT)
    assert cloud.deliver(drain) == []
    telegram.token = "7900:rotated"
    message_id = cloud.queue(text("/greet", 2), ANNS_CHAT)
    for _ in range(5):
        assert cloud.deliver(drain) == [message_id]
        cloud.clock.now += 61
    assert journal(cloud) == []
    cloud.secrets.put_secret_value(SecretId=cloud.token_arn, SecretString=telegram.token)
    assert cloud.deliver(drain) == []
    assert (len(telegram.sent), cloud.left(cloud.dead_url)) == (1 + 5 + 1, 0)  # five of them refused


def test_one_loop_and_one_bot_serve_every_batch(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, loops: list[VirtualLoop]
) -> None:
    """Both are made once, with the first batch; handlers are registered anew for each update."""
    registered: list[App] = []

    def register(app: App) -> None:
        registered.append(app)
        failing(app)

    drain = workers.drain(register)
    for number in range(3):
        cloud.queue(text("/greet", number), ANNS_CHAT)
        cloud.deliver(drain)
        cloud.clock.now += 600
    assert (len(loops), len(telegram.sent)) == (1, 3)
    assert len({id(app.bot) for app in registered}) == 1
    assert len({id(app) for app in registered}) == 3
    asked = ["GetSecretValue", "GetItem", *["UpdateItem"] * 3]
    assert [operation for operation, _ in cloud.wire.requests] == asked


class BotApi(ThreadingHTTPServer):
    """A Bot API on loopback that keeps connections; `ports` tells which one each request came by."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ports: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BotApi

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.ports.append(self.client_address[1])
        said = {"ok": True, "result": {"message_id": 1, "date": DATE, "chat": PRIVATE, "text": "hello"}}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def bot_api() -> Iterator[BotApi]:
    """That server, listening."""
    with BotApi() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_connection_is_kept_but_not_over_a_freeze(
    cloud: Cloud, bot_api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches within five seconds share a connection; after more than that a new one is made, for the old may be dead.

    This one test runs on a real loop and real sockets: what httpx does with its connections is the point.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def new_event_loop() -> asyncio.AbstractEventLoop:
        loops.append(asyncio.SelectorEventLoop())
        return loops[-1]

    monkeypatch.setattr(asyncio.events, "new_event_loop", new_event_loop)
    bots = []

    def register(app: App) -> None:
        bots.append(app.bot)
        failing(app)

    drain = Workers(cloud).drain(register, api_url=f"http://127.0.0.1:{bot_api.server_address[1]}")
    for number, later_s in enumerate([5.0, 5.1, 0.0]):
        cloud.queue(text("/greet", number), ANNS_CHAT)
        assert cloud.deliver(drain) == []
        cloud.clock.now += later_s
    first, second, third = bot_api.ports
    assert first == second != third
    [loop] = loops
    loop.run_until_complete(bots[0].shutdown())
    loop.close()
