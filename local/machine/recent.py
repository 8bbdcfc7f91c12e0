"""The last updates one by one, as the page lists them.

Problem: in a flood thousands of updates pass each minute, each several times. Rule: an update is listed when it is
first sent to the bot or taken in hand, and keeps its place, the newest first, while its row changes; once SHOWN
others have come it is gone, until it moves again, and then it is the newest. Memory and the size of a frame are
bounded, whatever comes in.
Hazard: what waits at Telegram is in no list yet, only counted.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from local.machine.ways import About, Way

type Json = dict[str, Any]

SHOWN = 100
_WHO, _TEXT, _WHY = 24, 40, 80
_WORDS = {
    "callback_query": "press", "my_chat_member": "bot's standing", "chat_member": "member",
    "edited_message": "edit", "message_reaction": "reaction", "inline_query": "inline query",
}  # fmt: skip


class Recent:
    """The last updates, by the number of their coming."""

    def __init__(self, shown: int = SHOWN) -> None:
        self._limit = shown
        self._listed: OrderedDict[int, Way] = OrderedDict()
        self._changed: set[int] = set()
        self._next = 1

    def touch(self, way: Way) -> None:
        """List the update, or have its row change."""
        if way.number not in self._listed:
            way.number = self._next
            self._next += 1
            self._listed[way.number] = way
            if len(self._listed) > self._limit:
                gone, _ = self._listed.popitem(last=False)
                self._changed.discard(gone)
        self._changed.add(way.number)

    def all(self) -> list[Json]:
        """Return every row, the newest first."""
        return [row(way) for way in reversed(self._listed.values())]

    def changed(self) -> list[Json]:
        """Return the rows that have changed since this was asked last, the newest first."""
        rows = [row(self._listed[number]) for number in sorted(self._changed, reverse=True)]
        self._changed.clear()
        return rows


def row(way: Way) -> Json:
    """Return the update as the page shows it; times are milliseconds, `at` is Unix seconds; None is left out."""
    told = way.told
    shown: Json = {
        "n": way.number,
        "id": way.update_id,
        "type": way.about.type,
        "who": way.about.who,
        "text": way.about.text,
        "station": way.station.value,
        "at": way.arrived_at or way.began_at,
        "accepted_ms": _ms(way.arrived_at, way.accepted_at),
        "waited_ms": _ms(way.accepted_at, way.began_at),
        "worked_ms": round(way.worked_s * 1000) if way.ended_at or way.worked_s else None,
        "tries": way.tries or None,
        "next_at": way.next_at,
        "held": way.is_held or None,
        "refusals": way.refusals or None,
        "refusal": way.refusal[:_WHY] or None if way.accepted_at is None else None,
    }
    if told is not None:
        shown |= {
            "outcome": told.outcome,
            "reason": (told.reason or told.error)[:_WHY] or None,
            "reference": told.reference or None,
            "handler": told.handler[:_WHY] or None,
        }
    return {name: value for name, value in shown.items() if value not in (None, "")}


def about(kind: str, update: Mapping[str, Any]) -> About:
    """Return what the update is, for people: its type, whose it is by Telegram's names, and how it begins."""
    body = update.get(kind)
    body = body if isinstance(body, dict) else {}
    inner = body.get("message")
    message = inner if isinstance(inner, dict) else body
    chat, sender = message.get("chat"), body.get("from") or body.get("user")
    who = _name(chat)
    if kind == "callback_query" or not who:
        who = _name(sender) or who
    elif isinstance(chat, dict) and chat.get("type") != "private" and (speaker := _name(sender)):
        who = f"{speaker} in {who}"
    text = body.get("text") or body.get("data") or body.get("caption") or body.get("query") or ""
    return About(_WORDS.get(kind, kind.replace("_", " ")), _cut(who, _WHO), _cut(str(text), _TEXT))


def _name(holder: Any) -> str:
    if not isinstance(holder, dict):
        return ""
    return str(holder.get("title") or holder.get("first_name") or holder.get("id") or "")


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _ms(since: float | None, until: float | None) -> int | None:
    return None if since is None or until is None else max(0, round((until - since) * 1000))
