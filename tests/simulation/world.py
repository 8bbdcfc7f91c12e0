"""A bot in a flood, on virtual time: many workers, one table, one queue, and Telegram with Telegram's limits.

Everything that decides is the real thing: the batch consumer, admission, gates, lease, cache and limiter of the
library, and the emulator's own limits on sending. What is not is what would only take time: DynamoDB and SQS are the
models beside this file, and a handler is a function that calls the limiter hook as python-telegram-bot would.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from telegram.error import RetryAfter

from floodgate.cache.cache import Cache
from floodgate.delivery.admission import Admissions
from floodgate.delivery.batch import BatchConsumer
from floodgate.delivery.dead_queue import DeadQueue
from floodgate.delivery.journal import Journal
from floodgate.delivery.queue import Queue
from floodgate.delivery.suspects import Suspects
from floodgate.delivery.updates import UpdateHandling
from floodgate.retry import RetryPolicy
from floodgate.settings import InboundLimits
from floodgate.state.records import Records
from floodgate.telegram.limiter import Limiter
from floodgate.telegram.run import Run, running
from floodgate.traffic.gate import Gates
from floodgate.traffic.lease import Lease
from floodgate.traffic.limits import Limit
from local.telegram.limits import SendLimits
from tests.simulation.dynamodb import Tables
from tests.simulation.fleet import Fleet, LoopClock, SimulatedCalls
from tests.simulation.queue import FifoQueue

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from telegram import Bot

    from floodgate.delivery.message import Message
    from floodgate.ingress.updates import IncomingUpdate
    from tests.simulation.faults import FaultHook

#: What a call of AWS and of Telegram takes, in seconds.
AWS_S = 0.005
TELEGRAM_S = 0.08
#: As the template has it.
DEADLINE_S = 10.0
TIMEOUT_S = 20.0
VISIBILITY_S = 120.0
CONCURRENCY = 50

type Handler = Callable[[Run, "Environment"], Awaitable[None]]


def inbound(*, user: str = "off", chat: str = "off", bot: str = "off", quiet_s: int = 300) -> InboundLimits:
    """Return limits as they are written in the template."""
    return InboundLimits(Limit.parse(user), Limit.parse(chat), Limit.parse(bot), quiet_s, admit_without_store=False)


@dataclass(frozen=True)
class Sent:
    """A call that Telegram took."""

    at: float
    method: str
    chat: int
    text: str


@dataclass
class Telegram:
    """Telegram's side: its limits, and, if `unlucky` is given, a 429 of 1 to 60 s for one call in a hundred."""

    clock: Callable[[], float]
    unlucky: random.Random | None = None
    sent: list[Sent] = field(default_factory=list)
    #: When calls were refused for Telegram's own limits, and for no reason.
    refused_at: list[float] = field(default_factory=list)
    bad_luck: int = 0
    #: Calls into a chat that had been told to wait, and had known for longer than a call takes.
    called_while_frozen: int = 0
    #: Chats whose next call is told to wait for so many seconds.
    freezes: dict[int, int] = field(default_factory=dict)
    titles: dict[int, str] = field(default_factory=dict)
    asked: Counter[int] = field(default_factory=Counter)
    _frozen_until: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no limit used."""
        self.limits = SendLimits(self.clock)

    async def call(self, method: str, data: dict[str, Any]) -> Any:
        """Answer a call of the Bot API."""
        await asyncio.sleep(TELEGRAM_S / 2)
        answer = self._answer(method, data)
        await asyncio.sleep(TELEGRAM_S / 2)
        if isinstance(answer, RetryAfter):
            raise answer
        return answer

    def _answer(self, method: str, data: dict[str, Any]) -> Any:
        chat, now = data["chat_id"], self.clock()
        if method == "getChat":
            self.asked[chat] += 1
            return {"id": chat, "type": "supergroup", "title": self.titles[chat]}
        if now < self._frozen_until.get(chat, 0.0):
            self.called_while_frozen += 1
        seconds = self.freezes.pop(chat, 0)
        if self.unlucky is not None and self.unlucky.random() < 0.01:
            seconds = self.unlucky.randint(1, 60)
        if seconds:
            self._frozen_until[chat] = now + seconds
            self.bad_luck += 1
            return RetryAfter(seconds)
        if wait_s := self.limits.send(chat):
            self.refused_at.append(now)
            return RetryAfter(wait_s)
        self.sent.append(Sent(now, method, chat, data["text"]))
        return {"message_id": len(self.sent), "date": int(now), "chat": {"id": chat, "type": "private"}}


class Environment:
    """One worker's execution environment."""

    def __init__(self, world: World, handler: Handler) -> None:
        """Make what a worker makes with its first batch."""
        clock, calls = world.clock, world.calls
        dynamodb = cast("DynamoDBClient", world.tables)
        sqs = cast("SQSClient", world.queue)
        self.telegram = world.telegram
        self.gates = Gates(dynamodb, "traffic", calls, clock)
        self.cache = Cache(dynamodb, "traffic", calls, clock)
        self.limiter = Limiter({}, self.gates, self.cache)
        lease = None
        if world.limits.bot is not None:
            lease = Lease(dynamodb, "traffic", calls, clock, world.limits.bot, world.workers)
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        journal = Journal(dynamodb, "traffic", calls, clock)
        self._handling = UpdateHandling(
            Admissions(
                cast("Bot", self),
                self.gates,
                lease,
                self.cache,
                Records(dynamodb, "state", calls, clock),
                world.limits,
                admin_chat_id=None,
                early_acknowledgement=False,
                clock=clock,
            ),
            self._process,
            journal,
            DeadQueue(sqs, "dead", "updates", calls),
            suspects=Suspects(journal, clock, visibility_s=VISIBILITY_S),
            deadline_s=DEADLINE_S,
            retries=RetryPolicy(),
            clock=clock,
        )
        self._consumer = BatchConsumer(Queue(sqs, world.queue.url, calls), self._handling, deadline_s=DEADLINE_S)

    async def drain(self, messages: Sequence[Message]) -> Sequence[str]:
        """Work on one batch, for as long as Lambda lets it."""
        started = self._loop.time()
        return await self._consumer.consume(messages, lambda: TIMEOUT_S - (self._loop.time() - started))

    async def _process(self, run: Run) -> bool:
        token = running.set(run)
        try:
            await self._handler(run, self)
        finally:
            running.reset(token)
        return True

    async def ask(self, method: str, **data: Any) -> Any:
        """Make a call as the bot object does."""
        return await self.limiter.process_request(self.telegram.call, (method, data), {}, method, data, None)

    async def send_message(self, chat: int, text: str, **_: object) -> Any:
        """Be the bot that says the notices."""
        return await self.ask("sendMessage", chat_id=chat, text=text)


class World:
    """Everything at once; made on a running loop."""

    def __init__(
        self,
        handler: Handler,
        limits: InboundLimits,
        *,
        workers: int = CONCURRENCY,
        unlucky: random.Random | None = None,
        fault: FaultHook | None = None,
    ) -> None:
        """Make the workers, and nothing for them to do. `fault` says how the table's requests go wrong."""
        self.loop = asyncio.get_running_loop()
        self.clock = LoopClock(self.loop)
        self.limits = limits
        self.workers = workers
        self.calls = SimulatedCalls(AWS_S, attempts=1 if fault is None else 2)  # as botocore does, see floodgate.aws
        self.tables = Tables(self.clock, fault=fault)
        self.queue = FifoQueue(self.clock)
        self.telegram = Telegram(self.clock, unlucky)
        self.started_at = self.clock()
        self._update_ids = itertools.count(500_000_001)
        self._numbers: defaultdict[int, itertools.count[int]] = defaultdict(itertools.count)
        environments = [Environment(self, handler) for _ in range(workers)]
        self._fleet = Fleet(self.queue, lambda number, batch: environments[number].drain(batch), workers=workers)

    def say(self, chat: int, person: int | None = None, **content: Any) -> None:
        """Queue a message, as the webhook does; its text is its number in its chat."""
        update_id = next(self._update_ids)
        message = {
            "message_id": update_id,
            "date": int(self.clock()),
            "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup"},
            "from": {"id": chat if person is None else person, "is_bot": False, "first_name": "Ann"},
            **(content or {"text": str(next(self._numbers[chat]))}),
        }
        self.telegram.limits.heard(chat)
        self.queue.send(json.dumps({"update_id": update_id, "message": message}), f"chat:{chat}", str(update_id))

    async def run(self, *feeds: Any, until_s: float | None = None) -> None:
        """Let the workers work until everything is done, or until the loop's time is `until_s`."""
        await self._fleet.run(*feeds, until_s=until_s)

    def sent_to(self, chat: int) -> list[Sent]:
        """Return what arrived in a chat, in the order in which it did."""
        return [sent for sent in self.telegram.sent if sent.chat == chat]

    def out_of_order(self, chats: Iterable[int]) -> list[int]:
        """Return the chats in which an answer came before another to an earlier message, or twice."""
        answers = defaultdict(list)
        for sent in self.telegram.sent:
            if sent.text.isdecimal():
                answers[sent.chat].append(int(sent.text))
        return [chat for chat in chats if answers[chat] != list(range(len(answers[chat])))]


async def reply(run: Run, worker: Environment) -> None:
    """Answer every message with its own text."""
    message = run.update.update["message"]
    await worker.ask("sendMessage", chat_id=message["chat"]["id"], text=message["text"])


def content_of(update: IncomingUpdate) -> dict[str, Any]:
    """Return the message of an update."""
    message: dict[str, Any] = update.update["message"]
    return message
