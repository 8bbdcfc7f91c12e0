"""The steps of a broadcast, one after the other in its bulk groups, and what follows its last.

Rule: a step is a task that works as long as it has time and then sends the next, under an id that follows from the
broadcast, its chain and their number. Whoever dies in between is handed out again, and sends the same. An order to go
on begins a new chain, and the steps of the old one end at their next look; so pressing Resume revives whatever stopped.
When every lane is done, the broadcast leaves the queue, the next one starts, and its message becomes the summary: each
of that again and again, if need be.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import BadRequest, TelegramError

from floodgate.admin.admin_chat import is_gone
from floodgate.announcements.delivery import Delivery, unjournaled
from floodgate.announcements.desk import TASK
from floodgate.announcements.pace import pacer
from floodgate.announcements.progress import Count, panel
from floodgate.announcements.step import Step
from floodgate.aws import fault
from floodgate.ingress.trace import carried
from floodgate.monitoring.logger import logger
from floodgate.state.broadcasts import LaneTaken
from floodgate.traffic.bulk import at_pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sqs import SQSClient
    from telegram import Bot

    from floodgate.aws import AwsCalls
    from floodgate.state.broadcasts import Broadcast, Broadcasts, Lane
    from floodgate.state.subscribers import Subscribers

#: What is left of a step's time when it takes no more recipients, in seconds: those in hand may each be slow. Of less
#: time than that, a part.
_REST_S: Final = 40.0
_REST_SHARE: Final = 0.4
#: Between two edits of the message that shows how it goes, in seconds: half of what a group takes.
SHOWN_EVERY_S: Final = 6.0


class Chain:
    """Starts broadcasts, works on their steps, and ends them. Each method raises what botocore raises."""

    def __init__(
        self,
        broadcasts: Broadcasts,
        subscribers: Subscribers,
        sqs: SQSClient,
        queue_url: str,
        calls: AwsCalls,
        clock: Callable[[], float],
    ) -> None:
        self.broadcasts = broadcasts
        self.subscribers = subscribers
        self._sqs = sqs
        self._queue_url = queue_url
        self._calls = calls
        self._clock = clock

    async def start_first(self) -> None:
        """Have the broadcast at the head of the queue go on, if it is not under way; nothing happens twice."""
        for name in await self.broadcasts.waiting():
            broadcast = await self.broadcasts.find(name)
            if broadcast is not None and not (broadcast.is_over and broadcast.ended_at) and broadcast.state != "draft":
                if broadcast.state == "queued":
                    await self.begin(broadcast)
                return
            await self.broadcasts.leave(name)

    async def begin(self, broadcast: Broadcast) -> None:
        """Send the first step of the broadcast's latest chain, in each of its groups."""
        for number in range(len(broadcast.groups)):
            await self._send(broadcast, number, 0)

    async def step(self, bot: Bot, data: Mapping[str, Any], deadline: float) -> None:
        """Work on the step that `data` names until shortly before the loop's time `deadline`. Raises TelegramError."""
        broadcast = await self._begun(data)
        if broadcast is None:
            return
        view = _View(self.broadcasts, bot, data["lane"])
        step = Step(
            self.broadcasts,
            self.subscribers,
            Delivery(bot, self.subscribers, self._clock).send,
            view.refresh,
            self._clock,
            ends_at=deadline - min(_REST_S, _REST_SHARE * (deadline - asyncio.get_running_loop().time())),
        )
        try:
            with at_pace(pacer(broadcast.groups)):
                broadcast, lane = await step.work(broadcast, data["lane"])
        except LaneTaken:
            logger.warning("broadcast step is not the only one", broadcast=broadcast.name)
            return
        finally:
            await view.close()
        await self._follow(bot, broadcast, lane, step.useless, data)

    async def show(self, bot: Bot, broadcast: Broadcast) -> None:
        """Have its message show it as it is now; one that is gone is sent anew. Raises TelegramError."""
        waiting = await self.broadcasts.waiting()
        before = waiting.index(broadcast.name) if broadcast.name in waiting else 0
        text, buttons = panel(broadcast, Count.of(await self.broadcasts.lanes(broadcast)), before=before)
        try:
            await bot.edit_message_text(text, broadcast.chat, broadcast.panel, reply_markup=buttons)
        except BadRequest as error:
            if not is_gone(error):
                raise
            sent = await bot.send_message(broadcast.chat, text, reply_markup=buttons)
            await self.broadcasts.order(broadcast, panel=sent.message_id)

    async def _begun(self, data: Mapping[str, Any]) -> Broadcast | None:
        """Return the broadcast of a step, and that it runs; None if the step is of an older chain."""
        broadcast = await self.broadcasts.find(data["broadcast"])
        if broadcast is not None and broadcast.state == "queued" and broadcast.chain == data["chain"]:
            started_at = broadcast.started_at or round(self._clock(), 3)
            # Another lane's step may do the same; whoever is second finds it done.
            await self.broadcasts.order(broadcast, state="running", started_at=started_at)
            broadcast = await self.broadcasts.find(data["broadcast"])
        return broadcast if broadcast is not None and broadcast.chain == data["chain"] else None

    async def _follow(self, bot: Bot, broadcast: Broadcast, lane: Lane, useless: str, data: Mapping[str, Any]) -> None:
        if useless and broadcast.state == "running":
            stopped = await self.broadcasts.order(broadcast, state="paused", note=useless)
            logger.error("broadcast stopped", broadcast=broadcast.name, why=useless)
            if stopped is not None:
                await _tolerantly(self.show(bot, stopped))
                return
            broadcast = await self.broadcasts.find(broadcast.name) or broadcast
        if lane.is_done:
            await self._end(bot, broadcast)
        elif broadcast.chain == data["chain"] and broadcast.state in {"running", "cancelled"}:
            await self._send(broadcast, lane.number, data["step"] + 1)
        elif broadcast.state == "paused":
            await self._show_paused(bot, broadcast)

    async def _show_paused(self, bot: Bot, broadcast: Broadcast) -> None:
        """Show those as well that were in hand at Pause, once the last lane is through with them."""
        if any(lane.hand for lane in await self.broadcasts.lanes(broadcast)):
            return
        now = await self.broadcasts.find(broadcast.name)
        if now is not None and (now.state, now.chain) == ("paused", broadcast.chain):
            await _tolerantly(self.show(bot, now))

    async def _end(self, bot: Bot, broadcast: Broadcast) -> None:
        """Do what follows the last lane; nothing if this was not the last."""
        lanes = await self.broadcasts.lanes(broadcast)
        if sum(lane.is_done and lane.round == broadcast.round for lane in lanes) < len(broadcast.groups):
            return
        if not (broadcast.is_over and broadcast.ended_at):
            state = "cancelled" if broadcast.state == "cancelled" else "finished"
            ended = await self.broadcasts.order(broadcast, state=state, ended_at=round(self._clock(), 3))
            if ended is None:  # an order came in between: see what it was
                again = await self.broadcasts.find(broadcast.name)
                if again is not None and again.chain == broadcast.chain and again.round == broadcast.round:
                    await self._end(bot, again)
                return
            broadcast = ended
            logger.info("broadcast ended", broadcast=broadcast.name, state=state)
        await self.broadcasts.leave(broadcast.name)
        await self.start_first()
        await self.show(bot, broadcast)

    async def _send(self, broadcast: Broadcast, lane: int, number: int) -> None:
        name = f"{broadcast.name}-{lane}-{broadcast.chain}-{number}"
        data = {"broadcast": broadcast.name, "lane": lane, "chain": broadcast.chain, "step": number}
        task = {
            "id": name,
            "name": TASK,
            "chat_id": None,
            "user_id": None,
            "language_code": None,
            "thread_id": None,
            "data": data,
        }
        await self._calls.run(
            self._sqs.send_message,
            QueueUrl=self._queue_url,
            MessageBody=json.dumps({"task": task}),
            MessageGroupId=broadcast.groups[lane],
            MessageDeduplicationId=name,
            **carried(),
        )


class _View:
    """The message of a broadcast while it is sent: edited now and then, and nothing waits for that.

    Of several lanes the first that is under way shows it; when that is done, the next does.
    """

    def __init__(self, broadcasts: Broadcasts, bot: Bot, number: int) -> None:
        self._broadcasts = broadcasts
        self._bot = bot
        self._number = number
        self._editing: asyncio.Task[None] | None = None
        self._shown_at = self._now()
        self._shown: int | None = None

    async def refresh(self, broadcast: Broadcast) -> None:
        """Show it, if it was not shown for a while, and the last edit is over; raises nothing."""
        try:
            await self._refresh(broadcast)
        except (BotoCoreError, ClientError) as trouble:
            logger.warning("progress not shown", error=fault(trouble))

    async def _refresh(self, broadcast: Broadcast) -> None:
        if self._shown is None:
            self._shown = Count.of(await self._broadcasts.lanes(broadcast)).settled
        if self._now() - self._shown_at < SHOWN_EVERY_S or (self._editing and not self._editing.done()):
            return
        lanes = await self._broadcasts.lanes(broadcast)
        count = Count.of(lanes)
        rate = (count.settled - self._shown) / (self._now() - self._shown_at)
        self._shown, self._shown_at = count.settled, self._now()
        under_way = (lane.number for lane in lanes if lane.round == broadcast.round and not lane.is_done)
        if min(under_way, default=None) != self._number:
            return
        text, buttons = panel(broadcast, count, rate=rate)
        with at_pace(None):
            self._editing = unjournaled(
                _tolerantly(self._bot.edit_message_text(text, broadcast.chat, broadcast.panel, reply_markup=buttons))
            )

    async def close(self) -> None:
        """End an edit that is under way: what comes after it is to stand."""
        if self._editing is not None and not self._editing.done():
            await asyncio.wait({self._editing}, timeout=_REST_S / 4)
            self._editing.cancel()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _tolerantly(editing: Any) -> None:
    """Have the message show what it can: the broadcast is what matters."""
    try:
        await editing
    except TelegramError as error:
        logger.warning("progress not shown", error=type(error).__name__)
