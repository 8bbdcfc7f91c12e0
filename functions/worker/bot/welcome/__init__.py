"""/welcome: how a group greets its newcomers, set by its admins; and the greeting itself.

Telegram tells of a newcomer in a service message, and, if the bot is an administrator, in a chat_member update as well;
in large groups and where members are hidden in that one only. So both are listened to, and kept.py keeps them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message, MessageEntity
from telegram.error import BadRequest, Forbidden
from telegram.ext import CallbackQueryHandler, ChatMemberHandler, CommandHandler, ContextTypes, MessageHandler, filters

from bot.texts import Texts, translator
from bot.welcome.greeting import LONGEST_TEXT, MOST_FIELDS, Entities, Newcomer, kept_formatting, width
from bot.welcome.kept import Greeted, Welcome
from floodgate.telegram import is_in_chat, leads_chat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telegram import Chat, Update, User

    from floodgate.telegram import App

_PLAIN = LinkPreviewOptions(is_disabled=True)
#: Beside the handlers of other features: that somebody came is not for one of them alone.
_BESIDE = 10


async def welcome(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Set how new members of a group are greeted."""
    message, user, chat_data = update.effective_message, update.effective_user, context.chat_data
    if message is None or user is None or chat_data is None:
        return
    texts = translator(update, context)
    _ = texts.gettext
    if message.chat.type == message.chat.PRIVATE:
        await message.reply_text(_("That is for groups: add me to one, and its admins can set a welcome there."))
        return
    if not await leads_chat(update, context.bot):
        await message.reply_text(_("Only the admins of this group can change its welcome."))
        return
    text, entities = _text_of(message)
    if text.lower() in {"on", "off"}:
        Welcome.of(chat_data).turned(on=text.lower() == "on").keep(chat_data)
    elif text:
        if (refusal := _refusal(text, texts)) is not None:
            await message.reply_text(refusal)
            return
        Welcome(is_on=True, text=text, entities=entities).keep(chat_data)
    await message.reply_text(**panel(chat_data, user, message.chat, texts))


async def switch(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Turn the welcome on or off, by the button below it."""
    query, chat_data = update.callback_query, context.chat_data
    if query is None:
        return
    texts = translator(update, context)
    _ = texts.gettext
    message = query.message
    if chat_data is None or not isinstance(message, Message) or message.chat.type == message.chat.PRIVATE:
        await query.answer(_("That button is too old."), show_alert=True)
    elif not await leads_chat(update, context.bot):
        await query.answer(_("Only the admins of this group can change its welcome."), show_alert=True)
    else:
        Welcome.of(chat_data).turned(on=query.data == "welcome:on").keep(chat_data)
        await query.answer()
        await query.edit_message_text(**panel(chat_data, query.from_user, message.chat, texts))


def panel(chat_data: dict[Any, Any], user: User, chat: Chat, texts: Texts) -> dict[str, Any]:
    """Return the message that admins see of a welcome: an example with their own name, and how to change it."""
    _ = texts.gettext
    now = Welcome.of(chat_data)
    if now.is_on:
        state = _("New members are greeted like this:")
    elif now.text:
        state = _("New members are not greeted. Turned on, it would be like this:")
    else:
        state = _("New members are not greeted. Without a text of yours it would be like this:")
    how = _("To change it, send /welcome and a text. {name} in it stands for the new member, {group} for this group.")
    how = how.format(name="{name}", group="{group}")
    example = now.greeting([Newcomer.of(user)], chat.title or "", texts)
    text, entities = MessageEntity.concatenate((f"{state}\n\n", ()), example, (f"\n\n{how}", ()))
    label, order = (_("Turn off"), "welcome:off") if now.is_on else (_("Turn on"), "welcome:on")
    return {
        "text": text,
        "entities": entities,
        "link_preview_options": _PLAIN,
        "reply_markup": InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=order)]]),
    }


def _text_of(message: Message) -> tuple[str, Entities]:
    """Return what stands behind the command, with its formatting."""
    text = message.text or ""
    behind = text[message.entities[0].length :] if message.entities else ""  # a command has no letter beyond ASCII
    content = behind.strip()
    start = width(text) - width(behind.lstrip())
    return content, kept_formatting(message.entities, start, width(content))


def _refusal(text: str, texts: Texts) -> str | None:
    """Return why a text cannot be a welcome; None if it can."""
    _ = texts.gettext
    if width(text) > LONGEST_TEXT:
        return _("That is too long by {n} letters: a welcome may have {most}.").format(
            n=width(text) - LONGEST_TEXT, most=LONGEST_TEXT
        )
    for field in ("{name}", "{group}"):
        if text.count(field) > MOST_FIELDS:
            return _("{field} may stand in a welcome {most} times at most.").format(field=field, most=MOST_FIELDS)
    return None


# ---------------------------------------------------------------------------------------------------- newcomers --


async def came(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Greet whom a service message announces."""
    message = update.message
    if message is not None:
        await _greet(update, context, message.new_chat_members, message.date.timestamp())


async def changed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Greet who was no member, and is one now."""
    change = update.chat_member
    if change is not None and not is_in_chat(change.old_chat_member) and is_in_chat(change.new_chat_member):
        await _greet(update, context, [change.new_chat_member.user], change.date.timestamp())


async def _greet(update: Update, context: ContextTypes.DEFAULT_TYPE, users: Iterable[User], at: float) -> None:
    chat, chat_data = update.effective_chat, context.chat_data
    people = [Newcomer.of(user) for user in users if not user.is_bot]
    if chat is None or chat_data is None or chat.type == chat.CHANNEL or not people:
        return
    if not (how := Welcome.of(chat_data)).is_on:
        return
    before = Greeted.of(chat_data, int(at))
    after = before.joined_by(people)
    if after == before:
        return
    texts, group = translator(update, context), chat.title or ""
    text, entities = how.greeting(after.newcomers, group, texts)
    message_id = before.message_id
    if message_id and (text, entities) == how.greeting(before.newcomers, group, texts):
        after.keep(chat_data, message_id)  # there are more than are named
        return
    try:
        if not message_id or not await _edited(context, chat.id, message_id, text, entities):
            text, entities = how.greeting(people, group, texts)
            sent = await context.bot.send_message(chat.id, text, entities=entities, link_preview_options=_PLAIN)
            message_id = sent.message_id
    except (BadRequest, Forbidden):
        return  # the bot may not write here, and nobody has asked it to
    after.keep(chat_data, message_id)


async def _edited(
    context: ContextTypes.DEFAULT_TYPE, chat_id: int, message_id: int, text: str, entities: Entities
) -> bool:
    """Have the greeting name the new ones too; return False if it is gone."""
    try:
        await context.bot.edit_message_text(text, chat_id, message_id, entities=entities, link_preview_options=_PLAIN)
    except BadRequest:
        return False
    return True


def register(app: App) -> None:
    """Add /welcome, its buttons and the greeting."""
    app.add_handler(CommandHandler("welcome", welcome))
    app.add_handler(CallbackQueryHandler(switch, pattern=r"^welcome:(on|off)$"))
    joined = filters.UpdateType.MESSAGE & filters.ChatType.GROUPS & filters.StatusUpdate.NEW_CHAT_MEMBERS
    app.add_handler(MessageHandler(joined, came), group=_BESIDE)
    app.add_handler(ChatMemberHandler(changed, ChatMemberHandler.CHAT_MEMBER), group=_BESIDE)
