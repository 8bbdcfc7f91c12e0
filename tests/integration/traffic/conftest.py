"""A traffic table that lives in this process, and workers on it whose clock moves as their loop waits."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, override

import pytest

from floodgate.aws import AwsCalls
from floodgate.traffic.gate import Gates, Ticket
from tests.integration.worker.conftest import clock, cloud
from tests.unit.delivery.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.integration.worker.cloud import Cloud

__all__ = ["clock", "cloud", "gates"]

BASE = 1_781_136_000.0


class FarCalls(AwsCalls):
    """Calls that take up to 20 ms each way, so that those of several tasks mix; always the same way."""

    @override
    def __init__(self, seed: int = 1) -> None:
        super().__init__()  # its threads start with their first call, and there is none
        self._random = random.Random(seed)  # noqa: S311 - a test's

    @override
    async def run[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns."""
        await asyncio.sleep(self._random.uniform(0.001, 0.02))
        try:
            return call(*args, **kwargs)
        finally:
            await asyncio.sleep(self._random.uniform(0.001, 0.02))


def run_on[T](cloud: Cloud, coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what `coroutine` returns, on a loop whose waiting moves the cloud's clock."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(cloud.clock.advance)) as runner:
        return runner.run(coroutine)


def gates_of(cloud: Cloud, calls: AwsCalls | None = None) -> Gates:
    """Return the gates as a worker that has just started has them."""
    return Gates(cloud.client("dynamodb"), "traffic", calls or AwsCalls(), cloud.clock)


def ticket(update_id: int, message: str = "a") -> Ticket:
    """Return the ticket of an update, brought by the message named `message`."""
    return Ticket(update_id, f"{message * 8}-0000-4000-8000-000000000000")


def operations(cloud: Cloud) -> list[str]:
    """Return what was asked of AWS since this was last called."""
    asked = [operation for operation, _ in cloud.wire.requests]
    cloud.wire.requests.clear()
    return asked


def start_anew(cloud: Cloud) -> None:
    """Empty the table and set the clock back: for the examples of a property."""
    for item in cloud.items("traffic"):
        cloud.dynamodb.delete_item(TableName="traffic", Key={"pk": item["pk"]})
    cloud.wire.requests.clear()
    cloud.clock.now = BASE


@pytest.fixture
def gates(cloud: Cloud) -> Gates:
    """One worker's gates."""
    return gates_of(cloud)
