"""The workers of a chaos run: real ones, each in an execution environment that may end at any moment.

Rule: a worker is kept until it is killed, as Lambda keeps it; then the next batch finds a new one, and what the dead
one had in hand comes back when the queue's visibility timeout is over. Hazard: Lambda deletes what a worker does not
report, and that may fail too, after which nobody can tell it from a kill: it is counted as one.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

from floodgate.delivery.worker import Worker
from floodgate.retry import RetryPolicy
from floodgate.settings import BotSettings, WorkerSettings
from tests.chaos.aws import Life, life
from tests.chaos.bot import Bot
from tests.chaos.faults import Batch
from tests.simulation.fleet import Crashed
from tests.simulation.world import DEADLINE_S, TIMEOUT_S
from tests.unit.ingress.samples import BOT
from tests.unit.telegram.wire import API_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from floodgate.delivery.message import Message
    from floodgate.settings import InboundLimits
    from tests.chaos.aws import Queues
    from tests.chaos.world import Chaos

#: The name of the secret with the bot's token.
TOKEN_NAME = "token"
_VISIBILITY_S = 120


class Workers:
    """All of them; `skews_s` says of each how fast its clock is, in seconds."""

    def __init__(self, world: Chaos, queues: Queues, skews_s: Sequence[float], limits: InboundLimits) -> None:
        self.count = len(skews_s)
        self._world = world
        self._queues = queues
        self._skews_s = skews_s
        self._settings = WorkerSettings(
            bot=BotSettings(str(BOT["id"]), TOKEN_NAME, API_URL, "state", admin_chat_id=None),
            inbound=limits,
            queue="updates",
            queue_url=world.updates.url,
            updates_queue_url=world.updates.url,
            tasks_queue_url="https://sqs.invalid/tasks.fifo",
            dead_queue_url=world.dead.url,
            traffic_table="traffic",
            concurrency=self.count,
            cache_s=300,
            paid_broadcasts=False,
            early_acknowledgement=False,
            retries=RetryPolicy(),
            repeat_unknown=False,
            deadline_s=int(DEADLINE_S),
            timeout_s=int(TIMEOUT_S),
            visibility_s=_VISIBILITY_S,
        )
        self._bot = Bot(world.ledger, world.clock)
        self._alive: dict[int, tuple[Worker, Life]] = {}
        self._lives: list[Life] = []
        self._works: set[asyncio.Task[Any]] = set()

    async def drain(self, number: int, messages: Sequence[Message]) -> Sequence[str]:
        """Have a worker work on a batch, for as long as Lambda lets it and it lives."""
        fault = self._world.faults.batch()
        kind = None if fault is None else fault.kind
        if kind is Batch.NEVER_CAME:
            raise Crashed
        worker, mine = self._worker(number)
        limit_s = fault.seconds if fault is not None and kind in {Batch.CUT, Batch.SHORT} else TIMEOUT_S
        told_s = TIMEOUT_S if kind is Batch.CUT else limit_s
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        token = life.set(mine)
        work = loop.create_task(worker._drain(list(messages), lambda: told_s - (loop.time() - began_at)))
        life.reset(token)
        self._works.add(work)
        work.add_done_callback(self._works.discard)
        ended = loop.create_task(mine.ended.wait())
        try:
            await asyncio.wait({work, ended}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if work.done() and not mine.is_over:
            failed = work.result()
            if kind is Batch.NOT_DELETED:
                self._blame_kill(message for message in messages if message.id not in failed)
                return [message.id for message in messages]
            return failed
        mine.end()
        work.cancel()
        del self._alive[number]
        self._blame_kill(messages)
        raise Crashed

    async def close(self) -> None:
        """End the dead and the living."""
        for one in self._lives:
            one.is_closing = True
            one.end()
        while works := list(self._works):
            for work in works:
                work.cancel()
            await asyncio.wait(works)

    def _worker(self, number: int) -> tuple[Worker, Life]:
        if number not in self._alive:
            mine = Life(self._world.faults, self._skews_s[number])
            self._lives.append(mine)
            worker = Worker(
                self._settings,
                self._bot.register,
                sqs=cast("SQSClient", self._queues),
                dynamodb=cast("DynamoDBClient", self._world.tables),
                secrets=cast("SecretsManagerClient", self._world.secrets),
                clock=_fast(self._world.clock, self._skews_s[number]),
            )
            self._alive[number] = worker, mine
        return self._alive[number]

    def _blame_kill(self, messages: Iterable[Message]) -> None:
        """Count what was in hand: what is not deleted yet."""
        self._world.ledger.killed(
            json.loads(message.body)["update_id"]
            for message in messages
            if self._world.updates.has_in_flight(message.id)
        )


def _fast(clock: Callable[[], float], skew_s: float) -> Callable[[], float]:
    return lambda: clock() + skew_s
