"""The levers below the page: what can be done to the machine and its Telegram, and undone.

Rule: a lever says what it does and what to watch; pulling and undoing are orders, and its state, on or off and a
sentence, is part of what the page shows. An order that cannot be carried out is a LocalError whose sentence is shown.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from local.errors import LocalError
from local.page.stream import Whole

type Json = dict[str, Any]


class Lever(Protocol):
    """Something that can be done, and undone."""

    name: str
    label: str

    @property
    def watch(self) -> str:
        """What to watch once it is pulled."""
        ...

    def state(self) -> Json:
        """Return `on`, `busy` (an order is being carried out) and `said`, a sentence about it.

        With `can_undo` it can be undone though it is off.
        """
        ...

    async def pull(self, order: Json) -> None:
        """Do it. Raises LocalError."""
        ...

    async def undo(self) -> None:
        """Undo it; what was not pulled is left as it is. Raises LocalError."""
        ...


class NoSuchLever(LocalError):
    """There is none of that name."""


class Levers(Whole):
    """All levers, and the source `levers` of the page's events."""

    name = "levers"

    def __init__(self, levers: Sequence[Lever]) -> None:
        self._levers = {lever.name: lever for lever in levers}

    async def order(self, name: str, order: Json) -> Json:
        """Pull the lever (`{"on": true}`) or undo it (`{"on": false}`), and return its state. Raises LocalError."""
        lever = self._levers.get(name)
        if lever is None:
            raise NoSuchLever(f"There is no lever {name!r}: they are {', '.join(self._levers) or 'none'}.")
        await (lever.pull(order) if order.get("on") else lever.undo())
        return lever.state()

    def snapshot(self) -> Json:
        """Return every lever with its words and its state."""
        return {
            "levers": [
                {"name": lever.name, "label": lever.label, "watch": lever.watch, **lever.state()}
                for lever in self._levers.values()
            ]
        }
