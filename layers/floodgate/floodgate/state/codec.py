"""What a bot remembers, as text: JSON, and what JSON would silently change written so that it comes back as it was.

Rule: what JSON has, stands as it is; tuples, sets, bytes, times and dicts whose keys are no text stand as a dict with
one key that names the type, `{"~tuple": [1, 2]}`. Everything else is refused, with where it stands, rather than turned
into something like it. Hazard: two names for one list become two lists.
"""

from __future__ import annotations

import base64
import json
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK: Final = "~"
_PLAIN: Final = frozenset({type(None), bool, int, float, str})
#: Levels of lists and dicts; DynamoDB and Python's JSON end somewhere above.
_DEEPEST: Final = 100


class NotStorable(TypeError):
    """A value cannot be kept; the text says which, and what to keep instead."""


def _time_parts(value: datetime) -> str | list[Any]:
    """Return its ISO text; or, of what that would lose: its local time, its `fold`, and its zone's name."""
    if not value.fold and not isinstance(value.tzinfo, ZoneInfo):
        return value.isoformat()
    zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    return [value.replace(tzinfo=None).isoformat() if zone else value.isoformat(), value.fold, zone]


def _has_zone_of_name(value: datetime) -> bool:
    """Tell whether its zone is none, a fixed one, or one that `zoneinfo` finds by its name."""
    zone = value.tzinfo
    return zone is None or type(zone) is timezone or (type(zone) is ZoneInfo and zone.key is not None)


def _time_of(parts: str | list[Any]) -> datetime:
    if isinstance(parts, str):
        return datetime.fromisoformat(parts)
    local, fold, zone = parts
    time = datetime.fromisoformat(local).replace(fold=fold)
    return time.replace(tzinfo=ZoneInfo(zone)) if zone else time


_TO_JSON: Final[dict[type, tuple[str, Callable[[Any], Any]]]] = {
    bytes: ("~bytes", lambda value: base64.b64encode(value).decode()),
    datetime: ("~datetime", _time_parts),
    date: ("~date", date.isoformat),
    timedelta: ("~timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
}
_SEVERAL: Final[dict[type, str]] = {tuple: "~tuple", set: "~set", frozenset: "~frozenset"}
_FROM_JSON: Final[dict[str, Callable[[Any], Any]]] = {
    "~tuple": tuple,
    "~set": set,
    "~frozenset": frozenset,
    "~dict": dict,
    "~bytes": base64.b64decode,
    "~datetime": _time_of,
    "~date": date.fromisoformat,
    "~timedelta": lambda parts: timedelta(*parts),
}


def dumps(value: Any, where: str) -> str:
    """Return the text that `loads` makes an equal value of; the same for equal dicts of the same order.

    `where` is what errors call the value. Raises NotStorable.
    """
    plain = _plain(value, where, 0)
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character, which only an escape can hold
        return json.dumps(plain, separators=(",", ":"))
    return text


def loads(text: str) -> Any:
    """Return the value that `dumps` was given."""
    return json.loads(text, object_hook=_from_plain)


def _plain(value: Any, where: str, depth: int) -> Any:
    kind = type(value)  # not isinstance: a subclass, an enum say, would come back as something else
    if kind in _PLAIN:
        return value
    if depth > _DEEPEST:
        raise NotStorable(f"{where} is nested too deeply, or holds itself.")
    if kind is list:
        return _each(value, where, depth)
    if kind in _SEVERAL:
        # A set has no order: without one of ours it would look changed each time.
        ordered = value if kind is tuple else sorted(value, key=lambda one: (type(one).__name__, repr(one)))
        return {_SEVERAL[kind]: _each(ordered, where, depth)}
    if kind is dict:
        if all(type(key) is str and not key.startswith(_MARK) for key in value):
            return {key: _plain(one, f"{where}[{key!r}]", depth + 1) for key, one in value.items()}
        pairs = (
            [_plain(key, f"a key of {where}", depth + 1), _plain(one, f"{where}[{key!r}]", depth + 1)]
            for key, one in value.items()
        )
        return {"~dict": list(pairs)}
    if kind is datetime and not _has_zone_of_name(value):
        raise NotStorable(f"{where} has a time zone that cannot be kept: use datetime.timezone or zoneinfo.ZoneInfo.")
    if kind in _TO_JSON:
        name, to_json = _TO_JSON[kind]
        return {name: to_json(value)}
    raise NotStorable(
        f"{where} is a {kind.__module__}.{kind.__qualname__}, which cannot be kept: keep what it is made of, in dicts, "
        "lists, tuples, sets, text, numbers, bytes and times."
    )


def _each(values: Any, where: str, depth: int) -> list[Any]:
    return [_plain(one, f"{where}[{position}]", depth + 1) for position, one in enumerate(values)]


def _from_plain(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        ((name, content),) = found.items()
        if name in _FROM_JSON:
            return _FROM_JSON[name](content)
    return found
