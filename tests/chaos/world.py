"""A whole bot in trouble, on virtual time: Telegram, webhook, queues, table, workers, and a ledger of what came of it.

Everything that decides is the real thing: the webhook, the workers with python-telegram-bot and its HTTP client on top,
the emulator of Telegram with its deliveries and its limits. Models are DynamoDB and SQS, which are held to moto and to
the local AWS, and the network, which fails as the faults say. Made on a running ChaosLoop.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self, cast, override
from unittest import mock

import httpx
from botocore.exceptions import ClientError, ReadTimeoutError
from telegram.warnings import PTBDeprecationWarning

from floodgate.ingress.updates import group
from floodgate.ingress.webhook import Webhook
from floodgate.settings import WebhookSettings
from local.telegram.webhook import Webhook as Hook
from tests.chaos.aws import Queues, UpdatesQueue, WatchedTables
from tests.chaos.bot import HUB, Program
from tests.chaos.dead_letters import DeadLettersQueue, Dynamodb, dead_letter_functions
from tests.chaos.faults import Faults, Post
from tests.chaos.ledger import Fate, Ledger
from tests.chaos.telegram import Telegram
from tests.chaos.workers import TOKEN_NAME, workers
from tests.simulation.fleet import Fleet, LoopClock
from tests.simulation.world import inbound
from tests.unit.ingress.samples import BOT
from tests.unit.telegram.wire import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from floodgate.settings import InboundLimits
    from tests.chaos.ledger import Verdict

_SECRET = "hook-secret"
_CONNECTIONS = 40
#: What the webhook takes, in seconds.
_WEBHOOK_S = 0.02
#: A call that nobody waits for any more is over by then, in seconds.
_LATE_S = 20.0
#: After this long without an end a run is given up: longer than every retry and every freeze of a run together.
_PATIENCE_S = 3 * 86_400.0


class _Secrets:
    """Secrets Manager, as far as the functions ask it."""

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - boto3's parameter
        return {"SecretString": {TOKEN_NAME: TOKEN, "hook": _SECRET}[SecretId]}


class _TwoTries:
    """A client of SQS that asks a second time, as botocore does."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def send_message(self, **how: Any) -> dict[str, Any]:
        try:
            return self._queues.send_message(**how)
        except (ReadTimeoutError, ClientError):
            return self._queues.send_message(**how)


class _Endpoint(httpx.AsyncBaseTransport):
    """The webhook behind API Gateway, as Telegram reaches it."""

    def __init__(self, webhook: Webhook, faults: Faults) -> None:
        self._webhook = webhook
        self._faults = faults

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = (await request.aread()).decode()
        fault = self._faults.post()
        await asyncio.sleep(_WEBHOOK_S)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._webhook.handle({"headers": headers, "body": body, "isBase64Encoded": False})
        if fault is Post.ANSWER_LOST:
            raise httpx.ReadError("connection closed")
        if fault is Post.ANSWER_LATE:
            await asyncio.sleep(61)
        return httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer["body"])


class _Listener(logging.Handler):
    """Hears of updates that were dropped for a limit: nothing else tells of these."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(logging.INFO)
        self._ledger = ledger

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if str(getattr(record, "reason", "")).endswith("_limit"):
            self._ledger.limited(record.__dict__["update_id"])


@contextmanager
def _quiet(ledger: Ledger) -> Iterator[None]:
    """Have the functions print nothing: what they log is formatted at great length, and nobody reads it here."""
    logs = [logging.getLogger(name) for name in ("floodgate", "telegram")]
    before = [(log.level, log.handlers, log.propagate) for log in logs]
    try:
        for log, level in zip(logs, (logging.INFO, logging.CRITICAL), strict=True):
            log.setLevel(level)
            log.handlers, log.propagate = [_Listener(ledger)], False
        with warnings.catch_warnings(), mock.patch.dict(os.environ, {"POWERTOOLS_METRICS_DISABLED": "true"}):
            warnings.simplefilter("ignore", PTBDeprecationWarning)  # PTB 22.8 warns of every 429
            yield
    finally:
        for log, (level, handlers, propagate) in zip(logs, before, strict=True):
            log.setLevel(level)
            log.handlers, log.propagate = handlers, propagate


class Chaos:
    """See the module. Enter it, speak, wait, and `finish`."""

    def __init__(
        self,
        faults: Faults,
        *,
        skews_s: Sequence[float] = (0.0, 0.0, 0.0),
        limits: InboundLimits | None = None,
    ) -> None:
        """Make a worker for each of `skews_s`, whose clock is so many seconds fast."""
        self.ledger = Ledger()
        self.clock = LoopClock(asyncio.get_running_loop())
        self.faults = faults
        self._spread_s = max(skews_s) - min(skews_s) + max(map(abs, skews_s))
        self.tables = WatchedTables(self.clock, faults)
        self.updates = UpdatesQueue(self.ledger, self.clock, faults)
        self.dead = DeadLettersQueue(self.ledger, self.clock, faults)
        self.secrets = _Secrets()
        self.queues = Queues(self.updates, self.dead)
        self.dynamodb = Dynamodb(self.tables, faults)
        webhook = Webhook(
            WebhookSettings(
                self.updates.url,
                self.dead.url,
                "hook",
                early_acknowledgement=False,
                metrics_namespace="Floodgate/chaos",
            ),
            cast("SQSClient", _TwoTries(self.queues)),
            cast("SecretsManagerClient", self.secrets),
            self.clock,
        )
        self.telegram = Telegram(
            TOKEN, self.clock, faults, self.ledger, self.tables, _Endpoint(webhook, faults), skew_s=self._spread_s
        )
        self._workers = workers(self, skews_s, limits or inbound())
        self._undertakers = dead_letter_functions(self)
        self._all_said, self._all_worked = asyncio.Event(), asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self._surroundings = ExitStack()

    async def __aenter__(self) -> Self:
        """Begin."""
        self._surroundings.enter_context(_quiet(self.ledger))
        self._surroundings.enter_context(self.telegram.installed())
        self.tables.tables["state"].items["bot", "identity"] = _identity()  # as the registrar has stored it
        emulator = self.telegram.emulator
        await emulator.sender.open(Hook("http://127.0.0.1/webhook", _SECRET, _CONNECTIONS))
        for queue, functions, last in (
            (self.updates, self._workers, self._all_said),
            (self.dead, self._undertakers, self._all_worked),
        ):
            fleet = Fleet(queue, functions.drain, workers=functions.count)
            self._running.append(asyncio.create_task(fleet.run(last.wait(), until_s=_PATIENCE_S)))
        self.write(HUB, Program(["type"]))
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything that is left."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._workers.close()
        await self._undertakers.close()
        await self.telegram.emulator.close()
        self.dynamodb.close()
        self._surroundings.close()

    def write(self, chat: int, program: Program, person: int | None = None, *, may_be_limited: bool = False) -> int:
        """Have somebody write to the bot; return the update's id. A chat below 0 is a group."""
        known = self.telegram.emulator.world.chats.get(chat)
        message = _message(chat, person, known.next_message_id if known else 1, self.clock())
        return self._send("message", {**message, "text": program.text()}, program, may_be_limited=may_be_limited)

    def press(self, chat: int, program: Program, person: int | None = None, *, may_be_limited: bool = False) -> int:
        """Have somebody press a button of the bot; return the update's id."""
        message = {**_message(chat, person, 1, self.clock()), "from": BOT, "text": "a button below this"}
        query = {"from": _person(chat, person), "chat_instance": "1", "data": program.text(), "message": message}
        return self._send("callback_query", query, program, may_be_limited=may_be_limited)

    def _send(self, kind: str, content: dict[str, Any], program: Program, *, may_be_limited: bool) -> int:
        emulator = self.telegram.emulator
        update_id = emulator.updates.take_id(None)
        if kind == "callback_query":
            content["id"] = str(update_id)
        update = {"update_id": update_id, kind: content}
        self.ledger.fates[update_id] = Fate(
            update_id, kind, group(update), program.labels(update_id), may_be_limited=may_be_limited
        )
        emulator.receive(update)
        return update_id

    async def finish(self) -> Verdict:
        """Wait until all is over, and judge."""
        working, burying = self._running
        while len(self.telegram.emulator.updates):  # noqa: ASYNC110 - on virtual time
            await asyncio.sleep(1)
        self._all_said.set()
        await working
        await asyncio.sleep(_LATE_S)
        self._all_worked.set()
        await burying
        self.ledger.kept(failure["sk"]["S"] for failure in self.dynamodb.failures())
        return self.ledger.verdict(self.updates.left + self.dead.left, self._spread_s)


def _identity() -> dict[str, Any]:
    return {"pk": {"S": "bot"}, "sk": {"S": "identity"}, "user": {"S": json.dumps(BOT)}}


def _person(chat: int, person: int | None) -> dict[str, Any]:
    return {"id": person or abs(chat), "is_bot": False, "first_name": "Ann"}


def _message(chat: int, person: int | None, message_id: int, now: float) -> dict[str, Any]:
    here = (
        {"id": chat, "type": "private", "first_name": "Ann"}
        if chat > 0
        else {"id": chat, "type": "supergroup", "title": "Allotments"}
    )
    return {"message_id": message_id, "date": int(now), "chat": here, "from": _person(chat, person)}
