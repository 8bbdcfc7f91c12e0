"""A worker on an AWS and a Telegram that live in this process, on a loop whose waiting costs nothing."""

from __future__ import annotations

import asyncio.events
import itertools
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from floodgate.delivery.worker import Worker
from floodgate.retry import RetryPolicy
from floodgate.settings import InboundLimits, WorkerSettings
from floodgate.traffic.limits import Limit
from tests.integration.worker.cloud import Clock, Cloud, remember_what_was_sent
from tests.integration.worker.garden import Garden
from tests.unit.delivery.virtual_time import VirtualLoop
from tests.unit.ingress.samples import PRIVATE, message
from tests.unit.telegram.wire import API_URL, TelegramWire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from floodgate.telegram.application import Register

ANNS_CHAT = "chat:7001"
#: The template's defaults.
INBOUND = InboundLimits(
    user=Limit.parse("30/min burst 10"),
    chat=Limit.parse("300/min burst 100"),
    bot=Limit.parse("6000/min"),
    quiet_s=300,
    admit_without_store=False,
)


_update_ids = itertools.count(500_001_000)


def text(words: str, update_id: int | None = None, chat: dict[str, Any] = PRIVATE, **changes: Any) -> dict[str, Any]:
    """Return the update of a message that Ann writes; a new one, unless it is given the id of another."""
    command = words.partition(" ")[0]
    entities = [{"offset": 0, "length": len(command), "type": "bot_command"}] if words[:1] == "/" else []
    return {
        "update_id": next(_update_ids) if update_id is None else update_id,
        "message": message(chat, text=words, entities=entities, **changes),
    }


@pytest.fixture(autouse=True)
def longest_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited after a failure is no matter of chance, but the most that it may be."""
    monkeypatch.setattr("floodgate.retry.random", SimpleNamespace(uniform=lambda _low, high: high))


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still, but for what workers wait."""
    return Clock()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Cloud]:
    """Empty queues and tables, a token, and a bot that was registered."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr("moto.sqs.models.unix_time", clock)
    monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda: clock() * 1000)
    remember_what_was_sent(monkeypatch)
    with mock_aws():
        cloud = Cloud(clock)
        cloud.register_bot()
        yield cloud


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> TelegramWire:
    """A Telegram that takes everything."""
    wire = TelegramWire(now=clock)
    wire.install(monkeypatch)
    return wire


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[list[VirtualLoop]]:
    """Every event loop that was made, each on virtual time; closed at the end, for a worker keeps its own.

    The clock moves on while a loop waits.
    """
    made: list[VirtualLoop] = []

    def new_event_loop() -> VirtualLoop:
        made.append(VirtualLoop(clock.advance))
        return made[-1]

    monkeypatch.setattr(asyncio.events, "new_event_loop", new_event_loop)
    yield made
    for loop in made:
        loop.close()


@dataclass
class Workers:
    """Makes workers, each an execution environment of its own."""

    cloud: Cloud

    def settings(
        self,
        api_url: str = API_URL,
        *,
        deadline_s: int = 10,
        queue: str = "updates",
        inbound: InboundLimits = INBOUND,
        admin_chat_id: int | None = None,
        early_acknowledgement: bool = False,
        paid_broadcasts: bool = False,
        cache_s: int = 300,
        repeat_unknown: bool = False,
    ) -> WorkerSettings:
        """Return what the template would tell a worker."""
        return WorkerSettings(
            bot=replace(self.cloud.bot_settings, telegram_api_url=api_url, admin_chat_id=admin_chat_id),
            inbound=inbound,
            schedules=self.cloud.schedule_settings,
            queue=queue,
            queue_url=self.cloud.updates_url if queue == "updates" else self.cloud.tasks_url,
            updates_queue_url=self.cloud.updates_url,
            tasks_queue_url=self.cloud.tasks_url,
            dead_queue_url=self.cloud.dead_url,
            traffic_table="traffic",
            concurrency=20,
            cache_s=cache_s,
            paid_broadcasts=paid_broadcasts,
            early_acknowledgement=early_acknowledgement,
            retries=RetryPolicy(),
            repeat_unknown=repeat_unknown,
            deadline_s=deadline_s,
            timeout_s=deadline_s + 10,
            visibility_s=max(120, 2 * (deadline_s + 10)),
            metrics_namespace="Floodgate/garden",
        )

    def start(self, register: Register, settings: WorkerSettings) -> Worker:
        """Return a worker with the bot's handlers."""
        return Worker(
            settings,
            register,
            sqs=self.cloud.client("sqs"),
            dynamodb=self.cloud.client("dynamodb"),
            secrets=self.cloud.client("secretsmanager"),
            scheduler=partial(self.cloud.client, "scheduler"),
            clock=self.cloud.clock,
        )

    def drain(
        self, register: Register, *, left_s: float = 1000.0, **told: Any
    ) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Return what `Cloud.deliver` asks for: a new worker's drain."""
        worker = self.start(register, self.settings(**told))
        return lambda event: worker.drain(event, lambda: left_s)


@pytest.fixture
def workers(cloud: Cloud, telegram: TelegramWire, loops: list[VirtualLoop]) -> Workers:  # noqa: ARG001 - their world
    """Workers in that cloud."""
    return Workers(cloud)


@pytest.fixture
def garden(cloud: Cloud, workers: Workers) -> Garden:
    """A bot with a task, and both its workers."""
    return Garden(cloud, workers)
