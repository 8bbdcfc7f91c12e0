"""Failures that were given up: kept where they can be listed and, later, tried again.

Rule: one item per dead letter under its reference, which follows from the message alone; so the same letter, handed out
twice, is kept once. The update is compressed: half a megabyte of JSON would not fit into an item of 400 KB. What does
not fit even so is kept in part, since a letter that cannot be kept would come again for days.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b32encode
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


KEPT_S = 14 * 86_400
#: What a compressed update may have, so that its item stays below DynamoDB's 400 KB.
_LARGEST_BYTES = 400_000
#: How much of a larger one is kept, in characters; their bytes fit uncompressed.
PART_CHARACTERS = 65_536


class DeadLetter(BaseModel):
    """The body of a message in `dead.fifo`, as `ingress.dead_letter` writes it. Times are Unix seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: One word: `poison`, `failed`, or `redriven` by SQS itself.
    reason: str
    detail: str
    #: The error's class.
    error: str | None
    attempts: int
    first_at: float
    last_at: float
    trace_id: str | None
    #: The id of the message that was given up.
    message_id: str | None
    #: Where the update would have been handled.
    group: str
    queue: str
    #: The update's text, whole if it fits.
    update: str
    #: Bytes of the whole.
    length: int
    sha256: str


def reference(seed: str) -> str:
    """Return the short name of a failure, ten characters that a person can read out: `K7QM2-XWD3A`.

    Their 50 bits make two of a million failures share a name once in two thousand times.
    """
    text = b32encode(hashlib.sha256(seed.encode()).digest()).decode()[:10]
    return f"{text[:5]}-{text[5:]}"


class Failures:
    """The failures in the state table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def keep(self, name: str, letter: DeadLetter, now: float) -> bool:
        """Keep `letter` as `name` for KEPT_S; return False if it was kept before. Raises what botocore raises."""
        update = zlib.compress(letter.update.encode())
        if len(update) > _LARGEST_BYTES:
            update = zlib.compress(letter.update[:PART_CHARACTERS].encode())
        item: dict[str, Any] = {
            "pk": {"S": "failure"},
            "sk": {"S": name},
            "reason": {"S": letter.reason},
            "detail": {"S": letter.detail},
            "attempts": {"N": str(letter.attempts)},
            "first_at": {"N": f"{letter.first_at:.3f}"},
            "last_at": {"N": f"{letter.last_at:.3f}"},
            "group": {"S": letter.group},
            "queue": {"S": letter.queue},
            "update": {"B": update},
            "length": {"N": str(letter.length)},
            "sha256": {"S": letter.sha256},
            "expires_at": {"N": str(int(now) + KEPT_S)},
        }
        for attribute in ("error", "trace_id", "message_id"):
            if (value := getattr(letter, attribute)) is not None:
                item[attribute] = {"S": value}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True
