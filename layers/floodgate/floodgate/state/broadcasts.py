"""Broadcasts: each with what is sent, what was ordered, and one lane for each FIFO group that sends it.

Rule: a lane is written by the one step that holds its group, under its revision: what it has in hand (at most BLOCK
chats) is written before any of it is sent, with the outcomes of those before, in one write. Whoever finds something in
hand that is not its own knows: those may have got it, and nobody can tell. Orders are written to the broadcast's own
item alone, which steps only read. The queue of broadcasts is one item with their names in order.
Hazard: a write whose answer is lost is asked again and refused then; the lane's `token` tells it from another step's.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.state.items import change, key, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: Chats that a lane has in hand at once, and so what one kill may leave unknown.
BLOCK: Final = 25
#: After its making everything of a broadcast is forgotten, in seconds: about three months.
KEPT_S: Final = 90 * 86_400
_REFUSED: Final = "ConditionalCheckFailedException"


class LaneTaken(Exception):
    """Another step has written the lane meanwhile: this one holds it no longer."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What is sent to all, and what was ordered about it."""

    name: str
    #: Where the message is that is copied.
    chat: int
    message_id: int
    #: Its buttons, as JSON; empty without.
    markup: str
    #: Subscribers when it was proposed.
    expected: int
    created_at: float
    #: The FIFO groups that send it.
    groups: tuple[str, ...]
    #: `draft`, `queued`, `running`, `paused`, `cancelled`, `finished`.
    state: str = "draft"
    #: Counts the chains of steps that were begun: only the latest goes on.
    chain: int = 0
    #: 1: those are sent to of whom nobody knows.
    round: int = 0
    #: Who subscribed later does not get it; 0: it has not begun.
    started_at: float = 0.0
    #: Everything is written down; 0: not yet.
    ended_at: float = 0.0
    #: Why it stopped by itself.
    note: str = ""
    #: The message that shows how it goes, in the same chat.
    panel: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing will be sent any more, unless somebody asks for it."""
        return self.state in {"cancelled", "finished"}


@dataclass(slots=True)
class Lane:
    """A broadcast's part of the subscribers: every n-th shard, in order."""

    number: int
    revision: int = 0
    round: int = 0
    #: Where it stands: the next shard, and the last chat of it that was taken.
    shard: int = -1
    after: str = ""
    #: Chats that are being sent to, each `<chat>` or `<chat>:<times before>`.
    hand: list[str] = field(default_factory=list)
    #: Chats to send to later, each `<chat>:<times before>:<not before>`.
    later: list[str] = field(default_factory=list)
    #: Chats that were ever in hand.
    claimed: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    #: Items that list the unknown; in the second round, the next to be read and where to stop.
    rows: int = 0
    row: int = 0
    is_done: int = 0

    @property
    def settled(self) -> int:
        """Chats of which is known what came of them, or that nobody knows."""
        return self.sent + self.blocked + self.failed + self.unknown


class Broadcasts:
    """The broadcasts in the state table. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def propose(self, broadcast: Broadcast) -> None:
        """Keep a draft; nothing happens if it is kept already."""
        stored = {name: value for name, value in asdict(broadcast).items() if name != "name"}
        stored |= {"groups": json.dumps(broadcast.groups), "expires_at": int(broadcast.created_at) + KEPT_S}
        await self._change(broadcast.name, "head", stored, "attribute_not_exists(#pk)")

    async def find(self, name: str) -> Broadcast | None:
        """Return the broadcast; None if it is not kept, or no longer. One read."""
        item = await self._get(_pk(name), "head")
        if item is None or item["expires_at"] <= self._clock():  # DynamoDB deletes late
            return None
        known = {one.name for one in fields(Broadcast)}
        told = {attribute: value for attribute, value in item.items() if attribute in known}
        return Broadcast(**{**told, "name": name, "groups": tuple(json.loads(item["groups"]))})

    async def order(self, broadcast: Broadcast, **changes: Any) -> Broadcast | None:
        """Return the broadcast as it is after these changes; None if it is not as it was when it was read."""
        was = {"was_state": broadcast.state, "was_chain": broadcast.chain, "was_round": broadcast.round}
        condition = "#state = :was_state AND #chain = :was_chain AND #round = :was_round"
        await self._change(broadcast.name, "head", changes, condition, **was)
        found = await self.find(broadcast.name)
        return found if found and all(getattr(found, name) == value for name, value in changes.items()) else None

    async def lane(self, broadcast: Broadcast, number: int) -> Lane:
        """Return a lane, which may not have begun."""
        item = await self._get(_pk(broadcast.name), f"lane#{number:02}")
        return _lane(number, item or {})

    async def lanes(self, broadcast: Broadcast) -> list[Lane]:
        """Return those lanes that have begun. One query."""
        answer = await self._calls.run(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :lane)",
            ExpressionAttributeValues={":pk": {"S": _pk(broadcast.name)}, ":lane": {"S": "lane#"}},
            ConsistentRead=True,
        )
        found = map(plain, answer["Items"])
        return [_lane(int(item["sk"].partition("#")[2]), item) for item in found]

    async def write(self, broadcast: Broadcast, lane: Lane, token: str) -> None:
        """Write the lane, and count its revision; under the same token that may be asked again. Raises LaneTaken."""
        was = lane.revision
        stored = asdict(lane) | {"revision": was + 1, "token": token, "expires_at": _expiry(broadcast)}
        del stored["number"]
        condition = "#revision = :was" if was else "attribute_not_exists(#revision)"
        told = {"was": was} if was else {}
        sk = f"lane#{lane.number:02}"
        if not await self._change(broadcast.name, sk, stored, condition, **told):
            item = await self._get(_pk(broadcast.name), sk)
            if item is None or item["token"] != token:
                raise LaneTaken
        lane.revision = was + 1

    async def keep_unknown(self, broadcast: Broadcast, lane: Lane, chats: list[str]) -> None:
        """List chats of which nobody knows whether they got it; the lane's next write makes it count.

        If that write never comes, whoever finds the same chats in hand lists them in the same place.
        """
        stored = {"chats": chats, "expires_at": _expiry(broadcast)}
        await self._change(broadcast.name, _row(lane.number, lane.rows), stored)

    async def unknown(self, broadcast: Broadcast, lane: Lane, row: int) -> list[str]:
        """Return the chats of one such list."""
        item = await self._get(_pk(broadcast.name), _row(lane.number, row))
        return list(item["chats"]) if item is not None else []

    async def waiting(self) -> list[str]:
        """Return the names of the broadcasts that were confirmed and are not over, the first of which runs."""
        item = await self._get("broadcasts", "queue")
        return list(item["names"]) if item is not None else []

    async def enter(self, name: str) -> None:
        """Put it at the end of the queue, unless it stands there."""
        waiting = await self.waiting()
        while name not in waiting:
            if await self._requeue(waiting, [*waiting, name]):
                return
            waiting = await self.waiting()

    async def leave(self, name: str) -> None:
        """Take it out of the queue, if it stands there."""
        waiting = await self.waiting()
        while name in waiting:
            if await self._requeue(waiting, [one for one in waiting if one != name]):
                return
            waiting = await self.waiting()

    async def _requeue(self, before: list[str], after: list[str]) -> bool:
        condition = "#names = :before" if before else "attribute_not_exists(#names) OR #names = :before"
        return await self._write(
            change(self._table, "broadcasts", "queue", "SET #names = :after", condition, before=before, after=after)
        )

    async def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=key(pk, sk), ConsistentRead=True
        )
        return plain(answer["Item"]) if "Item" in answer else None

    async def _change(
        self, name: str, sk: str, stored: dict[str, Any], condition: str | None = None, /, **values: Any
    ) -> bool:
        expression = "SET " + ", ".join(f"#{attribute} = :{attribute}" for attribute in stored)
        return await self._write(change(self._table, _pk(name), sk, expression, condition, **stored, **values))

    async def _write(self, asked: dict[str, Any]) -> bool:
        try:
            await self._calls.run(self._dynamodb.update_item, **asked)
        except ClientError as error:
            if error.response["Error"]["Code"] == _REFUSED:
                return False
            raise
        return True


def _lane(number: int, item: dict[str, Any]) -> Lane:
    known = {one.name for one in fields(Lane)}
    return Lane(**{"number": number, "shard": number} | {name: item[name] for name in known & item.keys()})


def _pk(name: str) -> str:
    return f"broadcast#{name}"


def _row(lane: int, row: int) -> str:
    return f"unknown#{lane:02}#{row:06}"


def _expiry(broadcast: Broadcast) -> int:
    return int(broadcast.created_at) + KEPT_S
