"""DynamoDB's attribute values: what is one, how they compare, and how they add up.

Problem: a number is text of up to 38 digits, and must compare and add exactly, millions of times. Rule: a number is
kept as DynamoDB gives it back, without needless zeros, so that equal numbers are equal texts; order is first asked of
floats, which never reverse it, and of Decimal only where two floats are the same. Hazard: values are passed around and
never copied, so nobody may change one in place.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any

from botocore.exceptions import ParamValidationError

from tests.simulation.faults import Refused

#: `{"S": "text"}`: one kind, and what it holds.
type Value = dict[str, Any]

_TEXTS: dict[str, type | tuple[type, ...]] = {"S": str, "N": str, "B": bytes, "BOOL": bool, "NULL": bool}
_MANY: dict[str, type | tuple[type, ...]] = {
    "L": (list, tuple),
    "M": dict,
    "SS": (list, tuple),
    "NS": (list, tuple),
    "BS": (list, tuple),
}
_SETS = ("SS", "NS", "BS")

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
#: As DynamoDB returns it: no leading zeros, none at the end of a fraction, no exponent.
_CANONICAL = re.compile(r"0|-?(?:[1-9][0-9]*(?:\.[0-9]*[1-9])?|0\.[0-9]*[1-9])")
_DIGITS = 38
_EXACT = Context(prec=600)


def number(text: str) -> str:
    """Return the number as DynamoDB gives it back; Refused if it is none."""
    if len(text) <= _DIGITS and _CANONICAL.fullmatch(text):
        return text
    if not _NUMBER.fullmatch(text):
        raise Refused(f"The parameter cannot be converted to a numeric value: {text}")
    exact = Decimal(text).normalize(_EXACT)
    if not exact:
        return "0"
    if len(exact.as_tuple().digits) > _DIGITS:
        raise Refused("Attempting to store more than 38 significant digits in a Number")
    if not -130 <= exact.adjusted() <= 125:
        raise Refused("Number overflow. Attempting to store a number with magnitude larger than supported range")
    return format(exact, "f")


def stored(value: Value) -> Value:
    """Return the value as a table keeps it; Refused or ParamValidationError if it is none."""
    if len(value) == 1:  # nearly all are one of these two
        if type(text := value.get("N")) is str:
            return value if (kept := number(text)) is text else {"N": kept}
        if type(value.get("S")) is str:
            return value
    kind, content = _opened(value)
    if kind in _TEXTS:
        return value
    if kind == "L":
        return {"L": [stored(one) for one in content]}
    if kind == "M":
        return {"M": {name: stored(one) for name, one in content.items()}}
    many = [number(one) for one in content] if kind == "NS" else list(content)
    if not many:
        raise Refused("One or more parameter values were invalid: An set may not be empty")
    if len(set(many)) < len(many):
        raise Refused("One or more parameter values were invalid: Input collection contains duplicates.")
    return {kind: many}


def _opened(value: Value) -> tuple[str, Any]:
    """Return the kind and the content; ParamValidationError where boto3 would not even send it."""
    try:
        ((kind, content),) = value.items()
        wanted = _TEXTS.get(kind) or _MANY[kind]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ParamValidationError(report=f"Invalid attribute value: {value!r}") from None
    if not isinstance(content, wanted):
        raise ParamValidationError(report=f"Invalid type for {kind}: {content!r}")
    return kind, content


def order(a: Value, b: Value) -> int | None:
    """Return -1, 0 or 1 for less, equal or greater; None for what DynamoDB does not compare."""
    if "N" in a and "N" in b:
        x, y = a["N"], b["N"]
        if x == y:
            return 0
        p, q = float(x), float(y)
        return -1 if (p < q if p != q else Decimal(x) < Decimal(y)) else 1
    for kind in ("S", "B"):  # code points are ordered as their UTF-8 is
        if kind in a and kind in b:
            left, right = a[kind], b[kind]
            return 0 if left == right else -1 if left < right else 1
    return None


def equal(a: Value, b: Value) -> bool:
    """Return True if both are of one kind and hold the same; a set has no order."""
    if a == b:
        return True
    if a.keys() != b.keys():
        return False
    ((kind, left),) = a.items()
    right = b[kind]
    if kind in _SETS:
        return set(left) == set(right)
    if kind == "L":
        return len(left) == len(right) and all(map(equal, left, right))
    if kind == "M":
        return bool(left.keys() == right.keys()) and all(equal(one, right[name]) for name, one in left.items())
    return False


def total(a: Value, b: Value, sign: int = 1) -> Value:
    """Return a + b, or a - b if `sign` is -1."""
    try:
        x, y = a["N"], b["N"]
    except KeyError:
        raise Refused("An operand in the update expression has an incorrect data type") from None
    if len(x) < _DIGITS and len(y) < _DIGITS and "." not in x and "." not in y:
        return {"N": str(int(x) + sign * int(y))}
    exact = (_EXACT.add if sign > 0 else _EXACT.subtract)(Decimal(x), Decimal(y))
    return {"N": number(str(exact))}


def appended(a: Value, b: Value) -> Value:
    """Return list a followed by list b."""
    try:
        return {"L": [*a["L"], *b["L"]]}
    except KeyError:
        raise Refused("An operand in the update expression has an incorrect data type") from None


def begins(a: Value, b: Value) -> bool:
    """Return True if text or bytes a begin with b."""
    return any(kind in a and kind in b and a[kind].startswith(b[kind]) for kind in ("S", "B"))


def contains(a: Value, b: Value) -> bool:
    """Return True if b is a part of text a, or in set or list a."""
    ((kind, content),) = a.items()
    if kind == "L":
        return any(equal(one, b) for one in content)
    ((part_kind, part),) = b.items()
    if kind in _SETS:
        return part_kind == kind[0] and part in content
    return kind in ("S", "B") and part_kind == kind and part in content


def size(a: Value) -> Value | None:
    """Return the length as a number; None for what has no length."""
    ((kind, content),) = a.items()
    return None if kind in ("N", "BOOL", "NULL") else {"N": str(len(content))}
