"""The commands that Telegram shows are those with a docstring, described by its first line."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from telegram import Update
from telegram.constants import BotCommandLimit
from telegram.ext import BaseHandler, CommandHandler, ConversationHandler, PrefixHandler

from floodgate.telegram import App
from floodgate.telegram.interface import HandlerNotUnderstood, describe


async def water(_update: Update, _context: Any) -> None:
    """Water the beans.

    Not the peas.
    """


async def weed(_update: Update, _context: Any) -> None:
    """
    Pull weeds
    """  # noqa: D200, D212, D415 - as an author may write it


async def secret(_update: Update, _context: Any) -> None:  # noqa: D103 - that is the point
    pass


class Harvest:
    """Gather what is ripe."""

    async def __call__(self, _update: Update, _context: Any) -> None:
        """Say nothing of this."""


def described(text: str) -> Any:
    """Return a callback with that docstring."""

    async def callback(_update: Update, _context: Any) -> None:
        pass

    callback.__doc__ = text
    return callback


def commands(*handlers: BaseHandler[Any, Any, Any] | Callable[[], BaseHandler[Any, Any, Any]]) -> list[tuple[str, str]]:
    """Return name and description of the commands of a bot with these handlers."""

    def register(app: App) -> None:
        for group, handler in enumerate(handlers):
            app.add_handler(handler if isinstance(handler, BaseHandler) else handler(), group)

    return [(shown["command"], shown["description"]) for shown in describe(register)["commands"]]


def test_a_command_is_described_by_its_first_line() -> None:
    """Without its full stop, without the space around it, and in the order of registration."""
    assert commands(CommandHandler("weed", weed), CommandHandler("water", water)) == [
        ("weed", "Pull weeds"),
        ("water", "Water the beans"),
    ]


def test_a_command_without_a_docstring_works_unseen() -> None:
    """Not every command is for everybody."""
    assert commands(CommandHandler("secret", secret)) == []


def test_the_names_of_one_handler_are_all_shown() -> None:
    """Sorted, since a set has no order."""
    assert commands(CommandHandler(["Water", "rain"], water)) == [
        ("rain", "Water the beans"),
        ("water", "Water the beans"),
    ]


def test_a_name_is_shown_once() -> None:
    """The first handler of a command gets its updates, so it describes it."""
    assert commands(CommandHandler("go", water), CommandHandler("go", weed)) == [("go", "Water the beans")]


def test_commands_inside_conversations_are_shown() -> None:
    """They are asked where they stand."""

    def inside() -> ConversationHandler[Any]:
        states: Any = {1: [CommandHandler("weed", weed)]}
        return ConversationHandler([CommandHandler("water", water)], states, [], name="garden", persistent=True)

    assert [name for name, _ in commands(inside)] == ["water", "weed"]


def test_only_slash_commands_are_shown() -> None:
    """Telegram's menu knows no other prefix."""
    assert commands(PrefixHandler("!", "water", water)) == []


def test_callbacks_may_be_objects() -> None:
    """A partial is described by what it calls, an object by its class."""
    assert commands(CommandHandler("water", functools.partial(water)), CommandHandler("harvest", Harvest())) == [
        ("water", "Water the beans"),
        ("harvest", "Gather what is ripe"),
    ]


@pytest.mark.parametrize("length", [1, int(BotCommandLimit.MAX_DESCRIPTION)])
def test_a_description_may_be_long(length: int) -> None:
    """Up to what Telegram takes."""
    assert commands(CommandHandler("go", described("x" * length + "."))) == [("go", "x" * length)]


def test_a_description_too_long_is_refused() -> None:
    """Registration would fail at Telegram, with a sentence that names no command."""
    with pytest.raises(HandlerNotUnderstood, match="docstring is its description: at most 256 characters"):
        commands(CommandHandler("go", described("x" * 257)))


@pytest.mark.parametrize("name", ["٣", "go\n"], ids=ascii)
def test_a_name_that_telegram_cannot_show_is_refused(name: str) -> None:
    """python-telegram-bot takes these, Telegram does not."""
    with pytest.raises(HandlerNotUnderstood, match="cannot be shown by Telegram: use 1 to 32 of a-z, 0-9 and _"):
        commands(CommandHandler(name, water))


def test_an_unseen_command_may_have_any_name() -> None:
    """What is not shown need not be showable."""
    assert commands(CommandHandler("٣", secret)) == []


def test_commands_are_described_in_each_language() -> None:
    """The same ones in the same order, for Telegram's menu."""

    def register(app: App) -> None:
        app.describe_in("de", {"Water the beans": "Bohnen gießen", "Pull weeds": "Jäten"}.__getitem__)
        app.add_handler(CommandHandler("water", water))
        app.add_handler(CommandHandler("weed", weed))

    assert describe(register)["translations"] == {
        "de": [
            {"command": "water", "description": "Bohnen gießen"},
            {"command": "weed", "description": "Jäten"},
        ]
    }


def test_a_translated_description_may_not_be_too_long_either() -> None:
    """Telegram would refuse the menu."""

    def register(app: App) -> None:
        app.describe_in("de", lambda _text: "x" * 257)
        app.add_handler(CommandHandler("water", water))

    with pytest.raises(HandlerNotUnderstood, match="/water's docstring"):
        describe(register)
