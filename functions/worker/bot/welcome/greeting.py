"""What newcomers read: an admin's text, with the newcomers' names and the group's title put in.

Problem: a name is whatever somebody typed, and may look like a link, a command or markup, or turn the rest of the text
around. Rule: text and formatting are kept apart, as Telegram's entities, so nothing is ever parsed; a name
becomes a mention of its person, which Telegram takes for nothing else; characters that cannot be seen are left out; and
every length is bounded, so that the whole is one message however many come. Entities count in UTF-16 units.
Hazard: `str.format` must not touch an admin's text, for `{name.__class__}` is a field to it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from telegram import MessageEntity, User

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: In UTF-16 units. With the names and a title, each twice, the whole stays below Telegram's 4096.
LONGEST_TEXT: Final = 1000
#: How often a field may stand in a text.
MOST_FIELDS: Final = 2
#: How many newcomers are named.
MOST_NAMES: Final = 10
_LONGEST_NAME: Final = 40
_LONGEST_TITLE: Final = 128
_FIELDS: Final = re.compile(r"(\{name\}|\{group\})")
#: Formatting that an admin's text keeps; the rest Telegram finds anew by itself.
_KEPT: Final = frozenset(
    {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "blockquote"}
)
#: Letters by category that nobody sees.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_JOINER: Final = "\u200d"  # between the parts of one emoji

type Entities = Sequence[MessageEntity]


class Newcomer(NamedTuple):
    """Somebody to greet."""

    id: int
    name: str

    @classmethod
    def of(cls, user: User) -> Newcomer:
        """Return the newcomer that a user is."""
        # Deleted accounts have no name at all.
        return cls(user.id, visible(f"{user.first_name} {user.last_name or ''}", _LONGEST_NAME))


def visible(text: str, longest: int) -> str:
    """Return a name in one line of visible characters, at most `longest` of them; `…` if nothing of it can be seen."""
    seen = "".join(letter for letter in " ".join(text.split()) if _is_visible(letter)).strip(f" {_JOINER}")
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in seen):
        return "…"
    return seen if len(seen) <= longest else f"{seen[: longest - 1].rstrip(f' {_JOINER}')}…"


def width(text: str) -> int:
    """Return a text's length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def kept_formatting(entities: Iterable[MessageEntity], start: int, length: int) -> list[MessageEntity]:
    """Return the formatting of the part of a text that begins at `start`, in UTF-16 units, cut to it."""
    found = []
    for one in entities:
        first, last = max(one.offset, start), min(one.offset + one.length, start + length)
        if one.type in _KEPT and last > first:
            found.append(MessageEntity(one.type, first - start, last - first, url=one.url, language=one.language))
    return found


def fill(text: str, entities: Entities, newcomers: Sequence[Newcomer], rest: str, group: str) -> tuple[str, Entities]:
    """Return the greeting and its entities.

    `rest` follows the names of the first MOST_NAMES newcomers, such as " and others". Nothing but `{name}` and
    `{group}` is a field.
    """
    filled, mentions, pieces, at = "", [], [], 0
    for part in _FIELDS.split(text):
        start = width(filled)
        if part == "{name}":
            for newcomer in newcomers[:MOST_NAMES]:
                filled += ", " if width(filled) > start else ""
                mentions.append(_mention(newcomer, width(filled)))
                filled += newcomer.name
            filled += rest
        else:
            filled += visible(group, _LONGEST_TITLE) if part == "{group}" else part
        pieces.append(_Piece(at, at + width(part), start, width(filled), is_field=_FIELDS.fullmatch(part) is not None))
        at = pieces[-1].end
    return filled, [*_moved(entities, pieces), *mentions]


class _Piece(NamedTuple):
    """A part of the text, from where to where in UTF-16 units, and where it has come to be."""

    start: int
    end: int
    new_start: int
    new_end: int
    is_field: bool

    def moved(self, position: int) -> int:
        """Return where a position in this part has come to be; within a field that is its end."""
        if not self.is_field:
            return self.new_start + position - self.start
        return self.new_start if position == self.start else self.new_end


def _moved(entities: Entities, pieces: Sequence[_Piece]) -> list[MessageEntity]:
    moved = []
    for one in entities:
        start, end = (
            next((piece.moved(place) for piece in pieces if piece.start <= place <= piece.end), pieces[-1].new_end)
            for place in (one.offset, one.offset + one.length)
        )
        if end > start:
            moved.append(MessageEntity(one.type, start, end - start, url=one.url, language=one.language))
    return moved


def _mention(newcomer: Newcomer, offset: int) -> MessageEntity:
    user = User(newcomer.id, newcomer.name, is_bot=False)
    return MessageEntity(MessageEntity.TEXT_MENTION, offset, width(newcomer.name), user=user)


def _is_visible(letter: str) -> bool:
    # Format characters turn text around; others of these have no shape. Flags of regions are made of tag characters.
    if letter == _JOINER or "\U000e0020" <= letter <= "\U000e007f":
        return True
    return letter not in _BLANK and unicodedata.category(letter) not in {"Cc", "Cf", "Cn", "Co", "Cs"}
