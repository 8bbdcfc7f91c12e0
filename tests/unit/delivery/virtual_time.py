"""An event loop on which waiting costs nothing: time jumps to the next timer as soon as nothing else can happen.

Blocking calls run at once and in place, in the loop's own thread, so that a test sees one order of events and no other.
What would wait for ever raises Stuck.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, override


class Stuck(AssertionError):
    """Every task waits and no timer is left."""


class _Selector(selectors.DefaultSelector):
    loop: "VirtualLoop"

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Stuck
        if not ready and timeout:
            self.loop.now += timeout
            self.loop.on_advance(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self, on_advance: Callable[[float], None] = lambda _seconds: None) -> None:
        """`on_advance` is told of every jump, in seconds: a clock that goes with the loop."""
        self.now = 0.0
        self.on_advance = on_advance
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    @override
    def time(self) -> float:
        """Return the seconds that have passed on this loop."""
        return self.now

    @override
    def run_in_executor[T](  # type: ignore[override] # the stubs promise every callable, *args included
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run `func` now."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the future raises it
            future.set_exception(error)
        return future


def run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what `coroutine` returns, on a loop of its own that starts at 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)
