"""DynamoDB's condition expressions as closures.

Problem and rule: see `expressions`. Comparisons bind closest, then NOT, AND and OR. Hazard: what is not there compares
with nothing, so that every comparison with it is false; but `<>` is the denial of `=`, and so is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation import values
from tests.simulation.expressions import Operand
from tests.simulation.faults import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.expressions import Item, Literals, Reader, Test
    from tests.simulation.values import Value

_ORDERED = ("N", "S", "B")
_ORDERS: dict[str, tuple[int, ...]] = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}
#: An IN takes as many operands.
_MOST_IN = 100


def condition(reader: Reader) -> Test:
    """Return the test that the whole of an expression makes."""
    test, _ = _any_of(reader)
    if reader.next:
        raise reader.wrong(reader.next)
    return test


def _any_of(reader: Reader) -> tuple[Test, bool]:
    """Return a test, and whether it stood in parentheses."""
    test, enclosed = _all_of(reader)
    while reader.took("OR"):
        test, enclosed = _either(test, _all_of(reader)[0]), False
    return test, enclosed


def _all_of(reader: Reader) -> tuple[Test, bool]:
    test, enclosed = _not(reader)
    while reader.took("AND"):
        test, enclosed = _both(test, _not(reader)[0]), False
    return test, enclosed


def _not(reader: Reader) -> tuple[Test, bool]:
    if reader.took("NOT"):
        test = _not(reader)[0]
        return lambda item, literals: not test(item, literals), False
    if not reader.took("("):
        return _simple(reader), False
    test, enclosed = _any_of(reader)
    if enclosed:
        raise Refused("Invalid ConditionExpression: The expression has redundant parentheses;")
    reader.expect(")")
    return test, True


def _either(a: Test, b: Test) -> Test:
    return lambda item, literals: a(item, literals) or b(item, literals)


def _both(a: Test, b: Test) -> Test:
    return lambda item, literals: a(item, literals) and b(item, literals)


def _simple(reader: Reader) -> Test:
    if reader.calls and reader.next != "size":
        return _function(reader)
    left = _operand(reader)
    if reader.took("BETWEEN"):
        return _between(reader, left)
    if reader.took("IN"):
        reader.expect("(")
        choices = reader.many(lambda: _operand(reader))
        reader.expect(")")
        if len(choices) > _MOST_IN:
            raise Refused("Invalid ConditionExpression: The IN operator is provided with too many operands")
        _distinct("IN", left, *choices)
        tests = [_pair(left, choice, values.equal) for choice in choices]
        return lambda item, literals: any(test(item, literals) for test in tests)
    return _comparison(reader, left)


def _comparison(reader: Reader, left: Operand) -> Test:
    operator = reader.take()
    if operator not in (*_ORDERS, "=", "<>"):
        raise reader.wrong(operator)
    right = _operand(reader)
    _distinct(operator, left, right)
    if operator in _ORDERS:
        for operand in (left, right):
            reader.scope.must_be(operand, _ORDERED, operator)
        return _ordered(left, right, _ORDERS[operator])
    same = _pair(left, right, values.equal)
    return same if operator == "=" else lambda item, literals: not same(item, literals)


def _between(reader: Reader, middle: Operand) -> Test:
    low = _operand(reader)
    reader.expect("AND")
    high = _operand(reader)
    _distinct("BETWEEN", middle, low, high)
    for operand in (middle, low, high):
        reader.scope.must_be(operand, _ORDERED, "BETWEEN")
    if low.literal is not None and high.literal is not None:
        reader.scope.bounds.append((low.literal, high.literal))
    return _both(_ordered(low, middle, (-1, 0)), _ordered(middle, high, (-1, 0)))


def _function(reader: Reader) -> Test:
    name = reader.take()
    reader.expect("(")
    if name in ("attribute_exists", "attribute_not_exists"):
        path = reader.path()
        reader.expect(")")
        if name == "attribute_exists":
            return lambda item, _: path in item
        return lambda item, _: path not in item
    if name == "attribute_type":
        raise NotImplementedError(name)
    if name not in ("begins_with", "contains"):
        raise Refused(f"Invalid ConditionExpression: Invalid function name; function: {name}")
    whole = reader.operand()
    reader.expect(",")
    part = _operand(reader)
    reader.expect(")")
    _distinct(name, whole, part)
    if name == "contains":
        return _pair(whole, part, values.contains)
    for operand in (whole, part):
        reader.scope.must_be(operand, ("S", "B"), name)
    return _pair(whole, part, values.begins)


def _operand(reader: Reader) -> Operand:
    if not reader.calls:
        return reader.operand()
    if reader.take() != "size":
        raise Refused("Invalid ConditionExpression: The function is not allowed to be used this way")
    reader.expect("(")
    path = reader.path()
    reader.expect(")")

    def length(item: Item, _: Literals) -> Value | None:
        whole = item.get(path)
        return None if whole is None else values.size(whole)

    return Operand(length, f"size({path})")


def _distinct(operator: str, first: Operand, *others: Operand) -> None:
    if any(first.text == other.text for other in others):
        raise Refused(
            "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this "
            f"operator or function; operator: {operator}, first operand: [{first.text}]"
        )


def _pair(left: Operand, right: Operand, holds: Callable[[Value, Value], bool]) -> Test:
    """Return the test that both are there and `holds` is true of them."""
    if left.path is not None and right.literal is not None:
        path, place = left.path, right.literal

        def quick(item: Item, literals: Literals) -> bool:
            a = item.get(path)
            return a is not None and holds(a, literals[place])

        return quick

    def test(item: Item, literals: Literals) -> bool:
        a, b = left.read(item, literals), right.read(item, literals)
        return a is not None and b is not None and holds(a, b)

    return test


def _ordered(left: Operand, right: Operand, orders: tuple[int, ...]) -> Test:
    return _pair(left, right, lambda a, b: values.order(a, b) in orders)
