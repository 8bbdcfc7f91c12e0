"""One item per kind of failure: how often it happened, and what of that the admin chat was shown.

Rule: the count is part of the transaction that keeps a failure. Whoever writes `claimed_until` may speak to the admin
chat and then notes what was shown; so there is one message per fingerprint, and none is edited twice within PAUSE_S.
Hazard: who claims may die; a claim therefore ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import ClientError

from floodgate.state.items import change, key, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls
    from floodgate.state.dead_letter import DeadLetter

#: How much longer a fingerprint is kept than its latest failure, in seconds: DynamoDB may delete an item days after its
#: time, and this one must not go first.
OUTLIVES_S: Final = 7 * 86_400
#: The least time between two edits of a message, in seconds.
PAUSE_S: Final = 10.0
#: How long a claim holds that nobody ends: longer than a call to Telegram takes.
CLAIM_S: Final = 30.0
#: An edit rings no bell. A message that was last touched so long ago is not edited but followed by a new one.
FRESH_S: Final = 86_400.0


#: What has expired is not written anew.
_IS_KNOWN: Final = "attribute_exists(#count)"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Failures of one kind. Times are Unix seconds."""

    name: str
    reason: str
    error: str | None
    handler: str | None
    #: The latest update's type.
    kind: str
    #: How often it happened, retries that failed again included.
    count: int
    first_at: float
    last_at: float
    #: The latest failure's reference.
    latest: str
    #: How many were sent again and discarded so far.
    retried: int = 0
    discarded: int = 0
    #: The admin chat's message, when it was written or edited last, and the count that it shows.
    message_id: int | None = None
    shown_at: float = 0.0
    shown_count: int = 0
    claimed_until: float = 0.0
    #: The latest press of a button, the failure that it was for if it was for one, and what it was answered.
    press: str | None = None
    pressed: str | None = None
    said: str | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return what an item says."""
        found = plain(dict(item))
        fields = {name: found[name] for name in cls.__dataclass_fields__ if name in found}
        return cls(**{"error": None, "handler": None, **fields, "name": found["sk"]})


def counted(table: str, name: str, letter: DeadLetter, expires_at: float) -> dict[str, Any]:
    """Return the write that counts one more failure."""
    fields: dict[str, Any] = {
        "reason": letter.reason,
        "kind": letter.kind,
        "last_at": letter.last_at,
        "latest": letter.name,
        "expires_at": int(expires_at) + OUTLIVES_S,
    }
    fields |= {one: value for one in ("error", "handler") if (value := getattr(letter, one)) is not None}
    return change(
        table,
        "fingerprint",
        name,
        f"SET #first_at = if_not_exists(#first_at, :first_at), {', '.join(f'#{one} = :{one}' for one in fields)} "
        "ADD #count :one",
        None,
        **fields,
        first_at=letter.first_at,
        one=1,
    )


class Fingerprints:
    """The fingerprints in the state table. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls

    async def find(self, name: str) -> Fingerprint | None:
        """Return what is known of it, None if nothing is, or no longer."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=key("fingerprint", name), ConsistentRead=True
        )
        return Fingerprint.from_item(answer["Item"]) if "count" in answer.get("Item", {}) else None

    async def newest(self) -> list[Fingerprint]:
        """Return every one that is known, the latest failure first."""
        found: list[Fingerprint] = []
        start: dict[str, Any] = {}
        while True:
            answer = await self._calls.run(
                self._dynamodb.query,
                TableName=self._table,
                KeyConditionExpression="pk = :fingerprint",
                ExpressionAttributeValues={":fingerprint": {"S": "fingerprint"}},
                **start,
            )
            found += [Fingerprint.from_item(item) for item in answer["Items"] if "count" in item]
            if "LastEvaluatedKey" not in answer:
                return sorted(found, key=lambda one: one.last_at, reverse=True)
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def claim(self, name: str, owner: str, now: float) -> tuple[bool, Fingerprint]:
        """Return whether `owner` is to show the count now, and the fingerprint as it is.

        Nobody is while another does, within PAUSE_S of the last time, and if all is shown already.
        """
        asked = change(
            self._table,
            "fingerprint",
            name,
            "SET #claimed_until = :until, #claimed_by = :owner",
            "(attribute_not_exists(#shown_count) OR #shown_count < #count) AND "
            "(attribute_not_exists(#claimed_until) OR #claimed_until <= :now OR #claimed_by = :owner)",
            until=now + CLAIM_S,
            owner=owner,
            now=now,
        )
        try:
            answer = await self._calls.run(
                self._dynamodb.update_item,
                **asked,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            refused: dict[str, Any] = error.response["Item"]  # type: ignore[typeddict-item] # the stubs lack it
            return False, Fingerprint.from_item(refused)
        return True, Fingerprint.from_item(answer["Attributes"])

    async def show(self, name: str, message_id: int, count: int, now: float) -> None:
        """Note which message of the admin chat shows which count, and end the claim when the pause is over."""
        await self._changes(
            name,
            "SET #message_id = :message_id, #shown_count = :count, #shown_at = :now, #claimed_until = :until",
            _IS_KNOWN,
            message_id=message_id,
            count=count,
            now=now,
            until=now + PAUSE_S,
        )

    async def release(self, name: str, owner: str, until: float) -> None:
        """End the claim of `owner` at `until`: nothing could be shown."""
        await self._changes(name, "SET #claimed_until = :until", "#claimed_by = :owner", until=until, owner=owner)

    async def press(self, name: str, press: str, failure: str) -> None:
        """Note which failure a press of Retry is for, so that the same press, handled again, is for no other."""
        await self._changes(
            name, "SET #press = :press, #pressed = :failure REMOVE #said", _IS_KNOWN, press=press, failure=failure
        )

    async def answered(self, name: str, press: str, said: str) -> None:
        """Note what came of a press, so that the same press, handled again, is answered that and does nothing."""
        await self._changes(name, "SET #press = :press, #said = :said", _IS_KNOWN, press=press, said=said)

    async def _changes(self, name: str, expression: str, condition: str, **values: Any) -> None:
        """Change the fingerprint, unless the condition does not hold."""
        try:
            await self._calls.run(
                self._dynamodb.update_item, **change(self._table, "fingerprint", name, expression, condition, **values)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
