"""Who is told what changes in the world.

Problem: who shows the world while it changes must not look through all of it to find what has.
Rule: the world's mappings and chats tell of their changes themselves, so that no method and no order can forget to.
What is told is the place, a message by its chat and number, and whoever is told looks there when it suits them.
Hazard: what is changed in place is not seen; the world replaces its objects, and so must everybody else.
"""

from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any, Literal

#: A message's key is (chat id, message id), of a chat and of what the bot is doing there its chat's id, of a user
#: theirs, of an answer its query's id, of commands their scope and language.
type What = Literal["message", "chat", "action", "user", "answer", "commands"]
type Observer = Callable[[What, Any], None]


def nobody(what: What, key: Any) -> None:
    """Take the news, and leave it."""


class Told[K, V](UserDict[K, V]):
    """A dict that says which of its keys was set or deleted."""

    def __init__(self, tell: Callable[[K], None], content: Mapping[K, V] | None = None) -> None:
        self._tell: Callable[[K], None] = lambda _: None
        super().__init__(content or {})
        self._tell = tell

    def __setitem__(self, key: K, item: V) -> None:
        super().__setitem__(key, item)
        self._tell(key)

    def __delitem__(self, key: K) -> None:
        super().__delitem__(key)
        self._tell(key)
