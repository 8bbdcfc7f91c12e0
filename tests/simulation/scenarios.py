"""What happens to the bot in the simulations, and what came of it: for the tests, and for `make bench`.

Each function runs one scenario and returns its figures; none decides whether they are good. All of it is deterministic:
chance comes from seeds.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from telegram.error import RetryAfter

from floodgate.telegram.errors import told_to_wait_s
from floodgate.traffic.gate import Admitted, Gates, Ticket
from floodgate.traffic.lease import Lease
from floodgate.traffic.limits import Limit
from tests.simulation.dynamodb import Tables
from tests.simulation.faults import Fault
from tests.simulation.fleet import LoopClock, SimulatedCalls
from tests.simulation.world import AWS_S, Environment, World, content_of, inbound, reply
from tests.unit.delivery import virtual_time

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.telegram.run import Run

GROUP = -1001
PRIVATE = 1
CHATS = range(2, 202)
EVERYWHERE = (GROUP, PRIVATE, *CHATS)
MINUTE_S = 60.0
#: How fast Lambda adds workers to a queue (300 a minute, AWS Lambda's developer guide, November 2026).
WORKERS_PER_S = 5.0


def run[T](scenario: Coroutine[Any, Any, T]) -> T:
    """Return what the scenario returns, on a loop of its own, with the same chances every time."""
    random.seed(1)  # of the library's own pauses
    return virtual_time.run(scenario)


@dataclass(frozen=True)
class Saturated:
    """Chats that always have something to be answered."""

    #: Answers, by chat.
    answers: Counter[int]
    #: How long after the beginning Telegram refused a call for its own limits, in seconds.
    refused_after_s: list[float]
    out_of_order: list[int]
    duration_s: float

    def share(self, chat: int) -> float:
        """Return how much of what Telegram's limit allows the chat got; the burst at the beginning is left out."""
        per_s = 20 / MINUTE_S if chat < 0 else 1.0
        return self.answers[chat] / (per_s * self.duration_s)


def saturate(chats: Sequence[int] = EVERYWHERE, *, workers: int = 50, duration_s: float = 600.0) -> Saturated:
    """Give every chat more messages than may be answered, and look what is answered in that time."""

    async def main() -> Saturated:
        world = World(reply, inbound(), workers=workers)

        async def speak() -> None:
            # Minute by minute: of more than 120 000 messages a FIFO queue sees the first alone.
            while True:
                for chat in chats:
                    for _ in range(25 if chat < 0 else 75):
                        world.say(chat)
                await asyncio.sleep(MINUTE_S)

        await world.run(speak(), until_s=duration_s)
        return Saturated(
            Counter(sent.chat for sent in world.telegram.sent),
            [at - world.started_at for at in world.telegram.refused_at],
            world.out_of_order(chats),
            duration_s,
        )

    return run(main())


@dataclass(frozen=True)
class Contended:
    """One chat that all workers write to at once, each from an update of another chat."""

    answers: int
    refused: int
    duration_s: float
    share: float


def contend(chat: int, *, workers: int = 50, duration_s: float = 600.0) -> Contended:
    """Have every worker send into one chat all the time; who is told to wait, waits."""

    async def main() -> Contended:
        world = World(reply, inbound(), workers=0)
        environments = [Environment(world, reply) for _ in range(workers)]

        async def keep_sending(worker: Environment) -> None:
            while True:
                try:
                    await worker.ask("sendMessage", chat_id=chat, text="now")
                except RetryAfter as refusal:
                    await asyncio.sleep(told_to_wait_s(refusal) or 0.0)

        try:
            async with asyncio.timeout(duration_s), asyncio.TaskGroup() as group:
                for worker in environments:
                    group.create_task(keep_sending(worker))
        except TimeoutError:
            pass
        answers = len(world.telegram.sent)
        allowed = duration_s * (20 / MINUTE_S if chat < 0 else 1.0)
        return Contended(answers, len(world.telegram.refused_at), duration_s, answers / allowed)

    return run(main())


@dataclass(frozen=True)
class Unlucky:
    """Chats that Telegram froze at random."""

    messages: int
    answers: int
    freezes: int
    called_while_frozen: int
    refused: int
    out_of_order: list[int]
    dead_letters: int


def freeze_at_random(*, workers: int = 50, messages: int = 60, seed: int = 7) -> Unlucky:
    """Answer every message of every chat while one call in a hundred is told to wait for 1 to 60 s."""

    async def main() -> Unlucky:
        world = World(reply, inbound(), workers=workers, unlucky=random.Random(seed))  # noqa: S311 - chance with a seed
        for chat in EVERYWHERE:
            for _ in range(messages):
                world.say(chat)
        await world.run()
        return Unlucky(
            messages * len(EVERYWHERE),
            len(world.telegram.sent),
            world.telegram.bad_luck,
            world.telegram.called_while_frozen,
            len(world.telegram.refused_at),
            world.out_of_order(EVERYWHERE),
            world.queue.sent - messages * len(EVERYWHERE),
        )

    return run(main())


def freeze_for(seconds: int, *, messages: int = 12) -> tuple[Unlucky, float]:
    """Have Telegram freeze one of two chats for so long; return what came of it, and when the last answer came."""

    async def main() -> tuple[Unlucky, float]:
        world = World(reply, inbound(user="30/min burst 20", bot="6000/min"), workers=3)
        world.telegram.freezes[PRIVATE] = seconds
        for _ in range(messages):
            for chat in (PRIVATE, CHATS[0]):
                world.say(chat)
        await world.run()
        figures = Unlucky(
            2 * messages,
            len(world.telegram.sent),
            world.telegram.bad_luck,
            world.telegram.called_while_frozen,
            len(world.telegram.refused_at),
            world.out_of_order((PRIVATE, CHATS[0])),
            world.queue.sent - 2 * messages,
        )
        return figures, max(sent.at for sent in world.telegram.sent) - world.started_at

    return run(main())


@dataclass(frozen=True)
class Troubled:
    """A table that throttles, and whose answers get lost."""

    messages: int
    answers: int
    faults: Counter[Fault]
    out_of_order: list[int]
    dead_letters: int


def trouble_the_table(*, workers: int = 20, chats: int = 100, messages: int = 20, seed: int = 5) -> Troubled:
    """Answer every message while of the table's requests 5 % are throttled, and 2 % done without an answer."""
    chance = random.Random(seed)  # noqa: S311 - chance with a seed
    faults: Counter[Fault] = Counter()

    def fault(_operation: str, _key: object) -> Fault | None:
        draw = chance.random()
        found = Fault.LOST if draw < 0.02 else Fault.THROTTLED if draw < 0.07 else None
        if found is not None:
            faults[found] += 1
        return found

    async def main() -> Troubled:
        world = World(reply, inbound(user="600/min", bot="6000/min"), workers=workers, fault=fault)
        for chat in range(1, chats + 1):
            for _ in range(messages):
                world.say(chat)
        await world.run()
        return Troubled(
            messages * chats,
            len(world.telegram.sent),
            faults,
            world.out_of_order(range(1, chats + 1)),
            world.queue.sent - messages * chats,
        )

    return run(main())


@dataclass(frozen=True)
class Flooded:
    """Normal users beside one who floods."""

    #: How long each normal user waited for the answer, in seconds, without and with the flooder.
    undisturbed_s: list[float]
    disturbed_s: list[float]
    #: What the flooder got.
    answers: int
    notices: int
    #: Copies of updates, answers out of order.
    out_of_order: list[int]

    def slowdown(self, share: float) -> float:
        """Return the ratio of the two at a percentile: 0.5, 0.99, 1.0."""
        place = min(len(self.disturbed_s) - 1, int(share * len(self.disturbed_s)))
        return sorted(self.disturbed_s)[place] / sorted(self.undisturbed_s)[place]


def flood(*, flood: int = 10_000, users: int = 1000, within_s: float = 60.0, workers: int = 50) -> Flooded:
    """Have one person send all at once while others send two messages each, some time within a minute."""
    flooder = 666

    def one(size: int) -> tuple[list[float], World]:
        async def main() -> tuple[list[float], World]:
            world = World(
                reply, inbound(user="30/min burst 10", chat="300/min burst 100", bot="6000/min"), workers=workers
            )
            said: dict[tuple[int, str], float] = {}
            chance = random.Random(3)  # noqa: S311 - chance with a seed
            moments = sorted((chance.uniform(0, within_s), 1000 + user) for user in range(users) for _ in range(2))

            async def speak() -> None:
                for at, user in moments:
                    await asyncio.sleep(at - world.loop.time())
                    said[user, str(sum(1 for chat, _ in said if chat == user))] = world.clock()
                    world.say(user)

            for _ in range(size):
                world.say(flooder)
            await world.run(speak())
            answered = {(sent.chat, sent.text): sent.at for sent in world.telegram.sent}
            return [answered[key] - at for key, at in said.items()], world

        return run(main())

    undisturbed_s, _ = one(0)
    disturbed_s, world = one(flood)
    heard = world.sent_to(flooder)
    notices = [sent for sent in heard if not sent.text.isdecimal()]
    return Flooded(
        undisturbed_s,
        disturbed_s,
        len(heard) - len(notices),
        len(notices),
        world.out_of_order(range(1000, 1000 + users)),
    )


@dataclass(frozen=True)
class Crowded:
    """Very many chats, and the limit of the whole bot."""

    chats: int
    admitted: int
    duration_s: float
    #: The most admitted in any minute, and in the least of the full ones, as a share of the limit.
    most: float
    least: float
    #: Keys that saw more than 100 writes in a second.
    hot_keys: dict[Any, int]
    #: The most writes in a second of the bot's own key.
    bot_key_per_s: int


def crowd(*, chats: int, limit: str, workers: int = 50) -> Crowded:
    """Let one update of each chat in, as fast as the workers can, ten at a time each."""

    async def main() -> Crowded:
        loop = asyncio.get_running_loop()
        clock, calls = LoopClock(loop), SimulatedCalls(AWS_S)
        tables = Tables(clock, {"traffic": ("pk",)}, threshold=1)
        dynamodb = cast("DynamoDBClient", tables)
        bot = Limit.parse(limit)
        assert bot is not None
        numbers = iter(range(1, chats + 1))
        admitted_at: list[float] = []
        user = Limit.parse("30/min burst 10")

        async def work(gates: Gates, lease: Lease, numbers: Iterator[int], starts_at: float) -> None:
            await asyncio.sleep(starts_at)
            for number in numbers:
                ticket = Ticket(number, f"{number:08}")
                found = await gates.admit(number, ticket, user, reserve_reply=True)
                assert isinstance(found, Admitted)
                while (wait_s := await lease.take()) > 0:  # noqa: ASYNC110 - it waits in the queue, so to speak
                    await asyncio.sleep(wait_s)
                admitted_at.append(loop.time())

        async with asyncio.TaskGroup() as group:
            for worker in range(workers):
                gates = Gates(dynamodb, "traffic", calls, clock)
                lease = Lease(dynamodb, "traffic", calls, clock, bot, workers)
                for _ in range(10):
                    group.create_task(work(gates, lease, numbers, worker / WORKERS_PER_S))
        duration_s = loop.time()
        allowed = MINUTE_S / bot.interval_s
        admitted_at.sort()
        starts = range(int(workers / WORKERS_PER_S), int(duration_s - MINUTE_S))
        counts = [bisect_left(admitted_at, at + MINUTE_S) - bisect_left(admitted_at, at) for at in starts]
        busiest = tables.busiest("traffic", 1)
        return Crowded(
            chats,
            len(admitted_at),
            duration_s,
            max(counts) / allowed,
            min(counts) / allowed,
            {key: most for key, most in busiest.items() if most > 100},
            max((most for key, most in busiest.items() if "gate#bot" in str(key)), default=0),
        )

    return run(main())


@dataclass(frozen=True)
class Backlogged:
    """More than the bot's own limit allows, all at once, through the queue."""

    messages: int
    answers: int
    #: When the last was answered, and when it could have been at the limit itself.
    last_s: float
    ideal_s: float
    #: The most answered in any minute, as a share of the limit.
    most: float
    #: How often a message was received at most.
    handed_out: float


def hold_back(limit: str, *, minutes: float, workers: int) -> Backlogged:
    """Have so many minutes' worth of messages come at once, each from another person."""

    async def main() -> Backlogged:
        bot = Limit.parse(limit)
        assert bot is not None
        messages = int(minutes * MINUTE_S / bot.interval_s)
        world = World(reply, inbound(bot=limit), workers=workers)
        for chat in range(1, messages + 1):
            world.say(chat)
        await world.run()
        at = sorted(sent.at - world.started_at for sent in world.telegram.sent)
        most = max(bisect_left(at, first + MINUTE_S) - number for number, first in enumerate(at))
        return Backlogged(
            messages,
            len(at),
            at[-1],
            messages * bot.interval_s,
            most * bot.interval_s / MINUTE_S,
            world.queue.handed_out / messages,
        )

    return run(main())


@dataclass(frozen=True)
class Cached:
    """Handlers that ask about their chat every time."""

    updates: int
    chats: int
    #: getChat calls that reached Telegram, by chat.
    asked: Counter[int]
    #: Chats whose title was changed, and those of them of which the very next update saw the old one.
    renamed: int
    stale: list[int]
    duration_s: float


def ask_about_chats(*, updates: int = 10_000, chats: int = 500, renamed: int = 50, workers: int = 50) -> Cached:
    """Have each update's handler ask getChat; some chats get a new title half-way, announced by a service message."""

    async def main() -> Cached:
        seen: list[tuple[int, str, str]] = []

        async def handler(run: Run, worker: Environment) -> None:
            message = content_of(run.update)
            answer = await worker.ask("getChat", chat_id=message["chat"]["id"])
            if "text" in message:
                seen.append((message["chat"]["id"], message["text"], answer["title"]))

        world = World(handler, inbound(), workers=workers)
        groups = [-(2000 + number) for number in range(chats)]
        each = updates // chats
        world.telegram.titles = dict.fromkeys(groups, "before")

        async def speak() -> None:
            for number in range(each):
                for place, chat in enumerate(groups):
                    if number == each // 2 and place < renamed:
                        world.telegram.titles[chat] = "after"
                        world.say(chat, person=5, new_chat_title="after")
                    world.say(chat, person=5)
                await asyncio.sleep(200.0 / each)

        await world.run(speak())
        return Cached(
            len(seen),
            chats,
            world.telegram.asked,
            renamed,
            [
                chat
                for chat, text, title in seen
                if title != ("after" if chat in groups[:renamed] and int(text) >= each // 2 else "before")
            ],
            world.loop.time(),
        )

    return run(main())
