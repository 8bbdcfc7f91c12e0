"""/privacy, /mydata and /forget: what is kept of a person, for them to read, to take with them and to delete.

Rule: a feature that keeps anything about people in places of its own, or that must be undone elsewhere, offers

    async def export(context, user_id) -> dict[str, Any]    # JSON, sets, tuples, times
    async def forget(context, user_id) -> list[str]         # a sentence, in the words of `spoken()`, for what is gone

in its module; they are found here by name, and called in the person's private chat. What is in `user_data`, in the
private chat's `chat_data` and in conversations needs neither: it is all found and deleted here. Hazard: when the update
is tried again, what `forget` did to data is undone and done again, what it did elsewhere is not; so the latter goes
through `once`, whose result still tells what there was.
"""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message
from telegram.ext import CallbackQueryHandler, CommandHandler, ContextTypes

import bot
from bot.texts import Texts, speaking, translator
from floodgate.traffic.quiet import first_in

if TYPE_CHECKING:
    from telegram import CallbackQuery, Update

    from floodgate.telegram import App

    type Context = ContextTypes.DEFAULT_TYPE

FILE_NAME = "mydata.json"
#: For so long after one tap others below the same question are taken for the same, in seconds.
_TAPS_S = 60


async def privacy(update: Update, context: Context) -> None:
    """Say what I keep about you, and for how long."""
    if update.effective_message:
        _ = translator(update, context).gettext
        kept = [
            _("What you choose, and what you ask me to remember: until it is done, or you change or delete it."),
            _("Where a conversation with me stands: until it is over."),
            _("A group's settings: for the group. The names of those whom I greeted there last: until others come."),
            _("A message that I could not answer at once: until I have, or 15 days."),
            _("When and how much you used me last, so that nobody floods me, without names or texts: 30 days."),
            _("What Telegram tells me of chats and their members: some minutes."),
            _("A log without names and texts: 30 days, unless my owner has chosen otherwise."),
            _("That an announcement may not have reached you: three months."),
            _("Backups of what I remember: 35 days."),
        ]
        lines = [_("This is what I keep, and for how long:"), *(f"• {one}" for one in kept)]
        lines += ["", _("/mydata sends you what I remember of you, /forget deletes it.")]
        await update.effective_message.reply_text("\n".join(lines))


async def mydata(update: Update, context: Context) -> None:
    """Send you what I remember of you, as a file."""
    message, user = update.effective_message, update.effective_user
    if message is None or user is None:
        return
    texts = translator(update, context)
    _ = texts.gettext
    if message.chat.type != message.chat.PRIVATE:
        await _point_to_private_chat(message, context, texts)
        return
    content = {"you": user.to_dict(), **_readable(await _remembered(context, user.id))}
    for feature in bot.features:
        if (export := getattr(feature, "export", None)) is not None:
            content |= _readable(await export(context, user.id))
    await message.reply_document(
        json.dumps(content, ensure_ascii=False, indent=2, default=_as_text).encode("utf-8", "backslashreplace"),
        filename=FILE_NAME,
        caption=_("This is what I remember of you. /privacy says what else is kept, /forget deletes it."),
    )


async def forget_me(update: Update, context: Context) -> None:
    """Delete what I remember of you."""
    message = update.effective_message
    if message is None:
        return
    texts = translator(update, context)
    _ = texts.gettext
    if message.chat.type != message.chat.PRIVATE:
        await _point_to_private_chat(message, context, texts)
        return
    buttons = [
        InlineKeyboardButton(_("Delete everything"), callback_data="forget:yes"),
        InlineKeyboardButton(_("Keep it"), callback_data="forget:no"),
    ]
    await message.reply_text(
        _(
            "Shall I delete all that I remember of you? Your settings, what you asked me to remember and to send you, "
            "also in groups. It cannot be undone. /mydata sends it to you first."
        ),
        reply_markup=InlineKeyboardMarkup([buttons]),
    )


async def decide(update: Update, context: Context) -> None:
    """Delete it, or not, by a button below the question."""
    query = update.callback_query
    if query is None:
        return
    texts = translator(update, context)  # before what decides about the language is gone
    _ = texts.gettext
    if not _is_asked_by(query):
        await query.answer(_("Write /forget to me in our private chat."), show_alert=True)
        return
    await query.answer()
    is_first = await _is_first_tap(query)
    if query.data == "forget:no":
        if is_first:
            await query.edit_message_text(_("Nothing was deleted."))
        return
    with speaking(texts):
        gone = await _forget(context, query.from_user.id, texts)
    if not gone and not is_first:
        return  # what was deleted stands there
    lines = [_("Deleted:"), *(f"• {one}" for one in gone)] if gone else [_("There was nothing to delete.")]
    await query.edit_message_text("\n".join([*lines, "", _("/privacy says what is kept a while longer, and why.")]))


def _is_asked_by(query: CallbackQuery) -> bool:
    """Tell whether the button was pressed by the person of the private chat that it is in."""
    message = query.message
    return isinstance(message, Message) and message.chat.id == query.from_user.id


async def _is_first_tap(query: CallbackQuery) -> bool:
    """Tell whether the question still stands: two quick taps both come with its buttons."""
    message = query.message
    if not isinstance(message, Message) or message.reply_markup is None:
        return False
    return await first_in(_TAPS_S, f"forget#{message.chat.id}#{message.message_id}")


async def _forget(context: Context, user_id: int, texts: Texts) -> list[str]:
    """Delete everything, and return a sentence for each kind of it."""
    _ = texts.gettext
    gone: list[str] = []
    for feature in bot.features:
        if (forget := getattr(feature, "forget", None)) is not None:
            gone += await forget(context, user_id)
    remembered = await _remembered(context, user_id)
    if remembered["user_data"] or remembered["chat_data"]:
        gone.append(_("your settings, and whatever else I had noted of you"))
    if remembered["conversations"]:
        gone.append(_("the conversations that we were in"))
    for content in (await cast("App", context.application).data.everything_of(user_id)).values():
        content.clear()
    return gone


async def _remembered(context: Context, user_id: int) -> dict[str, Any]:
    """Return what is remembered of a person in the places that all features share."""
    found: dict[str, Any] = {"user_data": {}, "chat_data": {}, "conversations": {}}
    for key, content in (await cast("App", context.application).data.everything_of(user_id)).items():
        if key.sk == "data":
            found["user_data" if key.pk.startswith("user#") else "chat_data"] = content
        else:
            found["conversations"][key.sk] = content
    return found


async def _point_to_private_chat(message: Message, context: Context, texts: Texts) -> None:
    _ = texts.gettext
    button = InlineKeyboardButton(_("Our private chat"), url=f"https://t.me/{context.bot.username}")
    await message.reply_text(
        _("That is between the two of us: ask me in our private chat."), reply_markup=InlineKeyboardMarkup([[button]])
    )


def _readable(value: Any) -> Any:
    """Return a value as JSON has it, for people to read."""
    match value:
        case dict():
            return {str(key): _readable(one) for key, one in value.items()}
        case list() | tuple():
            return [_readable(one) for one in value]
        case set() | frozenset():
            return sorted((_readable(one) for one in value), key=repr)
    return value


def _as_text(value: Any) -> str:
    """Return what JSON knows nothing of."""
    match value:
        case date():  # a datetime is one
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
    return str(value)


def register(app: App) -> None:
    """Add /privacy, /mydata and /forget."""
    app.add_handler(CommandHandler("privacy", privacy))
    app.add_handler(CommandHandler("mydata", mydata))
    app.add_handler(CommandHandler("forget", forget_me))
    app.add_handler(CallbackQueryHandler(decide, pattern=r"^forget:(yes|no)$"))
