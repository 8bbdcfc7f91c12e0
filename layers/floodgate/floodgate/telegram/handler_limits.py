"""Limits that a handler carries itself: `@limited(per_user="5/min")` above its callback.

Rule: a limit of a handler is a gate of its own, named after the callback, so it holds across all workers, and an update
that is tried again is not charged again. Above it the callback is not called, and the person is told once per quiet
period when they may go on.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.telegram.notices import can_be_told, tell, too_busy, too_fast
from floodgate.telegram.run import running
from floodgate.traffic.gate import Later, OverLimit
from floodgate.traffic.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from telegram import Update

    from floodgate.telegram.run import Run
    from floodgate.traffic.gate import Gates

    type Callback = Callable[[Update, Any], Coroutine[Any, Any, Any]]
    type Cost = float | Callable[[Update, Any], float]

_STORE_WAIT_S = 5.0
_quiet_s: ContextVar[float] = ContextVar("quiet_s")


@contextmanager
def notices_every(seconds: float) -> Iterator[None]:
    """Within this block, who is over a handler's limit is told at most once in so many seconds."""
    token = _quiet_s.set(seconds)
    try:
        yield
    finally:
        _quiet_s.reset(token)


def limited(
    *, per_user: str | None = None, per_chat: str | None = None, cost: Cost = 1
) -> Callable[[Callback], Callback]:
    """Limit a handler's callback, per person and per chat, each written as `5/min` or `20/h burst 5`.

    An update costs `cost`, a number or what a function of `(update, context)` returns; 0 is free, and more than the
    burst costs no more than the burst. A limit is named after the callback's module and name. Who is over a limit
    gets a word instead, once per quiet period, and the callback is not called: a ConversationHandler stays where it is.
    Admins are exempt. Raises LimitInvalid where it is written, if nobody understands the limit.
    """
    limits = (
        ("user", None if per_user is None else Limit.parse(per_user)),
        ("chat", None if per_chat is None else Limit.parse(per_chat)),
    )

    def decorate(callback: Callback) -> Callback:
        name = f"{callback.__module__}.{callback.__qualname__}"

        @wraps(callback)
        async def within_limits(update: Update, context: Any) -> Any:
            run = running.get()
            if run is None or run.gates is None or run.is_exempt:
                return await callback(update, context)
            price = cost(update, context) if callable(cost) else cost
            # Anonymous admins and channels share one user each; their sender is the chat that they speak as.
            subjects = {"user": update.effective_sender, "chat": update.effective_chat}
            for kind, limit in limits:
                if limit is None or not price > 0 or (subject := subjects[kind]) is None:
                    continue
                gate = f"{name}:{kind}:{subject.id}"
                if (wait_s := await _refused_for(run, run.gates, gate, limit, min(price, limit.burst))) is not None:
                    run.is_limited = True
                    if can_be_told(run) and await _may_tell(run.gates, gate):
                        notice = too_busy(wait_s) if kind == "chat" and subject.id < 0 else too_fast(wait_s)
                        await tell(context.bot, run, notice)
                    return None
            return await callback(update, context)

        return within_limits

    return decorate


async def _refused_for(run: Run, gates: Gates, gate: str, limit: Limit, price: float) -> float | None:
    """Return None once the update is charged, or how long it takes until it could be."""
    try:
        found = await gates.admit(gate, run.ticket, limit, cost=price, came_at=run.came_at)
    except (BotoCoreError, ClientError) as trouble:
        logger.error("limit not checked", limit=gate.rpartition(":")[0], error=fault(trouble))
        raise run.must_wait(_STORE_WAIT_S) from trouble
    match found:
        case OverLimit(wait_s=wait_s):
            return wait_s
        case Later(wait_s):
            raise run.must_wait(wait_s)
    return None


async def _may_tell(gates: Gates, gate: str) -> bool:
    try:
        return await gates.may_tell(gate, _quiet_s.get())
    except (BotoCoreError, ClientError):
        return False  # the notice is not worth an attempt
