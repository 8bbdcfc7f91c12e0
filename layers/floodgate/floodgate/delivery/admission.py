"""Whether an update may go on, before any of its work is done.

The order: what is stale is dropped, unread; what its chat's and its person's gates refuse is dropped, and the person
told once per quiet period; what a copy is, too; then a part of the bot's own limit is taken, and what is above that
waits. A group's person is charged before the group, so that one who floods uses up nobody's limit but their own.

Never dropped for a limit: what an admin does, payments, and everything that is not plain use of the bot: that somebody
joined, blocked the bot, wants to join, boosted. It is only checked for copies.

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
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.ingress.updates import chat_id, id_in, is_command, user_id
from floodgate.monitoring.logger import logger
from floodgate.telegram.migration import migrate
from floodgate.telegram.notices import can_be_told, tell, too_busy, too_fast
from floodgate.telegram.run import Run
from floodgate.traffic.gate import Admitted, Duplicate, Later, OverLimit, Ticket
from floodgate.traffic.limits import BRIEF_WAIT_S, SHORT_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Bot

    from floodgate.cache.cache import Cache
    from floodgate.cache.entry import Shown
    from floodgate.delivery.message import Message
    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.settings import InboundLimits
    from floodgate.traffic.gate import Admission, Gates
    from floodgate.traffic.lease import Lease

#: How long Telegram takes an answer to these, in seconds (tdlib/telegram-bot-api; payments: the Bot API's description
#: of answerPreCheckoutQuery). Later there is nobody to answer.
STALE_AFTER_S: Final = {
    "callback_query": 150.0,
    "shipping_query": 150.0,
    "pre_checkout_query": 10.0,
    "inline_query": 30.0,
    "chosen_inline_result": 600.0,
}
#: Plain use of the bot: what one person can do any number of times, and a bot author wants limited.
_LIMITED: Final = frozenset(
    {
        "message", "edited_message", "channel_post", "edited_channel_post", "business_message",
        "edited_business_message", "guest_message", "callback_query", "inline_query", "chosen_inline_result",
        "message_reaction", "poll_answer",
    }
)  # fmt: skip
#: Of messages only those with content that people send; a service message has none of these fields.
_CONTENT: Final = frozenset(
    {
        "text", "rich_message", "animation", "audio", "document", "live_photo", "paid_media", "photo", "sticker",
        "story", "video", "video_note", "voice", "checklist", "contact", "dice", "game", "poll", "venue", "location",
        "invoice",
    }
)  # fmt: skip
_MESSAGES: Final = frozenset(name for name in _LIMITED if name.endswith(("message", "post")))
#: No date of Telegram's is later, in Unix seconds: they have 32 bits.
_LATEST: Final = 2**32
#: Nobody may wait for these.
_PAYMENTS: Final = frozenset({"pre_checkout_query", "shipping_query"})
#: What an inline query is charged: Telegram sends one for each pause in typing, and only the last is meant.
_INLINE_COST: Final = 0.2
#: How soon an update comes back that the bot's own limit refused, in seconds; by chance, or all of them would come at
#: once. At most 5 s after the first time, 10 s after the second, then 30 s; and so much longer each time from the
#: 300th on that the thousand receives that a queue allows outlast the 14 days that it keeps a message.
_SOON_S: Final = 0.5
_STEP_S: Final = 5.0
_LONGEST_S: Final = 30.0
_PATIENT_FROM: Final = 300
_GROWING_S: Final = 10.0
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

    def __init__(
        self,
        bot: Bot,
        gates: Gates,
        lease: Lease | None,
        cache: Cache,
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
        self._limits = limits
        self._admin_chat_id = admin_chat_id
        self._early_acknowledgement = early_acknowledgement
        self._clock = clock

    def passes_without_store(self, message: Message) -> bool:
        """Tell whether the message may go on without what the store knows of it."""
        return self._limits.admit_without_store and message.receive_count >= WITHOUT_STORE

    async def admit(
        self, message: Message, update: IncomingUpdate, deadline: float, *, store_is_down: bool = False
    ) -> Verdict:
        """Return the run of an update that may go on, or why it may not. Raises what botocore raises.

        `deadline` is when it must be done, by the event loop's time. With `store_is_down` nobody asks.
        """
        age_s = self._clock() - message.sent_at
        if age_s > STALE_AFTER_S.get(update.type, math.inf):
            return Dropped("stale")
        chat, user = chat_id(update.update), user_id(update.update)
        run = Run(
            update=update,
            ticket=Ticket(update.update_id, message.id),
            group=message.group,
            own=chat if chat is not None else user,
            deadline=deadline,
            gates=None if store_is_down else self._gates,
            shown=_shown(update),
            is_exempt=self._is_exempt(update, chat, user),
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
        if self._lease is None or run.update.type in _PAYMENTS or (wait_s := await self._lease.take()) <= 0:
            return None
        wait_s = max(wait_s, random.uniform(_SOON_S, _at_most_s(message.receive_count)))  # noqa: S311 - no secret
        if age_s + wait_s >= STALE_AFTER_S.get(run.update.type, math.inf):
            return None  # nothing is dropped by this limit, and waiting would be that
        return Waits(wait_s, "bot_limit")

    async def _pass_gates(self, run: Run, chat: int | None, user: int | None) -> Dropped | Waits | None:
        """Pass the person's gate, then the chat's; return None once through."""
        update = run.update
        if chat is not None and chat != user:
            sender = None if run.is_exempt or _speaks_as_chat(update) else user
            if sender is not None and self._limits.user is not None:
                # What may be frozen is the person's private chat, and this is about another.
                passing = partial(self._gates.admit, sender, run.ticket, self._limits.user, if_frozen=True)
                if (refusal := await self._pass(passing, sender, run, too_fast)) is not None:
                    return refusal
        elif user is None and not update.group.startswith("poll:"):
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
            closed_at=_closed_at(update, self._clock()),
        )
        refusal = await self._pass(passing, run.own, run, too_fast if is_private else too_busy)
        if refusal is None and run.own is not None:
            await self._reopen(run, run.own)
            return self._wait_for_lane(run, run.own)
        return refusal

    def _wait_for_lane(self, run: Run, own: int) -> Waits | None:
        """Have the update wait if its handler would only get as far as its first answer, and start again later."""
        if run.reply_reserved or not _is_answered(run.update):
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
        if gate.is_closed(self._clock()) and _written_at(run.update) >= int(gate.closed_at):
            await self._gates.open(own)
            run.seen[own] = replace(gate, closed_at=0.0)

    async def _tell_once(self, name: int, run: Run, notice: str) -> None:
        """Say it, if it is time. What people say to each other in a group is not answered with that."""
        is_asked = (
            (chat_id(run.update.update) or 0) > 0 or run.update.type == "callback_query" or _is_answered(run.update)
        )
        if is_asked and can_be_told(run) and await self._gates.may_tell(name, self._limits.quiet_s):
            await tell(self._bot, run, notice)

    def _is_exempt(self, update: IncomingUpdate, chat: int | None, user: int | None) -> bool:
        if self._admin_chat_id is not None and self._admin_chat_id in (chat, user):
            return True
        content = update.update.get(update.type)
        is_service = update.type in _MESSAGES and isinstance(content, Mapping) and _CONTENT.isdisjoint(content)
        return update.type not in _LIMITED or is_service

    async def _follow_migration(self, update: IncomingUpdate) -> None:
        content = update.update.get(update.type)
        here = chat_id(update.update)
        if update.type != "message" or not isinstance(content, Mapping) or here is None:
            return
        if (new := id_in(content, "migrate_to_chat_id")) is not None:
            await migrate(here, new, self._gates, self._cache)
        elif (old := id_in(content, "migrate_from_chat_id")) is not None:
            await migrate(old, here, self._gates, self._cache)


def _at_most_s(receives: int) -> float:
    """Return how long an update waits at most that the bot's own limit refused, received so many times."""
    return min(_LONGEST_S, _STEP_S * receives) + _GROWING_S * max(0, receives - _PATIENT_FROM)


def _speaks_as_chat(update: IncomingUpdate) -> bool:
    """Tell whether `from` is a stand-in: anonymous admins and channels all share one user each."""
    content = update.update.get(update.type)
    return isinstance(content, Mapping) and ("sender_chat" in content or "actor_chat" in content)


def _is_answered(update: IncomingUpdate) -> bool:
    """Tell whether somebody surely waits for an answer: to what they write in private, or to a command."""
    content = update.update.get(update.type)
    return (
        update.type == "message"
        and isinstance(content, Mapping)
        and ((chat_id(update.update) or 0) > 0 or is_command(content))
    )


def _closed_at(update: IncomingUpdate, now: float) -> float | None:
    """Return since when the update says that its chat is closed to the bot, 0 for open; None if it says nothing."""
    content = update.update.get(update.type)
    if update.type != "my_chat_member" or not isinstance(content, Mapping):
        return None
    member = content.get("new_chat_member")
    status = member.get("status") if isinstance(member, Mapping) else None
    if not isinstance(status, str):
        return None
    at = _date(content)
    return (at or now) if status in {"kicked", "left"} else 0.0


def _written_at(update: IncomingUpdate) -> int:
    """Return when somebody wrote what the update brings, or let the bot write to them, Unix seconds; 0 for others."""
    content = update.update.get(update.type)
    if update.type not in {"message", "channel_post"} or not isinstance(content, Mapping):
        return 0
    return 0 if (_CONTENT | {"write_access_allowed"}).isdisjoint(content) else _date(content)


def _date(content: Mapping[str, Any]) -> int:
    at = content.get("date")
    return at if isinstance(at, int) and 0 < at < _LATEST else 0


def _shown(update: IncomingUpdate) -> Shown:
    """Return the chat and the people that the update shows as they are now."""
    content = update.update.get(update.type)
    if not isinstance(content, Mapping):
        return {}
    message = content.get("message") if update.type == "callback_query" else None
    found = [content.get("from"), content.get("user"), content.get("chat")]
    if isinstance(message, Mapping):
        found.append(message.get("chat"))
    # A private chat's id is the user's, and getChat answers with the chat; so the chat comes last.
    return {one["id"]: one for one in found if isinstance(one, Mapping) and isinstance(one.get("id"), int)}
