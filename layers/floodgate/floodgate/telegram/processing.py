"""One update's way through the bot's handlers, or one task's through its function, with all that comes of it.

Problem: `Application.process_update` returns None even when a handler failed, and lets work run on in the background,
which Lambda freezes with the answer. Rule: the first error ends the update and is raised; tasks that a handler left
behind are awaited; what it remembers is saved when all of it is done, and only then. If somebody else has changed that
meanwhile, all of it runs again in place.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from telegram import Update

from floodgate.ingress.updates import chat_id, user_id
from floodgate.state.records import StateChanged
from floodgate.telegram.application import build, conversations_of, name_handlers
from floodgate.telegram.conversations import Conversations
from floodgate.telegram.errors import AlreadySaved, MustWait
from floodgate.telegram.limiter import GRACE_S
from floodgate.telegram.run import running
from floodgate.telegram.timeouts import set_timer, time_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram.ext import ExtBot

    from floodgate.telegram.application import App, Register
    from floodgate.telegram.run import Run
    from floodgate.telegram.update_data import Memory

    #: What is done for a run; returns whether it is of a known type.
    type Work = Callable[[App, Run], Awaitable[bool]]

#: What a cancelled task may take to clean up, in seconds.
_MOMENT_S: Final = 0.2
#: Times that an update's handlers run in place, if what they remember is changed by others meanwhile.
ROUNDS: Final = 3


async def process(bot: ExtBot[None], register: Register, run: Run, memory: Memory, work: Work) -> bool:
    """Do the bot's work on one update, or on one task, and save what it remembers; return what `work` returns.

    If somebody else has changed that meanwhile, it is done again, with what is there now and with what it has done, up
    to ROUNDS times. Raises the first error of a handler, a filter or a task that a handler started; MustWait if the
    update must wait; StateChanged, and what else saving raises; and what python-telegram-bot raises for an update that
    it cannot read.
    """
    for _ in range(ROUNDS - 1):
        try:
            return await _round(bot, register, run, memory, work)
        except StateChanged:
            run.begin_again()
    return await _round(bot, register, run, memory, work)


async def _round(bot: ExtBot[None], register: Register, run: Run, memory: Memory, work: Work) -> bool:
    update = run.update.update
    run.data = data = memory.of_update(run.ticket.message_id, chat=chat_id(update), user=user_id(update))
    app = build(bot, register, data, Conversations(data, memory.now()))
    name_handlers(app)
    run.tasks = app.tasks
    understood = True
    token = running.set(run)
    asyncio.get_running_loop().set_exception_handler(_blame)
    try:
        understood = await work(app, run)
        await _finish_tasks(run)
        if not (run.errors or run.must_wait_s is not None or data.is_saved):
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
        return understood
    if run.must_wait_s is not None:
        raise MustWait(run.must_wait_s)
    if run.errors:
        raise run.errors[0]
    return understood


async def run_handlers(app: App, run: Run) -> bool:
    """Run the bot's handlers on an update; return whether python-telegram-bot knows what kind of update it is."""
    parsed = Update.de_json(dict(run.update.update), app.bot)
    conversations = app.conversations
    timed_out = await conversations.load(conversations_of(app), parsed)
    await app.initialize()
    for conversation, last in timed_out:
        await time_out(app, conversation, last)
    if not run.errors:
        await app.process_update(parsed)
    if not run.errors:
        await app.update_persistence()
        for name, key, ends_at in conversations.close(run.update.update):
            await set_timer(name, key, ends_at)
    return any(getattr(parsed, kind) is not None for kind in Update.ALL_TYPES)


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
