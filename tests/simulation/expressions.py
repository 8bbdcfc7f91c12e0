"""What DynamoDB's condition and update expressions have in common: words, operands, names and literals.

Problem: a simulation evaluates the same few expressions millions of times. Rule: a text is read once and becomes
closures that take an item and the literals in order of appearance, and everything that does not depend on an item is
refused before an item is looked at, as DynamoDB does. Hazard: names are resolved when the text is read, so one text
with other names is another expression. Only attributes at the top of an item can be named; a path into one raises
NotImplementedError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.simulation.faults import Refused
from tests.simulation.values import Value, order, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

type Item = Mapping[str, Value]
type Literals = Sequence[Value]
type Read = Callable[[Item, Literals], Value | None]
type Test = Callable[[Item, Literals], bool]

_TOKEN = re.compile(r"\s*([#:]?[A-Za-z0-9_]+|<>|<=|>=|[=<>(),+\-.\[\]])")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SPACE = re.compile(r"\s*")


@cache
def _reserved() -> frozenset[str]:
    return frozenset(ReservedKeywords.get_reserved_keywords())


@dataclass(frozen=True, slots=True)
class Operand:
    """Something with a value."""

    read: Read
    #: As it was written, names resolved.
    text: str
    #: The attribute, if it is one.
    path: str | None = None
    #: The literal's place among the literals, if it is one.
    literal: int | None = None


@dataclass
class Scope:
    """The names and literals that the expressions of one request share."""

    names: Mapping[str, str]
    names_used: set[str] = field(default_factory=set)
    #: `:a`, `:b`, …, in order of appearance.
    literals: list[str] = field(default_factory=list)
    #: Which literals must be of which kinds, and for whose sake.
    kinds: list[tuple[int, tuple[str, ...], str]] = field(default_factory=list)
    #: Which literals bound a BETWEEN.
    bounds: list[tuple[int, int]] = field(default_factory=list)

    def path(self, word: str) -> str:
        """Return the attribute that a word of an expression names."""
        if word.startswith("#"):
            if word not in self.names:
                raise Refused(f"An expression attribute name used in the document path is not defined: {word}")
            self.names_used.add(word)
            return self.names[word]
        if word.upper() in _reserved():
            raise Refused(f"Attribute name is a reserved keyword; reserved keyword: {word}")
        return word

    def literal(self, word: str) -> int:
        """Return the place of a literal."""
        if word not in self.literals:
            self.literals.append(word)
        return self.literals.index(word)

    def must_be(self, operand: Operand, kinds: tuple[str, ...], use: str) -> None:
        """Have a literal refused that is of no such kind; what an attribute holds shows later."""
        if operand.literal is not None:
            self.kinds.append((operand.literal, kinds, use))

    def check_kinds(self, kinds: Sequence[str]) -> None:
        """Refuse literals of kinds that their uses do not take."""
        for place, wanted, use in self.kinds:
            if kinds[place] not in wanted:
                raise Refused(f"Incorrect operand type; operator or function: {use}, operand type: {kinds[place]}")

    def check_bounds(self, literals: Literals) -> None:
        """Refuse a BETWEEN that nothing could be in."""
        for low, high in self.bounds:
            if order(literals[low], literals[high]) not in (-1, 0):
                raise Refused("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")

    def finish(self) -> None:
        """Refuse names that nothing used."""
        if unused := self.names.keys() - self.names_used:
            raise Refused(f"Value provided in ExpressionAttributeNames unused in expressions: keys: {sorted(unused)}")


class Reader:
    """The words of one expression, from first to last. `kind` is the parameter that it came in."""

    def __init__(self, text: str, kind: str, scope: Scope) -> None:
        self.scope = scope
        self._kind = kind
        self._text = text
        self._tokens: list[str] = []
        position = 0
        while (match := _TOKEN.match(text, position)) is not None:
            self._tokens.append(match[1])
            position = match.end()
        if _SPACE.sub("", text[position:]):
            raise self.wrong(text[position:])
        if not self._tokens:
            raise Refused(f"Invalid {kind}: The expression can not be empty;")
        self._at = 0

    @property
    def next(self) -> str:
        """The word that comes next, an empty one at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    @property
    def calls(self) -> bool:
        """Whether a function comes next."""
        return bool(_NAME.fullmatch(self.next)) and self._tokens[self._at + 1 : self._at + 2] == ["("]

    def take(self) -> str:
        """Return the next word and go on."""
        word = self.next
        self._at += 1
        return word

    def took(self, word: str) -> bool:
        """Go on and return True if `word`, in capitals or not, comes next."""
        if self.next.upper() != word:
            return False
        self._at += 1
        return True

    def expect(self, word: str) -> None:
        """Go on if `word` comes next; else the expression is wrong."""
        if not self.took(word):
            raise self.wrong(self.next)

    def wrong(self, token: str) -> Refused:
        """Return the error for a word that has no business here."""
        return Refused(f'Invalid {self._kind}: Syntax error; token: "{token}", near: "{self._text}"')

    def many[T](self, one: Callable[[], T]) -> list[T]:
        """Return what `one` reads, once or more often, with commas between."""
        read = [one()]
        while self.took(","):
            read.append(one())
        return read

    def path(self) -> str:
        """Return the attribute that comes next."""
        word = self.take()
        if not (word.startswith("#") or _NAME.fullmatch(word)):
            raise self.wrong(word)
        if self.next in (".", "["):
            raise NotImplementedError(f"a path into an attribute: {self._text}")
        return self.scope.path(word)

    def operand(self) -> Operand:
        """Return the attribute or literal that comes next."""
        if not self.next.startswith(":"):
            path = self.path()
            return Operand(lambda item, _: item.get(path), path, path=path)
        word = self.take()
        place = self.scope.literal(word)
        return Operand(lambda _, literals: literals[place], word, literal=place)


def bound(scope: Scope) -> Callable[[Mapping[str, Value] | None], Literals]:
    """Return what makes the literals of `scope` out of a request's ExpressionAttributeValues."""
    names = tuple(scope.literals)
    seen: set[tuple[str, ...]] = set()

    def bind(given: Mapping[str, Value] | None) -> Literals:
        if given is None and not names:
            return ()
        if given is not None and not given:
            raise Refused("ExpressionAttributeValues must not be empty")
        given = given or {}
        try:
            literals = [stored(given[name]) for name in names]
        except KeyError as missing:
            raise Refused(f"An expression attribute value used in expression is not defined: {missing}") from None
        if len(given) != len(names):
            unused = sorted(given.keys() - set(names))
            raise Refused(f"Value provided in ExpressionAttributeValues unused in expressions: keys: {unused}")
        kinds = tuple([next(iter(literal)) for literal in literals])
        if kinds not in seen:
            scope.check_kinds(kinds)
            seen.add(kinds)
        scope.check_bounds(literals)
        return literals

    return bind
