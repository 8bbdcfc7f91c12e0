"""What stands between the bot object and Telegram: python-telegram-bot's rate limiter hook, shared by all workers.

Problem: limiters that count in memory let ten workers send ten times the limit. Rule: every call of the bot passes
`process_request`, and what goes into a chat waits for its turn at the gate that all workers share (outbound.py). A 429
freezes the chat there for everybody; groups that became supergroups are written to where they are now; chats that
Telegram refuses for good are not written to any more. A call that an earlier attempt of the update has made is answered
from what is remembered of it (replay.py). getMe is answered from what the registrar stored, and what is asked of chats
and members from the cache.

Hazards: a call that python-telegram-bot makes without this hook is not limited: downloads of files are the only ones. A
call that is cancelled while Telegram has it in hand may have been made; so it gets GRACE_S to end.
"""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, override

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

from floodgate.aws import fault
from floodgate.cache.changes import CACHED
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed
from floodgate.telegram import outbound
from floodgate.telegram.calls import PAID, messages, names_another_chat, shows_twice, target
from floodgate.telegram.errors import (
    ChatUnreachable,
    is_done_already,
    is_for_good,
    is_refusal,
    is_too_late,
    token_refused,
    told_to_wait_s,
)
from floodgate.telegram.migration import migrate
from floodgate.telegram.replay import Call, Recorded
from floodgate.telegram.run import running
from floodgate.telegram.stand_in import stand_in
from floodgate.traffic.bulk import pacing
from floodgate.traffic.limits import SHORT_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from telegram._utils.types import JSONDict

    from floodgate.cache.cache import Cache
    from floodgate.telegram.run import Run
    from floodgate.traffic.gate import Gates

    type Answer = bool | JSONDict | list[JSONDict]
    type Callback = Callable[..., Coroutine[Any, Any, Answer]]

#: What a call that is under way may still take once its update is cancelled, in seconds.
GRACE_S: Final = 1.0
#: What is called now is passed on as it is: no limit holds, nothing is remembered, nobody learns from its failure.
aside: ContextVar[bool] = ContextVar("aside", default=False)
#: How often a call is made anew because its group has moved, or was told to wait for a moment.
_ROUNDS: Final = 5


class Limiter(BaseRateLimiter[None]):
    """Hook of a bot whose getMe answer is `identity`; None has Telegram asked, as for a bot not yet registered.

    Without `gates` nothing is limited, and without `cache` Telegram is always asked: so the registrar works.
    """

    def __init__(
        self,
        identity: Mapping[str, Any] | None,
        gates: Gates | None = None,
        cache: Cache | None = None,
        *,
        repeat_unknown: bool = False,
    ) -> None:
        self._identity = identity
        self._gates = gates
        self._cache = cache
        #: Whether a message of which nobody knows whether it was sent is sent again.
        self._repeat_unknown = repeat_unknown
        #: Telegram has refused the token that this bot was made with.
        self.token_is_refused = False

    @override
    async def initialize(self) -> None:
        """Nothing to do."""

    @override
    async def shutdown(self) -> None:
        """Nothing to do."""

    @override
    async def process_request(
        self,
        callback: Callback,
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> Answer:
        """Return Telegram's answer, or the stored one.

        Raises what Telegram raises; ChatFrozen and ChatUnreachable in its place; MustWait to end the update's attempt;
        OutcomeUnknown if the call rests on an earlier one of which nobody knows whether it arrived.
        """
        callback = partial(_measured, callback)
        if aside.get():
            return await callback(*args, **kwargs)
        return await self._process(callback, args, kwargs, endpoint, data)

    async def _process(
        self, callback: Callback, args: Any, kwargs: dict[str, Any], endpoint: str, data: dict[str, Any]
    ) -> Answer:
        if endpoint == "getMe" and self._identity is not None:
            return dict(self._identity)
        run = running.get()
        if run is not None:
            run.require_open()

        async def ask() -> Answer:
            try:
                return await callback(*args, **kwargs)
            except TelegramError as error:
                self.token_is_refused |= token_refused(error)
                raise

        if endpoint in CACHED and self._cache is not None:
            found: Answer = await self._cache.answer(endpoint, data, ask, run.shown if run else None)
            return found
        if run is not None and run.is_acknowledged and _answers_query_of(run, endpoint, data):
            return await self._say_instead(callback, kwargs, data, run)
        call = run.replay.open(endpoint, data) if run is not None else None
        if isinstance(call, Recorded):
            known: Answer = stand_in(endpoint, data) if call.answer is None else json.loads(call.answer)
            return known
        answer = await self._done(partial(self._asked, ask, call, run), endpoint, data, run)
        _note_answer(run, endpoint, data)
        if call is not None and not call.counts:  # refused, for it was done already
            call.answered(answer)
        if self._cache is not None:
            await self._cache.called(endpoint, data)
        return answer

    async def _asked(
        self, ask: Callable[[], Coroutine[Any, Any, Answer]], call: Call | None, run: Run | None
    ) -> Answer:
        """Ask Telegram; if that is cancelled, let it end for a moment, and note in `call` what came of it."""
        if call is None or run is None:
            return await ask()
        call.begins()
        asking = asyncio.ensure_future(ask())
        run.under_way.add(asking)
        asking.add_done_callback(run.under_way.discard)
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            await asyncio.wait({asking}, timeout=GRACE_S)
            raise
        finally:
            call.ended(asking, repeat_unknown=self._repeat_unknown)

    async def _done(
        self, ask: Callable[[], Awaitable[Answer]], method: str, data: dict[str, Any], run: Run | None
    ) -> Answer:
        """Make the call, as often as it takes, and return Telegram's answer."""
        for _ in range(_ROUNDS):
            await self._turn(method, data, run)
            try:
                return await ask()
            except (RetryAfter, ChatMigrated, Forbidden) as error:
                await self._refused(error, method, data, run)
            except BadRequest as error:
                # Of an update that was tried before nobody need be waiting for the answer; its work is to be done.
                if is_done_already(error) or (run is not None and run.was_tried and is_too_late(error)):
                    return True
                raise
        raise outbound.too_long(data["chat_id"], SHORT_WAIT_S, run)

    def _gates_of(self, run: Run | None) -> Gates | None:
        return self._gates if run is None else run.gates

    async def _turn(self, method: str, data: dict[str, Any], run: Run | None) -> None:
        """Wait until the call may be made; its chat's id is then as it is now."""
        chat, count = target(method, data), messages(method, data)
        if chat is not None and (gates := self._gates_of(run)) is not None:
            here = await outbound.turn(gates, chat, count, run)
            if here != chat:
                data["chat_id"] = here
        if count and (pacer := pacing.get()) is not None:
            await pacer.turn(count)
            if pacer.is_paid and method in PAID:
                data["allow_paid_broadcast"] = True

    async def _refused(
        self, error: RetryAfter | ChatMigrated | Forbidden, method: str, data: dict[str, Any], run: Run | None
    ) -> None:
        """Note what Telegram says of the chat, and return if the call is to be made again; raises if it is not."""
        chat, gates = target(method, data), self._gates_of(run)
        if chat is None:
            raise error
        wait_s = told_to_wait_s(error)
        if wait_s is not None:
            logger.warning("chat frozen by Telegram", chat=hashed(chat), wait_s=wait_s)
            if gates is not None:
                metrics.count(metrics.CHATS_FROZEN)
                await _noted(gates.freeze(chat, wait_s))
            await outbound.pause(chat, wait_s, run)
        elif isinstance(error, ChatMigrated) and isinstance(chat, int):
            await _noted(migrate(chat, error.new_chat_id, gates, self._cache))
            if run is not None:
                run.follow(chat, error.new_chat_id)
            data["chat_id"] = error.new_chat_id
        elif isinstance(error, Forbidden) and is_for_good(error, chat) and not names_another_chat(data):
            logger.warning("chat unreachable", chat=hashed(chat))
            if gates is not None:
                await _noted(gates.close(chat))
            raise ChatUnreachable(chat) from error
        else:
            raise error

    async def _say_instead(
        self, callback: Callback, kwargs: dict[str, Any], data: Mapping[str, Any], run: Run
    ) -> Answer:
        """Do what is left to do when a query that the webhook has answered is answered again."""
        if data.get("url"):
            logger.warning("query answered early, its url comes too late")
        if text := data.get("text"):
            is_private = run.own is not None and run.own > 0 and run.update.group.startswith("chat:")
            logger.warning("query answered early, its text comes too late", sent_as_message=is_private)
            if is_private:  # in a group it was meant for one person's eyes
                message = {"chat_id": run.own, "text": text}
                await self._process(callback, ("sendMessage", message), kwargs, "sendMessage", message)
        return True


async def _measured(callback: Callback, *args: Any, **kwargs: Any) -> Answer:
    """Make the call, and measure it."""
    now = asyncio.get_running_loop().time
    began_at, is_limited = now(), False
    try:
        return await callback(*args, **kwargs)
    except TelegramError as error:
        is_limited = isinstance(error, RetryAfter)
        if not is_limited:
            metrics.count(metrics.TELEGRAM_CALLS_REFUSED if is_refusal(error) else metrics.TELEGRAM_CALLS_FAILED)
        raise
    finally:
        metrics.count(metrics.TELEGRAM_CALLS)
        metrics.measure(metrics.TELEGRAM_CALLS_LIMITED, int(is_limited))
        metrics.measure_s(metrics.TELEGRAM_TIME, now() - began_at)


def _note_answer(run: Run | None, method: str, data: Mapping[str, Any]) -> None:
    """Measure how long a person has waited, if that was the first message into their chat since they asked."""
    if run is None or run.asked_at is None or run.own is None or target(method, data) != run.own:
        return
    if messages(method, data) and shows_twice(method):
        metrics.measure_s(metrics.ANSWER_TIME, asyncio.get_running_loop().time() - run.asked_at)
        run.asked_at = None


async def _noted(writing: Awaitable[None]) -> None:
    """Have the other workers know, if that is possible; this one does already."""
    try:
        await writing
    except (BotoCoreError, ClientError) as trouble:
        logger.error("gate not written", error=fault(trouble))


def _answers_query_of(run: Run, method: str, data: Mapping[str, Any]) -> bool:
    query = run.update.update.get("callback_query")
    return method == "answerCallbackQuery" and isinstance(query, dict) and data["callback_query_id"] == query.get("id")
