"""Whether the owner's announcements come to a chat, if this bot has any."""

from __future__ import annotations

import importlib
from typing import Any


def _announcements() -> Any:
    """Return the module that knows; None for a bot without announcements."""
    try:
        return importlib.import_module("floodgate.announcements")
    except ModuleNotFoundError:
        return None


async def is_subscribed(chat: int) -> bool | None:
    """Tell whether announcements come to the chat; None if there are none to come."""
    known = _announcements()
    return None if known is None else bool(await known.is_subscribed(chat))


async def subscribe(chat: int, *, on: bool) -> None:
    """Have announcements come to the chat, or no longer."""
    if (known := _announcements()) is not None:
        await (known.subscribe if on else known.unsubscribe)(chat)
