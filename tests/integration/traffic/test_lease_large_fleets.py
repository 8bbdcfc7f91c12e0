"""The bot's limit where there are more workers than it was made for: no more than it, and most of it, all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from floodgate.aws import AwsCalls
from floodgate.traffic.lease import Lease
from tests.integration.traffic.conftest import run_on
from tests.integration.traffic.test_lease import LIMIT, SLOW, STEP_S, Fleet, chance, takes

if TYPE_CHECKING:
    from floodgate.traffic.limits import Limit
    from tests.integration.worker.cloud import Cloud

__all__ = ["chance"]

WORKERS = 2000
#: The longest that a refused worker waits beyond the time that is full, and sleeps after it lost a race, in seconds.
LONGEST_WAIT_S = 7.5
LONGEST_SLEEP_S = 0.5


@pytest.mark.parametrize("workers", [100, 200, 400])
def test_a_large_fleet_uses_nine_tenths(workers: int) -> None:
    """At 6000 a minute and with four chats each; no minute holds more than the limit."""
    fleet = Fleet(LIMIT, workers)
    fleet.run(100)
    assert fleet.share(60) >= 0.9
    assert fleet.most_in_a_minute() <= 6000
    assert fleet.tables.writes / 100 < 250


def test_two_thousand_workers_do_not_swamp_the_key() -> None:
    """A key takes a thousand writes a second."""
    fleet = Fleet(LIMIT, WORKERS, chats=1)
    fleet.run(62)
    assert fleet.share(40) >= 0.85
    assert fleet.most_in_a_minute() <= 6000
    assert fleet.tables.writes / 62 < 750


def leases(cloud: Cloud, limit: Limit) -> list[Lease]:
    """Return the leases of a few of many workers."""
    return [Lease(cloud.client("dynamodb"), "traffic", AwsCalls(), cloud.clock, limit, WORKERS) for _ in range(40)]


def test_the_refused_of_many_wait_no_longer_than_a_few_seconds(cloud: Cloud) -> None:
    """More of them ask for more; if they waited longer, less of the limit would be used."""
    first, *others = leases(cloud, SLOW)
    run_on(cloud, takes(cloud, first, 2))
    full_s = 2 * STEP_S - 1
    beyond_s = [wait_s - full_s for wait_s in (run_on(cloud, lease.take()) for lease in others)]
    assert LONGEST_WAIT_S / 2 < max(beyond_s) <= LONGEST_WAIT_S


def test_who_loses_a_race_sleeps_for_half_a_second_at_most(cloud: Cloud) -> None:
    """All of its batch's other chats wait for its answer."""
    took_s = []
    for lease in leases(cloud, LIMIT):
        run_on(cloud, leases(cloud, LIMIT)[0].take())
        [(wait_s, slept_s)] = run_on(cloud, takes(cloud, lease, 1))
        assert wait_s == 0
        took_s.append(slept_s)
        cloud.clock.now += 60
    assert LONGEST_SLEEP_S / 2 < max(took_s) <= LONGEST_SLEEP_S
