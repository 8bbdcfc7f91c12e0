"""Effects of a handler's own, kept from happening again: `await once("charge", charge, user_id, amount)`.

Rule: what the bot does at Telegram is remembered by itself; this is for everything else that must not be repeated when
an update is tried again. Hazard: an effect that was cut off, by its own error, by the deadline or with its worker, is
done again; give it a key of your own, such as the update_id, where whoever carries it out takes one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from floodgate.telegram.errors import ResultNotKept
from floodgate.telegram.replay import ONCE, Recorded
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def once[**P, T](name: str, effect: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `effect(*args, **kwargs)` returns; if an earlier attempt of the update did it, what it returned then.

    `name` stands for the effect within its update; the k-th time that a name is used is the k-th time again. The
    result must be what JSON can hold: None, text, numbers, lists, dicts with text as keys. Raises ResultNotKept if it
    is not, then and whenever the update is tried again; else what `effect` raises.
    """
    run = running.get()
    call = run.replay.open(ONCE, {"name": name, "use": run.replay.use_of(name)}) if run is not None else None
    if isinstance(call, Recorded):
        if call.answer is None:
            raise ResultNotKept(name)
        return json.loads(call.answer)  # type: ignore[no-any-return] # what was returned
    result = await effect(*args, **kwargs)
    if call is not None:
        call.begins()  # it has happened, whatever it returned
        if not _is_json(result):
            raise ResultNotKept(name)
        call.answered(result)
    return result


def _is_json(result: object) -> bool:
    try:
        return bool(json.loads(json.dumps(result)) == result)
    except (TypeError, ValueError):
        return False
