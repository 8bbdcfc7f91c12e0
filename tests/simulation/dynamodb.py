"""DynamoDB tables in this process, with the face of boto3's client.

Problem: moto takes a millisecond per call, and a simulation makes millions. Rule: each method takes what boto3's takes,
answers what boto3 answers and raises what boto3 raises, for everything that this project could use; what is left out
raises TypeError or NotImplementedError and never passes silently. `test_dynamodb_contract` holds it to moto.
Hazards: attribute values are shared and not copied, so nobody may change one in place. Not modelled: the 400 KB of an
item, the limits of a partition, paths into attributes, sets in updates, keys that are not text. TTL does nothing, as
DynamoDB may let an expired item lie for days.
"""
# ruff: noqa: N803 - boto3's parameters

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.simulation.conditions import condition
from tests.simulation.expressions import Reader, Scope, bound
from tests.simulation.faults import Refused, answered, client_error
from tests.simulation.rates import Rates
from tests.simulation.updates import Update, update
from tests.simulation.values import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.simulation.expressions import Item, Literals, Test
    from tests.simulation.faults import FaultHook
    from tests.simulation.values import Value

#: `pk`, or `(pk, sk)` in a table with a sort key.
type Key = str | tuple[str, ...]

_THROTTLED = "ProvisionedThroughputExceededException"
_METADATA = {"HTTPStatusCode": 200, "RequestId": "", "HTTPHeaders": {}, "RetryAttempts": 0}
_NOTHING: Item = {}
#: DynamoDB's service quotas, in bytes.
_LONGEST_KEY = 2048
_MOST_KEYS = 100
_RETURN_VALUES = ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request's expressions, read."""

    bind: Callable[[Mapping[str, Value] | None], Literals]
    condition: Test | None
    update: Update
    #: What the answer tells of the item.
    tell: str
    #: What the answer tells when the condition does not hold.
    tell_refused: str


@lru_cache(maxsize=4096)
def _plan(
    condition_text: str | None,
    update_text: str | None,
    names: tuple[tuple[str, str], ...] | None,
    keys: tuple[str, ...],
    tell: str,
    tell_refused: str,
) -> _Plan:
    if tell not in _RETURN_VALUES or tell_refused not in _RETURN_VALUES[:2]:
        raise Refused("Return values set to invalid value")
    if names == ():
        raise Refused("ExpressionAttributeNames must not be empty")
    scope = Scope(dict(names or ()))
    test = None if condition_text is None else condition(Reader(condition_text, "ConditionExpression", scope))
    made = Update() if update_text is None else update(Reader(update_text, "UpdateExpression", scope))
    scope.finish()
    for target in made.targets:
        if target in keys:
            raise Refused(f"Cannot update attribute {target}. This attribute is part of the key")
    return _Plan(bound(scope), test, made, tell, tell_refused)


@dataclass
class Table:
    """One table."""

    keys: tuple[str, ...]
    written: Rates[Key]
    read: Rates[Key]
    items: dict[Key, Item] = field(default_factory=dict)

    def key(self, given: Mapping[str, Value]) -> Key:
        """Return the key; Refused if it is none of this table."""
        if len(given) != len(self.keys):
            raise Refused("The provided key element does not match the schema")
        return self.key_of(given)

    def key_of(self, item: Mapping[str, Value]) -> Key:
        """Return the key of an item."""
        try:
            parts = tuple([item[name]["S"] for name in self.keys])
        except KeyError as missing:
            raise Refused(f"Missing the key {missing} in the item, or type mismatch, or not in the schema") from None
        for part in parts:
            if not part:
                raise Refused("The AttributeValue for a key attribute cannot contain an empty string value.")
            if len(part) > _LONGEST_KEY:
                raise Refused("Size of hashkey has exceeded the maximum size limit of 2048 bytes")
        return parts[0] if len(parts) == 1 else parts

    def distinct(self, given: Sequence[Mapping[str, Value]]) -> list[Key]:
        """Return the keys of a batch; Refused if it has one twice, or too many."""
        keys = [self.key(key) for key in given]
        if len(set(keys)) < len(keys):
            raise Refused("Provided list of item keys contains duplicates")
        if not 0 < len(keys) <= _MOST_KEYS:
            raise Refused("Too many items requested for the BatchGetItem call")
        return keys

    def get(self, key: Key) -> dict[str, Any]:
        """Answer get_item."""
        self.read.count(key)
        if (item := self.items.get(key)) is None:
            return {"ResponseMetadata": _METADATA}
        return {"Item": dict(item), "ResponseMetadata": _METADATA}

    def change(
        self, key: Key, plan: _Plan, literals: Literals, make: Callable[[Item | None], Item | None]
    ) -> dict[str, Any]:
        """Put what `make` makes of the item in its place, if the condition holds."""
        self.written.count(key)
        old = self.items.get(key)
        if plan.condition is not None and not plan.condition(old or _NOTHING, literals):
            more = {"Item": dict(old)} if old is not None and plan.tell_refused == "ALL_OLD" else {}
            raise Refused("The conditional request failed", "ConditionalCheckFailedException", **more)
        new = make(old)
        if new is not None:
            self.items[key] = new
        elif old is not None:
            del self.items[key]
        answer: dict[str, Any] = {"ResponseMetadata": _METADATA}
        if plan.tell != "NONE":
            told = (old if plan.tell.endswith("OLD") else new) or _NOTHING
            if plan.tell.startswith("UPDATED"):
                told = {path: told[path] for path in plan.update.targets if path in told}
            if told:
                answer["Attributes"] = dict(told)
        return answer


class Tables:
    """Tables by name, each with the names of its keys; the fault hook is asked with the method's name and the key."""

    def __init__(
        self,
        clock: Callable[[], float],
        tables: Mapping[str, tuple[str, ...]] | None = None,
        *,
        fault: FaultHook | None = None,
        threshold: int = 3,
    ) -> None:
        self.fault = fault
        self.tables = {
            name: Table(keys, Rates(clock, threshold), Rates(clock, threshold))
            for name, keys in (tables or {"traffic": ("pk",), "state": ("pk", "sk")}).items()
        }

    @property
    def writes(self) -> int:
        """How many writes were asked for, refused ones included: they are billed."""
        return sum(table.written.total for table in self.tables.values())

    @property
    def reads(self) -> int:
        """How many items were asked for."""
        return sum(table.read.total for table in self.tables.values())

    def busiest(self, table: str, above: int) -> dict[Key, int]:
        """Return the keys that ever saw more than `above` writes in one second, and how many, most first."""
        return self.tables[table].written.busiest(above)

    def get_item(self, *, TableName: str, Key: Mapping[str, Value], ConsistentRead: bool = False) -> dict[str, Any]:
        """Return an item."""
        del ConsistentRead  # every read is
        try:
            table = self._table(TableName)
            key = table.key(Key)
        except Refused as refused:
            raise client_error("get_item", refused) from None
        return answered(self.fault, _THROTTLED, "get_item", key, table.get, key)

    def batch_get_item(self, *, RequestItems: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return items, in no order to rely on."""
        responses: dict[str, list[Any]] = {}
        try:
            for name, request in RequestItems.items():
                if unknown := request.keys() - {"Keys", "ConsistentRead"}:
                    raise NotImplementedError(unknown)
                table = self._table(name)
                keys = table.distinct(request["Keys"])
                found = [answered(self.fault, _THROTTLED, "batch_get_item", key, table.get, key) for key in keys]
                responses[name] = [answer["Item"] for answer in reversed(found) if "Item" in answer]
        except Refused as refused:
            raise client_error("batch_get_item", refused) from None
        return {"Responses": responses, "UnprocessedKeys": {}, "ResponseMetadata": _METADATA}

    def update_item(
        self,
        *,
        TableName: str,
        Key: Mapping[str, Value],
        UpdateExpression: str | None = None,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, Value] | None = None,
        ReturnValues: str = "NONE",
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        """Change an item, or make one."""
        try:
            table = self._table(TableName)
            key = table.key(Key)
            names = None if ExpressionAttributeNames is None else tuple(ExpressionAttributeNames.items())
            returns = (ReturnValues, ReturnValuesOnConditionCheckFailure)
            plan = _plan(ConditionExpression, UpdateExpression, names, table.keys, *returns)
            literals = plan.bind(ExpressionAttributeValues)
        except Refused as refused:
            raise client_error("update_item", refused) from None

        def make(old: Item | None) -> Item:
            new = dict(Key if old is None else old)
            plan.update.apply(old or Key, new, literals)
            return new

        return answered(self.fault, _THROTTLED, "update_item", key, table.change, key, plan, literals, make)

    def put_item(self, *, TableName: str, Item: Mapping[str, Value], **how: Any) -> dict[str, Any]:
        """Put an item in place of whatever is there."""
        return self._replace(
            "put_item",
            TableName,
            lambda table: (table.key_of(Item), {name: stored(value) for name, value in Item.items()}),
            **how,
        )

    def delete_item(self, *, TableName: str, Key: Mapping[str, Value], **how: Any) -> dict[str, Any]:
        """Delete an item, if there is one."""
        return self._replace("delete_item", TableName, lambda table: (table.key(Key), None), **how)

    def _replace(
        self,
        operation: str,
        table_name: str,
        new: Callable[[Table], tuple[Key, Item | None]],
        *,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, Value] | None = None,
        ReturnValues: str = "NONE",
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        try:
            table = self._table(table_name)
            key, item = new(table)
            names = None if ExpressionAttributeNames is None else tuple(ExpressionAttributeNames.items())
            returns = (
                "" if ReturnValues not in _RETURN_VALUES[:2] else ReturnValues,
                ReturnValuesOnConditionCheckFailure,
            )
            plan = _plan(ConditionExpression, None, names, table.keys, *returns)
            literals = plan.bind(ExpressionAttributeValues)
        except Refused as refused:
            raise client_error(operation, refused) from None
        return answered(self.fault, _THROTTLED, operation, key, table.change, key, plan, literals, lambda _: item)

    def _table(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise Refused(f"Requested resource not found: {name}", "ResourceNotFoundException") from None
