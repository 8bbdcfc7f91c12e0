"""The chats that announcements go to, in shards that each are read page by page.

Rule: one item per chat under one of SHARDS partition keys, so that neither a million people who subscribe nor whoever
reads them all has a hot key; nothing is scanned. A broadcast walks the shards in the order of their keys and remembers
where it stands, so a chat's key never changes: a group that became a supergroup keeps its old one, and under its new id
stands an alias, which nobody sends to. `since` is when the chat subscribed, `renewed` when it last said so.
Hazard: who blocks the bot is taken off only if they have not said so again since, for that answer is an old one.
"""

from __future__ import annotations

import asyncio
import zlib
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.aws import CONNECTIONS
from floodgate.state.items import attribute, change, key

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: Two for each group of a paid broadcast.
SHARDS: Final = 50
_REFUSED: Final = "ConditionalCheckFailedException"


class Subscribers:
    """The subscribers in the state table. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def subscribe(self, chat: int) -> bool:
        """Have announcements go to the chat; return False if they did already. One write."""
        now = self._clock()
        try:
            answer = await self._calls.run(
                self._dynamodb.update_item,
                **change(
                    self._table,
                    _shard_key(chat),
                    str(chat),
                    "SET #since = if_not_exists(#since, :now), #renewed = :now",
                    "attribute_not_exists(#alias_of)",
                    now=now,
                ),
                ReturnValues="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED:
                raise
            return False
        return "since" not in answer.get("Attributes", {})

    async def unsubscribe(self, chat: int) -> bool:
        """Have no announcements go to the chat any more; return False if none did. One write."""
        found = await self._delete(chat)
        for other in ("alias_of", "moved_to"):
            if other in found:
                await self._delete(int(found[other]["N"]))
        return bool(found)

    async def lapse(self, chat: int, refused_at: float) -> None:
        """Take off a chat that did not let the bot in at that time, unless it has subscribed again since."""
        try:
            found = await self._delete(
                chat,
                ConditionExpression="renewed <= :then",
                ExpressionAttributeValues={":then": attribute(float(refused_at))},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED:
                raise
            return
        if "moved_to" in found:
            await self._delete(int(found["moved_to"]["N"]))

    async def is_subscribed(self, chat: int) -> bool:
        """Tell whether announcements go to the chat. One read."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=key(_shard_key(chat), str(chat)), ConsistentRead=True
        )
        return "Item" in answer

    async def follow(self, old: int, new: int) -> None:
        """Have the supergroup `new` be the subscriber that the group `old` was, any number of times."""
        if not await self.is_subscribed(old):
            return
        try:
            await self._calls.run(
                self._dynamodb.update_item,
                **change(
                    self._table,
                    _shard_key(new),
                    str(new),
                    "SET #alias_of = :old",
                    "attribute_not_exists(#since)",
                    old=old,
                ),
            )
            await self._calls.run(
                self._dynamodb.update_item,
                **change(
                    self._table, _shard_key(old), str(old), "SET #moved_to = :new", "attribute_exists(#since)", new=new
                ),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED:
                raise
            await self._delete(old)  # it has subscribed by itself, or has left meanwhile

    async def count(self) -> int:
        """Return how many there are: a query for each shard's megabyte, which reads keys and times only."""
        total = 0
        for some in batched(range(SHARDS), CONNECTIONS, strict=False):
            total += sum(await asyncio.gather(*map(self._count, some)))
        return total

    async def page(self, shard: int, after: str, most: int, until: float) -> tuple[list[str], str]:
        """Return up to `most` chats of a shard that come after the chat `after`, and what to go on after.

        Empty begins at the first, and is returned at the last. Who subscribed after the time `until` is left out.
        """
        start: dict[str, Any] = {"ExclusiveStartKey": key(_pk(shard), after)} if after else {}
        answer = await self._calls.run(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :shard",
            ExpressionAttributeValues={":shard": {"S": _pk(shard)}},
            Limit=most,
            **start,
        )
        found = [item["sk"]["S"] for item in answer["Items"] if "since" in item and float(item["since"]["N"]) <= until]
        return found, answer.get("LastEvaluatedKey", {}).get("sk", {}).get("S", "")

    async def _count(self, shard: int) -> int:
        total = 0
        start: dict[str, Any] = {}
        while True:
            answer = await self._calls.run(
                self._dynamodb.query,
                TableName=self._table,
                KeyConditionExpression="pk = :shard",
                FilterExpression="attribute_exists(since)",
                ExpressionAttributeValues={":shard": {"S": _pk(shard)}},
                Select="COUNT",
                **start,
            )
            total += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                return total
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def _delete(self, chat: int, **condition: Any) -> dict[str, Any]:
        answer = await self._calls.run(
            self._dynamodb.delete_item,
            TableName=self._table,
            Key=key(_shard_key(chat), str(chat)),
            ReturnValues="ALL_OLD",
            **condition,
        )
        return dict(answer.get("Attributes", {}))


def shard_of(chat: int) -> int:
    """Return the shard that a chat stands in."""
    return zlib.crc32(str(chat).encode()) % SHARDS


def _shard_key(chat: int) -> str:
    return _pk(shard_of(chat))


def _pk(shard: int) -> str:
    return f"subscribers#{shard}"
