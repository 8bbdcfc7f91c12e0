"""Whatever goes wrong, and when: nothing is lost, nothing comes twice, nobody is left without a word.

Problem: the worst cases are two small faults that meet. Rule: people speak, and faults wait for calls by their number,
in any order that hypothesis thinks of; at the end of each run the ledger judges. What fails is shrunk, and printed as a
script whose lines are the calls of a ChaosMachine. Hazard: a table that refuses everything for as long as an update
lives can keep no journal, so at most three requests in a row fail.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.chaos.aws import ChaosLoop
from tests.chaos.bot import STEPS, program
from tests.chaos.faults import Batch, BatchFault, Call, CallFault, Death, Faults, Line, Post
from tests.chaos.long_form import run
from tests.chaos.world import Chaos
from tests.simulation.faults import Fault
from tests.simulation.world import inbound

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

CHATS = st.sampled_from([5, 6, -1_000_000_000_007])
PROGRAMS = st.lists(st.sampled_from(sorted(STEPS)), max_size=3)
TROUBLES = st.none() | st.integers(0, 2)
#: How many calls pass before the one that fails.
SOON = st.integers(0, 12)
FEW = st.integers(1, 3)


class ChaosMachine(RuleBasedStateMachine):
    """People, and trouble. Each rule takes plain values, so that what is printed can be run."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=ChaosLoop)
        self._world: Chaos | None = None
        self.limited = False
        self.calls: Line[CallFault] = Line()
        self.table: Line[Fault] = Line()
        self.queue: Line[Fault] = Line()
        self.deaths: Line[Death] = Line()
        self.batches: Line[BatchFault] = Line()
        self.posts: Line[Post] = Line()

    @property
    def world(self) -> Chaos:
        """The world, which `begin` makes."""
        assert self._world is not None
        return self._world

    @initialize(skews_s=st.lists(st.sampled_from([0.0, 0.5, -3.0, 3.0]), min_size=1, max_size=3), limited=st.booleans())
    def begin(self, skews_s: Sequence[float], *, limited: bool = False) -> None:
        """Start as many workers, each with a clock so many seconds fast, with a limit on people or without."""
        self.limited = limited

        async def begin() -> Chaos:
            faults = Faults(self.calls, self.table, self.queue, self.deaths, self.batches, self.posts)
            limits = inbound(user="30/min burst 3") if limited else None
            return await Chaos(faults, skews_s=skews_s, limits=limits).__aenter__()

        self._world = self._run(begin())

    @rule(chat=CHATS, steps=PROGRAMS, raises=TROUBLES, overruns=TROUBLES, always=st.booleans())
    def write(
        self,
        chat: int,
        steps: Sequence[str],
        raises: int | None = None,
        overruns: int | None = None,
        *,
        always: bool = False,
    ) -> None:
        """Somebody writes to the bot."""
        self.world.write(
            chat,
            program(*steps, raises=raises, overruns=overruns, always=always),
            may_be_limited=self.limited,
        )

    @rule(chat=CHATS, steps=PROGRAMS, raises=TROUBLES)
    def press(self, chat: int, steps: Sequence[str], raises: int | None = None) -> None:
        """Somebody presses a button."""
        self.world.press(chat, program("answer", *steps, raises=raises), may_be_limited=self.limited)

    @rule(seconds=st.sampled_from([0.05, 1, 5, 30, 130]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self._run(asyncio.sleep(seconds))

    @rule(after=SOON, seconds=st.sampled_from([1, 3, 20, 200]))
    def flood(self, after: int, seconds: int) -> None:
        """Telegram freezes a chat."""
        self.calls.put(after, CallFault(Call.FLOODED, seconds))

    @rule(after=SOON, kind=st.sampled_from([kind.name for kind in Call if kind is not Call.FLOODED]), times=FEW)
    def fail_telegram(self, after: int, kind: str, times: int = 1) -> None:
        """Calls of the Bot API go wrong."""
        self.calls.put(after, CallFault(Call[kind]), times)

    @rule(after=SOON, kind=st.sampled_from([kind.name for kind in Fault]), times=FEW)
    def fail_dynamodb(self, after: int, kind: str, times: int = 1) -> None:
        """Requests to DynamoDB go wrong."""
        self.table.put(after, Fault[kind], times)

    @rule(after=SOON, kind=st.sampled_from([kind.name for kind in Fault]), times=FEW)
    def fail_sqs(self, after: int, kind: str, times: int = 1) -> None:
        """Requests to SQS go wrong."""
        self.queue.put(after, Fault[kind], times)

    @rule(after=st.integers(0, 30), when=st.sampled_from([death.name for death in Death]))
    def kill(self, after: int, when: str) -> None:
        """The worker that makes a call is killed."""
        self.deaths.put(after, Death[when])

    @rule(
        after=st.integers(0, 3),
        kind=st.sampled_from([kind.name for kind in Batch]),
        seconds=st.sampled_from([0.1, 2.0, 9.0, 14.0]),
    )
    def fail_batch(self, after: int, kind: str, seconds: float = 0.0) -> None:
        """A batch is lost on its way, cut off, or begun late, or Lambda cannot delete it."""
        self.batches.put(after, BatchFault(Batch[kind], seconds))

    @rule(after=st.integers(0, 3), kind=st.sampled_from([kind.name for kind in Post]), times=st.sampled_from([1, 2, 7]))
    def fail_webhook(self, after: int, kind: str, times: int = 1) -> None:
        """Telegram does not hear that an update was taken."""
        self.posts.put(after, Post[kind], times)

    def teardown(self) -> None:
        """Let everything come to its end, and judge."""
        world, self._world = self._world, None
        broken: list[str] = []
        try:
            if world is not None:
                broken = self._run(world.finish()).broken
        finally:
            if world is not None:
                self._run(world.__aexit__())
            self._runner.close()
        assert broken == []

    def _run[T](self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)


TestChaos = ChaosMachine.TestCase
TestChaos.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_thousand_updates_and_all_that_can_go_wrong() -> None:
    """A short run of `make chaos`: nothing is lost or repeated, out of order or left, and no frozen chat is called."""
    result = run(seed=1, updates=1000)
    assert result.broken == []
    assert sum(result.injected.values()) > 100
    assert result.figures["answered"] > 900
