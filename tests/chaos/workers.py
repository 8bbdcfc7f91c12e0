"""The workers of a chaos run: real ones, with python-telegram-bot on top."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn, cast

from floodgate.delivery.worker import Worker
from floodgate.retry import RetryPolicy
from floodgate.settings import BotSettings, ScheduleSettings, WorkerSettings
from tests.chaos.bot import Bot
from tests.chaos.environments import Environments
from tests.chaos.telegram import ADMIN
from tests.simulation.world import DEADLINE_S, TIMEOUT_S, VISIBILITY_S
from tests.unit.ingress.samples import BOT
from tests.unit.telegram.wire import API_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from floodgate.delivery.message import Message
    from floodgate.settings import InboundLimits
    from tests.chaos.environments import Work
    from tests.chaos.world import Chaos

#: The name of the secret with the bot's token.
TOKEN_NAME = "token"
BOT_SETTINGS = BotSettings(str(BOT["id"]), TOKEN_NAME, API_URL, "state", admin_chat_id=ADMIN)


def _no_scheduler() -> NoReturn:
    raise AssertionError("nothing is scheduled here")


def workers(world: Chaos, skews_s: Sequence[float], limits: InboundLimits) -> Environments:
    """Return the workers of a world."""
    bot = Bot(world.ledger, world.clock)
    settings = WorkerSettings(
        bot=BOT_SETTINGS,
        inbound=limits,
        schedules=ScheduleSettings("schedules", "scheduler", "tasks"),
        queue="updates",
        queue_url=world.updates.url,
        updates_queue_url=world.updates.url,
        tasks_queue_url="https://sqs.invalid/tasks.fifo",
        dead_queue_url=world.dead.url,
        traffic_table="traffic",
        concurrency=len(skews_s),
        cache_s=300,
        paid_broadcasts=False,
        early_acknowledgement=False,
        retries=RetryPolicy(),
        repeat_unknown=False,
        deadline_s=int(DEADLINE_S),
        timeout_s=int(TIMEOUT_S),
        visibility_s=int(VISIBILITY_S),
        metrics_namespace="Floodgate/chaos",
    )

    def make(clock: Callable[[], float]) -> Work:
        worker = Worker(
            settings,
            bot.register,
            sqs=cast("SQSClient", world.queues),
            dynamodb=cast("DynamoDBClient", world.dynamodb),
            secrets=cast("SecretsManagerClient", world.secrets),
            scheduler=_no_scheduler,
            clock=clock,
        )
        return lambda messages, remaining_s: worker._drain(list(messages), remaining_s)

    def died(messages: Iterable[Message]) -> None:
        """Count what was in hand: what is not deleted yet."""
        world.ledger.killed(
            json.loads(message.body)["update_id"] for message in messages if world.updates.has_in_flight(message.id)
        )

    return Environments(world.faults, world.clock, make, died, skews_s=skews_s, timeout_s=TIMEOUT_S)
