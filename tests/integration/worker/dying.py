"""A worker that is killed outright: its loop stops where it is, and nothing of it runs any more, no `finally`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from floodgate.telegram.application import Register
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.integration.worker.scenes import Drain

#: After how long the queue hands out again what a dead worker had in hand, in seconds.
VISIBILITY_S = 120.1
#: What dead workers had in hand. Not even the garbage collector may close it: their `finally` would run.
_dead: list[Any] = []


class Killed(SystemExit):
    """Leaves the event loop, as no other exception does."""


async def die() -> None:
    """Kill this worker; never returns."""
    _dead.extend(asyncio.all_tasks())
    asyncio.get_running_loop().call_soon(_kill)
    await asyncio.Event().wait()


def _kill() -> NoReturn:
    raise Killed


def deliver_to_its_death(cloud: Cloud, drain: Drain) -> None:
    """Hand a batch to a worker that dies of it, and move on until what it had in hand is there again."""
    received_at = cloud.clock()
    with pytest.raises(Killed):
        cloud.deliver(drain)
    cloud.clock.now = max(cloud.clock.now, received_at + VISIBILITY_S)


def fresh(workers: Workers, register: Register) -> Drain:
    """Return a drain in which every batch has a worker of its own."""

    def drain(event: dict[str, Any]) -> dict[str, Any]:
        return workers.drain(register)(event)

    return drain
