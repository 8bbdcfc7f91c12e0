"""One handler of every class of python-telegram-bot, and the update types that it takes."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from telegram import Update, ext
from telegram.ext import filters

MESSAGES = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_message",
        "edited_business_message",
        "guest_message",
    }
)
#: Asked for always.
ALWAYS = frozenset({"my_chat_member", "chat_member"})


type Handler = ext.BaseHandler[Any, Any, Any]


async def callback(_update: object, _context: Any) -> None:
    """Do something."""


HANDLERS: list[tuple[Callable[[], Handler], AbstractSet[str]]] = [
    (lambda: ext.BusinessConnectionHandler(callback), {"business_connection"}),
    (lambda: ext.BusinessMessagesDeletedHandler(callback), {"deleted_business_messages"}),
    (lambda: ext.CallbackQueryHandler(callback), {"callback_query"}),
    (lambda: ext.ChatBoostHandler(callback, ext.ChatBoostHandler.CHAT_BOOST), {"chat_boost"}),
    (lambda: ext.ChatBoostHandler(callback, ext.ChatBoostHandler.REMOVED_CHAT_BOOST), {"removed_chat_boost"}),
    (
        lambda: ext.ChatBoostHandler(callback, ext.ChatBoostHandler.ANY_CHAT_BOOST),
        {"chat_boost", "removed_chat_boost"},
    ),
    (lambda: ext.ChatJoinRequestHandler(callback), {"chat_join_request"}),
    (lambda: ext.ChatMemberHandler(callback, ext.ChatMemberHandler.MY_CHAT_MEMBER), {"my_chat_member"}),
    (lambda: ext.ChatMemberHandler(callback, ext.ChatMemberHandler.CHAT_MEMBER), {"chat_member"}),
    (
        lambda: ext.ChatMemberHandler(callback, ext.ChatMemberHandler.ANY_CHAT_MEMBER),
        {"my_chat_member", "chat_member"},
    ),
    (lambda: ext.ChosenInlineResultHandler(callback), {"chosen_inline_result"}),
    (lambda: ext.CommandHandler("go", callback), {"message", "edited_message"}),
    (lambda: ext.CommandHandler("go", callback, filters.UpdateType.MESSAGE), {"message"}),
    (lambda: ext.CommandHandler("go", callback, ~filters.UpdateType.MESSAGE), MESSAGES - {"message"}),
    (
        lambda: ext.ConversationHandler([ext.CommandHandler("go", callback)], {}, [], name="go", persistent=True),
        {"message", "edited_message"},
    ),
    (lambda: ext.InlineQueryHandler(callback), {"inline_query"}),
    (lambda: ext.ManagedBotUpdatedHandler(callback), {"managed_bot"}),
    (lambda: ext.MessageHandler(filters.TEXT, callback), MESSAGES),
    (lambda: ext.MessageHandler(filters.UpdateType.CHANNEL_POST, callback), {"channel_post"}),
    (
        lambda: ext.MessageReactionHandler(
            callback, message_reaction_types=ext.MessageReactionHandler.MESSAGE_REACTION_UPDATED
        ),
        {"message_reaction"},
    ),
    (
        lambda: ext.MessageReactionHandler(
            callback, message_reaction_types=ext.MessageReactionHandler.MESSAGE_REACTION_COUNT_UPDATED
        ),
        {"message_reaction_count"},
    ),
    (lambda: ext.MessageReactionHandler(callback), {"message_reaction", "message_reaction_count"}),
    (lambda: ext.PaidMediaPurchasedHandler(callback), {"purchased_paid_media"}),
    (lambda: ext.PollAnswerHandler(callback), {"poll_answer"}),
    (lambda: ext.PollHandler(callback), {"poll"}),
    (lambda: ext.PreCheckoutQueryHandler(callback), {"pre_checkout_query"}),
    (lambda: ext.PrefixHandler("!", "go", callback), {"message", "edited_message"}),
    (lambda: ext.PrefixHandler("!", "go", callback, filters.UpdateType.EDITED_MESSAGE), {"edited_message"}),
    (lambda: ext.ShippingQueryHandler(callback), {"shipping_query"}),
]
#: Classes that may take anything: `register` must say what.
NOT_UNDERSTOOD: list[Callable[[], Handler]] = [
    lambda: ext.StringCommandHandler("go", callback),
    lambda: ext.StringRegexHandler("go", callback),
    lambda: ext.TypeHandler(Update, callback),
]


def subclasses(of: type[Any]) -> Iterator[type[Any]]:
    """Yield every class of python-telegram-bot below `of`."""
    for below in of.__subclasses__():
        if below.__module__.partition(".")[0] == "telegram":
            yield below
        yield from subclasses(below)
