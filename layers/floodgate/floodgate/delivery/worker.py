"""A worker: everything that one execution environment keeps between batches, and one batch after another.

Problem: Lambda freezes the process between invocations. Rule: one event loop for its whole life, with the bot and its
connections on it; `asyncio.run` per invocation would leave a kept connection on a closed loop, which fails after the
send. The token and the bot's identity are read with the first batch, so that `describe` needs neither.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import TelegramError

from floodgate.admin.alarms import AlarmDesk
from floodgate.admin.desk import FailureDesk
from floodgate.admin.status import StatusDesk
from floodgate.announcements.desk import AnnouncementDesk
from floodgate.announcements.subscribing import subscriptions
from floodgate.aws import AwsCalls
from floodgate.cache.cache import Cache, caching
from floodgate.delivery.admission import Admissions
from floodgate.delivery.batch import BatchConsumer
from floodgate.delivery.dead_queue import DeadQueue
from floodgate.delivery.journal import Journal
from floodgate.delivery.message import Message
from floodgate.delivery.queue import Queue
from floodgate.delivery.suspects import Suspects
from floodgate.delivery.updates import UpdateHandling
from floodgate.ingress.tasks import read
from floodgate.ingress.trace import tracing
from floodgate.ingress.updates import is_task
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.monitoring.metrics import TASKS, WORKER, Metrics
from floodgate.retry import patience_s
from floodgate.state.alarms import Alarms
from floodgate.state.records import Records
from floodgate.state.subscribers import Subscribers
from floodgate.tasks.execution import run_task
from floodgate.tasks.later import TaskQueue, queueing
from floodgate.tasks.schedules import Schedules, scheduling
from floodgate.telegram.bot import KeptBot
from floodgate.telegram.handler_limits import notices_every
from floodgate.telegram.interface import describe
from floodgate.telegram.processing import process, run_handlers
from floodgate.telegram.timeouts import TIMER, timer_runs
from floodgate.telegram.update_data import Memory
from floodgate.traffic.bulk import Pacer, at_pace, bulk_groups
from floodgate.traffic.gate import Gates
from floodgate.traffic.lease import Lease
from floodgate.traffic.quiet import QuietPeriods, quiet_periods

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from telegram.ext import ExtBot

    from floodgate.admin.retries import Retries
    from floodgate.announcements.orders import Orders
    from floodgate.settings import WorkerSettings
    from floodgate.state.failures import Failures
    from floodgate.state.fingerprints import Fingerprints
    from floodgate.telegram.application import App, Register
    from floodgate.telegram.run import Run


class Worker:
    """Runs a bot's handlers on the messages of one queue."""

    def __init__(
        self,
        settings: WorkerSettings,
        register: Register,
        *,
        sqs: SQSClient,
        dynamodb: DynamoDBClient,
        secrets: SecretsManagerClient,
        scheduler: Callable[[], EventBridgeSchedulerClient],
        functions: Callable[[], LambdaClient],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._bots_own = register
        self._clock = clock
        self._runner = asyncio.Runner()
        calls = AwsCalls()
        table = settings.traffic_table
        self._gates = Gates(dynamodb, table, calls, clock)
        self._cache = Cache(dynamodb, table, calls, clock, fresh_s=settings.cache_s)
        self._lease: Lease | None = None
        if settings.inbound.bot is not None:
            self._lease = Lease(
                dynamodb,
                table,
                calls,
                clock,
                settings.inbound.bot,
                2 * settings.concurrency,  # there are two functions
            )
        self._bot = KeptBot(
            settings.bot,
            self._gates,
            self._cache,
            dynamodb=dynamodb,
            secrets=secrets,
            clock=clock,
            repeat_unknown=settings.repeat_unknown,
        )
        self._queue = Queue(sqs, settings.queue_url, calls)
        self._dead = DeadQueue(sqs, settings.dead_queue_url, settings.queue, calls)
        self._journal = Journal(dynamodb, table, calls, clock)
        self._memory = Memory(Records(dynamodb, settings.bot.state_table, calls, clock))
        self._quiet = QuietPeriods(dynamodb, table, calls, clock)
        self._tasks = TaskQueue(sqs, settings.tasks_queue_url, calls)
        self._schedules = Schedules(scheduler, settings.schedules, calls, clock)
        self._metrics = Metrics(settings.metrics_namespace, WORKER if settings.queue == "updates" else TASKS)
        self._desk: FailureDesk | None = None
        self._status: StatusDesk | None = None
        self._alarms: AlarmDesk | None = None
        admin = settings.bot.admin_chat_id
        if admin is not None and settings.queue == "updates":  # where presses come in
            queues = {"updates": settings.updates_queue_url, "tasks": settings.tasks_queue_url}

            def opened() -> tuple[Failures, Fingerprints, Retries]:
                # Pydantic's models take longer to load than all else that a worker starts with.
                from floodgate.admin.retries import Retries  # noqa: PLC0415
                from floodgate.state.failures import Failures  # noqa: PLC0415
                from floodgate.state.fingerprints import Fingerprints  # noqa: PLC0415

                failures = Failures(dynamodb, settings.bot.state_table, calls, clock)
                fingerprints = Fingerprints(dynamodb, settings.bot.state_table, calls)
                return failures, fingerprints, Retries(failures, self._journal, sqs, queues, calls)

            self._desk = FailureDesk(admin, opened)
            self._status = StatusDesk(admin, settings.alerts_function, functions, calls)
            self._alarms = AlarmDesk(admin, Alarms(dynamodb, settings.bot.state_table, calls), clock)
        is_paid = settings.paid_broadcasts
        self._pacers = {group: Pacer(is_paid=is_paid) for group in bulk_groups(paid=is_paid)}
        self._subscribers = subscribers = Subscribers(dynamodb, settings.bot.state_table, calls, clock)

        def opened_orders() -> Orders:
            from floodgate.announcements.chain import Chain  # noqa: PLC0415 - few updates need it
            from floodgate.announcements.orders import Orders  # noqa: PLC0415
            from floodgate.state.broadcasts import Broadcasts  # noqa: PLC0415

            broadcasts = Broadcasts(dynamodb, settings.bot.state_table, calls, clock)
            chain = Chain(broadcasts, subscribers, sqs, settings.tasks_queue_url, calls, clock)
            return Orders(chain, bulk_groups(paid=is_paid), clock)

        self._announcements = None if admin is None else AnnouncementDesk(admin, opened_orders)

    def register(self, app: App) -> None:
        """Add the handlers for the admin, if there is an admin chat, and then the bot's own."""
        if self._announcements is not None:
            self._announcements.register(app)
        if self._alarms is not None:
            self._alarms.register(app)
        if self._desk is not None:
            self._desk.register(app)
        if self._status is not None:
            self._status.register(app)
        self._bots_own(app)
        app.add_task(TIMER, timer_runs)  # in any case: a version before this one may have set one

    def describe(self) -> dict[str, Any]:
        """Return what the bot handles."""
        with self._metrics.measuring():
            return describe(self.register)

    def drain(
        self, event: Mapping[str, Any], remaining_s: Callable[[], float], trace: str | None = None
    ) -> dict[str, Any]:
        """Return Lambda's partial batch response for an SQS event; `remaining_s` is what the invocation has left.

        `trace` is the invocation's: what brings none of its own, such as a schedule's task, has that.
        """
        messages = Message.of_batch(event["Records"], trace)
        failed = self._runner.run(self._drain(messages, remaining_s, trace))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _drain(
        self, messages: list[Message], remaining_s: Callable[[], float], trace: str | None = None
    ) -> list[str]:
        # Not around `run`: a Runner keeps the context of its first run.
        with tracing(trace), self._metrics.measuring():
            return await self._drained(messages, remaining_s)

    async def _drained(self, messages: list[Message], remaining_s: Callable[[], float]) -> list[str]:
        try:
            async with self._bot.awake() as bot:
                admissions = Admissions(
                    bot,
                    self._gates,
                    self._lease,
                    self._cache,
                    self._memory.records,
                    self._settings.inbound,
                    admin_chat_id=self._settings.bot.admin_chat_id,
                    early_acknowledgement=self._settings.early_acknowledgement,
                    clock=self._clock,
                )
                handling = UpdateHandling(
                    admissions,
                    partial(self._process, bot),
                    self._journal,
                    self._dead,
                    suspects=Suspects(self._journal, self._clock, visibility_s=self._settings.visibility_s),
                    deadline_s=self._settings.deadline_s,
                    retries=self._settings.retries,
                    clock=self._clock,
                    read=partial(read, queue=self._settings.queue),
                )
                consumer = BatchConsumer(self._queue, handling, deadline_s=self._settings.deadline_s)
                return await consumer.consume(messages, remaining_s)
        except (BotoCoreError, ClientError, TelegramError) as error:
            # Raised by `awake` only: what goes wrong with a message never leaves `handle`.
            wait_s = patience_s(max((message.receive_count for message in messages), default=1))
            logger.error("worker not ready", error=type(error).__name__)
            for _ in messages:
                metrics.measure(metrics.ATTEMPTS_FAILED, 1)
            await self._queue.put_back(messages, wait_s)
            return [message.id for message in messages]

    async def _process(self, bot: ExtBot[None], run: Run) -> bool:
        with (
            quiet_periods(self._quiet, str(run.update.update_id)),
            caching(self._cache),
            subscriptions(self._subscribers),
            notices_every(self._settings.inbound.quiet_s),
            queueing(self._tasks),
            scheduling(self._schedules),
            at_pace(self._pacers.get(run.group)),
        ):
            work = run_task if is_task(run.update.update) else run_handlers
            return await process(bot, self.register, run, self._memory, work)
