"""A group's welcome as `chat_data` has it: `welcome` is what its admins chose, `welcomed` who came last.

Whoever comes within ONE_MESSAGE_S of the last greeting is added to it, so several who come at once get one message; and
nobody is greeted twice, though Telegram may announce one joining in two updates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from telegram import MessageEntity

from bot.welcome.greeting import MOST_NAMES, Entities, Newcomer, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.texts import Texts

ONE_MESSAGE_S: Final = 60
_MOST_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True)
class Welcome:
    """What greets newcomers; without a text of the admins' it is a standard one."""

    is_on: bool = False
    text: str = ""
    entities: Entities = ()

    @classmethod
    def of(cls, chat_data: dict[Any, Any]) -> Welcome:
        """Return the group's welcome; off until an admin turns it on."""
        found = chat_data.get("welcome", {})
        entities = [MessageEntity.de_json(one, None) for one in found.get("entities", [])]
        return cls(found.get("is_on", False), found.get("text", ""), entities)

    def keep(self, chat_data: dict[Any, Any]) -> None:
        """Make it the group's."""
        entities = [json.loads(one.to_json()) for one in self.entities]
        chat_data["welcome"] = {"is_on": self.is_on, "text": self.text, "entities": entities}

    def turned(self, *, on: bool) -> Welcome:
        """Return it turned on or off."""
        return replace(self, is_on=on)

    def greeting(self, newcomers: Sequence[Newcomer], group: str, texts: Texts) -> tuple[str, Entities]:
        """Return what newcomers read."""
        _ = texts.gettext
        rest = " " + _("and others") if len(newcomers) > MOST_NAMES else ""
        text = self.text or _("Welcome to {group}, {name}!")
        return fill(text, self.entities, newcomers, rest, group)


@dataclass(frozen=True, slots=True)
class Greeted:
    """The last greeting, and whom it greets."""

    message_id: int
    at: int
    newcomers: tuple[Newcomer, ...]

    @classmethod
    def of(cls, chat_data: dict[Any, Any], now: int) -> Greeted:
        """Return the greeting that newcomers are added to at this time, Unix seconds; a new one if there is none."""
        match chat_data.get("welcomed"):
            case {"message_id": message_id, "at": at, "newcomers": newcomers} if abs(now - at) < ONE_MESSAGE_S:
                return cls(message_id, at, tuple(Newcomer(*one) for one in newcomers))
        return cls(0, now, ())

    def joined_by(self, newcomers: Sequence[Newcomer]) -> Greeted:
        """Return it with those who are not among its newcomers yet."""
        there = {one.id for one in self.newcomers}
        return replace(self, newcomers=self.newcomers + tuple(one for one in newcomers if one.id not in there))

    def keep(self, chat_data: dict[Any, Any], message_id: int) -> None:
        """Remember it as the group's last, under the id of its message."""
        newcomers = [list(one) for one in self.newcomers[-_MOST_REMEMBERED:]]
        chat_data["welcomed"] = {"message_id": message_id, "at": self.at, "newcomers": newcomers}
