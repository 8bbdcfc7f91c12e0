"""A broadcast to a hundred thousand, on virtual time, while workers die: none twice, none missed without a word."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, override

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from httpx import ConnectError, ReadTimeout
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TimedOut

from floodgate.announcements.chain import Chain
from floodgate.announcements.orders import Orders
from floodgate.announcements.progress import Count
from floodgate.state.broadcasts import BLOCK, Broadcasts
from floodgate.state.items import key
from floodgate.state.subscribers import SHARDS, Subscribers, shard_of
from floodgate.traffic.bulk import Pacer, at_pace, bulk_groups, pacing
from tests.simulation.faults import Fault
from tests.simulation.fleet import LoopClock, SimulatedCalls
from tests.simulation.queries import QueriedTables
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

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

type Refusal = Callable[[int], Exception | None]


class Killed(BaseException):
    """Lambda ended the process."""


@dataclass
class Point:
    """The `at`-th point at which a call begins or ends: there the process is killed, and does nothing after it."""

    at: int | None = None
    passed: int = 0
    armed: bool = True

    def pass_by(self) -> None:
        """Be at a point."""
        if not self.armed:
            return
        self.passed += 1
        if self.at is not None and self.passed > self.at:
            raise Killed


class MortalCalls(SimulatedCalls):
    """Calls of AWS with a point before and after each."""

    def __init__(self, point: Point) -> None:
        super().__init__(AWS_S)
        self._point = point

    @override
    async def run[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns."""
        self._point.pass_by()
        answer = await super().run(call, *args, **kwargs)
        self._point.pass_by()
        return answer


@dataclass
class Telegram:
    """What Telegram gets of a bot's calls; each takes a quarter of a second, and arrives in the middle of it."""

    fault: Refusal = lambda _chat: None
    got: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    hook: Callable[[], None] = lambda: None

    async def copy_message(self, chat: int, *_: Any, **__: Any) -> None:
        """Copy it, at the pace that the limiter keeps."""
        if (pacer := pacing.get()) is not None:
            await pacer.turn()
        self.hook()
        await asyncio.sleep(TELEGRAM_S / 2)
        error = self.fault(chat)
        if error is None or isinstance(error, TimedOut):
            self.got[chat] += 1
            self.times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(TELEGRAM_S / 2)
        self.hook()
        if error is not None:
            raise error

    async def edit_message_text(self, text: str, *_: Any, **__: Any) -> None:
        """Show how it goes."""
        self.hook()
        self.shown.append(text)
        await asyncio.sleep(TELEGRAM_S)
        self.hook()

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
        self.point = Point()
        self.calls = MortalCalls(self.point)
        self.telegram = Telegram(hook=self.point.pass_by)
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
        self.idle_s = 0.0

    @property
    def bot(self) -> Bot:
        """The bot object, as far as it goes."""
        return cast("Bot", self.telegram)

    def chain(self) -> Chain:
        """Return a new process's chain."""
        calls = self.calls
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
        await self._surely(lambda: self.orders().propose(name, ADMIN, 5, ""))
        await self.press("confirm", name)

    async def press(self, order: str, name: str = NAME) -> str:
        """Press a button, as often as it takes; return what that is answered."""
        said = await self._surely(lambda: self.orders().press(order, name, 6))
        assert said is not None
        return said

    async def _surely[T](self, work: Callable[[], Awaitable[T]]) -> T:
        """Handle an update, and again if the process is killed."""
        try:
            return await work()
        except Killed:
            self.point.armed = False
            self.kills += 1
            return await work()

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
            if isinstance(work.exception(), Killed):
                self.point.armed = False
                await self._die(group, began_at)
                return
            if isinstance(work.exception(), ClientError | BotoCoreError):
                await asyncio.sleep(5)  # it is tried again
                return
            work.result()
            self.queue.waiting[group].popleft()
            return
        work.cancel()
        await asyncio.wait({work})
        await self._die(group, began_at)

    async def _die(self, group: str, began_at: float) -> None:
        """Have a new process in the place of one that was killed, and its task visible again."""
        self.kills += 1
        self.pacers[group] = Pacer(is_paid=self.paid)
        idle_s = max(0.0, began_at + VISIBILITY_S - self.loop.time())
        self.idle_s += idle_s
        await asyncio.sleep(idle_s)

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


def unreached() -> NetworkError:
    """Return what python-telegram-bot raises when there is no connection to Telegram."""
    error = NetworkError("refused")
    error.__cause__ = ConnectError("refused")
    return error


async def in_order(bulletin: Bulletin, subscribers: int) -> Count:
    """Return what came of everybody: nobody got it twice, and nobody was missed without a word."""
    count, broadcast = await bulletin.count(), await bulletin.broadcast()
    assert (broadcast.state, broadcast.ended_at > 0) == ("finished", True)
    assert count.claimed == count.settled == subscribers
    assert set(bulletin.telegram.got.values()) <= {1}
    assert count.sent <= len(bulletin.telegram.got) <= count.sent + count.unknown
    assert await bulletin.broadcasts.waiting() == []
    assert bulletin.telegram.shown[-1].startswith("📣 Done")
    return count


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
                return RetryAfter(5)
            return None

        bulletin.telegram.fault = fault
        await bulletin.confirm()
        began_at, written = bulletin.loop.time(), bulletin.tables.writes
        await bulletin.drain(lambda: chance.uniform(1, 240) if chance.random() < 0.3 else None)
        count = await in_order(bulletin, 100_000)
        unanswered = sum(0.035 <= value < 0.036 for value in odd.values())
        assert bulletin.kills >= 3
        assert unanswered <= count.unknown <= unanswered + bulletin.kills * BLOCK
        assert await bulletin.subscribers.count() == 100_000 - count.blocked
        assert 100_000 / (bulletin.loop.time() - began_at - bulletin.idle_s) >= 28
        assert most_in_a_second(bulletin.telegram.times) <= 30
        assert (bulletin.tables.writes - written - count.blocked) / 100_000 <= 0.15

    simulate(work)


def some_are_odd(chat: int) -> Exception | None:
    """Return what is wrong with a few of many."""
    if chat % 10 == 0:
        return Forbidden("Forbidden: user is deactivated")
    return lost_answer() if chat == 7 else None


def test_whatever_call_the_process_dies_at() -> None:
    """Before or after each call of AWS and of Telegram, from the press to the summary: as if it had not."""

    async def work(at: int | None) -> int:
        bulletin = Bulletin(30)
        bulletin.point.at = at
        bulletin.telegram.fault = some_are_odd
        await bulletin.confirm()
        await bulletin.drain()
        bulletin.point.armed = False
        count = await in_order(bulletin, 30)
        assert count.failed == 0
        assert 1 <= count.unknown <= 1 + (BLOCK if bulletin.kills else 0)
        assert bulletin.kills == (at is not None)
        return bulletin.point.passed

    points = run(work(None))
    assert points > 100
    for at in range(points):
        run(work(at))


def test_two_die_and_the_unknown_are_sent_to_once() -> None:
    """With a button that works once; those of whom nobody knows after that stay unknown."""

    async def work() -> None:
        bulletin = Bulletin(200)
        await bulletin.confirm()
        kills = iter([2.0, 3.0])
        await bulletin.drain(lambda: next(kills, None))
        first = await in_order(bulletin, 200)
        assert 0 < first.unknown <= 2 * BLOCK
        before = Counter(bulletin.telegram.got)
        bulletin.telegram.fault = lambda chat: lost_answer() if chat % 5 == 0 else None
        assert await bulletin.press("again") == "They will get it."
        await bulletin.drain()
        second = await bulletin.count()
        assert bulletin.telegram.got.total() - before.total() == first.unknown
        assert max((bulletin.telegram.got - before).values()) == 1
        assert second.settled == second.claimed == 200
        assert 0 < second.unknown < first.unknown
        assert second.sent == first.sent + first.unknown - second.unknown
        assert await bulletin.press("again") == "That was done before."
        await bulletin.drain()
        assert await bulletin.count() == second

    simulate(work)


def test_a_kill_while_the_unknown_are_sent_to() -> None:
    """Leaves those in hand unknown for good, and the rest get it."""

    async def work() -> None:
        bulletin = Bulletin(200)
        await bulletin.confirm()
        kills = iter([2.0, 3.0, 2.0])
        await bulletin.drain(lambda: next(kills, None))
        kills = iter([0.5])
        unknown = (await bulletin.count()).unknown
        await bulletin.press("again")
        await bulletin.drain(lambda: next(kills, None))
        count = await bulletin.count()
        assert (await bulletin.broadcast()).state == "finished"
        assert count.settled == count.claimed == 200
        assert 0 < count.unknown <= BLOCK < unknown

    simulate(work)


def test_paid_broadcasts_go_out_side_by_side() -> None:
    """In their own groups, each a part of the shards; together near the rate that is paid for, and not above it."""

    async def work() -> None:
        bulletin = Bulletin(20_000, paid=True)
        await bulletin.confirm()
        kills = iter([None, 4.0, None, 6.0])
        await bulletin.drain(lambda: next(kills, None))
        count = await in_order(bulletin, 20_000)
        assert (bulletin.kills, 0 < count.unknown <= 2 * BLOCK) == (2, True)
        times = sorted(bulletin.telegram.times)
        assert times[len(times) * 3 // 4] - times[0] < 20_000 * 0.75 / 800
        assert most_in_a_second(times) <= 1000

    simulate(work)


def test_the_next_waits_its_turn() -> None:
    """A second broadcast is told its place, begins when the first is over, and goes to everybody."""

    async def work() -> None:
        bulletin = Bulletin(500)
        await bulletin.confirm()
        await bulletin.orders().propose("b" * 12, ADMIN, 8, "")
        assert await bulletin.press("confirm", "b" * 12) == "Confirmed. It waits for 1 before it."
        assert [*bulletin.queue.waiting] == ["bulk"]
        assert len(bulletin.queue.waiting["bulk"]) == 1
        await bulletin.drain()
        first, second = await bulletin.broadcast(), await bulletin.broadcast("b" * 12)
        assert first.ended_at <= second.started_at
        assert set(bulletin.telegram.got.values()) == {2}
        assert (await bulletin.count("b" * 12)).sent == 500

    simulate(work)


def test_orders_are_seen_at_the_next_block() -> None:
    """Pause and Cancel let through what is in hand, and no more; Resume goes on where it stopped."""

    async def work() -> None:
        bulletin = Bulletin(1000)
        await bulletin.confirm()
        draining = asyncio.ensure_future(bulletin.drain())
        await asyncio.sleep(10)
        before = len(bulletin.telegram.times)
        assert await bulletin.press("pause") == "Paused."
        await draining
        sent = (await bulletin.count()).sent
        assert 200 < before <= sent <= before + BLOCK + 8
        assert bulletin.telegram.shown[-1].splitlines()[:2] == [
            "📣 Paused",
            f"{sent} of 1000 sent · 0 blocked · 0 failed · 0 unknown",
        ]
        assert await bulletin.press("resume") == "Going on."
        draining = asyncio.ensure_future(bulletin.drain())
        await asyncio.sleep(10)
        before = len(bulletin.telegram.times)
        assert await bulletin.press("cancel") == "Cancelled."
        await draining
        count = await bulletin.count()
        assert 400 < before <= count.sent == count.claimed <= before + BLOCK + 8
        assert ((await bulletin.broadcast()).state, await bulletin.broadcasts.waiting()) == ("cancelled", [])
        assert bulletin.telegram.shown[-1].startswith("📣 Cancelled")
        assert f"About {1000 - count.claimed} were not sent to." in bulletin.telegram.shown[-1]
        assert set(bulletin.telegram.got.values()) == {1}

    simulate(work)


def test_paid_ones_show_what_was_in_hand_at_pause() -> None:
    """Whichever lane is through last."""

    async def work() -> None:
        bulletin = Bulletin(20_000, paid=True)
        await bulletin.confirm()
        draining = asyncio.ensure_future(bulletin.drain())
        await asyncio.sleep(5)
        await bulletin.press("pause")
        await draining
        count = await bulletin.count()
        assert 0 < count.sent == count.claimed < 20_000
        assert bulletin.telegram.shown[-1].splitlines()[:2] == [
            "📣 Paused",
            f"{count.sent} of 20000 sent · 0 blocked · 0 failed · 0 unknown",
        ]

    simulate(work)


def test_the_next_lane_shows_it_when_the_first_is_done() -> None:
    """In paid mode, where lanes are not done at the same time; one of them shows it at a time."""

    async def work() -> None:
        bulletin = Bulletin(5000, paid=True)
        slow = {chat for chat in bulletin.chats if shard_of(chat) % len(bulk_groups(paid=True)) == 3}

        def fault(chat: int) -> Exception | None:
            return RetryAfter(20) if chat in slow and bulletin.loop.time() < 30 else None

        bulletin.telegram.fault = fault
        await bulletin.confirm()
        await bulletin.drain()
        sending = [text for text in bulletin.telegram.shown if text.startswith("📣 Sending")]
        assert 2 <= len(sending) <= bulletin.loop.time() / 6 + 2
        assert (await in_order(bulletin, 5000)).sent == 5000

    simulate(work)


def test_a_second_round_that_was_cancelled_goes_on() -> None:
    """With those whose turn had not come; nobody is sent to a third time."""

    async def work() -> None:
        bulletin = Bulletin(1000)
        unknown = set(range(1, 1001, 4))
        bulletin.telegram.fault = lambda chat: lost_answer() if chat in unknown else None
        await bulletin.confirm()
        await bulletin.drain()
        first = await bulletin.count()
        unknown.clear()
        bulletin.telegram.got.clear()
        await bulletin.press("again")
        draining = asyncio.ensure_future(bulletin.drain())
        await asyncio.sleep(3)
        await bulletin.press("cancel")
        await draining
        second = await bulletin.count()
        assert ((await bulletin.broadcast()).state, 0 < second.unknown < first.unknown) == ("cancelled", True)
        assert second.rest > 0
        assert "not sent to" not in bulletin.telegram.shown[-1]
        assert await bulletin.press("again") == "They will get it."
        await bulletin.drain()
        last = await bulletin.count()
        assert ((await bulletin.broadcast()).state, last.sent, last.unknown) == ("finished", 1000, 0)
        assert bulletin.telegram.got.total() == len(bulletin.telegram.got) == first.unknown
        assert await bulletin.press("again") == "That was done before."

    simulate(work)


def test_resume_ends_the_chain_before_it() -> None:
    """Pressed while its last step is still at work, it makes no second chain of steps."""

    async def work() -> None:
        bulletin = Bulletin(2000)
        await bulletin.confirm()
        draining = asyncio.ensure_future(bulletin.drain())
        await asyncio.sleep(5)
        for _ in range(3):
            await bulletin.press("pause")
            await bulletin.press("resume")
        await draining
        count = await in_order(bulletin, 2000)
        assert count.sent == 2000

    simulate(work)


def test_a_frozen_chat_holds_nobody_up() -> None:
    """It gets its copy in the end; one that is frozen for longer than a broadcast waits has failed."""

    async def work() -> None:
        bulletin = Bulletin(1000)
        frozen_until = {3: 100.0, 500: 20.0, 700: 86_400.0}

        def fault(chat: int) -> Exception | None:
            left_s = frozen_until.get(chat, 0.0) - bulletin.loop.time()
            return RetryAfter(int(left_s) + 1) if left_s > 0 else None

        bulletin.telegram.fault = fault
        await bulletin.confirm()
        await bulletin.drain()
        count = await in_order(bulletin, 1000)
        assert (count.sent, count.failed) == (999, 1)
        assert bulletin.telegram.times[997] < 40
        assert 100 < bulletin.telegram.times[998] < 110

    simulate(work)


def test_a_bot_that_is_told_to_wait_rests() -> None:
    """While Telegram refuses everybody, one is tried now and then, and hardly anybody fails for it."""

    async def work() -> None:
        bulletin = Bulletin(1000)
        asked = 0

        def fault(_chat: int) -> Exception | None:
            nonlocal asked
            if not 10 < bulletin.loop.time() < 190:
                return None
            asked += 1
            return RetryAfter(max(1, int(190 - bulletin.loop.time())))

        bulletin.telegram.fault = fault
        await bulletin.confirm()
        await bulletin.drain()
        count = await in_order(bulletin, 1000)
        assert count.sent == 1000
        assert asked <= 40

    simulate(work)


@pytest.mark.parametrize("trouble", [unreached, lambda: NetworkError("Bad Gateway"), lost_answer])
def test_an_outage_is_waited_for(trouble: Callable[[], Exception]) -> None:
    """While Telegram answers nobody, one is tried now and then: nobody fails for it, and few are unknown."""

    async def work() -> None:
        bulletin = Bulletin(4000)
        bulletin.telegram.fault = lambda _chat: trouble() if 10 < bulletin.loop.time() < 130 else None
        await bulletin.confirm()
        await bulletin.drain()
        count = await in_order(bulletin, 4000)
        assert count.failed == 0
        assert count.unknown <= (BLOCK + 10 if trouble is lost_answer else 0)

    simulate(work)


def test_who_has_left_is_not_sent_to_again() -> None:
    """Of the unknown, those who have unsubscribed since get nothing, and stay unknown."""

    async def work() -> None:
        bulletin = Bulletin(100)
        unknown = {5, 6, 7}
        bulletin.telegram.fault = lambda chat: lost_answer() if chat in unknown else None
        await bulletin.confirm()
        await bulletin.drain()
        assert (await bulletin.count()).unknown == 3
        await bulletin.subscribers.unsubscribe(5)
        unknown.clear()
        bulletin.telegram.got.clear()
        await bulletin.press("again")
        await bulletin.drain()
        assert set(bulletin.telegram.got) == {6, 7}
        assert (await bulletin.count()).unknown == 1

    simulate(work)


def test_what_is_wrong_for_everybody_stops_it() -> None:
    """A message that is gone is not missed by all: the broadcast is paused and says why, and can go on."""

    async def work() -> None:
        bulletin = Bulletin(300)
        bulletin.telegram.fault = lambda _chat: (
            BadRequest("Message to copy not found") if 5 < bulletin.loop.time() < 60 else None
        )
        await bulletin.confirm()
        await bulletin.drain()
        assert (await bulletin.broadcast()).state == "paused"
        assert "Stopped: the message cannot be copied any more." in bulletin.telegram.shown[-1]
        assert (await bulletin.count()).failed == 0
        await asyncio.sleep(60)
        await bulletin.press("resume")
        await bulletin.drain()
        assert (await in_order(bulletin, 300)).sent == 300

    simulate(work)


def test_what_is_refused_everywhere_stops_it() -> None:
    """Also if Telegram's words are new: a block or two have failed, and the others get it after Resume."""

    async def work() -> None:
        bulletin = Bulletin(300)
        bulletin.telegram.fault = lambda _chat: BadRequest("SOMETHING_NEW") if bulletin.loop.time() < 60 else None
        await bulletin.confirm()
        await bulletin.drain()
        assert (await bulletin.broadcast()).state == "paused"
        assert "Stopped: Telegram refuses the message in one chat after the other." in bulletin.telegram.shown[-1]
        failed = (await bulletin.count()).failed
        assert BLOCK <= failed <= 2 * BLOCK
        await asyncio.sleep(60)
        await bulletin.press("resume")
        await bulletin.drain()
        assert (await in_order(bulletin, 300)).sent == 300 - failed

    simulate(work)


def test_aws_in_trouble() -> None:
    """Throttled and lost answers make nobody unknown, and nobody gets it twice."""

    async def work() -> None:
        bulletin = Bulletin(1000)
        await bulletin.confirm()
        chance = random.Random(3)  # noqa: S311 - no secret

        def fault(operation: str, _key: object) -> Fault | None:
            if operation not in {"update_item", "get_item"}:
                return None
            return chance.choices((None, Fault.THROTTLED, Fault.LOST), (8, 1, 1))[0]

        bulletin.tables.fault = fault
        await bulletin.drain()
        bulletin.tables.fault = None
        assert (await in_order(bulletin, 1000)).sent == 1000

    simulate(work)


def test_who_comes_or_goes_meanwhile() -> None:
    """Who subscribes after it began does not get it; who comes back after they blocked the bot stays."""

    async def work() -> None:
        bulletin = Bulletin(400)
        bulletin.telegram.fault = lambda chat: Forbidden("bot was blocked by the user") if chat in {1, 2} else None
        await bulletin.confirm()
        draining = asyncio.ensure_future(bulletin.drain())
        await asyncio.sleep(1)
        assert await bulletin.subscribers.subscribe(9999)
        late = max(chat for chat in bulletin.chats if shard_of(chat) == SHARDS - 1)
        assert await bulletin.subscribers.unsubscribe(late)
        await draining
        assert (await bulletin.count()).sent == 397
        assert {late, 9999}.isdisjoint(bulletin.telegram.got)
        assert await bulletin.subscribers.subscribe(1)
        await bulletin.subscribers.lapse(1, bulletin.clock() - 5)
        assert await bulletin.subscribers.is_subscribed(1)
        assert not await bulletin.subscribers.is_subscribed(2)

    simulate(work)
