"""How often a handler is tried, where it says so itself: `@retried(attempts=10, longest_s=30)` above its callback."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol

from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Retried(Protocol):
    """Decorates a callback, of a handler or of a task."""

    def __call__[T](
        self, callback: Callable[[T, Any], Coroutine[Any, Any, Any]], /
    ) -> Callable[[T, Any], Coroutine[Any, Any, Any]]:
        """Return the callback with its own numbers."""
        ...


def retried(*, attempts: int | None = None, first_s: float | None = None, longest_s: float | None = None) -> Retried:
    """Have a failing callback tried `attempts` times instead of as the parameters say.

    That is where it is to be tried again at all: not with what Telegram would refuse again. After its n-th failure it
    waits by chance up to `first_s * 2 ** (n - 1)` seconds, `longest_s` at most; what is left out is as the parameters
    say. `attempts=1` gives it up at once. What waits for a limit is no failure. Raises ValueError where it is written,
    if the numbers make no sense.
    """
    if attempts is not None and attempts < 1:
        raise ValueError(f"attempts={attempts}: a handler is tried at least once")
    for name, seconds in (("first_s", first_s), ("longest_s", longest_s)):
        if seconds is not None and not 0 < seconds < float("inf"):
            raise ValueError(f"{name}={seconds}: expected seconds above 0")

    def decorate[T](
        callback: Callable[[T, Any], Coroutine[Any, Any, Any]],
    ) -> Callable[[T, Any], Coroutine[Any, Any, Any]]:
        @wraps(callback)
        async def with_policy(update: T, context: Any) -> Any:
            try:
                return await callback(update, context)
            except BaseException:  # its deadline too; another handler's failure is not this one's
                if (run := running.get()) is not None:
                    run.retries = run.retries.override(attempts, first_s, longest_s)
                raise

        return with_policy

    return decorate
