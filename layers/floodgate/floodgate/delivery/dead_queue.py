"""The way of what is given up: a letter to `dead.fifo`, with all that is known of the update."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.trace import carried

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from floodgate.aws import AwsCalls
    from floodgate.delivery.failure import Failure
    from floodgate.delivery.journal import Entry, Verdict
    from floodgate.delivery.message import Message


class DeadQueue:
    """`dead.fifo`, for what comes from the queue named `source`: `updates` or `tasks`."""

    def __init__(self, sqs: SQSClient, url: str, source: str, calls: AwsCalls) -> None:
        self._source = source
        self._sqs = sqs
        self._url = url
        self._calls = calls

    async def send(self, message: Message, entry: Entry, verdict: Verdict, failure: Failure | None, at: float) -> None:
        """Send the letter of a message that is given up at that time; raises what botocore raises.

        Sent again within five minutes it is the same letter to SQS.
        """
        body, letter = dead_letter(
            message.body.encode("utf-8", "surrogatepass"),
            reason=verdict.reason,
            detail=verdict.detail,
            at=at,
            group=message.group,
            queue=self._source,
            error=failure.error if failure else None,
            attempts=entry.attempts,
            first_at=entry.first_at,
            trace_id=message.trace_id,
            message_id=message.origin,
            fingerprint=failure.fingerprint if failure else None,
            stack=failure.stack if failure else (),
            handler=failure.handler if failure else None,
        )
        await self._calls.run(
            self._sqs.send_message,
            QueueUrl=self._url,
            MessageBody=body,
            MessageGroupId=letter["group"],
            MessageDeduplicationId=message.id,
            **carried(message.trace_id),
        )
