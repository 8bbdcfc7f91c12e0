"""Several writes that happen together or not at all.

Rule: a transaction that meets another one on an item, or too many writes, is cancelled by DynamoDB and simply tried
again; one whose condition does not hold is not, for what it was made from is no longer so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: Tries, and the pause between two, in seconds.
ROUNDS: Final = 5
_PAUSE_S: Final = 0.05
#: Why DynamoDB cancels what it may do when asked again.
_PASSING: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class Contended(TimeoutError):
    """Others kept changing the same items; later they will not."""


async def commit(dynamodb: DynamoDBClient, calls: AwsCalls, *updates: dict[str, Any]) -> bool:
    """Make all of the updates; return False, with none made, if the condition of one does not hold.

    Each is what `items.change` returns. Raises Contended, and what botocore raises.
    """
    items: list[Any] = [{"Update": update} for update in updates]
    for _ in range(ROUNDS):
        try:
            await calls.run(dynamodb.transact_write_items, TransactItems=items)
        except ClientError as error:
            reasons = _reasons(error)
            if "ConditionalCheckFailed" in reasons:
                return False
            if not reasons or reasons - _PASSING:
                raise
            await asyncio.sleep(_PAUSE_S)
        else:
            return True
    raise Contended


def in_the_way(error: ClientError) -> bool:
    """Tell whether a single write was refused because a transaction has its item in hand."""
    return error.response["Error"]["Code"] == "TransactionConflictException"


def _reasons(error: ClientError) -> set[str]:
    """Return why a transaction was cancelled; nothing if the error is another one."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return set()
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
    return {reason.get("Code", "None") for reason in reasons} - {"None"}
