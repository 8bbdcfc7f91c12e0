"""Failures that were given up: kept where they can be listed, tried again and discarded.

Rule: one item per update under its reference, which follows from its first SQS message's id; so whatever letters come
of one update, there is one failure. Each *run* of the update that was given up is counted once: the same letter handed
out twice is no second failure, but a retry that failed again is. Failure and count are one transaction. Update and
journal are compressed, and go to further items where one of 400 KB does not hold them. Only while a failure is open it
has the attribute that the index `OpenFailures` is made of.
Hazard: the index is behind the table by a moment, so what it names is looked at again, and changed under a condition.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from floodgate.state.contents import Contents
from floodgate.state.dead_letter import DeadLetter
from floodgate.state.fingerprints import counted
from floodgate.state.items import change, key, names, plain
from floodgate.state.transactions import ROUNDS, Contended, commit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from floodgate.aws import AwsCalls


KEPT_S: Final = 14 * 86_400
#: Failures that change together: as many as SQS takes in one request.
TOGETHER: Final = 10
#: Open failures that are looked at for one press: more than it handles, for some may be refused.
LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is kept."""

    name: str
    letter: DeadLetter
    #: The Bot API calls that it had made, as `Journal.packed` wrote them.
    journal: bytes
    #: `open`, `retried` or `discarded`.
    state: str
    #: Retries that were sent.
    retries: int

    @property
    def is_open(self) -> bool:
        """Whether anything is left to do about it."""
        return self.state == "open"


class Failures:
    """The failures in the state table. Each method raises what botocore raises."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, calls: AwsCalls, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._dynamodb = dynamodb
        self._table = table
        self._calls = calls
        self._contents = Contents(dynamodb, table, calls)

    async def keep(self, letter: DeadLetter, journal: bytes, run: str, now: float) -> bool:
        """Keep the failure that `letter` tells of, open and counted, for KEPT_S; False if this `run` was kept before.

        `run` is the id of what was given up, the update's first message or that of a retry.
        """
        content = await self._contents.store(
            letter.name, zlib.compress(letter.update.encode()), journal, int(now) + KEPT_S
        )
        count = counted(self._table, letter.error_name, letter, now + KEPT_S)
        seen: dict[str, Any] = {}
        for _ in range(ROUNDS):
            if await commit(self._dynamodb, self._calls, self._opened(letter, content, seen, run, now), count):
                return True
            seen = await self._seen(letter.name)
            if run in seen.get("runs", ()):
                return False
        raise Contended

    async def find(self, name: str) -> Failure | None:
        """Return the failure, None if it is not kept, or no longer."""
        answer = await self._calls.run(
            self._dynamodb.get_item, TableName=self._table, Key=key("failure", name), ConsistentRead=True
        )
        if not (item := answer.get("Item")):
            return None
        found = plain(item)
        if found.get("expires_at", math.inf) <= self._clock():  # DynamoDB deletes late
            return None
        update, journal = await self._contents.load(name, found)
        fields = {field: found[field] for field in DeadLetter.model_fields if field in found and field != "update"}
        absent = dict.fromkeys(("error", "trace_id", "message_id"))
        letter = DeadLetter(**{**absent, **fields, "update": zlib.decompress(update).decode()})
        # What an older deployment kept has no state.
        return Failure(name, letter, journal, found.get("state", "open"), found.get("retries", 0))

    async def begin_telling(self, name: str, owner: str) -> bool:
        """Return True to the first who asks whether to tell the failure's user, and to nobody else ever.

        `owner` names who asks: asking twice, as botocore does after a lost answer, is asking once.
        """
        return await self._changes(
            change(
                self._table,
                "failure",
                name,
                "SET #told_by = :owner",
                "attribute_exists(#pk) AND (attribute_not_exists(#told_by) OR #told_by = :owner)",
                owner=owner,
            )
        )

    async def not_told(self, name: str, owner: str) -> None:
        """Take it back: nothing was said, and surely so."""
        await self._changes(change(self._table, "failure", name, "REMOVE #told_by", "#told_by = :owner", owner=owner))

    async def open_of(self, fingerprint: str, *, newest_first: bool = False, most: int = LOOKED_AT) -> list[str]:
        """Return the names of up to `most` failures of that fingerprint that are open, or were a moment ago."""
        found: list[str] = []
        start: dict[str, Any] = {}
        while len(found) < most:
            answer = await self._query(fingerprint, ScanIndexForward=not newest_first, Limit=most - len(found), **start)
            found += [item["sk"]["S"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    async def count_open(self, fingerprint: str) -> int:
        """Return how many failures of that fingerprint are open, or were a moment ago."""
        answer = await self._query(fingerprint, Select="COUNT")
        count: int = answer["Count"]
        while "LastEvaluatedKey" in answer:
            answer = await self._query(fingerprint, Select="COUNT", ExclusiveStartKey=answer["LastEvaluatedKey"])
            count += answer["Count"]
        return count

    async def close(self, failures: Sequence[Failure], fingerprint: str, state: str, *, retries: int = 0) -> int:
        """Have up to TOGETHER open failures `retried`, with `retries` more, or `discarded`; return how many were.

        A failure that has changed since it was read stays as it is.
        """
        if not failures:
            return 0
        writes = [
            change(
                self._table,
                "failure",
                failure.name,
                "SET #state = :state, #retries = :retries REMOVE #open_fingerprint",
                "#state = :open AND #retries = :seen",
                state=state,
                retries=failure.retries + retries,
                open="open",
                seen=failure.retries,
            )
            for failure in failures
        ]
        count = change(self._table, "fingerprint", fingerprint, "ADD #closed :one", None, one=len(failures))
        count["ExpressionAttributeNames"] = {"#closed": state}
        if await commit(self._dynamodb, self._calls, *writes, count):
            return len(failures)
        if len(failures) == 1:
            return 0
        # One of them has changed; the others close one by one.
        return sum([await self.close([one], fingerprint, state, retries=retries) for one in failures])

    def _opened(
        self, letter: DeadLetter, content: dict[str, Any], seen: dict[str, Any], run: str, now: float
    ) -> dict[str, Any]:
        """Return the write that makes the failure what `letter` says, if it is still as it was `seen`."""
        retries = seen.get("retries", 0)
        if seen.get("state") == "open":
            retries += 1  # nothing but a retry that was sent and not yet marked can have failed again
        fields: dict[str, Any] = {
            **letter.model_dump(exclude={"update", "fingerprint"}, exclude_none=True),
            **content,
            "fingerprint": letter.error_name,
            "open_fingerprint": letter.error_name,
            "kind": letter.kind,
            "state": "open",
            "retries": retries,
            "expires_at": int(now) + KEPT_S,
        }
        gone = {"update", "journal", "parts", "update_bytes", "error", "handler", "trace_id"} - fields.keys()
        return change(
            self._table,
            "failure",
            letter.name,
            f"SET {', '.join(f'#{name} = :{name}' for name in fields)} "
            f"REMOVE {', '.join(f'#{name}' for name in sorted(gone))} ADD #runs :run",
            "#retries = :seen AND #state = :was" if "state" in seen else "attribute_not_exists(#state)",
            **fields,
            run={run},
            **({"seen": seen["retries"], "was": seen["state"]} if "state" in seen else {}),
        )

    async def _seen(self, name: str) -> dict[str, Any]:
        wanted = "#runs, #state, #retries"
        answer = await self._calls.run(
            self._dynamodb.get_item,
            TableName=self._table,
            Key=key("failure", name),
            ProjectionExpression=wanted,
            ExpressionAttributeNames=names(wanted),
            ConsistentRead=True,
        )
        return plain(answer.get("Item", {}))

    async def _query(self, fingerprint: str, **how: Any) -> dict[str, Any]:
        ask: Callable[..., Any] = self._dynamodb.query
        answer: dict[str, Any] = await self._calls.run(
            ask,
            TableName=self._table,
            IndexName="OpenFailures",
            KeyConditionExpression="open_fingerprint = :fingerprint",
            ExpressionAttributeValues={":fingerprint": {"S": fingerprint}},
            **how,
        )
        return answer

    async def _changes(self, asked: dict[str, Any]) -> bool:
        try:
            await self._calls.run(self._dynamodb.update_item, **asked)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True
