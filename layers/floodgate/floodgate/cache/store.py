"""The second level: what every worker remembers, in the traffic table.

Problem: an answer may be older than the change that was announced while it was under way, and would be written after
it was forgotten. Rule: forgetting leaves a tombstone with its time, and an answer is written only if Telegram was asked
after it, and not before the answer that is there. Hazards: DynamoDB deletes expired items late, so whoever reads checks
the times; and times are compared across workers, whose clocks differ by milliseconds, which is less than an update or
an answer takes to arrive from Telegram.

Reads are strongly consistent: the next update of a chat may come milliseconds later, to another worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.cache.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: An item may have 400 KB (DynamoDB's service quotas); what Telegram answers has a few.
STORED_BYTES: Final = 300_000
#: Longer than any question to Telegram is under way: a task may run for minutes.
_TOMBSTONE_S: Final = 900
_LATE_S: Final = 60


class Store:
    """Entries in `table`. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def read(self, key: str) -> Entry | None:
        """Return what is remembered, fresh or not; None if nothing is."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=_pk(key), ConsistentRead=True
        )
        return _entry(answer.get("Item", {}))

    async def write(self, key: str, entry: Entry) -> bool:
        """Return True if `entry` is remembered; False if it was forgotten, or outdone, while it was under way."""
        try:
            await self._calls.run(
                self._dynamodb.put_item,
                TableName=self._table,
                Item={
                    **_pk(key),
                    "value": {"S": entry.text},
                    "refusal": {"S": entry.refusal},
                    "overruled": {"S": entry.overruled},
                    "fetched_at": _time(entry.fetched_at),
                    "fresh_until": _time(entry.fresh_until),
                    "expires_at": {"N": str(int(entry.fresh_until) + _LATE_S)},
                },
                ConditionExpression=(
                    "(attribute_not_exists(forgot_at) OR forgot_at < :asked) AND "
                    "(attribute_not_exists(fetched_at) OR fetched_at <= :asked)"
                ),
                ExpressionAttributeValues={":asked": _time(entry.fetched_at)},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    async def forget(self, key: str) -> None:
        """Leave a tombstone in place of what is remembered, if anything is."""
        now = self._clock()
        await self._calls.run(
            self._dynamodb.update_item,
            TableName=self._table,
            Key=_pk(key),
            UpdateExpression=(
                "SET forgot_at = :now, expires_at = :expires REMOVE #value, refusal, overruled, fetched_at, fresh_until"
            ),
            ExpressionAttributeNames={"#value": "value"},
            ExpressionAttributeValues={":now": _time(now), ":expires": {"N": str(int(now) + _TOMBSTONE_S)}},
        )


def _pk(key: str) -> dict[str, Any]:
    return {"pk": {"S": f"cache#{key}"}}


def _time(seconds: float) -> dict[str, str]:
    return {"N": f"{seconds:.6f}"}


def _entry(item: Mapping[str, Any]) -> Entry | None:
    if "value" not in item:
        return None
    return Entry(
        text=item["value"]["S"],
        fetched_at=float(item["fetched_at"]["N"]),
        fresh_until=float(item["fresh_until"]["N"]),
        refusal=item["refusal"]["S"],
        overruled=item["overruled"]["S"],
    )
