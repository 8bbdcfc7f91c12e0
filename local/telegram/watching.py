"""Who wants to see what happens at this Telegram, as it happens.

Rule: a watcher is told of each update that arises, of each attempt to deliver it, before and after, of what became of
it, and of each call of the bot, once it is answered. It is told at once, in the event loop, and must neither wait nor
raise.
"""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from local.telegram.updates import Pending


class Watcher(Protocol):
    """Is told what happens."""

    def arrived(self, pending: "Pending") -> None:
        """An update is on its way, or its type is not allowed: then that is its outcome already."""
        ...

    def delivering(self, pending: "Pending") -> None:
        """The update is being sent to the webhook."""
        ...

    def attempted(self, pending: "Pending") -> None:
        """The last of the update's `attempts` has ended."""
        ...

    def settled(self, pending: "Pending") -> None:
        """The update has its outcome."""
        ...

    def called(self, call: dict[str, Any]) -> None:
        """The bot called, and has its answer, or none."""
        ...
