"""Brings the admin chat to what is known of an alarm, whatever has brought the news and whatever was missed before.

Rule: news changes the alarm's item; whoever then claims the item shows what is due, notes it, and looks again, until
nothing is. So one message is sent for one change, however often it is told, and a change that could not be shown stays
due for whoever comes next: the next notification, Lambda's second try, or the sweep. Hazard: between a message and its
note lies a call to DynamoDB; who dies there has sent a message that will be sent again.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import RetryAfter

from floodgate.alerts.episodes import after, due
from floodgate.alerts.messages import MessageGone
from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.telegram.errors import told_to_wait_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Bot

    from floodgate.alerts.episodes import Due
    from floodgate.alerts.graphs import Graphs
    from floodgate.alerts.messages import AlarmMessages
    from floodgate.alerts.news import Graph, News
    from floodgate.state.alarms import Alarm, Alarms
    from floodgate.telegram.bot import KeptBot

#: Times that somebody else may come in between, or something new become due.
_ROUNDS: Final = 5
#: How long Telegram may ask to wait, in seconds, to be waited for.
_PATIENCE_S: Final = 15.0
#: How long showing may take in all, in seconds: less than the claim holds, or another would begin to show the same.
SHOWN_WITHIN_S: Final = 45.0


class Reconciler:
    """Shows alarms in the admin chat. What AWS and Telegram raise is raised, and what is due stays so."""

    def __init__(
        self,
        alarms: Alarms,
        messages: AlarmMessages,
        graphs: Graphs,
        bot: KeptBot,
        clock: Callable[[], float],
    ) -> None:
        self._alarms = alarms
        self._messages = messages
        self._graphs = graphs
        self._bot = bot
        self._clock = clock

    async def hear(self, news: News) -> None:
        """Take the news in, and show what is due."""
        alarm = await self._taken_in(news)
        await self._show(news.key, alarm, news.graph)

    async def _taken_in(self, news: News) -> Alarm | None:
        """Return the alarm as it is with the news, None if it is none that ever rang."""
        for _ in range(_ROUNDS):
            known = await self._alarms.find(news.key)
            changed = after(known, news)
            if changed is None:
                return known
            if await self._alarms.put(news.key, known, changed):
                if known is None or changed.changes != known.changes:
                    logger.info("alarm changed", alarm=news.name, state=changed.state, rings=changed.rings)
                return changed
        raise TimeoutError(news.name)

    async def _show(self, item: str, alarm: Alarm | None, graph: Graph | None) -> None:
        owner = uuid.uuid4().hex
        for _ in range(_ROUNDS):
            if alarm is None or due(alarm, self._clock()) is None:
                return
            alarm = await self._alarms.claim(item, owner, self._clock())
            if alarm is None:  # somebody else is at it, and looks again
                return
            try:
                async with asyncio.timeout(SHOWN_WITHIN_S):
                    shown = await self._shown(alarm, graph)
            except BaseException:
                await self._alarms.release(item, owner, self._clock())
                raise
            alarm = await self._noted(item, owner, shown)

    async def _noted(self, item: str, owner: str, shown: Alarm) -> Alarm | None:
        """Return the alarm as it is by now, None if that is not known."""
        try:
            if known := await self._alarms.show(item, shown, self._clock()):
                return known
            # An episode has begun meanwhile; whoever brought it was kept off by the claim, and relies on this one.
            await self._alarms.release(item, owner, self._clock())
            return await self._alarms.find(item)
        except (BotoCoreError, ClientError) as error:
            logger.error("alert not noted", alarm=shown.name, error=fault(error))
            return None

    async def _shown(self, alarm: Alarm, graph: Graph | None) -> Alarm:
        """Show what is due, and return the alarm as it is shown."""
        what = due(alarm, self._clock())
        if what is None:
            return replace(alarm, shown=alarm.changes)
        picture = None if graph is None else await self._graphs.picture(graph)
        async with self._bot.awake() as bot:
            for is_last in (False, False, True):
                try:
                    return await self._say(bot, alarm, what, picture)
                except RetryAfter as error:
                    wait_s = told_to_wait_s(error) or 0.0
                    if is_last or wait_s > _PATIENCE_S:
                        raise
                    await asyncio.sleep(wait_s)
        raise AssertionError  # the last round returns or raises

    async def _say(self, bot: Bot, alarm: Alarm, what: Due, picture: bytes | None) -> Alarm:
        is_muted = self._clock() < alarm.muted_until
        shown = replace(alarm, shown=alarm.changes)
        if what == "edit":
            try:
                await self._messages.edit(bot, alarm, picture, is_muted=is_muted)
            except MessageGone:
                if alarm.state == "OK" or is_muted:
                    return shown
            else:
                return shown
        rings = what == "push"
        message_id, has_photo = await self._messages.send(bot, alarm, picture, is_muted=is_muted, rings=rings)
        logger.info("alert sent", alarm=alarm.name, state=alarm.state)
        if alarm.message_id:
            await self._messages.remove(bot, alarm.message_id)
        pushed_at = self._clock() if rings else alarm.pushed_at
        return replace(shown, message_id=message_id, has_photo=has_photo, pushed_at=pushed_at)
