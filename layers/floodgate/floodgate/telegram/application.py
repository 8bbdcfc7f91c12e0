"""One python-telegram-bot Application per update, whose failures cannot be overlooked.

Problem: `Application.process_update` returns None even when a handler failed, goes on to later groups, and lets work
run on in the background, which Lambda freezes with the answer. Rule: an App lives for one update; the first error ends
it and is raised by `process`; background work is refused, and tasks that a handler left behind are awaited. Hazard:
`register(app)` runs once per update, so it must do nothing but add handlers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NoReturn, override

from telegram import Update
from telegram.ext import Application, ContextTypes, ConversationHandler, ExtBot

from floodgate.telegram.errors import MustWait
from floodgate.telegram.limiter import GRACE_S
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from telegram.ext import BaseHandler

    from floodgate.tasks.task import Task
    from floodgate.telegram.run import Run

    type TaskFunction = Callable[[Task, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]

_TASK_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A task's function, and what is shown meanwhile."""

    function: TaskFunction
    typing: bool


class BackgroundWorkRefused(RuntimeError):
    """A handler with block=False, or Application.create_task, was used."""


class App(
    Application[ExtBot[None], ContextTypes.DEFAULT_TYPE, dict[Any, Any], dict[Any, Any], dict[Any, Any], None],
):
    """The Application that a bot's `register(app)` adds its handlers to."""

    __slots__ = ("declared", "tasks")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tasks: dict[str, Registered] = {}
        self.declared: dict[BaseHandler[Any, Any, Any], frozenset[str]] = {}

    def declare_update_types(self, handler: BaseHandler[Any, Any, Any], *types: str) -> None:
        """Say which update types `handler` takes, for a class that floodgate does not understand (see interface.py)."""
        self.declared[handler] = frozenset(types)

    def add_task(self, name: str, function: TaskFunction, *, typing: bool = False) -> None:
        """Have `later(name, …)` run `await function(task, context)` in the tasks' function, for minutes if need be.

        With `typing` its chat sees that the bot is typing meanwhile. The name is up to 64 letters, digits, `_`, `.` and
        `-`; tasks stand in a queue by it, so one that is still asked for must keep it. Raises ValueError for another,
        and for a name that has been used.
        """
        if not _TASK_NAME.fullmatch(name):
            raise ValueError(f"A task cannot be called {name!r}: use 1 to 64 of A-Z, a-z, 0-9, _, . and -.")
        if name in self.tasks:
            raise ValueError(f"Two tasks are called {name!r}: give one another name.")
        self.tasks[name] = Registered(function, typing)

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


#: What a cancelled task may take to clean up, in seconds.
_MOMENT_S: Final = 0.2

type Register = Callable[[App], None]
#: What is done for a run; returns whether it is of a known type.
type Work = Callable[[App, Run], Awaitable[bool]]


def build(bot: ExtBot[None], register: Register) -> App:
    """Return an App with the bot's handlers; nothing is sent."""
    app = Application.builder().application_class(App).bot(bot).updater(None).job_queue(None).build()
    if not isinstance(app, App):  # tells the type checker what application_class means
        raise TypeError
    register(app)
    return app


def handlers_of(app: App) -> Iterator[BaseHandler[Any, Any, Any]]:
    """Yield every handler, those inside conversations too, in the order in which they are asked."""
    waiting = [handler for group in app.handlers.values() for handler in group]
    while waiting:
        handler = waiting.pop(0)
        yield handler
        if isinstance(handler, ConversationHandler):
            inside = [*handler.entry_points, *(one for state in handler.states.values() for one in state)]
            waiting = [*inside, *handler.fallbacks, *waiting]


def _name_handlers(app: App) -> None:
    """Have the run know which callback it is in; python-telegram-bot tells nobody."""
    for handler in handlers_of(app):
        callback = getattr(handler, "callback", None)
        if callback is not None and not hasattr(callback, "tells_its_name"):  # a handler may be used again and again
            handler.callback = _named(callback)


def _named(callback: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    name = f"{callback.__module__}.{getattr(callback, '__qualname__', type(callback).__qualname__)}"

    @wraps(callback)
    async def with_name(*args: Any, **kwargs: Any) -> Any:
        if (run := running.get()) is not None:
            run.handler = name
        return await callback(*args, **kwargs)

    with_name.tells_its_name = True  # type: ignore[attr-defined] # a mark of ours
    return with_name


async def run_handlers(app: App, run: Run) -> bool:
    """Run the bot's handlers on an update; return whether python-telegram-bot knows what kind of update it is."""
    parsed = Update.de_json(dict(run.update.update), app.bot)
    await app.process_update(parsed)
    return any(getattr(parsed, kind) is not None for kind in Update.ALL_TYPES)


async def process(bot: ExtBot[None], register: Register, run: Run, work: Work = run_handlers) -> bool:
    """Do the bot's work on one update, or on one task; return what `work` returns.

    Raises the first error of a handler, a filter or a task that a handler started; MustWait if the update must wait;
    and what python-telegram-bot raises for an update that it cannot read.
    """
    app = build(bot, register)
    _name_handlers(app)
    await app.initialize()
    run.tasks = app.tasks
    understood = True
    token = running.set(run)
    asyncio.get_running_loop().set_exception_handler(_blame)
    try:
        understood = await work(app, run)
        await _finish_tasks(run)
    except (MustWait, BaseExceptionGroup):  # a group is what a handler's TaskGroup makes of it
        if run.must_wait_s is None:
            raise
    finally:
        try:
            await _end_tasks(run)
        finally:
            running.reset(token)
    if run.must_wait_s is not None:
        raise MustWait(run.must_wait_s)
    if run.errors:
        raise run.errors[0]
    return understood


async def _finish_tasks(run: Run) -> None:
    """Await the tasks that this update's handlers started and left running; asyncio would lose their errors."""
    while left := [task for task in _left(run) if task not in run.under_way]:  # whoever asked has those in hand
        for result in await asyncio.gather(*left, return_exceptions=True):
            if isinstance(result, Exception):
                run.errors.append(result)


async def _end_tasks(run: Run) -> None:
    """Cancel what a handler that failed or overran has left behind; the next update must not meet it.

    What a task has Telegram do at that moment gets the time to end, for what it comes to must be known.
    """
    if left := [task for task in _left(run) if task not in run.under_way]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=GRACE_S + _MOMENT_S)


def _blame(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Give an update the error of a task that ended before anybody asked; asyncio would log it and no more."""
    task, error = context.get("future"), context.get("exception")
    run = task.get_context().get(running) if isinstance(task, asyncio.Task) else None
    if run is not None and isinstance(error, Exception):
        run.errors.append(error)
    elif not isinstance(error, MustWait):
        loop.default_exception_handler(context)


def _left(run: Run) -> list[asyncio.Task[Any]]:
    mine = asyncio.current_task()
    return [task for task in asyncio.all_tasks() if task is not mine and task.get_context().get(running) is run]
