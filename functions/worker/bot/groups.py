"""The bot in a group: it says once what it does there when it is added, and notices what it may do.

Rule: what Telegram says of the bot's own standing (`my_chat_member`) is all there is to it. Added: one message, which
names what the bot lacks; if it may not write by then, once it may. Made an administrator, or one no more: one message,
at most one a minute. Not let write, or gone: silence. In channels the bot is silent. Hazard: a group that becomes a
supergroup looks like another that the bot was added to; `chat_data["introduced"]`, which moves along, tells it apart,
unless this update is handled before the one that tells of the move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram.error import BadRequest, Forbidden
from telegram.ext import ChatMemberHandler, ContextTypes

from bot.texts import Texts, translator
from floodgate.telegram import is_in_chat
from floodgate.traffic.quiet import first_in

if TYPE_CHECKING:
    from telegram import ChatMember, Update

    from floodgate.telegram import App

_QUIET_S = 60
#: Beside other features' handlers of the same update.
_BESIDE = 10


async def standing(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say what changed for the bot in a group."""
    change, chat_data = update.my_chat_member, context.chat_data
    if change is None or chat_data is None or change.chat.type not in {change.chat.GROUP, change.chat.SUPERGROUP}:
        return
    old, new = change.old_chat_member, change.new_chat_member
    if not is_in_chat(new):
        chat_data.pop("introduced", None)
    if not _can_write(new):
        return
    is_new = not _can_write(old) and "introduced" not in chat_data
    text = _said(old, new, translator(update, context), is_new=is_new)
    if text is None or not await first_in(_QUIET_S, f"standing#{change.chat.id}#{is_new}#{new.status}"):
        return
    try:
        await context.bot.send_message(change.chat.id, text)
    except (BadRequest, Forbidden):
        return  # nobody may write here, and the bot is no exception
    chat_data["introduced"] = True


def _said(old: ChatMember, new: ChatMember, texts: Texts, *, is_new: bool) -> str | None:
    """Return what there is to say to a group; None if nothing."""
    _ = texts.gettext
    leads, led = (member.status == member.ADMINISTRATOR for member in (new, old))
    if is_new:
        hello = _("Hello! I am a bot, and here is what I do in this group:")
        does = [
            _("/help lists what you can ask of me."),
            _("/welcome lets admins set how new members are greeted."),
            _("/settings lets admins choose my language and time zone here."),
        ]
        limits = [] if leads else [_("I am no admin here, so in large groups I may not notice everybody who joins.")]
        return "\n".join([hello, *(f"• {one}" for one in does), *limits])
    if not is_in_chat(old):
        return None
    if leads and not led:
        return _("I am an admin now: I notice everybody who joins.")
    if led and not leads:
        return _("I am no admin any more: in large groups I may not notice everybody who joins.")
    return None


def _can_write(member: ChatMember) -> bool:
    return is_in_chat(member) and getattr(member, "can_send_messages", True) is not False


def register(app: App) -> None:
    """Add what the bot says of its own standing."""
    app.add_handler(ChatMemberHandler(standing, ChatMemberHandler.MY_CHAT_MEMBER), group=_BESIDE)
