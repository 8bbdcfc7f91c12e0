"""The two-level cache of what Telegram says of chats and their members: memory, then DynamoDB, then Telegram.

Problem: a handler that asks getChat for every update multiplies the calls of a flood, and an answer kept for five
minutes outlives what it says. Rule: an answer is kept until an update, a call of the bot's own or `forget` says that it
changed, until an update shows another name, or for five minutes; a refusal for 30 s. However many ask for the same at
once, Telegram is asked once.

What a second worker can see: once something is forgotten, whoever asks this worker gets nothing older, and whoever asks
another gets what that one has in memory, for less than MEMORY_S = 5 s more. An update that itself shows a new name gets
it at once on every worker.

Hazards: whoever asks first asks for all, so when their update is cancelled, the next one takes over. A table out of
reach costs calls to Telegram, never an answer; but what could not be forgotten there lives on until it expires.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import BadRequest, Forbidden

from floodgate.aws import fault
from floodgate.cache.changes import key_of_call, stale_after_call, stale_after_update, stale_by_hand
from floodgate.cache.entry import Entry, contradictions
from floodgate.cache.memory import Memory
from floodgate.cache.store import STORED_BYTES, Store
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls
    from floodgate.cache.entry import Shown
    from floodgate.ingress.updates import IncomingUpdate

#: How long an answer is kept that nothing contradicts, in seconds.
FRESH_S: Final = 300.0
#: How long "chat not found" and the like are kept: nothing announces that they have become wrong.
NEGATIVE_S: Final = 30.0


@dataclass(slots=True)
class _Flight:
    """A question under way, and those who wait for its answer."""

    landed: asyncio.Event = field(default_factory=asyncio.Event)
    #: None: whoever asked was cancelled.
    outcome: Entry | Exception | None = None


class Cache:
    """The cache of one worker; those of all workers share `table`."""

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        calls: AwsCalls,
        clock: Callable[[], float],
        *,
        fresh_s: float = FRESH_S,
    ) -> None:
        self._store = Store(dynamodb, table, calls, clock)
        self._clock = clock
        self._fresh_s = fresh_s
        self._memory = Memory()
        self._flights: dict[str, _Flight] = {}

    async def answer(
        self,
        method: str,
        data: Mapping[str, Any],
        ask: Callable[[], Awaitable[Any]],
        shown: Shown | None = None,
    ) -> Any:
        """Return what Telegram answers to this call, as JSON; `ask` asks it, and is called only if need be.

        `shown` are the chats and users of the update in hand: an answer that calls one of them otherwise is stale.
        What `ask` raises is raised to everybody who waits; a BadRequest or Forbidden is also remembered.
        """
        asked = False

        async def counted() -> Any:
            nonlocal asked
            asked = True
            return await ask()

        try:
            return await self._answer(method, data, counted, shown)
        finally:
            metrics.count(metrics.CACHE_MISSES if asked else metrics.CACHE_HITS)

    async def _answer(
        self, method: str, data: Mapping[str, Any], ask: Callable[[], Awaitable[Any]], shown: Shown | None
    ) -> Any:
        if self._fresh_s <= 0 or (key := key_of_call(method, data)) is None:
            return await ask()
        while True:
            entry = self._memory.get(key, self._clock())
            if entry is not None and entry.agrees_with(shown):
                return entry.value()
            if (flight := self._flights.get(key)) is None:
                return await self._lead(key, ask, shown)
            await flight.landed.wait()
            if isinstance(flight.outcome, Exception):
                raise flight.outcome
            if flight.outcome is not None and flight.outcome.agrees_with(shown):
                return flight.outcome.value()

    async def heard(self, update: IncomingUpdate) -> None:
        """Forget what this update announces a change of; to be awaited before its handlers run."""
        await self._forget(stale_after_update(update))

    async def called(self, method: str, data: Mapping[str, Any]) -> None:
        """Forget what this call of the bot, which has succeeded, changed."""
        await self._forget(stale_after_call(method, data))

    async def forget(self, chat_id: int | str, user_id: int | None = None) -> None:
        """Forget the chat and its administrators; with `user_id`, that member and the administrators."""
        await self._forget(stale_by_hand(chat_id, user_id))

    async def _lead(self, key: str, ask: Callable[[], Awaitable[Any]], shown: Shown | None) -> Any:
        flight = self._flights[key] = _Flight()
        try:
            entry = await self._find(key, flight, ask, shown)
        except Exception as error:
            flight.outcome = error
            raise
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.landed.set()
        return entry.value()

    async def _find(self, key: str, flight: _Flight, ask: Callable[[], Awaitable[Any]], shown: Shown | None) -> Entry:
        """Return what the table or Telegram says, and remember it unless it was forgotten on the way."""
        confirmed_at: float | None = self._clock()
        table_answers = True
        try:
            entry = await self._store.read(key)
        except (BotoCoreError, ClientError) as error:
            logger.warning("cache not read", key=hashed(key), error=fault(error))
            entry, table_answers = None, False
        if entry is None or self._clock() >= entry.fresh_until or not entry.agrees_with(shown):
            # Those who wait have their answer with this, even if this update is cancelled before it is written.
            flight.outcome = entry = await self._ask(ask, shown)
            confirmed_at = entry.fetched_at
            if table_answers and len(entry.text) <= STORED_BYTES:
                confirmed_at = await self._write(key, entry)
        if confirmed_at is not None and self._flights.get(key) is flight:
            self._memory.keep(key, entry, confirmed_at)
        flight.outcome = entry
        return entry

    async def _write(self, key: str, entry: Entry) -> float | None:
        """Return when the entry was still right; None if it was forgotten while it was under way."""
        now = self._clock()
        try:
            return now if await self._store.write(key, entry) else None
        except (BotoCoreError, ClientError) as error:
            logger.warning("cache not written", key=hashed(key), error=fault(error))
            return entry.fetched_at

    async def _ask(self, ask: Callable[[], Awaitable[Any]], shown: Shown | None) -> Entry:
        now = self._clock()
        try:
            value = await ask()
        except (BadRequest, Forbidden) as error:
            until = now + min(NEGATIVE_S, self._fresh_s)
            refusal = Forbidden if isinstance(error, Forbidden) else BadRequest
            return Entry(json.dumps(error.message), now, until, refusal=refusal.__name__)
        overruled = contradictions(value, shown or {})
        return Entry(json.dumps(value), now, now + self._fresh_s, overruled=json.dumps(overruled))

    async def _forget(self, keys: Iterable[str]) -> None:
        keys = tuple(keys) if self._fresh_s > 0 else ()
        try:
            troubles = await asyncio.gather(*(self._bury(key) for key in keys))
        finally:
            # Only now: while the tombstones are on their way, anybody may read what they are to bury.
            for key in keys:
                self._memory.drop(key)
                self._flights.pop(key, None)  # nobody joins it any more, and what it brings is not kept in memory
        if failed := {key: fault(trouble) for key, trouble in zip(keys, troubles, strict=True) if trouble}:
            logger.warning("cache not forgotten", keys=[*map(hashed, failed)], error=next(iter(failed.values())))

    async def _bury(self, key: str) -> BotoCoreError | ClientError | None:
        try:
            await self._store.forget(key)
        except (BotoCoreError, ClientError) as error:
            return error
        return None


_current: ContextVar[Cache] = ContextVar("cache")


@contextmanager
def caching(cache: Cache) -> Iterator[None]:
    """Within this block, `forget` is about `cache`."""
    token = _current.set(cache)
    try:
        yield
    finally:
        _current.reset(token)


async def forget(chat_id: int | str, user_id: int | None = None) -> None:
    """For handlers: have Telegram asked the next time, by whichever worker.

    About the chat and its administrators; with `user_id`, about that member and the administrators. Only another
    worker's handler may still get what was known before, for less than 5 s. A private chat's id is the user's.
    """
    await _current.get().forget(chat_id, user_id)
