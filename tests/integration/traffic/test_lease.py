"""What all workers together take of the bot's limit: never more than it, nine tenths of it when that is wanted.

The fleets run on the model of DynamoDB of the simulations, which is held to moto and a thousand times as fast.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from floodgate.aws import AwsCalls
from floodgate.traffic.lease import HELD, KEPT_S, PACE, Lease
from floodgate.traffic.limits import Limit
from tests.integration.traffic.conftest import FarCalls, operations, run_on
from tests.integration.worker.cloud import Clock
from tests.simulation.dynamodb import Tables
from tests.unit.delivery.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from tests.integration.worker.cloud import Cloud

WRITE = "UpdateItem"
#: A hundred a second, as the template has it; of twenty workers each has four of its own, and leases four at once.
LIMIT = Limit(60 / 6000, 6000)
#: One a second, and leases of one.
SLOW = Limit(1.0, 60)
STEP_S = 1 / PACE
#: How long a worker is told to wait at least, and at most, beyond the time that is full, in seconds.
PAUSES_S = (0.25, 0.75)
OWN = 4


@pytest.fixture(autouse=True)
def chance() -> None:
    """The same chances in every run."""
    random.seed(1)


def lease_of(cloud: Cloud, limit: Limit = LIMIT, workers: int = 20) -> Lease:
    """Return the lease of a worker that has just started."""
    return Lease(cloud.client("dynamodb"), "traffic", AwsCalls(), cloud.clock, limit, workers)


async def takes(cloud: Cloud, lease: Lease, number: int) -> list[tuple[float, float]]:
    """Take so many, one after another, and return what each was told and how long it took."""
    told = []
    for _ in range(number):
        begins = cloud.clock()
        wait_s = await lease.take()
        told.append((wait_s, round(cloud.clock() - begins, 4)))
    return told


def test_the_first_is_the_workers_own(cloud: Cloud) -> None:
    """A small bot never asks: its worker's own share is back before the next update."""
    lease = lease_of(cloud)
    for _ in range(3):
        assert run_on(cloud, takes(cloud, lease, 1)) == [(0, 0)]
        cloud.clock.advance(60)
    assert operations(cloud) == []


def test_more_is_leased_in_blocks(cloud: Cloud) -> None:
    """After its own, a worker asks once for each four."""
    lease = lease_of(cloud)
    assert lease.size == 4
    assert [wait_s for wait_s, _ in run_on(cloud, takes(cloud, lease, OWN + 4))] == [0] * 8
    assert operations(cloud) == [WRITE]
    run_on(cloud, takes(cloud, lease, 8))
    assert operations(cloud) == [WRITE, WRITE]


def test_ten_chats_at_once_share_their_leases(cloud: Cloud) -> None:
    """Six that are not the worker's own need two leases, not six."""
    lease = lease_of(cloud)

    async def batch() -> list[float]:
        return list(await asyncio.gather(*(lease.take() for _ in range(10))))

    assert run_on(cloud, batch()) == [0.0] * 10
    assert operations(cloud) == [WRITE] * 2


def test_a_lease_that_begins_soon_is_slept(cloud: Cloud) -> None:
    """Nobody is sent away for less than a second: four at once, and the next four 0.04 s later."""
    step_s = 4 / (PACE / LIMIT.interval_s)
    told = run_on(cloud, takes(cloud, lease_of(cloud), OWN + 4 + 4 + 1))
    assert told == [(0, 0)] * 8 + [(0, round(step_s, 4))] + [(0, 0)] * 3 + [(0, round(step_s, 4))]


def test_what_is_not_used_within_a_minute_is_lost(cloud: Cloud) -> None:
    """Until then it is there without asking."""
    lease = lease_of(cloud)
    run_on(cloud, takes(cloud, lease, OWN + 1))
    operations(cloud)
    cloud.clock.advance(KEPT_S - 0.1)
    run_on(cloud, takes(cloud, lease, 1))
    assert operations(cloud) == []
    cloud.clock.advance(0.1)
    run_on(cloud, takes(cloud, lease, OWN + 1))
    assert operations(cloud) == [WRITE]


def test_a_worker_that_has_never_asked_finds_the_key_as_it_is(cloud: Cloud) -> None:
    """Its first request is refused if others lease as well, its second is not; it waits in between, by chance."""
    busy, fresh = lease_of(cloud), lease_of(cloud)
    run_on(cloud, takes(cloud, busy, OWN + 4))
    operations(cloud)
    told = run_on(cloud, takes(cloud, fresh, OWN + 4))
    assert [wait_s for wait_s, _ in told] == [0] * 8
    assert sum(took_s for _, took_s in told) < 1
    assert operations(cloud) == [WRITE, WRITE]


def test_who_is_refused_is_told_when_to_come_again(cloud: Cloud) -> None:
    """When a lease may begin a second ahead; until then nobody asks the key."""
    lease = lease_of(cloud, SLOW, 1)
    assert run_on(cloud, takes(cloud, lease, 1 + 1)) == [(0, 0)] * 2
    wait_s = run_on(cloud, lease.take())
    assert operations(cloud) == [WRITE, WRITE]
    assert wait_s == pytest.approx(STEP_S - 1, abs=1e-5)
    cloud.clock.advance(wait_s / 2)
    assert [run_on(cloud, lease.take()) for _ in range(3)] == pytest.approx([wait_s / 2] * 3, abs=1e-5)
    assert operations(cloud) == []
    cloud.clock.advance(wait_s / 2 + 0.001)
    [told] = run_on(cloud, takes(cloud, lease, 1))
    assert told == pytest.approx((0, STEP_S - wait_s), abs=0.01)
    assert operations(cloud) == [WRITE]


def test_where_others_lease_as_well_the_refused_wait_by_chance(cloud: Cloud) -> None:
    """All of them would come again at the same moment, and all but one be refused again."""
    first, second = lease_of(cloud, SLOW, 1), lease_of(cloud, SLOW, 1)
    run_on(cloud, takes(cloud, first, 1 + 1))
    run_on(cloud, takes(cloud, second, 1))
    wait_s = run_on(cloud, second.take())
    assert STEP_S - 1 + PAUSES_S[0] <= wait_s <= STEP_S - 1 + PAUSES_S[1]


def test_a_fleet_too_large_for_its_limit_owns_nothing(cloud: Cloud) -> None:
    """If one update each were more than what may be held, every one is asked for."""
    for workers, asked in ((int(HELD * 60), 0), (int(HELD * 60) + 1, 1)):
        operations(cloud)
        lease = lease_of(cloud, SLOW, workers)
        assert lease.size == 1
        assert run_on(cloud, takes(cloud, lease, 1)) == [(0, 0)]
        assert len(operations(cloud)) == asked


def test_an_item_that_was_lost_is_an_idle_limit(cloud: Cloud) -> None:
    """DynamoDB deletes it a day after its last use, or somebody does."""
    lease = lease_of(cloud)
    run_on(cloud, takes(cloud, lease, OWN + 4))
    [item] = cloud.items("traffic")
    assert float(item["expires_at"]["N"]) == cloud.clock.now + 86_400
    cloud.dynamodb.delete_item(TableName="traffic", Key={"pk": item["pk"]})
    assert [wait_s for wait_s, _ in run_on(cloud, takes(cloud, lease, 4))] == [0] * 4
    assert len(cloud.items("traffic")) == 1


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "InternalServerError"])
def test_a_store_that_refuses_is_an_error(cloud: Cloud, code: str) -> None:
    """It is neither a lease nor a wait; the next one asks again."""
    lease = lease_of(cloud)
    run_on(cloud, takes(cloud, lease, OWN))
    cloud.wire.faults[WRITE] = [code]
    with pytest.raises(ClientError, match=code):
        run_on(cloud, lease.take())
    assert run_on(cloud, takes(cloud, lease, 4)) == [(0, 0)] * 4


class Fleet:
    """Workers that want more than the limit, from some time on; and what they took."""

    def __init__(self, limit: Limit, workers: int, *, flood_at_s: float = 0.0, chats: int = 4) -> None:
        """Each worker has so many chats; before the flood one of them takes a little, and rests."""
        self.clock = Clock()
        self.tables = Tables(self.clock)
        self.used: list[float] = []
        self._began = self.clock()
        self._limit = limit
        self._flood_at_s = flood_at_s
        self._chats = chats
        self._leases = [
            Lease(self.tables, "traffic", FarCalls(seed), self.clock, limit, workers)  # type: ignore[arg-type] # a model
            for seed in range(workers)
        ]

    def run(self, seconds: float) -> None:
        """Let them work for so long."""
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(self.clock.advance)) as runner:
            runner.run(self._work(self._began + seconds))

    async def _work(self, until: float) -> None:
        chats = [(lease, number) for lease in self._leases for number in range(self._chats)]
        await asyncio.gather(*(self._chat(lease, until, number) for lease, number in chats))

    async def _chat(self, lease: Lease, until: float, number: int) -> None:
        for _ in range(0 if number else int(self._flood_at_s) % 4):
            await self._take(lease)
        await asyncio.sleep(max(0.0, self._began + self._flood_at_s - self.clock()))
        while self.clock() < until:
            await self._take(lease)

    async def _take(self, lease: Lease) -> None:
        if (wait_s := await lease.take()) > 0:
            await asyncio.sleep(max(wait_s, 0.001))  # less is lost in the rounding of Unix seconds
            return
        self.used.append(self.clock())
        await asyncio.sleep(0.02)

    def most_in_a_minute(self) -> int:
        """Return the most that were taken in any 60 s."""
        used = sorted(self.used)
        return max(bisect_left(used, first + 60) - number for number, first in enumerate(used))

    def share(self, seconds: float) -> float:
        """Return what part of the limit was taken in the latest so many seconds."""
        ended = max(self.used)
        return sum(ended - seconds < used for used in self.used) * self._limit.interval_s / seconds


rates = st.sampled_from([5, 29, 58, 86, 300, 1000]) | st.integers(1, 600)
sizes = st.sampled_from([1, 2, 3, 20, 40]) | st.integers(1, 60)


@settings(max_examples=10, deadline=None)
@given(rates, sizes, st.floats(0, 62))
def test_no_minute_ever_holds_more_than_the_limit(per_minute: int, workers: int, flood_at_s: float) -> None:
    """Whatever the workers have saved up when the flood begins, all of them at once."""
    fleet = Fleet(Limit(60 / per_minute, per_minute), workers, flood_at_s=flood_at_s)
    fleet.run(flood_at_s + 65)
    assert fleet.most_in_a_minute() <= per_minute


@pytest.mark.parametrize(
    ("per_minute", "workers", "flood_at_s"),
    [*((per_minute, int(HELD * per_minute), 0.0) for per_minute in (34, 67, 100, 300)), (3200, 47, 50.0)],
)
def test_nor_does_the_worst_minute(per_minute: int, workers: int, flood_at_s: float) -> None:
    """As many workers as can own something; and as many as can hold a lease of two, each with one of it left."""
    fleet = Fleet(Limit(60 / per_minute, per_minute), workers, flood_at_s=flood_at_s)
    fleet.run(flood_at_s + 62)
    assert 0.9 * per_minute - 1 <= fleet.most_in_a_minute() <= per_minute


@settings(max_examples=6, deadline=None)
@given(rates.filter(lambda per_minute: per_minute >= 5), sizes)
def test_nine_tenths_of_the_limit_are_used_under_load(per_minute: int, workers: int) -> None:
    """By any number of workers; one update more or less, where they are few."""
    fleet = Fleet(Limit(60 / per_minute, per_minute), workers)
    fleet.run(150)
    assert fleet.share(120) >= 0.9 - 1 / (2 * per_minute)
    assert fleet.most_in_a_minute() <= per_minute


def test_the_key_is_asked_as_often_however_many_wait(cloud: Cloud) -> None:
    """At a hundred updates a second, forty workers with ten chats each write it less than a hundred times a second."""
    del cloud
    fleet = Fleet(LIMIT, 40, chats=10)
    fleet.run(70)
    assert fleet.most_in_a_minute() <= 6000
    assert fleet.share(30) >= 0.9
    assert fleet.tables.writes / 70 < 100


def fleet_writes(workers: int) -> float:
    """Return the writes a second of a fleet that is refused nearly always."""
    fleet = Fleet(SLOW, workers)
    fleet.run(120)
    return fleet.tables.writes / 120


def test_the_refused_together_ask_no_more_than_a_few_do() -> None:
    """Sixty workers at one update a second ask hardly more often than thirty."""
    assert fleet_writes(60) < 1.25 * fleet_writes(30) < 1.25 * 35
