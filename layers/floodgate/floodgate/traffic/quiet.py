"""Things to be said once per period, whichever worker gets to say them.

Rule: whoever writes the period's item first may speak; one conditional write, no read. The update that got the word
keeps it when it is tried again. Hazard: DynamoDB deletes expired items late, so the expiry is checked in the condition.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls


class QuietPeriods:
    """Quiet periods in the traffic table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def begins(self, key: str, seconds: float, owner: str) -> bool:
        """Return True if `owner` is the first within `seconds` to ask for `key`; raises what botocore raises."""
        now = self._clock()
        try:
            await self._calls.run(
                self._dynamodb.put_item,
                TableName=self._table,
                Item={
                    "pk": {"S": f"quiet#{key}"},
                    "owner": {"S": owner},
                    "ends_at": {"N": f"{now + seconds:.3f}"},
                    "expires_at": {"N": str(int(now + seconds) + 60)},
                },
                ConditionExpression="attribute_not_exists(pk) OR ends_at <= :now OR #owner = :owner",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":now": {"N": f"{now:.3f}"}, ":owner": {"S": owner}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


_current: ContextVar[tuple[QuietPeriods, str]] = ContextVar("quiet_periods")


@contextmanager
def quiet_periods(periods: QuietPeriods, owner: str) -> Iterator[None]:
    """Within this block, `first_in` asks `periods` on behalf of the update `owner`."""
    token = _current.set((periods, owner))
    try:
        yield
    finally:
        _current.reset(token)


async def first_in(seconds: float, key: str) -> bool:
    """For handlers: return True the first time that `key` is asked for, then False until `seconds` are over.

    Holds across every worker. An update that is tried again gets the answer that it got before.
    """
    periods, owner = _current.get()
    return await periods.begins(key, seconds, owner)
