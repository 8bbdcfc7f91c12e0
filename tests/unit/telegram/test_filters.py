"""A message handler's update types are an upper bound of what its filters accept, whatever they are made of."""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import Update
from telegram.ext import CommandHandler, MessageHandler, PrefixHandler, filters

from floodgate.telegram.bot import make_bot
from floodgate.telegram.interface import describe
from floodgate.telegram.limiter import Limiter
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import ANN, BOT, GROUP, PRIVATE, message
from tests.unit.telegram.handlers import MESSAGES, Handler, callback
from tests.unit.telegram.wire import API_URL, TOKEN

PHOTO = {"text": None, "photo": [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]}
COMMAND = {"text": "/go", "entities": [{"type": "bot_command", "offset": 0, "length": 3}]}
CONTENTS: list[dict[str, Any]] = [{}, COMMAND, {"text": "!go"}, PHOTO, {"text": None, "new_chat_members": [ANN]}]


def ready_made(namespace: Any = filters) -> Iterator[filters.BaseFilter]:
    """Yield every filter that python-telegram-bot has ready, those in namespaces such as ChatType too."""
    for name, value in vars(namespace).items():
        if isinstance(value, filters.BaseFilter):
            yield value
        elif inspect.isclass(value) and not name.startswith("_") and not issubclass(value, filters.BaseFilter):
            yield from ready_made(value) if value.__module__ == filters.__name__ else ()


OF_TYPES = [value for value in vars(filters.UpdateType).values() if isinstance(value, filters.BaseFilter)]
LEAVES = [
    *ready_made(),
    filters.Regex("h"),
    filters.Text(["hello"]),
    filters.Chat(PRIVATE["id"]),
    filters.User(ANN["id"]),
    filters.Language("pt"),
    filters.Command(only_start=False),
]


def trees(leaves: list[filters.BaseFilter], *, xor: bool = True) -> st.SearchStrategy[filters.BaseFilter]:
    """Return filters combined in any way."""
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            inner.map(lambda one: ~one),
            st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
            st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
            *([st.tuples(inner, inner).map(lambda two: two[0] ^ two[1])] if xor else []),
        ),
        max_leaves=8,
    )


@cache
def updates() -> list[tuple[str, Update]]:
    """Return samples of each type; commands look at the bot's own name."""
    bot = make_bot(TOKEN, API_URL, Limiter(BOT))
    run(bot.initialize())
    return [
        (kind, Update.de_json({"update_id": 1, kind: {**message(chat), **content}}, bot))
        for kind in sorted(MESSAGES)
        for chat in (PRIVATE, GROUP)
        for content in CONTENTS
    ]


def asked_for(handler: Handler) -> set[str]:
    """Return the message types that Telegram is asked for."""
    return set(describe(lambda app: app.add_handler(handler))["allowed_updates"]) & MESSAGES


def accepted_by(handler: Handler) -> set[str]:
    """Return the message types of which the handler takes at least one of our samples."""
    return {kind for kind, update in updates() if handler.check_update(update) not in (None, False)}


def test_there_are_filters_to_combine() -> None:
    """The search for ready-made filters finds them, and each of the exact ones."""
    assert len(LEAVES) > 100
    assert len(OF_TYPES) == 11


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_no_filter_is_taken_for_too_narrow(leaf: filters.BaseFilter) -> None:
    """Each filter of python-telegram-bot by itself, and its opposite."""
    for tree in (leaf, ~leaf):
        handler: Handler = MessageHandler(tree, callback)
        assert accepted_by(handler) <= asked_for(handler)


@settings(deadline=None)
@given(trees(LEAVES) | trees([*OF_TYPES, filters.TEXT, filters.COMMAND]))
def test_no_combination_is_taken_for_too_narrow(tree: filters.BaseFilter) -> None:
    """What a tree of filters accepts, Telegram is asked for: an update that is not asked for never comes."""
    handler: Handler = MessageHandler(tree, callback)
    assert accepted_by(handler) <= asked_for(handler)


@settings(deadline=None)
@given(trees(OF_TYPES, xor=False))
def test_filters_of_update_types_are_understood_exactly(tree: filters.BaseFilter) -> None:
    """Whoever names the types gets these and no others."""
    handler: Handler = MessageHandler(tree, callback)
    assert accepted_by(handler) == asked_for(handler)


@settings(deadline=None)
@given(trees([*OF_TYPES, filters.TEXT, filters.ChatType.PRIVATE]), st.booleans())
def test_a_command_is_asked_for_wherever_it_is_taken(
    tree: filters.BaseFilter,
    prefixed: bool,  # noqa: FBT001 - drawn
) -> None:
    """With filters of its own a command may also come in a channel or a business's chat."""
    handler: Handler = PrefixHandler("!", "go", callback, tree) if prefixed else CommandHandler("go", callback, tree)
    assert accepted_by(handler) <= asked_for(handler)


@pytest.mark.parametrize("handler", [CommandHandler("go", callback), PrefixHandler("!", "go", callback)])
def test_a_plain_command_is_a_message_or_an_edit(handler: Handler) -> None:
    """Without filters of its own it is taken nowhere else."""
    assert accepted_by(handler) == asked_for(handler) == {"message", "edited_message"}
