"""One remembered answer of Telegram, or its refusal to answer, and whether an update contradicts it.

Problem: no update announces that somebody changed their name, but every update shows the names of its chat and people
as they stand. Rule: an answer that an update contradicts is stale. Hazard: an update that waited in a queue shows what
was, and each would have Telegram asked again; so an entry keeps what was shown and overruled by Telegram, and that
counts no more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telegram.error import BadRequest, Forbidden

#: Fields of the Bot API's Chat that ChatFullInfo has as well.
NAMES_OF_A_CHAT: Final = (
    "type",
    "title",
    "username",
    "first_name",
    "last_name",
    "is_forum",
    "is_direct_messages",
)
#: Fields of User that say how somebody is called; those that not every User carries would contradict without cause.
NAMES_OF_A_USER: Final = ("username", "first_name", "last_name")

_REFUSALS: Final = {error.__name__: error for error in (BadRequest, Forbidden)}

type Shown = Mapping[int, Mapping[str, Any]]
"""Chats and users as an update shows them, by id: Chat and User objects of the Bot API."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer as JSON text, so that every caller gets a copy of their own."""

    text: str
    #: When Telegram was asked, Unix seconds: what happened later may not be in it.
    fetched_at: float
    fresh_until: float
    #: If Telegram refused: the error's class, and `text` is its message.
    refusal: str = ""
    #: JSON of what was shown when Telegram was asked, and denied by its answer.
    overruled: str = "{}"

    def value(self) -> Any:
        """Return the answer; raises BadRequest or Forbidden where Telegram refused one."""
        value = json.loads(self.text)
        if self.refusal:
            raise _REFUSALS[self.refusal](value)
        return value

    def agrees_with(self, shown: Shown | None) -> bool:
        """Tell whether nothing shown contradicts this answer, but for what Telegram has overruled.

        A refusal is contradicted by nothing: the bot may see people and chats that it cannot ask about.
        """
        if self.refusal or not shown:
            return True
        overruled = json.loads(self.overruled)
        found = contradictions(json.loads(self.text), shown)
        return all(overruled.get(subject) == names for subject, names in found.items())


def contradictions(value: Any, shown: Shown) -> dict[str, dict[str, Any]]:
    """Return, by id, the names shown of those whom an answer calls otherwise.

    `value` is what getChat, getChatMember or getChatAdministrators answered. A name that is not shown is one that is
    not there: updates carry whole Chat and User objects.
    """
    found = {}
    for known in _subjects(value):
        if (seen := shown.get(known.get("id", 0))) is not None:
            names = NAMES_OF_A_CHAT if "type" in seen and "type" in known else NAMES_OF_A_USER
            if any((seen.get(name) or None) != (known.get(name) or None) for name in names):
                found[str(known["id"])] = {name: seen[name] for name in names if seen.get(name)}
    return found


def _subjects(value: Any) -> list[Mapping[str, Any]]:
    """Return the ChatFullInfo, or the User of each ChatMember."""
    if isinstance(value, list):
        return [subject for one in value for subject in _subjects(one)]
    if not isinstance(value, Mapping):
        return []
    return [value["user"] if isinstance(value.get("user"), Mapping) else value]
