"""Queries, for the model of DynamoDB beside this file: of what a partition key has, in the order of the sort keys.

Only those that are asked for here: a partition, by itself or what begins with a text, in pages, or counted.
"""
# ruff: noqa: N803 - boto3's parameters

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.dynamodb import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.values import Value

_CONDITION: Final = re.compile(r"pk = (:\w+)(?: AND begins_with\(sk, (:\w+)\))?")
_FILTER: Final = re.compile(r"attribute_exists\((\w+)\)")


class QueriedTables(Tables):
    """Tables whose items are written with `update_item`, and so known in their order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sorted: dict[str, list[str]] = {}
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self.queries = 0

    def update_item(self, *, Key: Mapping[str, Value], **how: Any) -> dict[str, Any]:
        """Change an item, or make one."""
        pk, sk = str(Key["pk"]["S"]), str(Key.get("sk", {}).get("S", ""))
        if sk not in self._known[pk]:
            self._known[pk].add(sk)
            self._sorted.pop(pk, None)
        return super().update_item(Key=Key, **how)

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Mapping[str, Value],
        FilterExpression: str | None = None,
        Select: str = "ALL_ATTRIBUTES",
        Limit: int | None = None,
        ExclusiveStartKey: Mapping[str, Value] | None = None,
        ConsistentRead: bool = False,
    ) -> dict[str, Any]:
        """Return a page of items."""
        del ConsistentRead
        self.queries += 1
        if (asked := _CONDITION.fullmatch(KeyConditionExpression)) is None:
            raise NotImplementedError(KeyConditionExpression)
        pk = str(ExpressionAttributeValues[asked[1]]["S"])
        prefix = str(ExpressionAttributeValues[asked[2]]["S"]) if asked[2] else ""
        if (order := self._sorted.get(pk)) is None:
            order = self._sorted[pk] = sorted(self._known[pk])
        start = bisect_right(order, str(ExclusiveStartKey["sk"]["S"])) if ExclusiveStartKey else 0
        table = self.tables[TableName]
        found: list[dict[str, Any]] = []
        last = None
        for sk in order[start:]:
            item = table.items.get((pk, sk))
            if item is None or not sk.startswith(prefix):
                continue
            found.append(dict(item))
            if len(found) == Limit:
                last = {"pk": {"S": pk}, "sk": {"S": sk}}
                break
        if FilterExpression is not None:
            wanted = _FILTER.fullmatch(FilterExpression)
            if wanted is None:
                raise NotImplementedError(FilterExpression)
            found = [item for item in found if wanted[1] in item]
        answer: dict[str, Any] = {"Count": len(found)}
        if Select != "COUNT":
            answer["Items"] = found
        if last is not None:
            answer["LastEvaluatedKey"] = last
        return answer
