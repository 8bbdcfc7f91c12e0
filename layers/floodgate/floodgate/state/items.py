"""One write to an item of the state table, put together from an expression and its values.

Rule: an expression writes every attribute as `#name` and every value as `:name`; what they stand for is filled in here,
so that none of DynamoDB's 573 reserved words is met by accident.
"""

from __future__ import annotations

import re
from typing import Any, Final

_NAMES: Final = re.compile(r"#(\w+)")


def change(
    table: str, pk: str, sk: str, expression: str, condition: str | None = None, /, **values: Any
) -> dict[str, Any]:
    """Return the arguments of `update_item`, which are those of an Update in a transaction as well."""
    asked: dict[str, Any] = {
        "TableName": table,
        "Key": key(pk, sk),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": names(expression, condition or ""),
    }
    if values:
        asked["ExpressionAttributeValues"] = {f":{name}": attribute(value) for name, value in values.items()}
    if condition is not None:
        asked["ConditionExpression"] = condition
    return asked


def names(*expressions: str) -> dict[str, str]:
    """Return what the `#names` in these expressions stand for."""
    return {f"#{name}": name for expression in expressions for name in _NAMES.findall(expression)}


def key(pk: str, sk: str) -> dict[str, Any]:
    """Return the key of an item."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def attribute(value: str | float | bytes | list[str] | set[str]) -> dict[str, Any]:
    """Return a value as DynamoDB writes it; times keep their milliseconds."""
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case list():
            return {"L": [{"S": one} for one in value]}
        case set():
            return {"SS": sorted(value)}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": f"{value:.3f}"}


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item's attributes as Python has them; numbers without a point are whole."""
    return {name: _plain(*found.items()) for name, found in item.items()}


def _plain(typed: tuple[str, Any]) -> Any:
    kind, value = typed
    match kind:
        case "N":
            return float(value) if "." in value else int(value)
        case "B":
            return bytes(value)
        case "L":
            return [_plain(*one.items()) for one in value]
        case "SS":
            return set(value)
    return value
