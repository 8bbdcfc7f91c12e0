"""The admin chat's one message for each kind of failure, kept up to date as the count grows.

Rule: whoever claims a fingerprint sends its message or edits it, to the count of that moment, and notes what is shown.
Telegram's refusals that will not change are the end of it; after anything else it is tried again. Hazard: a message
whose sending was not answered may be there twice; one that nobody sees would be worse.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from telegram.error import BadRequest, Forbidden, TelegramError

from floodgate.admin.notices import notice
from floodgate.monitoring.logger import logger
from floodgate.state.fingerprints import FRESH_S, PAUSE_S
from floodgate.telegram.errors import told_to_wait_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Bot

    from floodgate.state.fingerprints import Fingerprint, Fingerprints
    from floodgate.telegram.bot import KeptBot

#: After how long a failure no longer waits to be shown, in seconds: it is kept, and `/failures` lists it.
SHOWN_WITHIN_S: Final = 86_400.0


class AdminChat:
    """The chat `chat`, as the dead-letter function speaks to it."""

    def __init__(self, chat: int, fingerprints: Fingerprints, clock: Callable[[], float]) -> None:
        self._chat = chat
        self._fingerprints = fingerprints
        self._clock = clock

    async def refresh(self, kept: KeptBot, name: str, patience_s: float) -> float | None:
        """Show how often it happened; return after how many seconds that is to be tried again, None if it need not.

        `patience_s` is how long to wait for a Telegram that does not say for how long.

        Raises what botocore raises, and TelegramError if the bot cannot start.
        """
        owner = uuid.uuid4().hex
        is_mine, kind = await self._fingerprints.claim(name, owner, now := self._clock())
        if not is_mine:
            if kind.shown_count >= kind.count:
                return None
            return min(PAUSE_S, max(1.0, kind.claimed_until - now))
        try:
            async with kept.awake() as bot:
                message_id = await self._show(bot, kind)
        except (BadRequest, Forbidden) as error:
            # Unreachable, or a chat that is none: each failure tries once, and none waits for it.
            logger.error("admin chat refused", fingerprint=name, error=type(error).__name__)
            await self._fingerprints.release(name, owner, self._clock())
            return None
        except TelegramError as error:
            if self._clock() - kind.last_at > SHOWN_WITHIN_S:
                logger.error("admin not told", fingerprint=name, error=type(error).__name__)
                return None
            logger.warning("admin not yet told", fingerprint=name, error=type(error).__name__)
            wait_s = min(told_to_wait_s(error) or patience_s, SHOWN_WITHIN_S / 24)
            await self._fingerprints.release(name, owner, self._clock())
            return wait_s
        await self._fingerprints.show(name, message_id, kind.count, self._clock())
        return None

    async def _show(self, bot: Bot, kind: Fingerprint) -> int:
        """Return the id of the message that shows the count now."""
        text, buttons = notice(kind)
        if kind.message_id is not None and self._clock() - kind.shown_at < FRESH_S:
            try:
                await bot.edit_message_text(text, self._chat, kind.message_id, reply_markup=buttons)
            except BadRequest as error:
                if not is_gone(error):
                    raise
            else:
                return kind.message_id
        return (await bot.send_message(self._chat, text, reply_markup=buttons)).message_id


def is_gone(error: BadRequest) -> bool:
    """Tell whether a message cannot be edited any more: deleted, or of the group that this one was."""
    words = error.message.lower()
    return "message to edit not found" in words or "message can't be edited" in words or "message_id_invalid" in words
