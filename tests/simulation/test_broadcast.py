"""A broadcast to a hundred thousand, on virtual time, while workers die: none twice, none missed without a word."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from httpx import ReadTimeout
from telegram.error import BadRequest, Forbidden, RetryAfter, TimedOut

from floodgate.announcements.chain import Chain
from floodgate.announcements.orders import Orders
from floodgate.announcements.progress import Count
from floodgate.state.broadcasts import BLOCK, Broadcasts
from floodgate.state.items import key
from floodgate.state.subscribers import Subscribers, shard_of
from floodgate.traffic.bulk import Pacer, at_pace, bulk_groups, pacing
from tests.simulation.fleet import LoopClock, SimulatedCalls
from tests.simulation.queries import QueriedTables
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from telegram import Bot

    from floodgate.state.broadcasts import Broadcast

ADMIN = 900
NAME = "0123456789ab"
#: As the template has it.
DEADLINE_S = 280.0
VISIBILITY_S = 1000.0
AWS_S = 0.005
TELEGRAM_S = 0.25

type Fault = Callable[[int], Exception | None]


class Killed(BaseException):
    """Lambda ended the process."""


@dataclass
class Telegram:
    """What Telegram gets of a bot's calls; each takes a quarter of a second, and arrives in the middle of it."""

    fault: Fault = lambda _chat: None
    got: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    hook: Callable[[str], None] = lambda _call: None

    async def copy_message(self, chat: int, *_: Any, **__: Any) -> None:
        """Copy it, at the pace that the limiter keeps."""
        if (pacer := pacing.get()) is not None:
            await pacer.turn()
        self.hook("copyMessage")
        await asyncio.sleep(TELEGRAM_S / 2)
        error = self.fault(chat)
        if error is None or isinstance(error, TimedOut):
            self.got[chat] += 1
            self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(TELEGRAM_S / 2)
        self.hook("copyMessage")
        if error is not None:
            raise error

    async def edit_message_text(self, text: str, *_: Any, **__: Any) -> None:
        """Show how it goes."""
        self.hook("editMessageText")
        self.shown.append(text)
        await asyncio.sleep(TELEGRAM_S)
        self.hook("editMessageText")

    async def send_chat_action(self, chat: int, _action: str) -> None:
        """Be typing."""
        if (error := self.fault(chat)) is not None:
            raise error


@dataclass
class Tasks:
    """`tasks.fifo`: in order within a group; an id once."""

    waiting: dict[str, deque[str]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def send_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803 - boto3's parameters
        MessageBody: str,  # noqa: N803
        MessageGroupId: str,  # noqa: N803
        MessageDeduplicationId: str,  # noqa: N803
    ) -> dict[str, Any]:
        """Queue a task."""
        del QueueUrl
        if MessageDeduplicationId not in self.ids:
            self.ids.add(MessageDeduplicationId)
            self.waiting.setdefault(MessageGroupId, deque()).append(MessageBody)
        return {}


class Bulletin:
    """A bot with subscribers, whose tasks are run one after the other in each group."""

    def __init__(self, subscribers: int, *, paid: bool = False) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = LoopClock(self.loop)
        self.tables = QueriedTables(self.clock, threshold=1_000_000)
        self.calls = SimulatedCalls(AWS_S)
        self.telegram = Telegram()
        self.queue = Tasks()
        self.paid = paid
        self.chats = list(range(1, subscribers + 1))
        for chat in self.chats:
            stored = {"since": {"N": "1"}, "renewed": {"N": "1"}}
            self.tables.update_item(
                TableName="state",
                Key=key(f"subscribers#{shard_of(chat)}", str(chat)),
                UpdateExpression="SET since = :since, renewed = :since",
                ExpressionAttributeValues={":since": stored["since"]},
            )
        self.pacers = {group: Pacer(is_paid=paid) for group in bulk_groups(paid=paid)}
        self.kills = 0

    @property
    def bot(self) -> Bot:
        """The bot object, as far as it goes."""
        return cast("Bot", self.telegram)

    def chain(self, calls: SimulatedCalls | None = None) -> Chain:
        """Return a new process's chain."""
        calls = calls or self.calls
        dynamodb = cast("DynamoDBClient", self.tables)
        self.broadcasts = Broadcasts(dynamodb, "state", calls, self.clock)
        self.subscribers = Subscribers(dynamodb, "state", calls, self.clock)
        sqs = cast("SQSClient", self.queue)
        return Chain(self.broadcasts, self.subscribers, sqs, "tasks", calls, self.clock)

    def orders(self) -> Orders:
        """Return what an admin's presses reach."""
        return Orders(self.chain(), bulk_groups(paid=self.paid), self.clock)

    async def confirm(self, name: str = NAME) -> None:
        """Propose a broadcast and confirm it."""
        orders = self.orders()
        await orders.propose(name, ADMIN, 5, "")
        await orders.press("confirm", name, 6)

    async def drain(self, kill_at: Callable[[], float | None] = lambda: None) -> None:
        """Run tasks until there are none: a task that was killed comes back when its visibility is over."""
        while any(self.queue.waiting.values()):
            groups = [group for group, waiting in self.queue.waiting.items() if waiting]
            await asyncio.gather(*(self._run_first(group, kill_at()) for group in groups))

    async def _run_first(self, group: str, kill_after_s: float | None) -> None:
        data = json.loads(self.queue.waiting[group][0])["task"]["data"]
        with at_pace(self.pacers[group]):
            work = asyncio.ensure_future(self.chain().step(self.bot, data, self.loop.time() + DEADLINE_S))
        began_at = self.loop.time()
        await asyncio.wait({work}, timeout=kill_after_s)
        if work.done():
            work.result()
            self.queue.waiting[group].popleft()
            return
        self.kills += 1
        work.cancel()
        await asyncio.wait({work})
        self.pacers[group] = Pacer(is_paid=self.paid)
        await asyncio.sleep(began_at + VISIBILITY_S - self.loop.time())

    async def broadcast(self, name: str = NAME) -> Broadcast:
        """Return it as it is now."""
        found = await self.broadcasts.find(name)
        assert found is not None
        return found

    async def count(self, name: str = NAME) -> Count:
        """Return what came of its recipients."""
        return Count.of(await self.broadcasts.lanes(await self.broadcast(name)))


@pytest.fixture(autouse=True)
def times_as_they_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


def simulate(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it on virtual time."""
    run(work())


def lost_answer() -> TimedOut:
    """Return what python-telegram-bot raises when Telegram does not answer."""
    error = TimedOut()
    error.__cause__ = ReadTimeout("late")
    return error


def most_in_a_second(times: list[float]) -> int:
    """Return how many went out in the busiest second."""
    found = start = 0
    for end, at in enumerate(times):
        while times[start] <= at - 1:
            start += 1
        found = max(found, end - start + 1)
    return found


def test_a_hundred_thousand_with_crashes() -> None:
    """Everybody gets it once, or is counted as blocked, failed or unknown; at 28 a second, and never above 30."""

    async def work() -> None:
        chance = random.Random(5)  # noqa: S311 - no secret
        bulletin = Bulletin(100_000)
        odd = {chat: chance.random() for chat in bulletin.chats}

        def fault(chat: int) -> Exception | None:
            if odd[chat] < 0.03:
                return Forbidden("Forbidden: bot was blocked by the user")
            if odd[chat] < 0.035:
                return BadRequest("Bad Request: VOICE_MESSAGES_FORBIDDEN")
            if odd[chat] < 0.036:
                return lost_answer()
            if odd[chat] < 0.037 and chance.random() < 0.5:
                return RetryAfter(40)
            return None

        bulletin.telegram.fault = fault
        await bulletin.confirm()
        began_at = bulletin.loop.time()
        await bulletin.drain(lambda: chance.uniform(1, 240) if chance.random() < 0.2 else None)
        count, broadcast = await bulletin.count(), await bulletin.broadcast()
        unknown = sum(0.035 <= value < 0.036 for value in odd.values())
        assert broadcast.state == "finished"
        assert count.claimed == count.settled == 100_000
        assert max(bulletin.telegram.got.values()) == 1
        assert bulletin.kills >= 2
        assert unknown <= count.unknown <= unknown + bulletin.kills * BLOCK
        assert count.sent <= len(bulletin.telegram.got) <= count.sent + count.unknown
        assert await bulletin.subscribers.count() == 100_000 - count.blocked
        working_s = bulletin.loop.time() - began_at - bulletin.kills * VISIBILITY_S
        assert 100_000 / working_s >= 28
        assert most_in_a_second(bulletin.telegram.times) <= 30
        print(bulletin.kills, count, working_s, 100_000 / working_s, bulletin.tables.writes, bulletin.tables.reads)

    simulate(work)
