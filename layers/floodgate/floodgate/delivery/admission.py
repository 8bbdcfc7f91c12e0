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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.delivery.retry import patience_s
from floodgate.ingress.updates import chat_id, user_id
from floodgate.monitoring.logger import logger
from floodgate.telegram.migration import migrate
from floodgate.telegram.notices import tell, too_busy, too_fast
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
    #: `frozen`, `reply` or `bot_limit`.
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

    async def admit(self, message: Message, update: IncomingUpdate, deadline: float) -> Verdict:
        """Return the run of an update that may go on, or why it may not. Raises what botocore raises.

        `deadline` is when it must be done, by the event loop's time.
        """
        if self._clock() - message.sent_at > STALE_AFTER_S.get(update.type, float("inf")):
            return Dropped("stale")
        chat, user = chat_id(update.update), user_id(update.update)
        run = Run(
            update=update,
            ticket=Ticket(update.update_id, message.id),
            group=message.group,
            own=chat if chat is not None else user,
            deadline=deadline,
            gates=self._gates,
            shown=_shown(update),
            is_exempt=self._is_exempt(update, chat, user),
            is_acknowledged=self._early_acknowledgement and update.type == "callback_query",
        )
        try:
            if (refusal := await self._pass_gates(run, chat, user)) is not None:
                return refusal
            if self._lease is not None and (wait_s := await self._lease.take()) > 0:
                return Waits(max(wait_s, patience_s(message.receive_count)), "bot_limit")
            await self._follow_migration(update)
        except (BotoCoreError, ClientError) as trouble:
            if not self.passes_without_store(message):
                raise
            logger.error("update passes without limits", message_id=message.id, error=fault(trouble))
            run.gates = None
        await self._cache.heard(update)
        return run

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
        limit = self._limits.user if chat is None or chat == user else self._limits.chat
        is_answered = chat is not None and chat > 0 and update.type in {"message", "callback_query"}
        passing = partial(
            self._gates.admit,
            update.group if run.own is None else run.own,
            run.ticket,
            None if run.is_exempt else limit,
            reserve_reply=is_answered,
            if_frozen=chat is None,
            closed_at=_closed_at(update, self._clock()),
        )
        refusal = await self._pass(passing, run.own, run, too_fast if run.own == user else too_busy)
        if refusal is None and run.own is not None:
            await self._reopen(run, run.own)
        if refusal is None and update.type == "message" and chat in run.seen and is_answered and not run.reply_reserved:
            # Its handler would get as far as its first answer, and start again later. Buttons may go without one.
            at, _ = run.seen[chat].lane.reserve(now := self._clock(), is_group=False)
            if at - now > BRIEF_WAIT_S:
                return Waits(at - now, "reply")
        return refusal

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
                        return Waits(wait_s, "frozen")
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
        if await self._gates.may_tell(name, self._limits.quiet_s):
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
        if isinstance(new := content.get("migrate_to_chat_id"), int):
            await migrate(here, new, self._gates, self._cache)
        elif isinstance(old := content.get("migrate_from_chat_id"), int):
            await migrate(old, here, self._gates, self._cache)


def _speaks_as_chat(update: IncomingUpdate) -> bool:
    """Tell whether `from` is a stand-in: anonymous admins and channels all share one user each."""
    content = update.update.get(update.type)
    return isinstance(content, Mapping) and ("sender_chat" in content or "actor_chat" in content)


def _closed_at(update: IncomingUpdate, now: float) -> float | None:
    """Return since when the update says that its chat is closed to the bot, 0 for open; None if it says nothing."""
    content: Any = update.update.get(update.type)
    if update.type != "my_chat_member" or not isinstance(content, Mapping):
        return None
    status = (content.get("new_chat_member") or {}).get("status")
    if status is None:
        return None
    at = content.get("date")
    return (at if isinstance(at, int) else now) if status in {"kicked", "left"} else 0.0


def _written_at(update: IncomingUpdate) -> int:
    """Return when somebody wrote what the update brings, Unix seconds; 0 where nobody did."""
    content: Any = update.update.get(update.type)
    at = content.get("date") if update.type in {"message", "channel_post"} and isinstance(content, Mapping) else 0
    return at if isinstance(at, int) else 0


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
