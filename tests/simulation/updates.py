"""DynamoDB's update expressions as closures.

Problem and rule: see `expressions`. Every action sees the item as it was, whatever the other actions make of it, and
no two of them may have one attribute. Hazard: an operand that the item does not have is an error, not nothing; only
`if_not_exists` and ADD do without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation import values
from tests.simulation.faults import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.expressions import Item, Literals, Operand, Reader
    from tests.simulation.values import Value

    type Compute = Callable[[Item, Literals], Value]


@dataclass(slots=True)
class Update:
    """What becomes of an item."""

    sets: list[tuple[str, Compute]] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        """The attributes that it names."""
        return [path for path, _ in self.sets] + self.removes

    def apply(self, old: Item, new: dict[str, Value], literals: Literals) -> None:
        """Change `new`, which begins as `old`."""
        for path, compute in self.sets:
            new[path] = compute(old, literals)
        for path in self.removes:
            new.pop(path, None)


def update(reader: Reader) -> Update:
    """Return what the whole of an expression does."""
    made = Update()
    seen = set()
    while clause := reader.take().upper():
        if clause not in ("SET", "REMOVE", "ADD", "DELETE"):
            raise reader.wrong(clause)
        if clause in seen:
            raise Refused(f'Invalid UpdateExpression: The "{clause}" section can only be used once;')
        seen.add(clause)
        if clause == "DELETE":
            raise NotImplementedError("DELETE from a set")
        if clause == "REMOVE":
            made.removes += reader.many(reader.path)
        else:
            one = _set if clause == "SET" else _add
            made.sets += reader.many(lambda one=one: one(reader))  # type: ignore[misc] # bound in this loop
    if len(set(made.targets)) < len(made.targets):
        raise Refused("Invalid UpdateExpression: Two document paths overlap with each other;")
    return made


def _set(reader: Reader) -> tuple[str, Compute]:
    path = reader.path()
    reader.expect("=")
    left = _value(reader)
    if reader.next not in ("+", "-"):
        return path, left.compute
    sign = 1 if reader.take() == "+" else -1
    right = _value(reader)
    for side in (left, right):
        if side.operand is not None:
            reader.scope.must_be(side.operand, ("N",), "+" if sign > 0 else "-")
    a, b = left.compute, right.compute
    return path, lambda item, literals: values.total(a(item, literals), b(item, literals), sign)


def _add(reader: Reader) -> tuple[str, Compute]:
    path = reader.path()
    more = reader.operand()
    if more.literal is None:
        raise Refused("Invalid UpdateExpression: Syntax error; ADD takes a value")
    reader.scope.must_be(more, ("N",), "ADD")
    place = more.literal

    def compute(item: Item, literals: Literals) -> Value:
        before = item.get(path)
        return literals[place] if before is None else values.total(before, literals[place])

    return path, compute


@dataclass(frozen=True, slots=True)
class _Side:
    compute: Compute
    #: None for a function.
    operand: Operand | None = None


def _value(reader: Reader) -> _Side:
    if not reader.calls:
        operand = reader.operand()
        return _Side(_there(operand), operand)
    name = reader.take()
    reader.expect("(")
    if name == "if_not_exists":
        path = reader.path()
        reader.expect(",")
        other = _value(reader).compute
        side = _Side(lambda item, literals: item[path] if path in item else other(item, literals))
    elif name == "list_append":
        first = _value(reader)
        reader.expect(",")
        second = _value(reader)
        for one in (first, second):
            if one.operand is not None:
                reader.scope.must_be(one.operand, ("L",), name)
        a, b = first.compute, second.compute
        side = _Side(lambda item, literals: values.appended(a(item, literals), b(item, literals)))
    else:
        raise Refused(f"Invalid UpdateExpression: Invalid function name; function: {name}")
    reader.expect(")")
    return side


def _there(operand: Operand) -> Compute:
    if operand.literal is not None:
        place = operand.literal
        return lambda _, literals: literals[place]
    path = operand.text

    def compute(item: Item, _: Literals) -> Value:
        try:
            return item[path]
        except KeyError:
            raise Refused("The provided expression refers to an attribute that does not exist in the item") from None

    return compute
