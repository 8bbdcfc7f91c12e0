"""What is known of the webhook: what was registered, and what the last check found.

Rule: registering notes what Telegram was asked for, and is the only thing that begins the item; a check adds to it. So
without a registration, or after it was undone, there is nothing to hold Telegram against, and nothing to repair.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from floodgate.state.items import change, key, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

#: `unrepaired`: empty or with other update types, and it could not be set again.
type Webhook = Literal["ours", "repaired", "unrepaired", "foreign"]

_PK: Final = "bot"
_SK: Final = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The webhook, as far as it is known. Times are Unix seconds; None: never."""

    #: The update types that Telegram was asked for.
    allowed_updates: frozenset[str]
    checked_at: float | None = None
    #: Updates that wait at Telegram.
    pending: int = 0
    #: Telegram's last delivery that failed, and what it says of it, redacted.
    last_error_at: int | None = None
    last_error: str | None = None
    webhook: Webhook | None = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Return what an item says."""
        found = plain(dict(item))
        fields = {name: found[name] for name in cls.__dataclass_fields__ if name in found}
        return cls(**{**fields, "allowed_updates": frozenset(json.loads(found["allowed_updates"]))})


def read_health(dynamodb: DynamoDBClient, table: str) -> Health | None:
    """Return what is known, None if nothing is registered; raises what botocore raises."""
    item = dynamodb.get_item(TableName=table, Key=key(_PK, _SK)).get("Item")
    return None if item is None else Health.from_item(item)


def note_registration(dynamodb: DynamoDBClient, table: str, allowed_updates: Sequence[str]) -> None:
    """Note what Telegram was asked for; raises what botocore raises."""
    dynamodb.update_item(
        **change(table, _PK, _SK, "SET #allowed_updates = :types", None, types=json.dumps(sorted(allowed_updates)))
    )


def note_check(dynamodb: DynamoDBClient, table: str, found: Health) -> None:
    """Note what a check found, unless the registration was undone meanwhile; raises what botocore raises."""
    known: dict[str, Any] = {
        name: value
        for name in ("checked_at", "pending", "last_error_at", "last_error", "webhook")
        if (value := getattr(found, name)) is not None
    }
    gone = {"last_error_at", "last_error"} - known.keys()
    removed = f" REMOVE {', '.join(f'#{name}' for name in sorted(gone))}" if gone else ""
    try:
        dynamodb.update_item(
            **change(
                table,
                _PK,
                _SK,
                f"SET {', '.join(f'#{name} = :{name}' for name in known)}{removed}",
                "attribute_exists(#allowed_updates)",
                **known,
            )
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return


def forget_registration(dynamodb: DynamoDBClient, table: str) -> None:
    """Forget all of it; raises what botocore raises."""
    dynamodb.delete_item(TableName=table, Key=key(_PK, _SK))
