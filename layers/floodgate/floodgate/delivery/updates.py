"""One queued update: admitted, run, and judged by how it went (outcomes.py has the table).

Rule: nothing that goes wrong is swallowed. What an attempt has done and what it failed with is written to the journal
before its message goes back; what is given up goes to `dead.fifo` and only then counts as done. What waits for a limit,
for Telegram, for AWS or for a token that Telegram takes is put back for that time, and not counted.

Hazard: everything here may run twice for one message; only the journal knows.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.delivery.admission import Dropped, Waits
from floodgate.delivery.bookkeeping import Bookkeeping
from floodgate.delivery.canonical_line import CanonicalLine
from floodgate.delivery.failure import Failure
from floodgate.delivery.journal import Entry, Verdict
from floodgate.delivery.outcomes import (
    DONE,
    FOLLOWS,
    CallsDiverged,
    DeadlineOverrun,
    Follows,
    Outcome,
    PutBack,
    WorkerDied,
    classify,
    gravest,
)
from floodgate.ingress.trace import tracing
from floodgate.ingress.updates import Poison, parse
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed
from floodgate.retry import patience_s
from floodgate.telegram.errors import (
    ChatFrozen,
    ChatUnreachable,
    MustWait,
    OutcomeUnknown,
    token_refused,
    told_to_wait_s,
)
from floodgate.telegram.replay import Replay
from floodgate.traffic.limits import OTHERS_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from floodgate.delivery.admission import Admissions
    from floodgate.delivery.dead_queue import DeadQueue
    from floodgate.delivery.journal import Journal
    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Disposition
    from floodgate.delivery.suspects import Suspects
    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.retry import RetryPolicy
    from floodgate.telegram.run import Run

_REJECTED: Final = "what its handler asked Telegram for is refused, and would be again"
_DETAILS: Final[dict[type, str]] = {
    ChatUnreachable: "it writes to a chat that is unreachable",
    OutcomeUnknown: "it goes on with a message of which nobody knows whether it was sent",
}
_COUNTED: Final = {
    "stale": metrics.UPDATES_STALE,
    "duplicate": metrics.UPDATES_DUPLICATED,
    "user_limit": metrics.UPDATES_LIMITED,
    "chat_limit": metrics.UPDATES_LIMITED,
}


class UpdateHandling:
    """Runs `process` on the update of one message after another, once admitted, each within `deadline_s`.

    `read` returns the update that a message brings, and `process` whether it is of a known type.
    """

    def __init__(  # noqa: PLR0913 - what it works with, by name
        self,
        admissions: Admissions,
        process: Callable[[Run], Awaitable[bool]],
        journal: Journal,
        dead: DeadQueue,
        *,
        suspects: Suspects,
        deadline_s: float,
        retries: RetryPolicy,
        clock: Callable[[], float],
        read: Callable[[str], IncomingUpdate] = parse,
    ) -> None:
        self._parse = read
        self._admissions = admissions
        self._process = process
        self._journal = journal
        self._books = Bookkeeping(journal, dead, clock, deadline_s=deadline_s, read=read)
        self._deadline_s = deadline_s
        self._suspects = suspects
        self._retries = retries
        self._clock = clock

    async def handle(self, message: Message, suspected_at: float | None = None) -> Disposition:
        """Return what becomes of the message; raises nothing but its own cancellation.

        `suspected_at` is when it was received, if it is a suspect. All in all that takes the deadline and a few calls'
        worth of seconds, however AWS hangs.
        """
        line = CanonicalLine(message, queued_s=self._clock() - message.sent_at)
        with tracing(message.trace_id):
            try:
                return await self._handle(message, suspected_at, line)
            finally:
                if line.failed is not None:
                    metrics.measure(metrics.ATTEMPTS_FAILED, int(line.failed))

    async def _handle(self, message: Message, suspected_at: float | None, line: CanonicalLine) -> Disposition:
        try:
            entry = await self._read(message)
            if entry is not None and (entry.done or entry.verdict is not None):
                return DONE if entry.done else await self._books.bury(message, entry, line)
            return await self._attempt(message, entry, line, suspected_at)
        except (BotoCoreError, ClientError, TimeoutError) as trouble:
            # AWS's trouble with our own bookkeeping is not the update's: it waits, and none of its attempts is used up.
            line.failed = True
            error = "TimeoutError" if isinstance(trouble, TimeoutError) else fault(trouble)
            logger.error("update waits for AWS", message_id=message.origin, error=error)
            return PutBack(patience_s(message.receive_count))
        except Exception as error:  # noqa: BLE001 - the record boundary: a bug of ours may not take other chats down
            return await self._count_ours(message, error, line)

    async def _count_ours(self, message: Message, error: Exception, line: CanonicalLine) -> Disposition:
        """Count a bug of ours as the update's: what it has done is not kept then, and would be done without end."""
        try:
            return await self._judge(message, None, error, await self._read(message) or Entry(), line)
        except Exception as trouble:  # noqa: BLE001 - the same: then the bug is where things are written down
            line.failed = True
            logger.error("update waits", message_id=message.origin, **Failure.of(trouble, None).kept())
            return PutBack(patience_s(message.receive_count))

    async def suspected_at(self, message: Message) -> float | None:
        """Return the time, if a worker may have died with this message in hand; raises nothing."""
        with tracing(message.trace_id):
            return await self._suspects.since(message)

    async def going_back(self, message: Message, delay_s: float) -> None:
        """Hear that a message is about to be put back for `delay_s`; raises nothing."""
        with tracing(message.trace_id):
            await self._suspects.explain(message, delay_s)

    async def undeleted(self, message: Message) -> None:
        """Note that the message is done though it could not be deleted, so that it does not run again."""
        with tracing(message.trace_id):
            try:
                await self._journal.mark_done(message.origin)
            except (BotoCoreError, ClientError) as error:
                logger.error("a done message may run again", message_id=message.origin, error=fault(error))

    async def _read(self, message: Message) -> Entry | None:
        """Return what is known of the update; None if that cannot be read, and it passes without."""
        if message.receive_count == 1 and not message.is_retry:
            return Entry()
        try:
            return await self._journal.read(message.origin)
        except (BotoCoreError, ClientError):
            if self._admissions.passes_without_store(message):
                return None
            raise

    async def _attempt(
        self, message: Message, known: Entry | None, line: CanonicalLine, suspected_at: float | None
    ) -> Disposition:
        entry, store_is_down = known or Entry(), known is None
        line.attempts = entry.attempts
        try:
            line.update = update = self._parse(message.body)
        except Poison as poison:
            return await self._books.bury(message, replace(entry, verdict=Verdict(Outcome.POISON, poison.detail)), line)
        if self._suspects.has_killed(entry, suspected_at):
            return await self._give_up_killer(message, entry, line)
        deadline = line.began_at + self._deadline_s
        try:
            was_tried = bool(entry.failures or entry.calls)
            verdict = await self._admit(message, update, deadline, was_tried=was_tried, store_is_down=store_is_down)
        except (BotoCoreError, ClientError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - the record boundary: it may not take other chats down with it
            return await self._judge(message, None, error, entry, line)
        if isinstance(verdict, Waits):
            return self._wait(line, verdict.wait_s, verdict.reason)
        if isinstance(verdict, Dropped):
            return await self._drop(message, entry, verdict.reason, line)
        verdict.replay, verdict.retries = Replay(entry.calls), self._retries
        verdict.is_suspect = suspected_at is not None
        if verdict.replay.has_before or (not entry.failures and _is_held(message, verdict)):
            verdict.asked_at = None  # an earlier attempt may have answered, or the answer had to wait for a limit
        if suspected_at is not None and not store_is_down:
            entry = replace(entry, started_at=suspected_at, receives=message.receive_count)
            await self._journal.write(message.origin, entry)
        return await self._run(message, verdict, entry, line)

    async def _admit(
        self, message: Message, update: IncomingUpdate, deadline: float, *, was_tried: bool, store_is_down: bool
    ) -> Run | Dropped | Waits:
        """Return what admission says. Raises TimeoutError if it takes half of the time, which is the handler's."""
        if not store_is_down:
            try:
                async with asyncio.timeout_at(deadline - self._deadline_s / 2):
                    return await self._admissions.admit(message, update, deadline, was_tried=was_tried)
            except TimeoutError:
                if not self._admissions.passes_without_store(message):
                    raise
        return await self._admissions.admit(message, update, deadline, was_tried=was_tried, store_is_down=True)

    async def _run(self, message: Message, run: Run, entry: Entry, line: CanonicalLine) -> Disposition:
        """Have the handlers do their work, and return what follows."""
        waited = _waited(message, run, self._clock())
        began_at = asyncio.get_running_loop().time()
        error = await self._try(run)
        metrics.measure_s(metrics.HANDLER_TIME, asyncio.get_running_loop().time() - began_at)
        line.handler = run.handler
        for counter, line_of, calls in (
            (metrics.CALLS_DIVERGED, "call diverged", run.replay.divergences()),
            (metrics.CALLS_LEFT_OUT, "call left out, it may have arrived", run.replay.left_out),
        ):
            for method, chat in calls:
                metrics.count(counter)
                logger.warning(
                    line_of,
                    message_id=message.origin,
                    update_id=run.update.update_id,
                    handler=run.handler,
                    method=method,
                    chat=hashed(chat),
                )
        if error is not None:
            disposition = await self._judge(message, run, error, entry, line)
        else:
            metrics.count(metrics.UPDATES_LIMITED if run.is_limited else metrics.UPDATES_HANDLED)
            disposition = await self._finish(message, entry, line, Outcome.DONE)
        if waited is not None and line.outcome is not Outcome.WAIT:
            metrics.measure_s(*waited)
        return disposition

    async def _give_up_killer(self, message: Message, entry: Entry, line: CanonicalLine) -> Disposition:
        line.failed = True
        entry = self._books.failed(entry, Outcome.KILLED, Failure.of(WorkerDied(), None))
        verdict = Verdict(Outcome.KILLED, "two workers died with it in hand")
        try:
            return await self._books.give_up(message, entry, verdict, line, is_urgent=True)
        except (BotoCoreError, ClientError) as trouble:
            logger.error("update waits for AWS", message_id=message.origin, error=fault(trouble))
            return PutBack(patience_s(message.receive_count), is_innocent=False)

    async def _drop(self, message: Message, entry: Entry, reason: str, line: CanonicalLine) -> Disposition:
        if reason == "stale" and entry.failures:  # it was not late when it came: that is a failure, and no drop
            given_up = Verdict(gravest(entry.failures), "it failed, and nobody waits for it any more")
            return await self._books.give_up(message, entry, given_up, line)
        metrics.count(_COUNTED[reason])
        line.write(Outcome.DROP, reason=reason)
        return DONE

    async def _finish(self, message: Message, entry: Entry, line: CanonicalLine, outcome: Outcome) -> Disposition:
        if entry.started_at is not None or message.is_retry:
            # Before it is deleted: if that fails, it must not look like a crash, nor a second retry find it undone.
            await self.undeleted(message)
        line.failed = False
        line.write(outcome)
        return DONE

    async def _judge(
        self, message: Message, run: Run | None, error: BaseException, entry: Entry, line: CanonicalLine
    ) -> Disposition:
        """Return what becomes of a message whose handlers, or whose admission, raised `error`."""
        outcome, error = classify(error, run.own if run else None)
        follows = FOLLOWS[outcome]
        if follows is Follows.FINISHED:
            metrics.count(metrics.UPDATES_STALE if outcome is Outcome.DROP else metrics.UPDATES_HANDLED)
            return await self._finish(message, entry, line, outcome)
        was_started = entry.started_at is not None
        calls = tuple(run.replay.records()) if run else entry.calls
        is_new = len(calls) > len(entry.calls)
        at_least_s = _waited_s(error)
        if follows is Follows.WAITS and is_new and run and run.replay.divergences():
            outcome, error = (
                Outcome.BUG,
                CallsDiverged(),
            )  # or it would send for as long as there is something to wait for
            follows = FOLLOWS[outcome]
        entry = replace(entry, calls=calls, receives=message.receive_count, started_at=None)
        if follows is Follows.WAITS:
            line.failed = True if token_refused(error) else None
            if was_started or is_new:
                await self._books.keep(message, entry, line, is_urgent=was_started)
            return self._wait(line, self._wait_s(message, error), type(error).__name__)
        line.failed = True
        failure = Failure.of(error, line.handler)
        entry = self._books.failed(entry, outcome, failure)
        line.attempts = entry.attempts
        retries = run.retries if run else self._retries
        if follows is Follows.GIVEN_UP:
            detail = _DETAILS.get(type(error), _REJECTED)
            return await self._books.give_up(message, entry, Verdict(outcome, detail), line, is_urgent=was_started)
        some_times = [name for name in entry.failures if FOLLOWS[Outcome(name)] is Follows.TRIED_SOME_TIMES]
        if (
            entry.attempts >= retries.attempts
            or sum(entry.failures[name] for name in some_times) >= retries.bug_attempts
        ):
            detail = f"its handler failed {entry.attempts} times" if entry.attempts > 1 else "its handler failed"
            return await self._books.give_up(message, entry, Verdict(outcome, detail), line, is_urgent=was_started)
        await self._books.keep(message, entry, line, is_urgent=was_started)
        metrics.count(metrics.UPDATES_RETRIED)
        wait_s = max(at_least_s, retries.backoff_s(entry.attempts))
        line.write(outcome, failure=failure, wait_s=round(wait_s, 1))
        return PutBack(wait_s)

    def _wait(self, line: CanonicalLine, wait_s: float, reason: str) -> Disposition:
        metrics.count(metrics.UPDATES_WAITING)
        line.write(Outcome.WAIT, reason=reason, wait_s=wait_s)
        return PutBack(wait_s)

    def _wait_s(self, message: Message, error: BaseException) -> float:
        """Return how long the message waits for what is nobody's failure."""
        if isinstance(error, MustWait):
            return error.wait_s
        if (wait_s := told_to_wait_s(error)) is not None:  # a 429 of no chat
            logger.warning("update waits for Telegram", message_id=message.origin, wait_s=wait_s)
            return min(wait_s, OTHERS_WAIT_S)
        logger.error("update waits for a token that Telegram takes", message_id=message.origin)
        return patience_s(message.receive_count)

    async def _try(self, run: Run) -> BaseException | None:
        """Return what went wrong, None if nothing did."""
        try:
            async with asyncio.timeout_at(run.deadline) as limit:
                understood = await self._process(run)
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            return error  # a handler awaited something that was cancelled: its failure, not ours
        except TimeoutError as error:
            if not limit.expired():
                return error  # of the handler's own
            cut_off = error.__cause__ or error
            return DeadlineOverrun(self._deadline_s).with_traceback(cut_off.__traceback__)
        except BaseException as error:  # noqa: BLE001 - the record boundary: not even sys.exit() may lose a message
            return error
        if not understood:
            logger.info("update of an unknown type finished", update_type=run.update.type)
        return None


def _waited_s(error: BaseException) -> float:
    """Return how long an update must wait at least after this error, in seconds, also if it is counted."""
    if isinstance(error, ChatFrozen):
        return min(error.wait_s, OTHERS_WAIT_S)
    return error.wait_s if isinstance(error, MustWait) else 0.0


def _waited(message: Message, run: Run, now: float) -> tuple[str, float] | None:
    """Return how long the update was in its queue before it ran, in seconds, and which metric that belongs to.

    None for what runs again: it has waited for itself.
    """
    if run.was_tried:
        return None
    if _is_held(message, run):
        return metrics.HELD_WAIT, now - message.sent_at
    return metrics.QUEUE_WAIT, message.first_received_at - message.sent_at


def _is_held(message: Message, run: Run) -> bool:
    """Tell whether a freeze, a lane, a limit or its chat's earlier update has held the update back."""
    return message.was_held or (run.own in run.seen and run.seen[run.own].frozen_until > message.sent_at)
