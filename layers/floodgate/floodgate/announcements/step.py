"""One step of a broadcast: as many recipients of a lane as fit the time that it has.

Problem: a call takes a third of a second and the pace is 28 a second, so several recipients must be under way at once;
and whatever is under way when the process is killed, nobody can tell about. Rule: at most BLOCK are in hand, written
down before the first of them is sent to. As soon as some are through, one write has their outcomes and the chats that
take their places; so the pace never waits for a write, and a kill leaves BLOCK unknown at most. Orders are read before
every such write. What is in hand at the beginning is of a step that was killed: unknown, and not sent to again.

Who must be waited for is sent to in the end: one frozen chat holds nobody else up. Where Telegram tells several in a
row to wait, or answers none of several, it is about the bot: then the lane rests, longer each time, and tries one until
that one goes through. So an outage costs a block and a few, not everybody whose turn it is.
Hazard: no `finally` can be relied on; the time is up well before the deadline cuts.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.announcements.delivery import Outcome, Result, unjournaled
from floodgate.aws import fault
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.state.broadcasts import BLOCK
from floodgate.state.subscribers import SHARDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from floodgate.state.broadcasts import Broadcast, Broadcasts, Lane
    from floodgate.state.subscribers import Subscribers

    type Send = Callable[[Broadcast, int], Awaitable[Outcome]]

#: Recipients that are through before their outcomes are written: a write for so many.
ENOUGH: Final = 8
#: Chats that are read at once.
_PAGE: Final = 250
#: A chat that must be waited for longer than this has failed, in seconds: a broadcast has an end.
LATER_WITHIN_S: Final = 600.0
#: Times that a chat is sent to, if it is told to wait each time.
_TIMES: Final = 3
#: Chats that wait for the end, at most: what a lane's item is to hold. Each more has failed.
_MOST_LATER: Final = 400
#: Told to wait, or not answered, so often in a row, the bot is meant; and how long it rests at most, in seconds.
_IN_A_ROW: Final = 5
_REST_S: Final = 60.0
_DOUBLINGS: Final = 6
#: How long an order may go unseen while nothing is sent, in seconds.
_LOOK_S: Final = 2.0
#: Pauses before AWS is asked again, in seconds.
_PAUSES_S: Final = (0.2, 1.0, 3.0, 6.0)


class Step:
    """Works on lane `number` of a broadcast as long as `chain` is its latest, until the loop's time `ends_at`."""

    def __init__(
        self,
        broadcasts: Broadcasts,
        subscribers: Subscribers,
        send: Send,
        show: Callable[[Broadcast], Awaitable[None]],
        clock: Callable[[], float],
        *,
        ends_at: float,
    ) -> None:
        """`show` is told of the broadcast after each write, and may do as it likes; it must be brief."""
        self._broadcasts = broadcasts
        self._subscribers = subscribers
        self._send = send
        self._show = show
        self._clock = clock
        self._ends_at = ends_at
        self._loop = asyncio.get_running_loop()
        self._active: dict[str, asyncio.Task[None]] = {}
        self._through: list[tuple[str, Outcome]] = []
        self._woken = asyncio.Event()
        self._broken: BaseException | None = None
        self._page: list[str] = []
        self._go_on_after = ""
        self._page_of = -1
        self._in_a_row = 0
        self._refused_in_a_row = 0
        self._rests_until = 0.0
        #: Why nobody can be sent to.
        self.useless = ""

    async def work(self, broadcast: Broadcast, number: int) -> tuple[Broadcast, Lane]:
        """Return the broadcast and the lane as they are in the end, with nothing in hand.

        Raises LaneTaken, and what botocore raises; what was in hand then is unknown to the next.
        """
        lane = await self._broadcasts.lane(broadcast, number)
        if lane.hand:
            logger.warning("recipients unknown", broadcast=broadcast.name, lane=number, count=len(lane.hand))
            await self._write(broadcast, lane, [], lost=[_chat(entry) for entry in lane.hand])
        if lane.round < broadcast.round:
            lane.round, lane.is_done = broadcast.round, 0  # a round that was cancelled goes on where it stopped
        chain = broadcast.chain
        try:
            while not lane.is_done:
                found = await self._patiently(self._broadcasts.find, broadcast.name)
                broadcast = found or broadcast
                goes_on = broadcast.state == "running" and broadcast.chain == chain
                goes_on = goes_on and not self.useless and self._loop.time() < self._ends_at
                new = await self._take(broadcast, lane) if goes_on else []
                if not new and not self._active and not self._through:
                    lane.is_done = int(broadcast.state == "cancelled" or (goes_on and _is_through(lane)))
                    if not lane.is_done and not goes_on:
                        break
                if await self._go_on(broadcast, lane, new):
                    await self._wait()
                elif not lane.is_done:
                    await asyncio.sleep(_LOOK_S)
        finally:
            for task in self._active.values():
                task.cancel()
        return broadcast, lane

    async def _go_on(self, broadcast: Broadcast, lane: Lane, new: list[str]) -> bool:
        """Write what came of recipients and the new ones, and only then send to these; False if there is nothing."""
        if not (new or self._through or lane.is_done):
            return bool(self._active)
        if lane.is_done and lane.round == 0:  # cancelled: those were never sent to
            lane.claimed -= len(lane.later)
            lane.later = []
        await self._write(broadcast, lane, new)
        for entry in new:
            self._active[entry] = unjournaled(self._deliver(broadcast, entry))
        await self._show(broadcast)
        return True

    async def _deliver(self, broadcast: Broadcast, entry: str) -> None:
        try:
            outcome = await self._send(broadcast, _chat_id(entry))
        except BaseException as error:
            self._broken = error
            self._woken.set()
            raise
        self._in_a_row = self._in_a_row + 1 if outcome.may_be_all else 0
        if self._in_a_row >= _IN_A_ROW:
            tried_alone = max(0, self._in_a_row - BLOCK)
            rest_s = min(outcome.wait_s * 2 ** min(tried_alone, _DOUBLINGS), _REST_S)
            self._rests_until = max(self._rests_until, self._loop.time() + rest_s)
        self._refused_in_a_row = self._refused_in_a_row + 1 if outcome.result is Result.FAILED else 0
        if self._refused_in_a_row >= BLOCK:  # in words that nobody knew to be about the message
            self.useless = "Telegram refuses the message in one chat after the other"
        del self._active[entry]
        self._through.append((entry, outcome))
        if len(self._through) >= ENOUGH or not self._active:
            self._woken.set()

    async def _wait(self) -> None:
        """Return as soon as there is something to write, or nothing is under way."""
        if self._active:
            await self._woken.wait()
        self._woken.clear()
        if self._broken is not None:
            raise self._broken

    async def _write(self, broadcast: Broadcast, lane: Lane, new: list[str], lost: list[str] | None = None) -> None:
        """Write the lane with what came of those that are through, and with `new` in hand."""
        through, self._through = self._through, []
        unknown = list(lost or ())
        for entry, outcome in through:
            if self._count(lane, entry, outcome) is Result.UNKNOWN:
                unknown.append(_chat(entry))
        lane.hand = [*self._active, *new]
        if lane.round == 0:
            lane.claimed += len(new) - sum(":" in entry for entry in new)
        if unknown and lane.round == 0:  # those of a later round are listed, and stay so
            await self._patiently(self._broadcasts.keep_unknown, broadcast, lane, unknown)
            lane.rows += 1
            lane.unknown += len(unknown)
        await self._patiently(self._broadcasts.write, broadcast, lane, uuid.uuid4().hex)

    async def _patiently[**P, T](self, ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what AWS answers in the end: giving up would make those in hand unknown."""
        for pause_s in _PAUSES_S:
            try:
                return await ask(*args, **kwargs)
            except (BotoCoreError, ClientError) as trouble:
                logger.error("broadcast waits for AWS", error=fault(trouble))
                await asyncio.sleep(pause_s)
        return await ask(*args, **kwargs)

    def _count(self, lane: Lane, entry: str, outcome: Outcome) -> Result:
        """Count a recipient that is through; one for later is put aside."""
        result = outcome.result
        times = _times(entry) + (result is Result.LATER)
        if result is Result.USELESS:
            self.useless = outcome.why
            result = Result.LATER
        if result is Result.LATER and (
            times >= _TIMES or outcome.wait_s > LATER_WITHIN_S or len(lane.later) >= _MOST_LATER
        ):
            result = Result.FAILED
        match result:
            case Result.SENT:
                lane.sent += 1
                metrics.count(metrics.BROADCASTS_SENT)
            case Result.BLOCKED:
                lane.blocked += 1
            case Result.FAILED:
                lane.failed += 1
            case Result.LATER:
                lane.later.append(f"{_chat(entry)}:{times}:{self._clock() + outcome.wait_s:.0f}")
        if lane.round and result in {Result.SENT, Result.BLOCKED, Result.FAILED}:
            lane.unknown -= 1
        return result

    async def _take(self, broadcast: Broadcast, lane: Lane) -> list[str]:
        """Return those to be in hand next, and have the lane stand behind them."""
        room = BLOCK - len(self._active)
        if self._in_a_row >= _IN_A_ROW:
            room = min(room, 1 - len(self._active))
        if room <= 0 or self._loop.time() < self._rests_until:
            return []
        if lane.round:
            taken = await self._take_unknown(broadcast, lane)
        else:
            taken = await self._take_next(broadcast, lane, room)
        if not _has_all_been_taken(lane):
            return taken
        now = self._clock()
        for entry in list(lane.later):
            chat, times, due = entry.split(":")
            if len(taken) < room and float(due) <= now:
                lane.later.remove(entry)
                taken.append(f"{chat}:{times}")
        return taken

    async def _take_next(self, broadcast: Broadcast, lane: Lane, room: int) -> list[str]:
        taken: list[str] = []
        while len(taken) < room and lane.shard < SHARDS:
            if self._page_of != lane.shard:
                self._page, self._go_on_after, self._page_of = [], lane.after, lane.shard
            elif not self._page and not self._go_on_after:
                lane.shard, lane.after = lane.shard + len(broadcast.groups), ""
                continue
            if not self._page:
                found, self._go_on_after = await self._patiently(
                    self._subscribers.page, lane.shard, self._go_on_after, _PAGE, broadcast.started_at
                )
                self._page = found[::-1]
            while self._page and len(taken) < room:
                lane.after = self._page.pop()
                taken.append(lane.after)
        return taken

    async def _take_unknown(self, broadcast: Broadcast, lane: Lane) -> list[str]:
        """Return a whole list, less those who have left since: lists are no longer than a block."""
        taken: list[str] = []
        while not (taken or self._active) and lane.row < lane.rows:
            listed = await self._patiently(self._broadcasts.unknown, broadcast, lane, lane.row)
            lane.row += 1
            asked = (self._patiently(self._subscribers.is_subscribed, int(chat)) for chat in listed)
            taken = [chat for chat, stays in zip(listed, await asyncio.gather(*asked), strict=True) if stays]
        return taken


def _is_through(lane: Lane) -> bool:
    return _has_all_been_taken(lane) and not lane.later


def _has_all_been_taken(lane: Lane) -> bool:
    return lane.row >= lane.rows if lane.round else lane.shard >= SHARDS


def _chat(entry: str) -> str:
    return entry.partition(":")[0]


def _chat_id(entry: str) -> int:
    return int(_chat(entry))


def _times(entry: str) -> int:
    return int(entry.partition(":")[2] or 0)
