"""An alarm's message in the admin chat: sent, edited, removed.

Rule: with a graph it is a photo whose caption is the text, without one a text; what it is, it stays. What Telegram does
not take of it, a picture or a link, is left out, for the words must arrive. Hazard: a message whose sending was not
answered may be there twice; one that nobody sees would be worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram import InputMediaPhoto
from telegram.error import BadRequest, TelegramError

from floodgate.admin.admin_chat import is_gone
from floodgate.alerts.wording import buttons, message
from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    from telegram import Bot

    from floodgate.state.alarms import Alarm


class MessageGone(Exception):
    """The message cannot be edited any more: it was deleted, or is of the group that this one was."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where a message leads to; an empty one leads nowhere."""

    dashboard: str
    runbook: str


@dataclass(frozen=True, slots=True)
class AlarmMessages:
    """The messages of the stack's alarms in the chat `chat`. What Telegram refuses is raised as TelegramError."""

    chat: int
    stack: str
    links: Links

    async def send(
        self, bot: Bot, alarm: Alarm, picture: bytes | None, *, is_muted: bool, rings: bool
    ) -> tuple[int, bool]:
        """Send a message that rings the bell or does not; return its id, and whether it is a photo."""
        text = message(alarm, self.stack)
        markup = buttons(alarm, dashboard=self.links.dashboard, runbook=self.links.runbook, is_muted=is_muted)
        try:
            if picture is None:
                sent = await bot.send_message(self.chat, text, reply_markup=markup, disable_notification=not rings)
            else:
                sent = await bot.send_photo(
                    self.chat, picture, text, reply_markup=markup, disable_notification=not rings
                )
        except BadRequest as error:
            logger.warning("alert sent without its graph and links", error=type(error).__name__)
            markup = buttons(alarm, dashboard="", runbook="", is_muted=is_muted)
            sent = await bot.send_message(self.chat, text, reply_markup=markup, disable_notification=not rings)
            return sent.message_id, False
        return sent.message_id, picture is not None

    async def edit(self, bot: Bot, alarm: Alarm, picture: bytes | None, *, is_muted: bool) -> None:
        """Have the message say what is so now. Raises MessageGone."""
        try:
            await self._edit(bot, alarm, picture, is_muted=is_muted, has_links=True)
        except BadRequest as error:
            if is_gone(error):
                raise MessageGone from error
            logger.warning("alert edited without its graph and links", error=type(error).__name__)
            await self._edit(bot, alarm, None, is_muted=is_muted, has_links=False)

    async def _edit(self, bot: Bot, alarm: Alarm, picture: bytes | None, *, is_muted: bool, has_links: bool) -> None:
        text = message(alarm, self.stack)
        markup = buttons(
            alarm,
            dashboard=self.links.dashboard,
            runbook=self.links.runbook,
            is_muted=is_muted,
            has_links=has_links,
        )
        if not alarm.has_photo:
            await bot.edit_message_text(text, self.chat, alarm.message_id, reply_markup=markup)
        elif picture is None:
            await bot.edit_message_caption(self.chat, alarm.message_id, caption=text, reply_markup=markup)
        else:
            photo = InputMediaPhoto(picture, text)
            await bot.edit_message_media(photo, self.chat, alarm.message_id, reply_markup=markup)

    async def remove(self, bot: Bot, message_id: int) -> None:
        """Take a message away that another has followed; raises nothing, for it is old news."""
        try:
            await bot.delete_message(self.chat, message_id)
        except TelegramError as error:
            logger.info("old alert not removed", error=type(error).__name__)
