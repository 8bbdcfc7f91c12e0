"""A task's function, run as an update's handlers are: with a context, with error handlers, with everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from floodgate.ingress.tasks import TaskBody
from floodgate.ingress.updates import TASK
from floodgate.tasks.showing import show_typing
from floodgate.tasks.task import Task
from floodgate.telegram.errors import UnknownTask

if TYPE_CHECKING:
    from typing import Any

    from telegram.ext import Job

    from floodgate.telegram.application import App
    from floodgate.telegram.run import Run


async def run_task(app: App, run: Run) -> bool:
    """Run the function of the task that `run` is; return True: it is known what that is.

    As a job's, its context has no update, but `job`, which is the task, and the data of its person and its chat. What
    it raises is left in the run's errors, as a handler's; raises UnknownTask if the bot has no such task.
    """
    body = TaskBody.of(run.update.update[TASK])
    run.handler = body.name
    await app.initialize()
    registered = app.tasks.get(body.name)
    if registered is None:
        raise UnknownTask(body.name)
    task = Task.of(body, None if body.place.chat_id is None else run.own)
    job = cast("Job[Any]", task)  # it has what python-telegram-bot asks of one: chat_id and user_id
    context = app.context_types.context.from_job(job, app)
    # Unlike a handler's, its data is read when it is touched, though the loop stands still for it: it runs alone, and
    # others would change what was read at its beginning in the minutes that it takes.
    try:
        async with show_typing(app.bot, task if registered.typing else None):
            await registered.function(task, context)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the task's failure
        await app.process_error(None, error, job=job)
    return True
