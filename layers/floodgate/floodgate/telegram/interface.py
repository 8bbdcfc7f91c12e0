"""What a bot handles, read from its handlers: the update types to ask Telegram for, and the commands to show.

Problem: an update type that Telegram is not asked for never comes; one that nobody handles costs invocations. Rule:
each handler class has its types; for message handlers they are an upper bound read from the tree of filters. A
command's description is the first line of its callback's docstring; without one it works but is not shown. Hazard: a
class that is not understood could take anything, so it is refused until `register` declares its types.
"""

from __future__ import annotations

import importlib
import inspect
import platform
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from telegram import Update, ext
from telegram.constants import BotCommandLimit
from telegram.ext import filters

from floodgate.telegram.application import App, build, conversations_of, handlers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from floodgate.telegram.application import Register

_MESSAGES = frozenset(
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
#: Asked for always: they tell who can still be reached, and what the bot may do.
_ALWAYS = frozenset({"my_chat_member", "chat_member"})

# What a handler of each class takes: fixed, or asked of the handler itself.
_BY_CLASS: tuple[tuple[type[Any] | tuple[type[Any], ...], frozenset[str] | Callable[[Any], frozenset[str]]], ...] = (
    (ext.BusinessConnectionHandler, frozenset({"business_connection"})),
    (ext.BusinessMessagesDeletedHandler, frozenset({"deleted_business_messages"})),
    (ext.CallbackQueryHandler, frozenset({"callback_query"})),
    (ext.ChatJoinRequestHandler, frozenset({"chat_join_request"})),
    (ext.ChosenInlineResultHandler, frozenset({"chosen_inline_result"})),
    (ext.InlineQueryHandler, frozenset({"inline_query"})),
    (ext.ManagedBotUpdatedHandler, frozenset({"managed_bot"})),
    (ext.PaidMediaPurchasedHandler, frozenset({"purchased_paid_media"})),
    (ext.PollAnswerHandler, frozenset({"poll_answer"})),
    (ext.PollHandler, frozenset({"poll"})),
    (ext.PreCheckoutQueryHandler, frozenset({"pre_checkout_query"})),
    (ext.ShippingQueryHandler, frozenset({"shipping_query"})),
    (ext.ConversationHandler, frozenset()),  # those of the handlers inside
    # Commands without filters of their own have UpdateType.MESSAGES, with some they are taken wherever these are true.
    ((ext.CommandHandler, ext.PrefixHandler, ext.MessageHandler), lambda handler: _bound(handler.filters)[0]),
    (ext.ChatMemberHandler, lambda handler: _choice(handler.chat_member_types, "my_chat_member", "chat_member")),
    (
        ext.MessageReactionHandler,
        lambda handler: _choice(handler.message_reaction_types, "message_reaction", "message_reaction_count"),
    ),
    (ext.ChatBoostHandler, lambda handler: _choice(handler.chat_boost_types, "chat_boost", "removed_chat_boost")),
)

# filters.UpdateType.X is exact: it is true for these update types and no others.
_EXACT: dict[filters.BaseFilter, frozenset[str]] = {
    filters.UpdateType.MESSAGE: frozenset({"message"}),
    filters.UpdateType.EDITED_MESSAGE: frozenset({"edited_message"}),
    filters.UpdateType.MESSAGES: frozenset({"message", "edited_message"}),
    filters.UpdateType.CHANNEL_POST: frozenset({"channel_post"}),
    filters.UpdateType.EDITED_CHANNEL_POST: frozenset({"edited_channel_post"}),
    filters.UpdateType.CHANNEL_POSTS: frozenset({"channel_post", "edited_channel_post"}),
    filters.UpdateType.EDITED: frozenset({"edited_message", "edited_channel_post", "edited_business_message"}),
    filters.UpdateType.BUSINESS_MESSAGE: frozenset({"business_message"}),
    filters.UpdateType.EDITED_BUSINESS_MESSAGE: frozenset({"edited_business_message"}),
    filters.UpdateType.BUSINESS_MESSAGES: frozenset({"business_message", "edited_business_message"}),
    filters.UpdateType.GUEST_MESSAGE: frozenset({"guest_message"}),
}

#: In the representation of what has none of its own.
_ADDRESS = " at 0x"
_COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")


class HandlerNotUnderstood(ValueError):
    """A handler's update types are unknown, or it cannot work here; the text says what to write in `register`.

    `place` is the file and the line of the function that is meant, if there is one.
    """

    def __init__(self, text: str, function: Any = None) -> None:
        super().__init__(text)
        self.place = _place(function)


class LayerUnusable(ImportError):
    """The dependencies layer does not fit the machine that the functions run on."""


def _require_layer() -> None:
    """Import the one library that is compiled: workers do not need it, and would not notice a layer that is wrong."""
    try:
        importlib.import_module("pydantic_core")
    except ImportError as error:
        raise LayerUnusable(
            f"The dependencies layer was not built for {platform.machine()}: deploy with `make deploy`, which gives "
            "the build and the parameter the same ARCHITECTURE."
        ) from error


def describe(register: Register) -> dict[str, Any]:
    """Return `{"allowed_updates": [...], "commands": [{"command", "description"}, ...]}`, without a network.

    `translations` has the commands once more for each language that the bot describes them in.
    Raises LayerUnusable, HandlerNotUnderstood, or whatever `register` itself raises.
    """
    _require_layer()
    offline: ext.ExtBot[None] = ext.ExtBot("0:offline")
    app = build(offline, register)
    allowed = set(_ALWAYS)
    for handler in handlers_of(app):
        # A conversation hides its own block=False behind a property that is always True.
        if not (handler.block and getattr(handler, "_block", True)):
            raise HandlerNotUnderstood(
                f"{_name(handler)} has block=False: its work would be lost when Lambda freezes. Leave block out.",
                _function(handler),
            )
        allowed |= _update_types(app, handler)
    _require_memory(app, build(offline, register))
    for callback, block in app.error_handlers.items():
        if not block:
            raise HandlerNotUnderstood(
                f"The error handler {callback.__qualname__} has block=False. Leave block out.", callback
            )
    for name, task in app.tasks.items():
        _require_task(name, task.function)
    return {
        "allowed_updates": sorted(allowed),
        "commands": commands(app),
        "translations": {language: commands(app, translate) for language, translate in app.translations.items()},
    }


def _require_memory(app: App, again: App) -> None:
    """Have every conversation be one whose states are kept, for one update's handlers alone.

    `again` is what the same `register` made another time.
    """
    conversations = conversations_of(app)
    for handler in conversations:
        if not handler.persistent:
            raise HandlerNotUnderstood(
                f"The ConversationHandler {handler.name or 'without a name'} has its states in memory, and "
                'the next update may come to another worker: give it name="…" and persistent=True.',
                _function(handler),
            )
        if nameless := [state for state in handler.states if _ADDRESS in repr(state)]:
            raise HandlerNotUnderstood(
                f"The ConversationHandler {handler.name} has the state {nameless[0]!r}, which no other worker would "
                "know again: use numbers, text, tuples or an enum.",
                _function(handler),
            )
        if sum(other.name == handler.name for other in set(conversations)) > 1:
            raise HandlerNotUnderstood(
                f"Two conversations are named {handler.name}: they would share their states.", _function(handler)
            )
    if shared := set(conversations) & set(conversations_of(again)):
        names = sorted(str(handler.name) for handler in shared)
        raise HandlerNotUnderstood(
            f"{', '.join(names)}: make the ConversationHandler inside of `register`, for each update has its own.",
            _function(next(handler for handler in conversations if handler in shared)),
        )


def _require_task(name: str, function: Any) -> None:
    """Raise HandlerNotUnderstood for what cannot be run as a task."""
    called = _inside(function)
    if not inspect.isroutine(called):  # an object is called by its class's method
        called = getattr(type(called), "__call__", None)  # noqa: B004 - not whether, but which
    if not inspect.iscoroutinefunction(called):
        raise HandlerNotUnderstood(f"The task {name!r} is no coroutine function: write it with `async def`.", function)
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise HandlerNotUnderstood(
            f"The task {name!r} cannot be called with a task and a context: write `async def {name}(task, context)`.",
            function,
        ) from None


def commands(app: App, translate: Callable[[str], str] = str) -> list[dict[str, str]]:
    """Return the commands to show, `{"command", "description"}` each, in the order in which they were added."""
    shown: dict[str, str] = {}
    functions: dict[str, Any] = {}
    for handler in handlers_of(app):
        if isinstance(handler, ext.CommandHandler) and (description := _first_line(handler.callback)):
            for name in sorted(handler.commands):
                shown.setdefault(name, translate(description))
                functions.setdefault(name, handler.callback)
    for name, description in shown.items():
        if not _COMMAND_NAME.fullmatch(name):
            raise HandlerNotUnderstood(
                f"/{name} cannot be shown by Telegram: use 1 to 32 of a-z, 0-9 and _.", functions[name]
            )
        if len(description) > BotCommandLimit.MAX_DESCRIPTION:
            raise HandlerNotUnderstood(
                f"The first line of /{name}'s docstring is its description: at most {BotCommandLimit.MAX_DESCRIPTION} "
                "characters.",
                functions[name],
            )
    return [{"command": name, "description": description} for name, description in shown.items()]


def _update_types(app: App, handler: ext.BaseHandler[Any, Any, Any]) -> frozenset[str]:
    if handler in app.declared:
        if unknown := app.declared[handler].difference(Update.ALL_TYPES):
            raise HandlerNotUnderstood(
                f"{_name(handler)} declares {sorted(unknown)}: no such update type.", _function(handler)
            )
        return app.declared[handler]
    for known, types in _BY_CLASS:
        if isinstance(handler, known):
            return types(handler) if callable(types) else types
    raise HandlerNotUnderstood(
        f"{_name(handler)} may take any update, so say which: after app.add_handler(handler) call "
        'app.declare_update_types(handler, "message", …).',
        _function(handler),
    )


def _choice(which: int, first: str, second: str) -> frozenset[str]:
    """Return the types that python-telegram-bot means by -1 (first), 0 (second) and 1 (both)."""
    return {-1: frozenset({first}), 0: frozenset({second})}.get(which, frozenset({first, second}))


def _bound(tree: Any) -> tuple[frozenset[str], bool]:
    """Return message types that include all for which the filter can be true, and whether they are exactly those.

    The attributes read here have public names but belong to private classes of python-telegram-bot; a filter that has
    none of them may be true for every message.
    """
    if tree in _EXACT:
        return _EXACT[tree], True
    if hasattr(tree, "inv_filter"):
        types, exact = _bound(tree.inv_filter)
        return (_MESSAGES - types, True) if exact else (_MESSAGES, False)
    if hasattr(tree, "base_filter"):
        left, left_exact = _bound(tree.base_filter)
        if hasattr(tree, "xor_filter"):
            return left | _bound(tree.xor_filter)[0], False
        right, right_exact = _bound(tree.and_filter or tree.or_filter)
        return (left & right if tree.and_filter else left | right), left_exact and right_exact
    return _MESSAGES, False


def _first_line(callback: Any) -> str:
    callback = _inside(inspect.unwrap(callback))  # a partial's own docstring is Python's
    return (inspect.getdoc(callback) or "").partition("\n")[0].strip().rstrip(".")


def _inside(callback: Any) -> Any:
    """Return what a partial calls."""
    while isinstance(callback, partial):
        callback = callback.func
    return callback


def _name(handler: ext.BaseHandler[Any, Any, Any]) -> str:
    callback = getattr(handler, "callback", None)  # conversations have none
    return f"{type(handler).__name__} for {getattr(callback, '__qualname__', repr(callback or handler))}"


def _function(handler: ext.BaseHandler[Any, Any, Any]) -> Any:
    """Return what the handler calls; a conversation calls nothing itself, so of it what it begins with."""
    while isinstance(handler, ext.ConversationHandler):
        if not handler.entry_points:
            return None
        handler = handler.entry_points[0]
    return handler.callback


def _place(function: Any) -> tuple[str, int] | None:
    """Return the file and the first line of a function, of what it wraps or of an object's `__call__`."""
    inner = inspect.unwrap(_inside(inspect.unwrap(function)))
    if not inspect.isroutine(inner):
        inner = getattr(type(inner), "__call__", None)  # noqa: B004 - not whether, but which
    code = getattr(inner, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else None
