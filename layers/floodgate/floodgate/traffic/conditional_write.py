"""One conditional update of a gate's item, put together piece by piece.

Rule: what must hold and what is to be set go into one request, which does all of it or nothing. Each attribute is
written at most once, and its values are named after it.
"""

from __future__ import annotations

import math
from typing import Any, Final

#: A gate is forgotten when nothing passed it for this long, in seconds; it is past every limit long before.
KEPT_S: Final = 30 * 86_400


class ConditionalWrite:
    """One conditional update: everything that is required holds and everything is set, or nothing is.

    `kept_s` is how long the item is kept after it, in seconds.
    """

    def __init__(self, now: float, *, kept_s: float = KEPT_S) -> None:
        #: Whether it was done; set by whoever asks DynamoDB.
        self.done = False
        self._conditions: list[str] = []
        self._sets: list[str] = []
        self._values: dict[str, Any] = {}
        self.set("expires_at", math.ceil(now + kept_s))

    def require(self, condition: str, **values: Any) -> None:
        """The condition holds; `values` are those that it names as `:name`."""
        self._conditions.append(condition)
        self._values.update({f":{name}": _value(value) for name, value in values.items()})

    def require_past(self, attribute: str, time: float) -> None:
        """The attribute is no later than `time`."""
        self.require(
            f"(attribute_not_exists({attribute}) OR {attribute} <= :not_after_{attribute})",
            **{f"not_after_{attribute}": time},
        )

    def move_on(self, attribute: str, seen: float | None, idle_since: float, value: float) -> None:
        """Set a theoretical arrival time, if it is as it was seen; None: if it lies in the past."""
        if seen:
            self.require(f"{attribute} = :seen_{attribute}", **{f"seen_{attribute}": seen})
        elif seen is None:
            self.require_past(attribute, idle_since)
        else:
            self.require(f"attribute_not_exists({attribute})")
        self.set(attribute, value)

    def set(self, attribute: str, value: Any) -> None:
        """The attribute gets this value."""
        self._sets.append(f"{attribute} = :{attribute}")
        self._values[f":{attribute}"] = _value(value)

    def set_default(self, attribute: str, value: Any) -> None:
        """Set it where there is none."""
        self._sets.append(f"{attribute} = if_not_exists({attribute}, :{attribute})")
        self._values[f":{attribute}"] = _value(value)

    def expressions(self) -> dict[str, Any]:
        """Return the arguments of `update_item` that say all this."""
        asked: dict[str, Any] = {
            "UpdateExpression": f"SET {', '.join(self._sets)}",
            "ExpressionAttributeValues": self._values,
        }
        if self._conditions:
            asked["ConditionExpression"] = " AND ".join(self._conditions)
            asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return asked


def _value(value: str | float | tuple[float, ...]) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case tuple():
            # Hundredths, rounded up: 20 of them must fit into an item below 1 KB, which is what one write pays for.
            return {"L": [{"N": f"{math.ceil(at * 100) / 100:.2f}"} for at in value]}
        case int():
            return {"N": str(value)}
        case float():
            return {"N": f"{value:.6f}"}
