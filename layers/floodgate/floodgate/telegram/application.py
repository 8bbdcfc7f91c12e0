"""One python-telegram-bot Application per update, whose failures cannot be overlooked.

Problem: `Application.process_update` returns None even when a handler failed, goes on to later groups, and lets work
run on in the background, which Lambda freezes with the answer. Rule: an App lives for one update; the first error ends
it and is raised by `process`; background work is refused, and tasks that a handler left behind are awaited. Hazard:
`register(app)` runs once per update, so it must do nothing but add handlers.
"""

from __future__ import annotations

import asyncio
import json
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NoReturn, override

from telegram import Update
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    ContextTypes,
    ConversationHandler,
    DictPersistence,
    ExtBot,
)

from floodgate.state.records import StateChanged
from floodgate.telegram.conversations import NO_DATA, Conversations
from floodgate.telegram.errors import AlreadySaved, MustWait
from floodgate.telegram.limiter import GRACE_S
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping

    from telegram import Message
    from telegram.ext import BaseHandler

    from floodgate.telegram.run import Run
    from floodgate.telegram.update_data import Memory, UpdateData


class BackgroundWorkRefused(RuntimeError):
    """A handler with block=False, or Application.create_task, was used."""


class StateOutsideUpdate(RuntimeError):
    """Data of updates was touched where there is no update."""


class App(
    Application[ExtBot[None], ContextTypes.DEFAULT_TYPE, dict[Any, Any], dict[Any, Any], dict[Any, Any], None],
):
    """The Application that a bot's `register(app)` adds its handlers to."""

    __slots__ = ("_data", "declared")

    def __init__(self, data: UpdateData | None = None, **kwargs: Any) -> None:
        self._data = data
        super().__init__(**kwargs)
        self.declared: dict[BaseHandler[Any, Any, Any], frozenset[str]] = {}

    def declare_update_types(self, handler: BaseHandler[Any, Any, Any], *types: str) -> None:
        """Say which update types `handler` takes, for a class that floodgate does not understand (see interface.py)."""
        self.declared[handler] = frozenset(types)

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


#: What a cancelled task may take to clean up, in seconds.
_MOMENT_S: Final = 0.2
#: Times that an update's handlers run in place, if what they remember is changed by others meanwhile.
ROUNDS: Final = 3

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


def _name_handlers(app: App) -> None:
    """Have the run know which callback it is in; python-telegram-bot tells nobody."""
    for handler, inside in _with_conversations(one for group in app.handlers.values() for one in group):
        callback = getattr(handler, "callback", None)
        if callback is not None and not hasattr(callback, "tells_its_name"):  # a handler may be used again and again
            handler.callback = _named(callback, inside)


def _named(
    callback: Callable[..., Coroutine[Any, Any, Any]], inside: tuple[str, ...]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    name = f"{callback.__module__}.{getattr(callback, '__qualname__', type(callback).__qualname__)}"

    @wraps(callback)
    async def with_name(*args: Any, **kwargs: Any) -> Any:
        if (run := running.get()) is not None:
            run.handler = name
            if run.data is not None:
                await run.data.enter(name, inside)
        return await callback(*args, **kwargs)

    with_name.tells_its_name = True  # type: ignore[attr-defined] # a mark of ours
    return with_name


async def process(bot: ExtBot[None], register: Register, run: Run, memory: Memory) -> bool:
    """Run the bot's handlers on one update; return whether python-telegram-bot knows what kind of update it is.

    What they remember is saved then. If somebody else has changed that meanwhile, they run again, with what is there
    now and with what they have done, up to ROUNDS times. Raises the first error of a handler, a filter or a task that a
    handler started; MustWait if the update must wait; StateChanged, and what else saving raises; and what
    python-telegram-bot raises for an update that it cannot read.
    """
    for _ in range(ROUNDS - 1):
        try:
            return await _round(bot, register, run, memory)
        except StateChanged:
            run.begin_again()
    return await _round(bot, register, run, memory)


async def _round(bot: ExtBot[None], register: Register, run: Run, memory: Memory) -> bool:
    parsed = Update.de_json(dict(run.update.update), bot)
    is_known = any(getattr(parsed, kind) is not None for kind in Update.ALL_TYPES)
    chat, user = parsed.effective_chat, parsed.effective_user
    data = memory.of_update(run.ticket.message_id, chat=chat.id if chat else None, user=user.id if user else None)
    conversations = Conversations(data, memory.now())
    app = build(bot, register, data, conversations)
    _name_handlers(app)
    run.data = data
    token = running.set(run)
    asyncio.get_running_loop().set_exception_handler(_blame)
    try:
        timed_out = await conversations.load(conversations_of(app), parsed)
        await app.initialize()
        for conversation, last in timed_out:
            await _time_out(app, conversation, last)
        if not run.errors:
            await app.process_update(parsed)
        await _finish_tasks(run)
        if not (run.errors or run.must_wait_s is not None or data.is_saved):
            await app.update_persistence()
            conversations.close(run.update.update)
            await data.save()
    except (MustWait, AlreadySaved, BaseExceptionGroup):  # a group is what a handler's TaskGroup makes of it
        if run.must_wait_s is None and not data.is_saved:
            raise
    finally:
        try:
            await _end_tasks(run)
        finally:
            running.reset(token)
    if data.is_saved:
        return is_known
    if run.must_wait_s is not None:
        raise MustWait(run.must_wait_s)
    if run.errors:
        raise run.errors[0]
    return is_known


async def _time_out(app: App, conversation: ConversationHandler[Any], last: Mapping[str, Any]) -> None:
    """Tell the handlers of a conversation that has timed out, with the last update that it had."""
    if "update" not in last:  # nobody wants to hear of it
        return
    update = Update.de_json(json.loads(last["update"]), app.bot)
    for handler in conversation.states.get(ConversationHandler.TIMEOUT, ()):
        if (check := handler.check_update(update)) is None or check is False:
            continue
        context = app.context_types.context.from_update(update, app)
        try:
            await handler.handle_update(update, app, check, context)
        except ApplicationHandlerStop:
            continue
        except Exception as error:  # noqa: BLE001 - what process_update does with a handler's error
            await app.process_error(update, error)
            return


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
