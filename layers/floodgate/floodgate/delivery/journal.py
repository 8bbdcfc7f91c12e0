"""What is remembered of a message between its attempts, in one item of the traffic table.

Problem: SQS counts receives, and a message can be received without being tried. Rule: attempts are counted here, and
only when one failed; a message's first receive reads nothing and its success writes nothing. Hazard: the table may be
lost (it is a cache of what happened, not state), and then a message merely starts again at its first attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: Longer than SQS keeps a message (14 days), so that an item never goes before its message.
KEPT_S = 15 * 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal knows of a message."""

    #: Attempts that failed.
    attempts: int = 0
    #: When the first of them failed, Unix seconds; None if none did.
    first_at: float | None = None
    #: The class of the latest error.
    error: str | None = None
    #: Nothing is left to do but to delete the message.
    done: bool = False


class Journal:
    """The journal of every message, in `table`. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def read(self, message_id: str) -> Entry:
        """Return what is known; an empty entry if nothing is."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=_key(message_id), ConsistentRead=True
        )
        return _entry(answer.get("Item", {}))

    async def count_failure(self, message_id: str, before: Entry, error: str) -> Entry:
        """Count one more attempt than `before` has, failed with an error of that class; return the entry as it is now.

        Only whoever has the message in hand writes its entry, so the count is set and not added to: a write that
        botocore repeats after a lost answer counts once.
        """
        now = self._clock()
        answer = await self._calls.run(
            self._dynamodb.update_item,
            TableName=self._table,
            Key=_key(message_id),
            UpdateExpression=(
                "SET attempts = :attempts, first_at = if_not_exists(first_at, :now), #error = :error, "
                "expires_at = :expires"
            ),
            ExpressionAttributeNames={"#error": "error"},
            ExpressionAttributeValues={
                ":now": {"N": f"{now:.3f}"},
                ":error": {"S": error},
                ":expires": {"N": str(int(now) + KEPT_S)},
                ":attempts": {"N": str(before.attempts + 1)},
            },
            ReturnValues="ALL_NEW",
        )
        return _entry(answer["Attributes"])

    async def mark_done(self, message_id: str) -> None:
        """Make every later receive of this message end at once."""
        await self._calls.run(
            self._dynamodb.update_item,
            TableName=self._table,
            Key=_key(message_id),
            UpdateExpression="SET done = :true, expires_at = :expires",
            ExpressionAttributeValues={
                ":true": {"BOOL": True},
                ":expires": {"N": str(int(self._clock()) + KEPT_S)},
            },
        )


def _key(message_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"journal#{message_id}"}}


def _entry(item: Mapping[str, Any]) -> Entry:
    first_at = item.get("first_at", {}).get("N")
    return Entry(
        attempts=int(item.get("attempts", {}).get("N", 0)),
        first_at=None if first_at is None else float(first_at),
        error=item.get("error", {}).get("S"),
        done=item.get("done", {}).get("BOOL", False),
    )
