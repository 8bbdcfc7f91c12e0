"""The bot's own user, as Telegram's getMe told it to the registrar, so that no worker has to ask."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

_KEY: dict[str, Any] = {"pk": {"S": "bot"}, "sk": {"S": "identity"}}


def store_identity(dynamodb: DynamoDBClient, table: str, identity: Mapping[str, Any]) -> None:
    """Keep `identity`, getMe's result; raises what botocore raises."""
    dynamodb.put_item(TableName=table, Item={**_KEY, "user": {"S": json.dumps(identity)}})


def read_identity(dynamodb: DynamoDBClient, table: str) -> dict[str, Any] | None:
    """Return what was stored, None if nothing was; raises what botocore raises."""
    item = dynamodb.get_item(TableName=table, Key=_KEY).get("Item")
    return None if item is None else json.loads(item["user"]["S"])
