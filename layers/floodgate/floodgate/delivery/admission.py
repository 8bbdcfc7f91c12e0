"""Whether an update may go on, before any of its work is done.

The order: what is stale is dropped, unread; what its chat's and its person's gates refuse is dropped, and the person
told once per quiet period; what a copy is, too; then a part of the bot's own limit is taken, and what is above that
waits. A group's person is charged before the group, so that one who floods uses up nobody's limit but their own.

Never dropped for a limit: what an admin does, payments, and everything that is not plain use of the bot: that somebody
joined, blocked the bot, wants to join, boosted. It is only checked for copies. So is what the admin sends again from
the dead letters, which never is stale either.

Hazard: the gates' store may be out of reach. Then the update waits, or, if the owner prefers that, passes without
limits once it has been received WITHOUT_STORE times.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.ingress.facts import (
    PAYMENTS,
    STALE_AFTER_S,
    asked_at,
    awaits_answer,
    closed_at,
    is_plain_use,
    shown,
    speaks_as_chat,
    written_at,
)
from floodgate.ingress.updates import chat_id, id_in, is_task, user_id
from floodgate.monitoring.logger import logger
from floodgate.retry import SOON_S, refused_for_s
from floodgate.telegram.migration import migrate
from floodgate.telegram.notices import can_be_told, tell, too_busy, too_fast
from floodgate.telegram.run import Run
from floodgate.traffic.gate import Admitted, Duplicate, Later, OverLimit, Ticket
from floodgate.traffic.limits import BRIEF_WAIT_S, SHORT_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Bot

    from floodgate.cache.cache import Cache
    from floodgate.delivery.message import Message
    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.settings import InboundLimits
    from floodgate.state.records import Records
    from floodgate.traffic.gate import Admission, Gates
    from floodgate.traffic.lease import Lease

#: What an inline query is charged: Telegram sends one for each pause in typing, and only the last is meant.
_INLINE_COST: Final = 0.2
#: Receives after which the owner's choice may let an update pass without the store.
WITHOUT_STORE: Final = 3


@dataclass(frozen=True, slots=True)
class Dropped:
    """It is finished, and nothing is done about it; `reason` is `stale`, `duplicate`, `user_limit` or `chat_limit`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Waits:
    """It goes back to its queue for so long; that is no failure."""

    wait_s: float
    #: `gate` (frozen, or too many at it), `lane` or `bot_limit`.
    reason: str


type Verdict = Run | Dropped | Waits


class Admissions:
    """Decides for one update after another. `lease` None: the bot as a whole has no limit."""

    def __init__(  # noqa: PLR0913 - what it works with, by name
        self,
        bot: Bot,
        gates: Gates,
        lease: Lease | None,
        cache: Cache,
        records: Records,
        limits: InboundLimits,
        *,
        admin_chat_id: int | None,
        early_acknowledgement: bool,
        clock: Callable[[], float],
    ) -> None:
        self._bot = bot
        self._gates = gates
        self._lease = lease
        self._cache = cache
        self._records = records
        self._limits = limits
        self._admin_chat_id = admin_chat_id
        self._early_acknowledgement = early_acknowledgement
        self._clock = clock

    def passes_without_store(self, message: Message) -> bool:
        """Tell whether the message may go on without what the store knows of it."""
        return self._limits.admit_without_store and message.receive_count >= WITHOUT_STORE

    async def admit(
        self,
        message: Message,
        update: IncomingUpdate,
        deadline: float,
        *,
        was_tried: bool = False,
        store_is_down: bool = False,
    ) -> Verdict:
        """Return the run of an update that may go on, or why it may not. Raises what botocore raises.

        `deadline` is when it must be done, by the event loop's time. `was_tried` if it has failed, or done something
        and had to wait. With `store_is_down` nobody asks.
        """
        age_s = self._clock() - message.sent_at
        is_begun = message.is_retry or (
            was_tried and update.type == "callback_query"
        )  # a press is more than a question
        if age_s > STALE_AFTER_S.get(update.type, math.inf) and not is_begun:
            return Dropped("stale")
        chat, user = chat_id(update.update), user_id(update.update)
        if chat is None and speaks_as_chat(update):  # a vote cast as a channel: it stands at its poll's gate
            user = None
        asked = None if message.is_retry else asked_at(update, message.sent_at)
        run = Run(
            update=update,
            ticket=Ticket(update.update_id, message.origin),
            group=message.group,
            own=chat if chat is not None else user,
            deadline=deadline,
            gates=None if store_is_down else self._gates,
            shown=shown(update),
            came_at=message.sent_at,
            asked_at=None if asked is None else asyncio.get_running_loop().time() - (self._clock() - asked),
            is_exempt=message.is_retry or self._is_exempt(update, chat, user),
            was_tried=message.is_retry or was_tried,
            is_acknowledged=self._early_acknowledgement and update.type == "callback_query",
        )
        if store_is_down:
            logger.error("update passes without limits", message_id=message.id)
        else:
            try:
                if (refusal := await self._pass_limits(run, message, age_s, chat, user)) is not None:
                    return refusal
                await self._follow_migration(update)
            except (BotoCoreError, ClientError) as trouble:
                if not self.passes_without_store(message):
                    raise
                logger.error("update passes without limits", message_id=message.id, error=fault(trouble))
                run.gates = None
        await self._cache.heard(update)
        return run

    async def _pass_limits(
        self, run: Run, message: Message, age_s: float, chat: int | None, user: int | None
    ) -> Dropped | Waits | None:
        if (refusal := await self._pass_gates(run, chat, user)) is not None:
            return refusal
        if self._lease is None or message.is_retry or run.update.type in PAYMENTS or is_task(run.update.update):
            return None
        if (wait_s := await self._lease.take()) <= 0:
            return None
        wait_s = max(wait_s, random.uniform(SOON_S, refused_for_s(message.receive_count)))  # noqa: S311 - no secret
        if age_s + wait_s >= STALE_AFTER_S.get(run.update.type, math.inf):
            return None  # nothing is dropped by this limit, and waiting would be that
        return Waits(wait_s, "bot_limit")

    async def _pass_gates(self, run: Run, chat: int | None, user: int | None) -> Dropped | Waits | None:
        """Pass the person's gate, then the chat's; return None once through."""
        update = run.update
        if chat is not None and chat != user:
            sender = None if run.is_exempt or speaks_as_chat(update) else user
            if sender is not None and self._limits.user is not None:
                # What may be frozen is the person's private chat, and this is about another.
                passing = partial(
                    self._gates.admit, sender, run.ticket, self._limits.user, if_frozen=True, came_at=run.came_at
                )
                if (refusal := await self._pass(passing, sender, run, too_fast)) is not None:
                    return refusal
        elif user is None and not update.group.startswith(("poll:", "task:")):
            return None  # of an unknown type, and finished without a handler
        is_private = run.own is not None and run.own == user
        limit = self._limits.user if is_private else self._limits.chat if chat is not None else None
        passing = partial(
            self._gates.admit,
            update.group if run.own is None else run.own,
            run.ticket,
            None if run.is_exempt else limit,
            cost=_INLINE_COST if update.type == "inline_query" else 1,
            reserve_reply=chat is not None and chat > 0 and update.type in {"message", "callback_query"},
            if_frozen=chat is None,
            closed_at=closed_at(update, self._clock()),
            came_at=run.came_at,
        )
        refusal = await self._pass(passing, run.own, run, too_fast if is_private else too_busy)
        if refusal is None and run.own is not None:
            if is_task(update.update) and (moved := run.seen[run.own].migrated_to) is not None:
                run.follow(run.own, moved)  # it was asked for in the group, and the chat is a supergroup now
                return None
            await self._reopen(run, run.own)
            return self._wait_for_lane(run, run.own)
        return refusal

    def _wait_for_lane(self, run: Run, own: int) -> Waits | None:
        """Have the update wait if its handler would only get as far as its first answer, and start again later."""
        if run.reply_reserved or not awaits_answer(run.update):
            return None
        at, _ = run.seen[own].lane.reserve(now := self._clock(), is_group=own < 0)
        return Waits(at - now, "lane") if at - now > BRIEF_WAIT_S else None

    async def _pass(
        self,
        passing: Callable[[], Awaitable[Admission]],
        name: int | None,
        run: Run,
        notice: Callable[[float], str],
    ) -> Dropped | Waits | None:
        while True:
            match await passing():
                case Admitted(gate, reply_reserved):
                    if name == run.own and name is not None:
                        run.seen[name] = gate
                        run.reply_reserved = reply_reserved
                    return None
                case Duplicate():
                    return Dropped("duplicate")
                case OverLimit(gate, wait_s):
                    if name is not None and gate.told_until <= self._clock():
                        await self._tell_once(name, run, notice(wait_s))
                    return Dropped("chat_limit" if notice is too_busy else "user_limit")
                case Later(wait_s):
                    if wait_s > SHORT_WAIT_S or not run.time_for(2 * wait_s):  # a handler needs time as well
                        return Waits(wait_s, "gate")
                    await asyncio.sleep(wait_s)

    async def _reopen(self, run: Run, own: int) -> None:
        """Open a closed chat again in which somebody has written since.

        The my_chat_member update of their coming back is delivered on its own and may be late, and who was written to
        before they had started the bot has none.
        """
        gate = run.seen[own]
        if gate.is_closed(self._clock()) and written_at(run.update) >= int(gate.closed_at):
            await self._gates.open(own)
            run.seen[own] = replace(gate, closed_at=0.0)

    async def _tell_once(self, name: int, run: Run, notice: str) -> None:
        """Say it, if it is time. What people say to each other in a group is not answered with that."""
        is_asked = (
            (chat_id(run.update.update) or 0) > 0 or run.update.type == "callback_query" or awaits_answer(run.update)
        )
        if is_asked and can_be_told(run) and await self._gates.may_tell(name, self._limits.quiet_s):
            await tell(self._bot, run, notice)

    def _is_exempt(self, update: IncomingUpdate, chat: int | None, user: int | None) -> bool:
        if self._admin_chat_id is not None and self._admin_chat_id in (chat, user):
            return True
        return not is_plain_use(update)

    async def _follow_migration(self, update: IncomingUpdate) -> None:
        content = update.update.get(update.type)
        here = chat_id(update.update)
        if update.type != "message" or not isinstance(content, Mapping) or here is None:
            return
        if (new := id_in(content, "migrate_to_chat_id")) is not None:
            await self._migrate(here, new)
        elif (old := id_in(content, "migrate_from_chat_id")) is not None:
            await self._migrate(old, here)

    async def _migrate(self, old: int, new: int) -> None:
        await migrate(old, new, self._gates, self._cache)
        await self._records.move(old, new)  # either chat says so before anything else happens in the new one
