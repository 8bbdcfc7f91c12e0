"""Bulk sends keep to Telegram's 30 and 1000 a second, held against the limits that the emulator enforces."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floodgate.traffic.bulk import Pacer, at_pace, bulk_groups, pacing
from local.telegram.limits import SendLimits
from tests.unit.delivery.virtual_time import run

type Sent = list[tuple[float, int]]


async def send(pacer: Pacer, sent: Sent, after_s: float = 0.0, messages: int = 1) -> None:
    """Wait for a turn, and note when it came."""
    await asyncio.sleep(after_s)
    await pacer.turn(messages)
    sent.append((asyncio.get_running_loop().time(), messages))


def sent_by(pacers: list[Pacer], wishes: list[tuple[float, int]]) -> Sent:
    """Return when what went out, of the same wishes for each of the groups: seconds of the loop, and messages."""
    sent: Sent = []

    async def group() -> None:
        await asyncio.gather(*(send(pacer, sent, *wish) for pacer in pacers for wish in wishes))

    run(group())
    return sorted(sent)


def refusals(sent: Sent, *, paid: bool) -> int:
    """Return how much of it Telegram refuses, each going to a chat of its own that expects no reply."""
    now = 0.0
    limits = SendLimits(lambda: now)
    refused = 0
    for chat, (now, messages) in enumerate(sent, 1):  # noqa: B007 - the clock reads it
        refused += limits.send(chat, messages, paid=paid) > 0
    return refused


wishes = st.lists(st.tuples(st.just(0.0) | st.floats(0, 8), st.just(1)), max_size=150)
mixed = st.lists(st.tuples(st.floats(0, 8), st.sampled_from([1, 1, 2, 7, 10, 100])), max_size=60)


@settings(max_examples=50, deadline=None)
@given(wishes | mixed)
def test_thirty_a_second_is_never_exceeded(wishes: list[tuple[float, int]]) -> None:
    """However unevenly they are wanted, albums among them or not."""
    sent = sent_by([Pacer(is_paid=False)], wishes)
    assert len(sent) == len(wishes)
    assert refusals(sent, paid=False) == 0


def test_thirty_a_second_are_used() -> None:
    """A broadcast goes out at 90 % of what Telegram allows, or more."""
    sent = sent_by([Pacer(is_paid=False)], [(0.0, 1)] * 600)
    assert 600 / sent[-1][0] >= 0.9 * 30


def test_a_thousand_a_second_are_used_and_never_exceeded() -> None:
    """All groups of a paid broadcast together, whose holders know nothing of each other."""
    pacers = [Pacer(is_paid=True) for _ in bulk_groups(paid=True)]
    sent = sent_by(pacers, [(0.0, 1)] * 120)
    assert refusals(sent, paid=True) == 0
    assert len(sent) / sent[-1][0] >= 0.9 * 1000


def test_paid_groups_together_never_exceed_it_with_albums() -> None:
    """Albums of ten in every group."""
    sent = sent_by([Pacer(is_paid=True) for _ in bulk_groups(paid=True)], [(0.0, 10)] * 12)
    assert refusals(sent, paid=True) == 0


def test_the_first_waits_its_turn_too() -> None:
    """Who holds the group now cannot know when its last holder sent."""
    before, after = Pacer(is_paid=False), Pacer(is_paid=False)
    sent: Sent = []

    async def handover() -> None:
        for pacer in (before, after, after):
            await send(pacer, sent)

    run(handover())
    times = [0.0, *(at for at, _ in sent)]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 1 / 30


def test_an_idle_pacer_saves_nothing_up() -> None:
    """After a rest one goes out at once and no more."""
    sent = sent_by([Pacer(is_paid=False)], [(0.0, 1), (60.0, 1), (60.0, 1)])
    times = [at for at, _ in sent]
    assert times[1] == 60.0
    assert times[2] - times[1] >= 1 / 30


def test_groups_are_named_once() -> None:
    """Bulk sends stand in one group, paid ones in several, each with a name of its own."""
    assert bulk_groups(paid=False) == ("bulk",)
    assert len(set(bulk_groups(paid=True))) == len(bulk_groups(paid=True)) == 25
    assert not {*bulk_groups(paid=True)} & {*bulk_groups(paid=False)}


def test_within_the_block_sends_are_bulk() -> None:
    """So are those of tasks that it starts; those of others are not, and neither is what comes after."""
    outer, inner = Pacer(is_paid=False), Pacer(is_paid=True)

    async def seen() -> Pacer | None:
        await asyncio.sleep(0)
        return pacing.get()

    async def main() -> list[Pacer | None]:
        other = asyncio.ensure_future(seen())
        with at_pace(outer):
            started = asyncio.ensure_future(seen())
            with at_pace(inner):
                nested = pacing.get()
            back = pacing.get()
        return [await other, await started, nested, back, pacing.get()]

    assert run(main()) == [None, outer, inner, outer, None]


def test_a_failure_ends_the_block_as_well() -> None:
    """What a broadcast raises leaves nothing behind."""
    with pytest.raises(StopIteration), at_pace(Pacer(is_paid=False)):
        next(iter(()))
    assert pacing.get() is None
