"""What the page shows in place of the chats: whom the bridge is for, and how it goes.

The frame is whole each time: `{"kind": "bridge", "bot", "status", "state", "waiting"}`; `status` is a sentence.
"""

from typing import Any

from local.bridge.bridge import Bridge

type Json = dict[str, Any]


class Shown:
    """The source `telegram` of the page's events while a bridge is there."""

    name = "telegram"

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._last: Json | None = None

    def snapshot(self) -> Json:
        """Return all that there is to show now."""
        status = self._bridge.status()
        return {"kind": "bridge", "status": status.pop("sentence"), **status}

    def changes(self) -> Json | None:
        """Return it all if anything has changed."""
        shown = self.snapshot()
        if shown == self._last:
            return None
        self._last = shown
        return shown
