"""The long form: thousands of updates of many chats, and everything that can go wrong, by chance with a seed.

Rule: one seed is one run, on a loop and in a world of its own, and the same seed is the same run. Hazard: rates are
chosen so that most updates meet a fault or none; what the property test finds with three faults in a row on one update
is rare here.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.chaos.aws import ChaosLoop
from tests.chaos.bot import Program, Trouble
from tests.chaos.faults import Batch, BatchFault, Call, CallFault, Death, Draw, Faults, Post
from tests.chaos.world import Chaos
from tests.simulation.faults import Fault
from tests.simulation.world import inbound

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of calls of the Bot API.
CALLS: Final[Mapping[CallFault, float]] = {
    CallFault(Call.FLOODED, 1): 0.003,
    CallFault(Call.FLOODED, 3): 0.003,
    CallFault(Call.FLOODED, 45): 0.002,
    CallFault(Call.FLOODED, 400): 0.0005,
    CallFault(Call.FAILED): 0.01,
    CallFault(Call.BAD_GATEWAY): 0.002,
    CallFault(Call.BAD_GATEWAY_AFTER): 0.002,
    CallFault(Call.REFUSED): 0.01,
    CallFault(Call.RESET): 0.003,
    CallFault(Call.RESET_AFTER): 0.003,
    CallFault(Call.TIMED_OUT): 0.002,
    CallFault(Call.TIMED_OUT_AFTER): 0.003,
    CallFault(Call.UNREADABLE): 0.003,
}
TABLE: Final[Mapping[Fault, float]] = {Fault.THROTTLED: 0.02, Fault.LOST: 0.005}
QUEUE: Final[Mapping[Fault, float]] = {Fault.THROTTLED: 0.02, Fault.LOST: 0.005}
DEATHS: Final[Mapping[Death, float]] = {Death.BEFORE: 0.0008, Death.AFTER: 0.0008}
BATCHES: Final[Mapping[BatchFault, float]] = {
    BatchFault(Batch.NEVER_CAME): 0.004,
    BatchFault(Batch.CUT, 0.3): 0.001,
    BatchFault(Batch.CUT, 3.0): 0.001,
    BatchFault(Batch.SHORT, 14.0): 0.003,
    BatchFault(Batch.SHORT, 9.0): 0.002,
    BatchFault(Batch.NOT_DELETED): 0.002,
}
POSTS: Final[Mapping[Post, float]] = {Post.ANSWER_LOST: 0.01, Post.ANSWER_LATE: 0.002}

#: What handlers do, and how often.
PROGRAMS: Final[Mapping[tuple[str, ...], int]] = {
    ("reply",): 30,
    ("reply", "edit"): 10,
    ("type", "reply", "pause", "edit"): 5,
    ("twin",): 4,
    ("gather",): 4,
    ("upload", "reply"): 4,
    ("album",): 3,
    ("reply", "elsewhere"): 1,
    ("pause", "reply"): 5,
    (): 4,
}
TROUBLES: Final[Mapping[Trouble | None, int]] = {
    None: 930,
    Trouble("raises", 0): 10,
    Trouble("raises", 1): 20,
    Trouble("raises", 2): 10,
    Trouble("raises", 1, always=True): 8,
    Trouble("overruns", 1): 4,
    Trouble("overruns", 0, always=True): 1,
}
#: How fast workers' clocks are, in seconds.
SKEWS_S: Final = (0.0, 0.0, 0.0, 0.0, 0.7, -0.7, 2.0, -2.0)
PEOPLE: Final = range(100, 150)
GROUPS: Final = range(-1_000_000_020, -1_000_000_000)
#: One who sends far more than the limit lets through, all at once and now and then.
FLOODER: Final = 99
FLOOD: Final = 40
LIMITS: Final = inbound(user="30/min burst 10", chat="300/min burst 100", bot="6000/min")
#: Updates arrive so far apart on average, in seconds.
APART_S: Final = 0.25


@dataclass(frozen=True)
class Figures:
    """What came of some runs."""

    figures: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    frozen_calls: Counter[str] = field(default_factory=Counter)
    #: Broken promises, each with the seed of its run.
    broken: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Add another run's."""
        self.figures.update(other.figures)
        self.injected.update(other.injected)
        self.frozen_calls.update(other.frozen_calls)
        self.broken.extend(other.broken)


def faults(chance: random.Random) -> Faults:
    """Return the faults of a run."""
    return Faults(
        Draw[CallFault](chance, CALLS),
        Draw[Fault](chance, TABLE),
        Draw[Fault](chance, QUEUE),
        Draw[Death](chance, DEATHS),
        Draw[BatchFault](chance, BATCHES),
        Draw[Post](chance, POSTS),
    )


def run(seed: int, updates: int) -> Figures:
    """Drive so many updates through a world of that seed's."""
    chance = random.Random(seed)  # noqa: S311 - chance with a seed
    random.seed(seed)  # of the library's own pauses

    async def main() -> Figures:
        async with Chaos(faults(chance), skews_s=SKEWS_S, limits=LIMITS) as world:
            for _ in range(updates):
                await asyncio.sleep(chance.expovariate(1 / APART_S))
                _happen(world, chance)
            verdict = await world.finish()
            return Figures(
                verdict.figures,
                world.faults.injected,
                world.ledger.frozen_calls,
                [f"seed {seed}: {sentence}" for sentence in verdict.broken],
            )

    with asyncio.Runner(loop_factory=ChaosLoop) as runner:
        return runner.run(main())


def run_seed(seed_and_updates: tuple[int, int]) -> Figures:
    """Run one of many; in the module that a pool's processes can import."""
    return run(*seed_and_updates)


def _happen(world: Chaos, chance: random.Random) -> None:
    """Have somebody do something."""
    if chance.random() < 0.002:
        for _ in range(FLOOD):
            world.write(FLOODER, Program(["reply"]), may_be_limited=True)
    chat = chance.choice(PEOPLE if chance.random() < 0.8 else GROUPS)
    person = chat if chat > 0 else chance.choice(PEOPLE)
    steps = _pick(chance, PROGRAMS)
    trouble = _pick(chance, TROUBLES) if steps else None
    if chance.random() < 0.1:
        world.press(chat, Program(["answer", *steps], trouble), person)
    else:
        world.write(chat, Program(steps, trouble), person)


def _pick[T](chance: random.Random, weights: Mapping[T, int]) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]
