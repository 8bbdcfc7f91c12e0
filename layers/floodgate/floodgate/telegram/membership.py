"""Who is in a chat, and who may change what concerns a whole chat: `if not await leads_chat(update, context.bot): …`.

Rule: in a private chat its person; in a group or channel its owner and administrators, as the cache knows them, and who
speaks in the chat's own name. One answer serves all of a chat's people, and Telegram gives it to any bot, whereas
getChatMember may be refused to one without rights of its own. Hazards: other bots are never among them; and a bot that
is no administrator itself is not told of changes, so it knows of them five minutes later at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import Chat, User
from telegram.error import BadRequest, Forbidden

if TYPE_CHECKING:
    from telegram import Bot, ChatMember, Update


def is_in_chat(member: ChatMember) -> bool:
    """Tell whether somebody with that standing is in the chat; who is restricted may be or not."""
    return member.status not in {member.LEFT, member.BANNED} and getattr(member, "is_member", True)


async def leads_chat(update: Update, bot: Bot) -> bool:
    """Tell whether whoever wrote the message, or pressed the button, may decide for the chat that it is in.

    False where Telegram does not say who the administrators are. Raises TelegramError for what may pass.
    """
    chat, sender = update.effective_chat, update.effective_sender
    if chat is None or sender is None:
        return False
    if chat.type == chat.PRIVATE or isinstance(sender, Chat):  # anonymous administrators speak as their chat
        return sender.id == chat.id
    try:
        administrators = await bot.get_chat_administrators(chat.id)
    except (BadRequest, Forbidden):
        return False
    return isinstance(sender, User) and any(one.user.id == sender.id for one in administrators)
