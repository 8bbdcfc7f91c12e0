"""The update and the journal of a failure, in its own item or, where that cannot hold them, in items beside it.

Rule: DynamoDB takes 400 KB an item. What is longer is cut into parts under the same partition key, named by what they
hold: while a failure that came back is written anew, what it was before can still be read. Hazard: parts that nobody
refers to any more are left for their expiry.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from floodgate.state.items import attribute, key, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: What both may have in the failure's own item, beside the rest of it.
INLINE_BYTES: Final = 300_000
PART_BYTES: Final = 390_000


class Contents:
    """Contents in the state table. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls

    async def store(self, name: str, update: bytes, journal: bytes, expires_at: int) -> dict[str, Any]:
        """Return the attributes that the failure's item is to have; what they refer to is written."""
        if len(update) + len(journal) <= INLINE_BYTES:
            return {"update": update, **({"journal": journal} if journal else {})}
        whole = update + journal
        parts = hashlib.sha256(whole).hexdigest()[:16]
        for number, start in enumerate(range(0, len(whole), PART_BYTES)):
            item = key("failure", f"{name}#{parts}#{number:04}")
            item["content"] = attribute(whole[start : start + PART_BYTES])
            item["expires_at"] = attribute(expires_at)
            await self._calls.run(self._dynamodb.put_item, TableName=self._table, Item=item)
        return {"parts": parts, "update_bytes": len(update)}

    async def load(self, name: str, item: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Return update and journal of the failure `name`, whose own `item` this is."""
        if "parts" not in item:
            return item["update"], item.get("journal", b"")
        whole = await self._joined(f"{name}#{item['parts']}#")
        return whole[: item["update_bytes"]], whole[item["update_bytes"] :]

    async def _joined(self, parts: str) -> bytes:
        found: list[bytes] = []
        start: dict[str, Any] = {}
        while True:
            answer = await self._calls.run(
                self._dynamodb.query,
                TableName=self._table,
                KeyConditionExpression="pk = :failure AND begins_with(sk, :parts)",
                ExpressionAttributeValues={":failure": {"S": "failure"}, ":parts": {"S": parts}},
                ConsistentRead=True,
                **start,
            )
            found += [plain(item)["content"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return b"".join(found)
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
