"""What an admin may order about a broadcast, and what comes of it.

Rule: the order is written to the broadcast first, then what follows from it is done; whoever gets the same press again
finds the first done and does the second again, which changes nothing the second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from floodgate.announcements.progress import ALBUM, NOBODY, USAGE, Count, preview
from floodgate.state.broadcasts import Broadcast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from telegram import Bot, InlineKeyboardMarkup, Message

    from floodgate.announcements.chain import Chain

#: After so long a proposal is not taken for what its admin means now, in seconds.
STALE_S: Final = 86_400.0
#: Times that an order is tried while steps write to the broadcast.
_ROUNDS: Final = 5


class Orders:
    """Orders about broadcasts that go out in `groups`. Each method raises what botocore raises."""

    usage: Final = USAGE

    def __init__(self, chain: Chain, groups: Sequence[str], clock: Callable[[], float]) -> None:
        self._chain = chain
        self._broadcasts = chain.broadcasts
        self._groups = tuple(groups)
        self._clock = clock

    async def refusal(self, original: Message) -> str | None:
        """Return why a message cannot go out; None if it may be able to."""
        if original.media_group_id is not None:
            return ALBUM
        return None if await self._chain.subscribers.count() else NOBODY

    async def propose(self, name: str, chat: int, message_id: int, markup: str) -> tuple[str, InlineKeyboardMarkup]:
        """Keep a draft; return the question about it, and its buttons."""
        expected = await self._chain.subscribers.count()
        draft = Broadcast(name, chat, message_id, markup, expected, round(self._clock(), 3), self._groups)
        await self._broadcasts.propose(draft)
        return preview(draft, len(await self._broadcasts.waiting()))

    async def step(self, bot: Bot, data: Mapping[str, Any], deadline: float) -> None:
        """Work on a step until shortly before the loop's time `deadline`. Raises TelegramError."""
        await self._chain.step(bot, data, deadline)

    async def show(self, bot: Bot, name: str) -> None:
        """Have the message of a broadcast show it as it is now; a question stays one. Raises TelegramError."""
        broadcast = await self._broadcasts.find(name)
        if broadcast is not None and broadcast.panel:
            await self._chain.show(bot, broadcast)

    async def press(self, order: str, name: str, panel: int) -> str | None:
        """Do what a button below the message `panel` says, and return the answer; None: no such broadcast or order."""
        acts = {
            "confirm": self._confirm,
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "again": self._again,
        }
        if order not in acts:
            return None
        for _ in range(_ROUNDS):
            broadcast = await self._broadcasts.find(name)
            if broadcast is None:
                return None
            if (said := await acts[order](broadcast, panel)) is not None:
                return said
        return "It is changing just now: press again."

    async def _confirm(self, broadcast: Broadcast, panel: int) -> str | None:
        changed: Broadcast | None = broadcast
        if broadcast.state == "draft":
            if self._clock() - broadcast.created_at > STALE_S:
                return "This question is older than a day. Write /broadcast again."
            changed = await self._broadcasts.order(broadcast, state="queued", chain=1, panel=panel)
            if changed is None:
                return None
        if changed is None or changed.state != "queued":
            return "It was cancelled." if broadcast.state == "cancelled" else "It was confirmed before."
        return await self._queued(changed, "Confirmed.")

    async def _pause(self, broadcast: Broadcast, panel: int) -> str | None:
        if broadcast.state not in {"queued", "running", "paused"}:
            return "It is not under way."
        if broadcast.state == "queued" and (await self._broadcasts.waiting())[:1] != [broadcast.name]:
            return "It is not under way."
        changed = await self._broadcasts.order(broadcast, state="paused", panel=panel)
        return None if changed is None else "Paused."

    async def _resume(self, broadcast: Broadcast, panel: int) -> str | None:
        if broadcast.state not in {"running", "paused"}:
            return "It is not paused."
        started_at = broadcast.started_at or round(self._clock(), 3)  # 0: it was paused before its first step
        changed = await self._broadcasts.order(
            broadcast, state="running", chain=broadcast.chain + 1, started_at=started_at, note="", panel=panel
        )
        if changed is None:
            return None
        await self._chain.begin(changed)
        return "Going on."

    async def _cancel(self, broadcast: Broadcast, panel: int) -> str | None:
        if broadcast.state == "finished" or broadcast.ended_at:
            if broadcast.state == "cancelled" and not broadcast.started_at:
                await self._broadcasts.leave(broadcast.name)
                await self._chain.start_first()
            return "It is over."
        if broadcast.state != "cancelled":
            # What was never begun has no step that could end it, or one that finds it ended.
            never = broadcast.state in {"draft", "queued"} and not broadcast.started_at
            ended_at = round(self._clock(), 3) if never else 0.0
            changed = await self._broadcasts.order(
                broadcast, state="cancelled", chain=broadcast.chain + 1, ended_at=ended_at, panel=panel
            )
            if changed is None:
                return None
            broadcast = changed
        if broadcast.ended_at:
            await self._broadcasts.leave(broadcast.name)
            await self._chain.start_first()
        else:
            await self._chain.begin(broadcast)
        return "Cancelled."

    async def _again(self, broadcast: Broadcast, panel: int) -> str | None:
        """Send to the unknown: once, whoever they are; if that was cancelled, to those whose turn had not come."""
        if broadcast.round == 0 or broadcast.state != "queued":
            if not (broadcast.is_over and broadcast.ended_at):
                return "That was done before." if broadcast.round else "It is not over yet."
            count = Count.of(await self._broadcasts.lanes(broadcast))
            if not (count.rest if broadcast.round else count.unknown):
                return "That was done before." if broadcast.round else "None is unknown."
            changed = await self._broadcasts.order(
                broadcast,
                state="queued",
                round=broadcast.round + 1,
                chain=broadcast.chain + 1,
                ended_at=0.0,
                panel=panel,
            )
            if changed is None:
                return None
            broadcast = changed
        return await self._queued(broadcast, "They will get it.")

    async def _queued(self, broadcast: Broadcast, words: str) -> str:
        await self._broadcasts.enter(broadcast.name)
        await self._chain.start_first()
        waiting = await self._broadcasts.waiting()  # a short one may be over by now
        before = waiting.index(broadcast.name) if broadcast.name in waiting else 0
        return f"{words} It waits for {before} before it." if before else words
