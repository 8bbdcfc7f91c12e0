"""What is remembered of an update between its attempts, in one item of the traffic table.

Problem: SQS counts receives, and a message can be received without being tried; and who tries again must know what has
been done. Rule: failures are counted here, and the calls that an attempt has made are kept here, when it did not
succeed; a first receive reads nothing and a success writes nothing. Only whoever has the message in hand writes its
entry, whole, under the number of the receive; so a write that lands late, after the message was received again, is
refused. Calls that do not fit into an item go into further ones, written first. An update that comes back from the dead
letters goes on with the entry of its first message, its `origin`.

Hazard: the table may be lost (it is a cache of what happened, not state); then an update starts again at its first
attempt and may repeat itself.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from floodgate.monitoring.logger import logger
from floodgate.telegram.replay import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: Longer than SQS keeps a message (14 days), so that an item never goes before its message.
KEPT_S = 15 * 86_400
#: What one item holds of the packed calls: DynamoDB's 400 KB, less what else is in it.
PART_BYTES: Final = 380_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an update is given up."""

    #: The outcome's name.
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the journal knows of an update. An empty one: nothing."""

    #: How often it failed, by the name of the outcome.
    failures: Mapping[str, int] = field(default_factory=dict)
    #: When it first failed, Unix seconds; None if it did not.
    first_at: float | None = None
    #: What the latest failure was, as `delivery.failure.Failure` describes it.
    failure: Mapping[str, Any] | None = None
    #: It is given up, and only its letter is left to be sent.
    verdict: Verdict | None = None
    #: What it has done, in this order.
    calls: tuple[Recorded, ...] = ()
    #: Nothing is left to do but to delete the message.
    done: bool = False
    #: When the receive began with which a suspect was tried, Unix seconds, if nobody has said how that ended.
    started_at: float | None = None
    #: The receive that this entry is from.
    receives: int = 0
    #: How often it has come back from the dead letters.
    restored: int = 0

    @property
    def attempts(self) -> int:
        """How many attempts failed."""
        return sum(self.failures.values())


class Journal:
    """The journal of every update, in `table`, by its first message's id. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._clock = clock

    async def read(self, origin: str) -> Entry:
        """Return what is known; an empty entry if nothing is."""
        item = await self._get(origin)
        return _entry(item, unpack(await self._packed(origin, item)))

    async def write(self, origin: str, entry: Entry) -> None:
        """Have the entry be this, unless a later receive has written since."""
        packed = pack(entry.calls)
        item: dict[str, Any] = {
            "receives": {"N": str(entry.receives)},
            "restored": {"N": str(entry.restored)},
            "failures": {"M": {name: {"N": str(count)} for name, count in entry.failures.items()}},
            "done": {"BOOL": entry.done},
        }
        if entry.started_at is not None:
            item["started_at"] = {"N": f"{entry.started_at:.3f}"}
        if entry.first_at is not None:
            item["first_at"] = {"N": f"{entry.first_at:.3f}"}
        if entry.failure is not None:
            item["failure"] = {"S": json.dumps(entry.failure)}
        if entry.verdict is not None:
            item["verdict"] = {"S": json.dumps(astuple(entry.verdict))}
        item |= await self._with_calls(origin, packed)
        await self._put(origin, item, "attribute_not_exists(receives) OR receives <= :n", entry.receives)

    async def mark_done(self, origin: str) -> None:
        """Make every later receive of this message end at once."""
        await self._calls.run(
            self._dynamodb.update_item,
            TableName=self._table,
            Key=_key(origin),
            UpdateExpression="SET done = :true, expires_at = :expires REMOVE started_at",
            ExpressionAttributeValues={":true": {"BOOL": True}, ":expires": self._expires()},
        )

    async def explain(self, origin: str, receives: int) -> None:
        """Note that the receive of this number ended with the message being put back."""
        await self._unless_refused(
            self._dynamodb.update_item,
            Key=_key(origin),
            UpdateExpression="SET receives = :n, expires_at = :expires REMOVE started_at",
            ConditionExpression="attribute_not_exists(receives) OR receives <= :n",
            ExpressionAttributeValues={":n": {"N": str(receives)}, ":expires": self._expires()},
        )

    async def packed(self, origin: str) -> bytes:
        """Return the calls as they are kept, for `restore`; nothing if there are none."""
        return await self._packed(origin, await self._get(origin))

    async def restore(self, origin: str, packed: bytes, retry: int) -> None:
        """Have the update's next attempt start with these calls, and with no failure counted.

        Does nothing if it was restored for this `retry` (1 or more) or a later one before.
        """
        item = {"restored": {"N": str(retry)}, **await self._with_calls(origin, packed)}
        await self._put(origin, item, "attribute_not_exists(restored) OR restored < :n", retry)

    async def _get(self, key: str) -> dict[str, Any]:
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=_key(key), ConsistentRead=True
        )
        return answer.get("Item", {})

    async def _packed(self, origin: str, item: Mapping[str, Any]) -> bytes:
        parts = [item["calls"]["B"]] if "calls" in item else []
        for name in item.get("parts", {}).get("L", ()):
            part = await self._get(f"{origin}#{name['S']}")
            if not part:
                logger.error("part of a journal is lost, its update may repeat itself", message_id=origin)
                return b""
            parts.append(part["calls"]["B"])
        return b"".join(parts)

    async def _with_calls(self, origin: str, packed: bytes) -> dict[str, Any]:
        """Return the attributes that hold the calls, once what does not fit is written elsewhere.

        Parts are named by what they are part of: no other write touches them.
        """
        if not packed:
            return {}
        names: list[str] = []
        digest = hashlib.sha256(packed).hexdigest()[:16]
        for at in range(PART_BYTES, len(packed), PART_BYTES):
            names.append(f"{digest}.{at}")
            await self._put(f"{origin}#{names[-1]}", {"calls": {"B": packed[at : at + PART_BYTES]}})
        return {"calls": {"B": packed[:PART_BYTES]}, "parts": {"L": [{"S": name} for name in names]}}

    async def _put(self, key: str, item: dict[str, Any], condition: str | None = None, number: int = 0) -> None:
        how: dict[str, Any] = {}
        if condition is not None:
            how = {"ConditionExpression": condition, "ExpressionAttributeValues": {":n": {"N": str(number)}}}
        item |= {**_key(key), "expires_at": self._expires()}
        await self._unless_refused(self._dynamodb.put_item, Item=item, **how)

    def _expires(self) -> dict[str, str]:
        return {"N": str(int(self._clock()) + KEPT_S)}

    async def _unless_refused(self, write: Callable[..., Any], **what: Any) -> None:
        try:
            await self._calls.run(write, TableName=self._table, **what)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise


def pack(calls: Sequence[Recorded]) -> bytes:
    """Return the calls as they are kept."""
    return (
        zlib.compress(json.dumps([(c.method, c.chat, c.fingerprint, c.answer) for c in calls]).encode())
        if calls
        else b""
    )


def unpack(packed: bytes) -> tuple[Recorded, ...]:
    """Return what `pack` was given; nothing of what another version packed in another way."""
    if not packed:
        return ()
    try:
        return tuple(Recorded(*call) for call in json.loads(zlib.decompress(packed)))
    except (TypeError, ValueError, zlib.error):
        logger.error("journal is not to be read, its update may repeat itself")
        return ()


def forget_unknown(packed: bytes) -> bytes:
    """Return the calls without those of which nobody knows whether they arrived: they are made again."""
    return pack([call for call in unpack(packed) if call.answer is not None])


def _key(name: str) -> dict[str, Any]:
    return {"pk": {"S": f"journal#{name}"}}


def _entry(item: Mapping[str, Any], calls: tuple[Recorded, ...]) -> Entry:
    verdict = item.get("verdict", {}).get("S")
    failure = item.get("failure", {}).get("S")
    return Entry(
        failures={name: int(count["N"]) for name, count in item.get("failures", {}).get("M", {}).items()},
        first_at=_seconds(item, "first_at"),
        failure=None if failure is None else json.loads(failure),
        verdict=None if verdict is None else Verdict(*json.loads(verdict)),
        calls=calls,
        done=item.get("done", {}).get("BOOL", False),
        started_at=_seconds(item, "started_at"),
        receives=int(item.get("receives", {}).get("N", 0)),
        restored=int(item.get("restored", {}).get("N", 0)),
    )


def _seconds(item: Mapping[str, Any], name: str) -> float | None:
    return float(item[name]["N"]) if name in item else None
