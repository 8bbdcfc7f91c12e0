"""Waiting for a chat: before a call is made into it, and after Telegram has refused one with a 429.

Rule: a message reserves its time at the chat's gate first, with one conditional write; what no limit counts only asks
whether the chat is frozen. What must wait for up to 3 s, sleeps; but the first answer of an update, which can start
again, sleeps for a moment only: fifty workers asleep in fifty busy chats would answer nobody else. What must wait for
longer goes back to the queue if it is the update's own chat that is frozen or full, and that is no failure; if it is
another chat, the call raises ChatFrozen, for the own chat must not wait for it.

Hazard: between the gate and Telegram lies a network, so what another worker freezes in that moment is called once more.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed
from floodgate.telegram.calls import is_group
from floodgate.telegram.errors import ChatFrozen, ChatUnreachable
from floodgate.traffic.gate import Gate, Later, Moved, Reserved, Unreachable
from floodgate.traffic.limits import BRIEF_WAIT_S, SHORT_WAIT_S

if TYPE_CHECKING:
    from floodgate.telegram.errors import MustWait
    from floodgate.telegram.run import Run
    from floodgate.traffic.gate import Gates, Reservation

#: How long an update waits for a store that does not answer, in seconds.
_STORE_WAIT_S: Final = 5.0
#: How long a store that refused an update half done is left alone before it is asked again, in seconds, at most.
_PAUSES_S: Final = (0.2, 0.5, 1.0)
#: Times that one call may be sent on to another chat, or woken too early.
_ROUNDS: Final = 5


async def turn(gates: Gates, chat: int | str, messages: int, run: Run | None) -> int | str:
    """Wait until the call may be made, and return where: the chat's id as it is now.

    `messages` is how many the chat's limits count, 0 for none. Raises ChatUnreachable, ChatFrozen and MustWait.
    """
    for _ in range(_ROUNDS):
        match await _ask(gates, chat, messages, run):
            case Unreachable():
                raise ChatUnreachable(chat)
            case Moved(to):
                if run is not None:
                    run.follow(chat, to)
                chat = to
            case Later(wait_s):
                if run is not None and messages and wait_s > _patience_s(chat, run):
                    raise too_long(chat, wait_s, run)
                await pause(chat, wait_s, run)
            case Reserved(at):
                if not await _slept(gates, chat, at, run):
                    return chat
                messages = 0  # reserved it is; but meanwhile somebody else's update may have had the chat frozen
    raise too_long(chat, SHORT_WAIT_S, run)


async def pause(chat: int | str, wait_s: float, run: Run | None) -> None:
    """Sleep if the wait is short and fits; else end the update's attempt, or only this call."""
    if wait_s > SHORT_WAIT_S or not (run is None or run.time_for(wait_s)):
        raise too_long(chat, wait_s, run)
    await asyncio.sleep(wait_s)


def too_long(chat: int | str, wait_s: float, run: Run | None) -> MustWait | ChatFrozen:
    """Return what ends the update's attempt, if it is its own chat that must be waited for; else only the call."""
    return run.must_wait(wait_s) if run is not None and chat == run.own else ChatFrozen(chat, wait_s)


async def _slept(gates: Gates, chat: int | str, until: float, run: Run | None) -> bool:
    """Sleep if need be, and return whether it was: the chat may have changed meanwhile."""
    if (early_s := until - gates.now()) <= 0:
        return False
    await asyncio.sleep(early_s)
    if run is not None:
        run.seen.pop(chat, None)
    return True


async def _ask(gates: Gates, chat: int | str, messages: int, run: Run | None) -> Reservation:
    is_half_done = run is None or run.replay.has_sent
    for pause_s in (*_PAUSES_S, None):
        try:
            return await (_reserve(gates, chat, messages, run) if messages else _look(gates, chat, run))
        except (BotoCoreError, ClientError) as trouble:
            logger.error("limit not checked", chat=hashed(chat), error=fault(trouble))
            if run is not None and not is_half_done:
                raise run.must_wait(_STORE_WAIT_S) from trouble
        if pause_s is None or not (run is None or run.time_for(pause_s)):
            break
        await asyncio.sleep(random.uniform(0.0, pause_s))  # noqa: S311 - no secret
    # What it has done is kept in the same store. An update half done had better end, without limits, than begin anew.
    return Reserved(0.0, Gate())


async def _reserve(gates: Gates, chat: int | str, messages: int, run: Run | None) -> Reservation:
    if run is None:
        return await gates.reserve(chat, None, messages, is_group=is_group(chat), within_s=SHORT_WAIT_S)
    if run.reply_reserved and chat == run.own and messages == 1:
        run.reply_reserved = False
        gate = run.seen[chat]
        return Unreachable() if gate.is_closed(gates.now()) else Reserved(0.0, gate)
    async with run.reserving[chat]:
        found = await gates.reserve(
            chat, run.seen.get(chat), messages, is_group=is_group(chat), within_s=_patience_s(chat, run)
        )
        if isinstance(found, Reserved):
            run.seen[chat] = found.gate
        return found


def _patience_s(chat: int | str, run: Run) -> float:
    """Return how long a message may have to wait for its turn, in seconds, and be slept for."""
    if chat == run.own and not run.replay.has_sent:
        return BRIEF_WAIT_S
    return SHORT_WAIT_S if run.time_for(SHORT_WAIT_S) else 0.0


async def _look(gates: Gates, chat: int | str, run: Run | None) -> Reservation:
    """Find whether anything may be done in the chat that no limit counts."""
    if run is None:
        gate = await gates.look(chat)
    elif (seen := run.seen.get(chat)) is not None:
        gate = seen
    else:
        gate = run.seen[chat] = await gates.look(chat)
    if gate.migrated_to is not None:
        return Moved(gate.migrated_to)
    if gate.is_closed(gates.now()):
        return Unreachable()
    wait_s = gate.frozen_until - gates.now()
    return Later(wait_s) if wait_s > 0 else Reserved(0.0, gate)
