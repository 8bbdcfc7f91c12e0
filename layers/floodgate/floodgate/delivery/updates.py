"""One queued update: admitted, run, and judged by how it went.

Rule: nothing that goes wrong is swallowed. A failure is counted in the journal and the message put back with
exponential backoff; after MAX_ATTEMPTS it goes to `dead.fifo` and only then counts as done. What must wait for a limit
or for Telegram before anything was sent is put back for that time; so is what waits for AWS or for a token that
Telegram takes, and none of these is counted. An update whose own chat is unreachable is over: nobody is there to be
told. Hazard: everything here may run twice for one message; only the journal knows.
"""

from __future__ import annotations

import asyncio
import re
import traceback
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import TelegramError

from floodgate.aws import fault
from floodgate.delivery.admission import Dropped, Waits
from floodgate.delivery.journal import Entry
from floodgate.delivery.outcomes import DONE, PutBack
from floodgate.delivery.retry import MAX_ATTEMPTS, backoff_s, patience_s
from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.updates import Poison, parse
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.telegram.errors import (
    ChatFrozen,
    ChatUnreachable,
    LimitedMidway,
    MustWait,
    token_refused,
    told_to_wait_s,
)
from floodgate.traffic.limits import OTHERS_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mypy_boto3_sqs import SQSClient

    from floodgate.aws import AwsCalls
    from floodgate.delivery.admission import Admissions
    from floodgate.delivery.journal import Journal
    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Outcome
    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.monitoring.metrics import Metrics
    from floodgate.telegram.run import Run


_QUOTED = re.compile(r'"[^"]*"')


class DeadQueue:
    """The way into `dead.fifo` from the queue named `source`: `updates` or `tasks`."""

    def __init__(self, sqs: SQSClient, url: str, source: str, calls: AwsCalls) -> None:
        self.source = source
        self._sqs = sqs
        self._url = url
        self._calls = calls

    async def send(self, body: str, group: str, deduplication_id: str) -> None:
        """Put a dead letter into the queue; raises what botocore raises."""
        await self._calls.run(
            self._sqs.send_message,
            QueueUrl=self._url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id,
        )


_COUNTED = {
    "stale": metrics.UPDATES_STALE,
    "duplicate": metrics.UPDATES_DUPLICATED,
    "user_limit": metrics.UPDATES_LIMITED,
    "chat_limit": metrics.UPDATES_LIMITED,
}


class UpdateHandling:
    """Runs `process` on the update of one message after another, once admitted, each within `deadline_s`.

    `process` returns whether the update is of a known type.
    """

    def __init__(
        self,
        admissions: Admissions,
        process: Callable[[Run], Awaitable[bool]],
        journal: Journal,
        dead: DeadQueue,
        counts: Metrics,
        *,
        deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._admissions = admissions
        self._process = process
        self._journal = journal
        self._dead = dead
        self._counts = counts
        self._deadline_s = deadline_s
        self._clock = clock

    async def handle(self, message: Message) -> Outcome:
        """Return what becomes of the message; raises nothing but its own cancellation.

        That takes the deadline and a few calls' worth of seconds, however AWS hangs.
        """
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        try:
            found = await self._read(message)
            entry = found or Entry()
            if entry.done:
                return DONE
            if entry.attempts >= MAX_ATTEMPTS:  # it was to be given up, and dead.fifo could not be reached
                return await self._give_up(message, "failed", f"its handler failed {entry.attempts} times", entry)
            return await self._attempt(message, entry, deadline, store_is_down=found is None)
        except (BotoCoreError, ClientError, TimeoutError) as trouble:
            # AWS's trouble with our own bookkeeping is not the update's: it waits, and is not counted.
            error = "TimeoutError" if isinstance(trouble, TimeoutError) else fault(trouble)
            logger.error("update waits for AWS", message_id=message.id, error=error)
            return PutBack(patience_s(message.receive_count))

    async def _read(self, message: Message) -> Entry | None:
        """Return what is known of the message; None if that cannot be read, and the message passes without."""
        if message.receive_count == 1:
            return Entry()
        try:
            return await self._journal.read(message.id)
        except (BotoCoreError, ClientError):
            if self._admissions.passes_without_store(message):
                return None
            raise

    async def _attempt(self, message: Message, entry: Entry, deadline: float, *, store_is_down: bool) -> Outcome:
        try:
            update = parse(message.body)
        except Poison as poison:
            return await self._give_up(message, "poison", poison.detail, entry)
        try:
            verdict = await self._admit(message, update, deadline, store_is_down=store_is_down)
        except (BotoCoreError, ClientError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - the record boundary: it may not take other chats down with it
            return await self._fail(message, error, entry)
        match verdict:
            case Dropped(reason):
                self._counts.count(_COUNTED[reason])
                return DONE
            case Waits(wait_s, reason):
                self._counts.count(metrics.UPDATES_WAITING)
                logger.debug("update waits", message_id=message.id, wait_s=wait_s, reason=reason)
                return PutBack(wait_s)
        failure = await self._try(verdict)
        return DONE if failure is None else await self._judge(message, verdict, failure, entry)

    async def _admit(
        self, message: Message, update: IncomingUpdate, deadline: float, *, store_is_down: bool
    ) -> Run | Dropped | Waits:
        """Return what admission says. Raises TimeoutError if it takes half of the time, which is the handler's."""
        if not store_is_down:
            try:
                async with asyncio.timeout_at(deadline - self._deadline_s / 2):
                    return await self._admissions.admit(message, update, deadline)
            except TimeoutError:
                if not self._admissions.passes_without_store(message):
                    raise
        return await self._admissions.admit(message, update, deadline, store_is_down=True)

    async def _judge(self, message: Message, run: Run, error: BaseException, entry: Entry) -> Outcome:
        """Return what becomes of a message whose handlers raised `error`."""
        if (wait_s := self._uncounted_s(message, error)) is not None:
            return PutBack(wait_s)
        if isinstance(error, ChatUnreachable) and error.chat == run.own:
            logger.info("update is over, its chat is gone", message_id=message.id, chat_id=run.own)
            return DONE
        return await self._fail(message, error, entry)

    async def _fail(self, message: Message, error: BaseException, entry: Entry) -> Outcome:
        """Count a failed attempt; put the message back, or give it up after the last."""
        entry = await self._journal.count_failure(message.id, entry, type(error).__name__)
        _log(message, error, entry)
        if isinstance(error, ChatUnreachable):
            return await self._give_up(message, "failed", "it writes to a chat that is unreachable", entry)
        if entry.attempts >= MAX_ATTEMPTS:
            return await self._give_up(message, "failed", f"its handler failed {entry.attempts} times", entry)
        at_least_s = 0.0
        if isinstance(error, LimitedMidway):
            at_least_s = error.wait_s
        elif isinstance(error, ChatFrozen):
            at_least_s = min(error.wait_s, OTHERS_WAIT_S)
        return PutBack(max(at_least_s, backoff_s(entry.attempts)))

    def _uncounted_s(self, message: Message, error: BaseException) -> float | None:
        """Return how long the message waits for what is not its failure; None if this is one."""
        if isinstance(error, MustWait):
            self._counts.count(metrics.UPDATES_WAITING)
            logger.debug("update waits", message_id=message.id, wait_s=error.wait_s)
            return error.wait_s
        if not isinstance(error, ChatFrozen) and (wait_s := told_to_wait_s(error)) is not None:  # of no chat
            logger.warning("update waits for Telegram", message_id=message.id, wait_s=wait_s)
            return min(wait_s, OTHERS_WAIT_S)
        if token_refused(error):
            logger.error("update waits for a token that Telegram takes", message_id=message.id)
            return patience_s(message.receive_count)
        return None

    async def undeleted(self, message: Message) -> None:
        """Note that the message is done though it could not be deleted, so that it does not run again."""
        try:
            await self._journal.mark_done(message.id)
        except (BotoCoreError, ClientError) as error:
            logger.error("a done message may run again", message_id=message.id, error=fault(error))

    async def _try(self, run: Run) -> BaseException | None:
        """Return what went wrong, None if nothing did."""
        try:
            async with asyncio.timeout_at(run.deadline):
                understood = await self._process(run)
        except asyncio.CancelledError as error:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            return error  # a handler awaited something that was cancelled: its failure, not ours
        except BaseException as error:  # noqa: BLE001 - the record boundary: not even sys.exit() may lose a message
            return error
        if not understood:
            logger.info("update of an unknown type finished", update_type=run.update.type)
        return None

    async def _give_up(self, message: Message, reason: str, detail: str, entry: Entry) -> Outcome:
        body, letter = dead_letter(
            message.body.encode("utf-8", "surrogatepass"),
            reason=reason,
            detail=detail,
            at=self._clock(),
            group=message.group,
            queue=self._dead.source,
            error=entry.error,
            attempts=entry.attempts,
            first_at=entry.first_at,
            message_id=message.id,
        )
        await self._dead.send(body, letter["group"], message.id)
        return DONE


def _log(message: Message, error: BaseException, entry: Entry) -> None:
    """Write one line to debug with: where it failed, and no value that could hold what somebody wrote."""
    logger.error(
        "update failed",
        message_id=message.id,
        group=message.group,
        attempts=entry.attempts,
        error=type(error).__name__,
        # Telegram's sentence, without what it quotes of the message.
        telegram=_QUOTED.sub('"…"', error.message) if isinstance(error, TelegramError) else None,
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    )
