"""Telegram is asked for what the bot handles: nothing is missed, and what cannot be known is refused."""

from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

import pytest
from telegram import Update, ext
from telegram.ext import filters

from floodgate.tasks import Task
from floodgate.telegram import App, limited
from floodgate.telegram.interface import HandlerNotUnderstood, describe
from tests.unit.telegram.handlers import ALWAYS, HANDLERS, NOT_UNDERSTOOD, Handler, callback, subclasses


def allowed(make: Callable[[], Handler]) -> set[str]:
    """Return the update types of a bot with such a handler, without those that every bot asks for."""

    def register(app: App) -> None:
        app.add_handler(make())

    return set(describe(register)["allowed_updates"]) - ALWAYS


def refusal(register: Callable[[App], None]) -> str:
    """Return the sentence with which a bot is refused."""
    with pytest.raises(HandlerNotUnderstood) as refused:
        describe(register)
    return str(refused.value)


def test_every_handler_class_is_tested() -> None:
    """A class that a new python-telegram-bot brings is noticed here, before a bot uses it."""
    tested = {type(make()) for make in [*(make for make, _ in HANDLERS), *NOT_UNDERSTOOD]}
    assert tested == set(subclasses(ext.BaseHandler))


@pytest.mark.parametrize(("make", "expected"), HANDLERS)
def test_a_handler_has_its_types(make: Callable[[], Handler], expected: AbstractSet[str]) -> None:
    """What each class takes, by its own choice where it has one."""
    assert allowed(make) == expected - ALWAYS


@pytest.mark.parametrize(("make", "expected"), HANDLERS)
def test_a_subclass_has_the_types_of_its_class(make: Callable[[], Handler], expected: AbstractSet[str]) -> None:
    """An author may derive from a known class."""

    def derived() -> Handler:
        handler = make()
        handler.__class__ = type("Derived", (type(handler),), {"__slots__": ()})
        return handler

    assert allowed(derived) == expected - ALWAYS


def test_the_members_are_asked_for_always() -> None:
    """They tell who can still be reached, whatever the bot handles; and the list is sorted."""
    assert describe(lambda _app: None) == {
        "allowed_updates": sorted(ALWAYS),
        "commands": [],
        "translations": {},
    }


def test_a_bot_asks_for_the_types_of_all_its_handlers() -> None:
    """In whatever group they are."""

    def register(app: App) -> None:
        app.add_handler(ext.CommandHandler("go", callback, filters.UpdateType.MESSAGE))
        app.add_handler(ext.InlineQueryHandler(callback), group=-1)
        app.add_handler(ext.PollHandler(callback), group=7)

    assert describe(register)["allowed_updates"] == ["chat_member", "inline_query", "message", "my_chat_member", "poll"]


def conversation(inner: Handler, where: str) -> Handler:
    """Return a conversation that has `inner` in one of its places."""
    state = 1
    return ext.ConversationHandler(
        entry_points=[inner] if where == "entry point" else [],
        states={state: [inner] if where == "state" else []},
        fallbacks=[inner] if where == "fallback" else [],
        name=f"around {getattr(inner, 'name', 'a handler')}",
        persistent=True,
    )


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("where", ["entry point", "state", "fallback"])
def test_a_conversation_has_the_types_of_what_is_in_it(where: str, depth: int) -> None:
    """However deep conversations are nested."""

    def nested() -> Handler:
        handler: Handler = ext.MessageHandler(filters.UpdateType.EDITED_MESSAGE, callback)
        for _ in range(depth):
            handler = conversation(handler, where)
        return handler

    assert allowed(nested) == {"edited_message"}


@pytest.mark.parametrize("make", NOT_UNDERSTOOD)
def test_a_handler_that_may_take_anything_is_refused(make: Callable[[], Handler]) -> None:
    """The sentence says what to write, and for which handler."""
    handler = make()
    assert refusal(lambda app: app.add_handler(handler)) == (
        f"{type(handler).__name__} for callback may take any update, so say which: after app.add_handler(handler) call "
        'app.declare_update_types(handler, "message", …).'
    )


def test_a_handler_of_the_authors_own_is_refused() -> None:
    """Also inside a conversation."""

    class Own(ext.BaseHandler[Update, Any, Any]):
        """Takes what it likes."""

        def check_update(self, update: object) -> bool:
            return bool(update)

    own, nested = Own(callback), conversation(Own(callback), "state")
    assert refusal(lambda app: app.add_handler(own)).startswith("Own for callback may take any update")
    assert refusal(lambda app: app.add_handler(nested)).startswith("Own for callback may take any update")


@pytest.mark.parametrize("make", NOT_UNDERSTOOD)
def test_a_declaration_is_believed(make: Callable[[], Handler]) -> None:
    """Exactly the types that `register` declares are asked for."""

    def register(app: App) -> None:
        handler = make()
        app.add_handler(handler)
        app.declare_update_types(handler, "poll", "message")

    assert describe(register)["allowed_updates"] == ["chat_member", "message", "my_chat_member", "poll"]


@pytest.mark.parametrize("handler", [NOT_UNDERSTOOD[-1](), conversation(HANDLERS[0][0](), "state")], ids=["", "nested"])
def test_a_declared_type_must_exist(handler: Handler) -> None:
    """A misspelt type would never be delivered."""

    def register(app: App) -> None:
        app.add_handler(handler)
        app.declare_update_types(handler, "message", "mesage")

    assert refusal(register).startswith(type(handler).__name__)
    assert refusal(register).endswith(" declares ['mesage']: no such update type.")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_work_in_the_background_is_refused(depth: int) -> None:
    """block=False loses its work when Lambda freezes; also within conversations."""
    handler: Handler = ext.CommandHandler("go", callback, block=False)
    for _ in range(depth):
        handler = conversation(handler, "state")
    assert refusal(lambda app: app.add_handler(handler)) == (
        "CommandHandler for callback has block=False: its work would be lost when Lambda freezes. Leave block out."
    )


def test_a_conversation_in_the_background_is_refused() -> None:
    """A conversation's own block=False, which its public property hides, is found all the same."""
    handler: Handler = ext.ConversationHandler(
        entry_points=[ext.CommandHandler("go", callback)], states={}, fallbacks=[], block=False
    )
    assert "has block=False" in refusal(lambda app: app.add_handler(handler))


@pytest.mark.parametrize(
    "handler",
    [
        ext.CommandHandler("go", callback, block=False),
        ext.CommandHandler("go", partial(callback), block=False),
        ext.CommandHandler("go", limited(per_user="5/min")(callback), block=False),
        ext.ConversationHandler([ext.CommandHandler("go", callback)], {}, []),
    ],
    ids=["a function", "a partial", "wrapped", "a conversation"],
)
def test_a_refusal_has_the_place_of_the_handlers_function(handler: Handler) -> None:
    """So that its author finds it among others of that name; a conversation is found by what begins it."""
    with pytest.raises(HandlerNotUnderstood) as refused:
        describe(lambda app: app.add_handler(handler))
    code = callback.__code__
    assert refused.value.place == (code.co_filename, code.co_firstlineno)


def test_a_refusal_of_what_no_python_function_does_has_no_place() -> None:
    """Only its sentence."""
    with pytest.raises(HandlerNotUnderstood) as refused:
        describe(lambda app: app.add_task("count", len))  # type: ignore[arg-type]
    assert refused.value.place is None


def test_an_error_handler_in_the_background_is_refused() -> None:
    """The same for error handlers."""
    assert refusal(lambda app: app.add_error_handler(callback, block=False)) == (
        "The error handler callback has block=False. Leave block out."
    )
    assert describe(lambda app: app.add_error_handler(callback))["commands"] == []


def test_what_register_raises_is_raised() -> None:
    """The deployment fails with the author's own error."""

    def register(_app: App) -> None:
        raise LookupError("no beans")

    with pytest.raises(LookupError, match="no beans"):
        describe(register)


async def summarize(_task: Task, _context: ext.ContextTypes.DEFAULT_TYPE) -> None:
    """Do something that can wait."""


class Summary:
    """An object that can be called."""

    async def __call__(self, _task: Task, _context: ext.ContextTypes.DEFAULT_TYPE, _depth: int = 1) -> None:
        """Do the same."""


@pytest.mark.parametrize("function", [summarize, Summary(), Summary().__call__, partial(Summary(), _depth=2)])
def test_a_task_is_any_coroutine_function(function: Any) -> None:
    """Of a task and a context; it asks Telegram for nothing."""
    assert describe(lambda app: app.add_task("summarize", function))["allowed_updates"] == sorted(ALWAYS)


def blocking(_task: Task, _context: ext.ContextTypes.DEFAULT_TYPE) -> None:
    """Stop every other chat meanwhile."""


async def without_context(_task: Task) -> None:
    """Have nobody to talk to."""


async def yielding(_task: Task, _context: ext.ContextTypes.DEFAULT_TYPE) -> AsyncIterator[None]:
    """Be asked for more."""
    yield None


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (blocking, "The task 'water' is no coroutine function: write it with `async def`."),
        (yielding, "The task 'water' is no coroutine function: write it with `async def`."),
        (None, "The task 'water' is no coroutine function: write it with `async def`."),
        (
            without_context,
            "The task 'water' cannot be called with a task and a context: write `async def water(task, context)`.",
        ),
    ],
)
def test_what_cannot_be_a_task_is_refused(function: Any, sentence: str) -> None:
    """With the deployment, instead of when somebody waits for it."""
    assert refusal(lambda app: app.add_task("water", function)) == sentence


@pytest.mark.parametrize("name", ["", "two words", "x" * 65, "gießen"])
def test_a_tasks_name_is_short_and_plain(name: str) -> None:
    """It stands in queues, logs and schedules."""
    with pytest.raises(ValueError, match="cannot be called"):
        describe(lambda app: app.add_task(name, summarize))


def test_two_tasks_have_two_names() -> None:
    """Or one of them would never run."""

    def register(app: App) -> None:
        app.add_task("water", summarize)
        app.add_task("water", summarize)

    with pytest.raises(ValueError, match="Two tasks are called 'water'"):
        describe(register)
