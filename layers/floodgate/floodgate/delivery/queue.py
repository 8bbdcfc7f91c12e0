"""The calls that a worker makes to its queue. Each takes up to ten messages and never raises.

A message that could not be deleted or put back is named in the answer; what follows from that is the caller's business.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.retry import LONGEST_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs import SQSClient

    from floodgate.aws import AwsCalls
    from floodgate.delivery.message import Message


class Queue:
    """One SQS queue, `url`, as a worker uses it."""

    def __init__(self, sqs: SQSClient, url: str, calls: AwsCalls) -> None:
        self._sqs = sqs
        self._url = url
        self._calls = calls

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete up to ten messages with one request; return those that may still be there."""
        try:
            answer = await self._calls.run(
                self._sqs.delete_message_batch,
                QueueUrl=self._url,
                Entries=[{"Id": str(i), "ReceiptHandle": m.receipt_handle} for i, m in enumerate(messages)],
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("messages not deleted", count=len(messages), error=fault(error))
            return list(messages)
        return [messages[int(failed["Id"])] for failed in answer.get("Failed", [])]

    async def put_back(self, messages: Sequence[Message], delay_s: float) -> None:
        """Have up to ten messages handed out again after `delay_s`, rounded up to whole seconds.

        Where it fails they return all the same, when the queue's visibility timeout is over.
        """
        seconds = math.ceil(min(LONGEST_WAIT_S, max(0.0, delay_s)))
        try:
            answer = await self._calls.run(
                self._sqs.change_message_visibility_batch,
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": m.receipt_handle, "VisibilityTimeout": seconds}
                    for i, m in enumerate(messages)
                ],
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("messages not put back", count=len(messages), error=fault(error))
            return
        if failed := answer.get("Failed", []):
            logger.warning("messages not put back", count=len(failed), codes=sorted({f["Code"] for f in failed}))
