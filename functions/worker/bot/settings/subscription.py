"""Whether the owner's announcements come to a chat, if this bot has any."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bot.texts import spoken
from floodgate.telegram import once

if TYPE_CHECKING:
    from telegram.ext import ContextTypes


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


async def export(_context: ContextTypes.DEFAULT_TYPE, user_id: int) -> dict[str, Any]:
    """Return whether a person is subscribed; a private chat's id is its person's."""
    subscribed = await is_subscribed(user_id)
    return {} if subscribed is None else {"announcements": subscribed}


async def forget(_context: ContextTypes.DEFAULT_TYPE, user_id: int) -> list[str]:
    """Unsubscribe a person."""
    _ = spoken().gettext
    if (known := _announcements()) is None or not await once("unsubscribe", known.unsubscribe, user_id):
        return []
    return [_("your subscription to announcements")]
