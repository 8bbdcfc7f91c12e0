"""What the page shows in place of the chats: whom the bridge is for, where to write to it, and how it goes.

A frame is whole each time: `{"kind": "bridge", "title", "said", "link", "bot", "state", "status", "waiting"}`. `said`
are sentences, of which the last is `status`, how it goes.
"""

from typing import Any

from local.bridge.bridge import Bridge
from local.page.stream import Whole

type Json = dict[str, Any]


class Shown(Whole):
    """The source `telegram` of the page's events while a bridge is there."""

    name = "telegram"

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def snapshot(self) -> Json:
        """Return all that there is to show now."""
        status = self._bridge.status()
        sentence, bot = status.pop("sentence"), status["bot"] or {}
        name = bot.get("username")
        return {
            "kind": "bridge",
            "title": f"@{name} talks to the real Telegram" if name else "The bot talks to the real Telegram",
            "said": ["Write to it from your phone. Whoever does is answered from this machine.", sentence],
            "link": {"url": f"https://t.me/{name}", "text": f"t.me/{name}"} if name else None,
            "status": sentence,
            **status,
        }
