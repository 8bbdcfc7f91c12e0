"""One python-telegram-bot Application per update, whose failures cannot be overlooked.

Problem: `Application.process_update` returns None even when a handler failed, goes on to later groups, and lets work
run on in the background, which Lambda freezes with the answer. Rule: an App lives for one update; the first error ends
it and is raised by `process`; background work is refused, and tasks that a handler left behind are awaited. Hazard:
`register(app)` runs once per update, so it must do nothing but add handlers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NoReturn, override

from telegram.ext import (
    Application,
    ContextTypes,
    ConversationHandler,
    DictPersistence,
    ExtBot,
)

from floodgate.telegram.conversations import NO_DATA, Conversations
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping

    from telegram import Message
    from telegram.ext import BaseHandler

    from floodgate.tasks.task import Task
    from floodgate.telegram.update_data import UpdateData

    type TaskFunction = Callable[[Task, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]


_TASK_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A task's function, and what is shown meanwhile."""

    function: TaskFunction
    typing: bool


class BackgroundWorkRefused(RuntimeError):
    """A handler with block=False, or Application.create_task, was used."""


class StateOutsideUpdate(RuntimeError):
    """Data of updates was touched where there is no update."""


class App(
    Application[ExtBot[None], ContextTypes.DEFAULT_TYPE, dict[Any, Any], dict[Any, Any], dict[Any, Any], None],
):
    """The Application that a bot's `register(app)` adds its handlers to."""

    __slots__ = ("_data", "declared", "tasks", "translations")

    def __init__(self, data: UpdateData | None = None, **kwargs: Any) -> None:
        self._data = data
        super().__init__(**kwargs)
        self.tasks: dict[str, Registered] = {}
        self.declared: dict[BaseHandler[Any, Any, Any], frozenset[str]] = {}
        self.translations: dict[str, Callable[[str], str]] = {}

    def describe_in(self, language: str, translate: Callable[[str], str]) -> None:
        """Have Telegram's menu describe the commands to people of a language (ISO 639-1) as `translate` does."""
        self.translations[language] = translate

    def declare_update_types(self, handler: BaseHandler[Any, Any, Any], *types: str) -> None:
        """Say which update types `handler` takes, for a class that floodgate does not understand (see interface.py)."""
        self.declared[handler] = frozenset(types)

    def add_task(self, name: str, function: TaskFunction, *, typing: bool = True) -> None:
        """Have `later(name, …)` run `await function(task, context)` in the tasks' function, for minutes if need be.

        With `typing` its chat sees that the bot is typing meanwhile, unless a schedule asked for it. The name is up to
        64 letters, digits, `_`, `.` and `-`; tasks stand in a queue by it, so one that is still asked for must keep it.
        Raises ValueError for another, and for a name that has been used.
        """
        if not _TASK_NAME.fullmatch(name):
            raise ValueError(f"A task cannot be called {name!r}: use 1 to 64 of A-Z, a-z, 0-9, _, . and -.")
        if name in self.tasks:
            raise ValueError(f"Two tasks are called {name!r}: give one another name.")
        self.tasks[name] = Registered(function, typing)

    @property
    def data(self) -> UpdateData:
        """What the update remembers. Raises StateOutsideUpdate while there is no update."""
        if self._data is None:
            raise StateOutsideUpdate(
                "user_data, chat_data and bot_data belong to updates, and `register` runs outside of any: use them in "
                "handlers, and keep what is the same for all in your module."
            )
        return self._data

    @property
    def conversations(self) -> Conversations:
        """Its update's conversations."""
        if not isinstance(self.persistence, Conversations):
            raise StateOutsideUpdate("Conversations belong to updates, and `register` runs outside of any.")
        return self.persistence

    @property
    def job_queue(self) -> None:
        """There is none: no function runs all the time. `later` and schedules are for what comes later."""
        return None

    # python-telegram-bot's own are dicts of this process; these are read when they are touched, and saved.
    @property
    def user_data(self) -> Mapping[int, dict[Any, Any]]:
        """Everybody's `user_data`, by id."""
        return self.data.users

    @user_data.setter
    def user_data(self, _: object) -> None:
        """Leave it."""

    @property
    def chat_data(self) -> Mapping[int, dict[Any, Any]]:
        """Every chat's `chat_data`, by id."""
        return self.data.chats

    @chat_data.setter
    def chat_data(self, _: object) -> None:
        """Leave it."""

    @property
    def bot_data(self) -> dict[Any, Any]:
        """The bot's own data."""
        return self.data.bot

    @bot_data.setter
    def bot_data(self, _: object) -> None:
        """Leave it."""

    @override
    def drop_user_data(self, user_id: int) -> None:
        """Forget a person's `user_data`."""
        self.user_data[user_id].clear()

    @override
    def drop_chat_data(self, chat_id: int) -> None:
        """Forget a chat's `chat_data`."""
        self.chat_data[chat_id].clear()

    @override
    def migrate_chat_data(
        self, message: Message | None = None, old_chat_id: int | None = None, new_chat_id: int | None = None
    ) -> None:
        """Nothing: the data of a group that became a supergroup has moved before a handler hears of it."""

    @override
    async def process_error(
        self,
        update: object | None,
        error: Exception,
        job: Any = None,
        coroutine: Any = None,
    ) -> bool:
        """Remember the error and stop; the bot's own error handlers still run."""
        if (run := running.get()) is not None:
            run.errors.append(error)
        if self.error_handlers:
            await super().process_error(update, error, job, coroutine)
        return True  # or later groups would run on what the failed one left

    @override
    def create_task(self, coroutine: Any, update: object | None = None, *, name: str | None = None) -> NoReturn:
        """Refuse: Lambda freezes the process when the update is answered, and the task with it."""
        coroutine.close()
        raise BackgroundWorkRefused(
            "Work in the background is lost when Lambda freezes: await it, and use block=True (the default)."
        )


type Register = Callable[[App], None]


def build(
    bot: ExtBot[None], register: Register, data: UpdateData | None = None, conversations: Conversations | None = None
) -> App:
    """Return an App with the bot's handlers; nothing is sent."""
    persistence = DictPersistence(NO_DATA) if conversations is None else conversations
    builder = Application.builder().application_class(App, {"data": data}).bot(bot).updater(None).job_queue(None)
    app = builder.persistence(persistence).build()
    if not isinstance(app, App):  # tells the type checker what application_class means
        raise TypeError
    register(app)
    return app


def handlers_of(app: App) -> Iterator[BaseHandler[Any, Any, Any]]:
    """Yield every handler, those inside conversations too, in the order in which they are asked."""
    return (handler for handler, _ in _with_conversations(one for group in app.handlers.values() for one in group))


def conversations_of(app: App) -> list[ConversationHandler[Any]]:
    """Return every conversation, those inside others too."""
    return [handler for handler in handlers_of(app) if isinstance(handler, ConversationHandler)]


def _with_conversations(
    handlers: Iterable[BaseHandler[Any, Any, Any]], inside: tuple[str, ...] = ()
) -> Iterator[tuple[BaseHandler[Any, Any, Any], tuple[str, ...]]]:
    """Yield every handler, with the names of the conversations that it is in."""
    for handler in handlers:
        yield handler, inside
        if isinstance(handler, ConversationHandler):
            within = [*handler.entry_points, *(one for state in handler.states.values() for one in state)]
            yield from _with_conversations([*within, *handler.fallbacks], (*inside, handler.name or ""))


def name_handlers(app: App) -> dict[int, set[str]]:
    """Have the run know which callback it is in; python-telegram-bot tells nobody.

    Returns, by a handler's `id`, the names of the conversations that it stands in.
    """
    conversations: defaultdict[int, set[str]] = defaultdict(set)
    for handler, inside in _with_conversations(one for group in app.handlers.values() for one in group):
        conversations[id(handler)].update(inside)
        callback = getattr(handler, "callback", None)
        if callback is not None and not hasattr(callback, "tells_its_name"):  # a handler may be used again and again
            handler.callback = _named(callback, id(handler))
    return conversations


def _named(callback: Callable[..., Coroutine[Any, Any, Any]], handler: int) -> Callable[..., Coroutine[Any, Any, Any]]:
    name = f"{callback.__module__}.{getattr(callback, '__qualname__', type(callback).__qualname__)}"

    @wraps(callback)
    async def with_name(*args: Any, **kwargs: Any) -> Any:
        if (run := running.get()) is not None:
            run.handler = name
            if run.data is not None:
                await run.data.enter(name, run.inside.get(handler, ()))
        return await callback(*args, **kwargs)

    with_name.tells_its_name = True  # type: ignore[attr-defined] # a mark of ours
    return with_name
