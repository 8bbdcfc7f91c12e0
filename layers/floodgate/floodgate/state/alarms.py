"""One item per alarm: whether it rings, since when, how often, and what of that the admin chat was shown.

Rule: whoever hears of an alarm changes its item first, under the condition that nobody else has meanwhile, and counts
the change. Whoever then writes `claimed_until` may speak to the admin chat, and notes the change that it has shown. So
what was not shown, because somebody died or Telegram did not answer, is there to be found. The button Mute writes
`muted_until` and nothing else. Hazard: who claims may die; a claim therefore ends by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from botocore.exceptions import ClientError

from floodgate.state.items import change, key, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls

#: A note is what never recovers, because it is no alarm: a budget's message.
type State = Literal["ALARM", "OK", "NOTE"]

#: How long an item is kept after its latest change, in seconds. An alarm that rings for longer is told of anew.
KEPT_S: Final = 30 * 86_400
#: How long a claim holds that nobody ends: longer than it takes to get a graph and to send it.
CLAIM_S: Final = 60.0
_PK: Final = "alarm"
_IS_KNOWN: Final = "attribute_exists(#changed_at)"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as the admin chat is to know it. Times are Unix seconds; 0 stands for never.

    An episode is a ring with those that follow so soon that one message tells of them all.
    """

    #: CloudWatch's name; of a note, its subject.
    name: str
    state: State
    #: When it changed last, as far as is known: what is older is no news.
    changed_at: float
    #: When the latest ring and when the episode began, and when the latest ring ended, if it has.
    since: float
    first_at: float
    recovered_at: float = 0.0
    #: How often it rang in the episode.
    rings: int = 1
    #: What the alarm is about, and what the latest ring was raised by, in words.
    description: str = ""
    figure: str = ""
    #: The runbook's section.
    anchor: str = ""
    #: How often it changed, and the change that the message shows.
    changes: int = 1
    shown: int = 0
    #: The episode's latest message, and when it was sent: an edit rings no bell.
    message_id: int = 0
    has_photo: bool = False
    pushed_at: float = 0.0
    muted_until: float = 0.0

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return what an item says."""
        found = plain({name: value for name, value in item.items() if name in cls.__dataclass_fields__})
        return cls(**{**found, "has_photo": bool(found.get("has_photo", 0))})

    @property
    def key(self) -> str:
        """What the item and the buttons call it."""
        return alarm_key(self.name)

    @property
    def is_note(self) -> bool:
        """Whether it is no alarm, but a message that is to be passed on."""
        return self.state == "NOTE"


def alarm_key(name: str) -> str:
    """Return the 12 hex digits that stand for an alarm."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


class Alarms:
    """The alarms in the state table. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls

    async def find(self, item: str) -> Alarm | None:
        """Return what is known under a key, None if nothing is."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=key(_PK, item), ConsistentRead=True
        )
        return Alarm.from_item(answer["Item"]) if "Item" in answer else None

    async def all(self) -> dict[str, Alarm]:
        """Return every alarm that is known, by its key."""
        found: dict[str, Alarm] = {}
        start: dict[str, Any] = {}
        while True:
            answer = await self._calls.run(
                self._dynamodb.query,
                TableName=self._table,
                KeyConditionExpression="pk = :alarm",
                ExpressionAttributeValues={":alarm": {"S": _PK}},
                **start,
            )
            found |= {item["sk"]["S"]: Alarm.from_item(item) for item in answer["Items"]}
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def put(self, item: str, before: Alarm | None, now: Alarm) -> bool:
        """Change the alarm from what it was, and return whether it was that still."""
        changed = {
            one.name: getattr(now, one.name)
            for one in fields(Alarm)
            if before is None or getattr(now, one.name) != getattr(before, one.name)
        }
        condition, told = "attribute_not_exists(#changed_at)", {}
        if before is not None:
            condition, told = "#changed_at = :before", {"before": before.changed_at}
        changed["expires_at"] = int(now.changed_at) + KEPT_S
        sets = ", ".join(f"#{name} = :{name}" for name in changed)
        return await self._changes(item, f"SET {sets}", condition, **changed, **told) is not None

    async def claim(self, item: str, owner: str, now: float) -> Alarm | None:
        """Return the alarm as it is, if `owner` is to show it now; None while another does."""
        return await self._changes(
            item,
            "SET #claimed_until = :until, #claimed_by = :owner",
            f"{_IS_KNOWN} AND (attribute_not_exists(#claimed_until) OR #claimed_until <= :now OR #claimed_by = :owner)",
            until=now + CLAIM_S,
            owner=owner,
            now=now,
        )

    async def show(self, item: str, shown: Alarm, now: float) -> Alarm | None:
        """Note what the admin chat was shown, end the claim, and return the alarm as it is by now.

        None if a new episode has begun meanwhile, whose message this is not.
        """
        return await self._changes(
            item,
            "SET #shown = :shown, #message_id = :message_id, #has_photo = :has_photo, #pushed_at = :pushed_at, "
            "#claimed_until = :now",
            "#first_at = :first_at",
            shown=shown.changes,
            message_id=shown.message_id,
            has_photo=shown.has_photo,
            pushed_at=shown.pushed_at,
            first_at=shown.first_at,
            now=now,
        )

    async def release(self, item: str, owner: str, now: float) -> None:
        """End the claim of `owner`: nothing could be shown."""
        await self._changes(item, "SET #claimed_until = :now", "#claimed_by = :owner", now=now, owner=owner)

    async def mute(self, item: str, until: float) -> Alarm | None:
        """Have nothing be sent of the alarm until then, 0 for no longer, and return it; None if none is known."""
        return await self._changes(item, "SET #muted_until = :until", _IS_KNOWN, until=until)

    async def _changes(self, item: str, expression: str, condition: str, **values: Any) -> Alarm | None:
        """Return the alarm after the change; None if the condition does not hold."""
        values = {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}
        try:
            answer = await self._calls.run(
                self._dynamodb.update_item,
                **change(self._table, _PK, item, expression, condition, **values),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return None
        return Alarm.from_item(answer["Attributes"])
