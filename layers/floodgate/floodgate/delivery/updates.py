"""One queued update: run, and judged by how it went.

Rule: nothing that goes wrong is swallowed. A failure is counted in the journal and the message put back with
exponential backoff; after MAX_ATTEMPTS it goes to `dead.fifo` and only then counts as done. What Telegram told to
wait is put back for that time and not counted. Hazard: everything here may run twice for one message; only the
journal knows.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import TelegramError

from floodgate.delivery.outcomes import DONE, PutBack
from floodgate.delivery.retry import MAX_ATTEMPTS, backoff_s, told_to_wait_s
from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.updates import parse
from floodgate.monitoring.logger import logger, redact

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mypy_boto3_sqs import SQSClient

    from floodgate.aws import AwsCalls
    from floodgate.delivery.journal import Entry, Journal
    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Outcome
    from floodgate.ingress.updates import IncomingUpdate


class DeadQueue:
    """The way into `dead.fifo`."""

    def __init__(self, sqs: SQSClient, url: str, calls: AwsCalls) -> None:
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


class UpdateHandling:
    """Runs `process` on the update of one message after another, each within `deadline_s`."""

    def __init__(
        self,
        process: Callable[[IncomingUpdate], Awaitable[None]],
        journal: Journal,
        dead: DeadQueue,
        *,
        deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._process = process
        self._journal = journal
        self._dead = dead
        self._deadline_s = deadline_s
        self._clock = clock

    async def handle(self, message: Message) -> Outcome:
        """Return what becomes of the message; never raises but for cancellation."""
        try:
            if message.receive_count > 1 and (await self._journal.read(message.id)).done:
                return DONE
            async with asyncio.timeout(self._deadline_s):
                await self._process(parse(message.body))
        except Exception as error:  # noqa: BLE001 - the record boundary: whatever it is, the message must not be lost
            return await self._failed(message, error)
        return DONE

    async def undeleted(self, message: Message) -> None:
        """Note that the message is done though it could not be deleted, so that it does not run again."""
        try:
            await self._journal.mark_done(message.id)
        except (BotoCoreError, ClientError) as error:
            logger.error("a done message may run again", message_id=message.id, error=type(error).__name__)

    async def _failed(self, message: Message, error: Exception) -> Outcome:
        if (wait_s := told_to_wait_s(error)) is not None:
            logger.warning("update waits for Telegram", message_id=message.id, group=message.group, wait_s=wait_s)
            return PutBack(wait_s)
        if isinstance(error, BotoCoreError | ClientError):
            # AWS's trouble is not the update's: it waits and is not counted.
            logger.warning("update waits for AWS", message_id=message.id, error=type(error).__name__)
            return PutBack(backoff_s(message.receive_count))
        try:
            entry = await self._journal.count_failure(message.id)
            _log(message, error, entry)
            if entry.attempts < MAX_ATTEMPTS:
                return PutBack(backoff_s(entry.attempts))
            await self._give_up(message, error, entry)
        except (BotoCoreError, ClientError) as trouble:
            logger.error("failure not counted", message_id=message.id, error=type(trouble).__name__)
            return PutBack(backoff_s(message.receive_count))
        return DONE

    async def _give_up(self, message: Message, error: Exception, entry: Entry) -> None:
        body, letter = dead_letter(
            message.body.encode("utf-8", "surrogatepass"),
            reason="failed",
            detail=f"its handler failed {entry.attempts} times",
            at=self._clock(),
            group=message.group,
            error=type(error).__name__,
            attempts=entry.attempts,
            first_at=entry.first_at,
            message_id=message.id,
        )
        await self._dead.send(body, letter["group"], message.id)


def _log(message: Message, error: Exception, entry: Entry) -> None:
    """One line to debug with: where it failed, and no value that could hold what somebody wrote."""
    logger.error(
        "update failed",
        message_id=message.id,
        group=message.group,
        attempts=entry.attempts,
        error=type(error).__name__,
        telegram=redact(error.message) if isinstance(error, TelegramError) else None,
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)],
    )
