"""How long anybody waits for AWS: a call's time, whatever it does, and no longer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, override

import pytest
from botocore.exceptions import BotoCoreError, ReadTimeoutError

from floodgate.aws import CALL_S, AwsCalls
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable


class SlowCalls(AwsCalls):
    """Calls that take `slowness_s` of the loop's time."""

    @override
    def __init__(self, slowness_s: float) -> None:
        super().__init__()
        self._slowness_s = slowness_s

    @override
    async def _call[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(self._slowness_s)
        return call(*args, **kwargs)


async def timed(calls: AwsCalls, call: Callable[[], str]) -> tuple[str, float]:
    """Return what became of a call, and how long that took."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    try:
        became = await calls.run(call)
    except BotoCoreError as error:
        became = type(error).__name__
    return became, loop.time() - began_at


def test_a_call_that_takes_its_time_is_answered() -> None:
    """Up to the last moment."""
    assert run(timed(SlowCalls(CALL_S - 0.1), lambda: "beans")) == ("beans", CALL_S - 0.1)


def test_nobody_waits_for_longer() -> None:
    """It is what botocore itself calls a read timeout, so whoever takes care of AWS's trouble takes care of it."""
    assert run(timed(SlowCalls(60), lambda: "beans")) == ("ReadTimeoutError", CALL_S)


def test_ten_slow_calls_take_no_longer_than_one() -> None:
    """Each has its own time."""

    async def ten() -> list[tuple[str, float]]:
        calls = SlowCalls(60)
        return await asyncio.gather(*(timed(calls, lambda: "beans") for _ in range(10)))

    assert run(ten()) == [("ReadTimeoutError", CALL_S)] * 10


def test_who_is_cancelled_meanwhile_is_cancelled() -> None:
    """A deadline that ends the wait for a call is no trouble of AWS's."""

    async def cut_off() -> None:
        async with asyncio.timeout(CALL_S / 2):
            await SlowCalls(60).run(lambda: "beans")

    with pytest.raises(TimeoutError) as raised:
        run(cut_off())
    assert not isinstance(raised.value, ReadTimeoutError)


def test_what_a_call_raises_is_raised() -> None:
    """As it is."""

    def fail() -> str:
        raise KeyError("beans")

    with pytest.raises(KeyError, match="beans"):
        run(SlowCalls(0).run(fail))
