"""Work that is left for later: `await later("summarize", url=…)` in a handler, or in another task.

Problem: a handler has seconds, and a model's answer or a download takes minutes. Rule: the task is sent to tasks.fifo,
in the chat's group, and runs there by its name. It is sent at once, and once: under an id that is made of the update's
first message and of what is asked for, the k-th time; and the journal remembers it. So an update that is tried again
sends no second one, and what is sent again all the same, after a kill, is a copy to SQS or to the gate.

Hazards: it may run before the handler has ended, and before anything that the handler stores is there; what the task
needs belongs in its data. And data that differs from one attempt to the next, a clock in it say, is another task.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from floodgate.ingress.facts import thread_id
from floodgate.ingress.tasks import LIMIT_BYTES, Place, TaskBody
from floodgate.ingress.trace import carried
from floodgate.ingress.updates import chat_id, user_id, user_language
from floodgate.tasks.task import TaskDataInvalid, require_json
from floodgate.telegram.errors import UnknownTask
from floodgate.telegram.replay import LATER, Recorded, fingerprint
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_sqs import SQSClient

    from floodgate.aws import AwsCalls
    from floodgate.telegram.run import Run

#: Of a fingerprint, what stands in a task's id.
_FINGERPRINT: Final = 16


class TaskQueue:
    """`tasks.fifo`, `url`, as those who run handlers use it."""

    def __init__(self, sqs: SQSClient, url: str, calls: AwsCalls) -> None:
        self._sqs = sqs
        self._url = url
        self._calls = calls

    async def send(self, body: str, group: str, task_id: str) -> None:
        """Send it; raises what botocore raises. Sent again within five minutes it is the same to SQS."""
        await self._calls.run(
            self._sqs.send_message,
            QueueUrl=self._url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=task_id,
            **carried(),
        )


_current: ContextVar[TaskQueue] = ContextVar("task_queue")


@contextmanager
def queueing(queue: TaskQueue) -> Iterator[None]:
    """Within this block, tasks are sent to `queue`."""
    token = _current.set(queue)
    try:
        yield
    finally:
        _current.reset(token)


async def later(name: str, /, **data: Any) -> None:
    """Have the function that `app.add_task(name, …)` named run on `data`, after what the chat has asked for before.

    Raises UnknownTask, TaskDataInvalid and what botocore raises; and RuntimeError where no update or task is run.
    """
    await enqueue(name, data)


async def enqueue(name: str, data: Mapping[str, Any], *, group: str | None = None, place: Place | None = None) -> str:
    """Do what `later` does, in another FIFO group or for another place; return the task's id.

    `place` is where the task belongs, instead of where the update does: its chat_id and user_id, and whose data it has.
    `group` decides after what it runs, instead of the place's chat: such as one of `traffic.bulk.bulk_groups`, whose
    sends go out at the pace for bulk sends.
    """
    run = _run()
    if name not in run.tasks:
        raise UnknownTask(name)
    require_json(name, data)
    place = here() if place is None else place
    group = group or place.group or run.group
    asked = {"name": name, "data": data, "group": group, "place": _fields(place)}
    mark = fingerprint(LATER, asked)[:_FINGERPRINT]
    task_id = f"{run.ticket.message_id}.{mark}.{run.replay.use_of(f'{LATER} {mark}')}"
    body = TaskBody(task_id, name, place, data).written()
    if (size := len(body.encode())) > LIMIT_BYTES:
        raise TaskDataInvalid(
            f"The task {name!r} is given too much: {size} bytes, of {LIMIT_BYTES}. Store it somewhere, and say where."
        )
    call = run.replay.open(LATER, {"id": task_id})
    if isinstance(call, Recorded):
        return task_id
    await _current.get().send(body, group, task_id)
    if call is not None:  # not before: what fails or is cut off is sent again, under the same id
        call.begins()
        call.answered(None)
    return task_id


def here() -> Place:
    """Return where the update or the task belongs that is run, and whose it is."""
    run = _run()
    update = run.update
    chat = chat_id(update.update)
    return Place(
        chat if chat is None else run.own,  # as its id is now: a group may have moved
        user_id(update.update),
        user_language(update.update),
        thread_id(update),
    )


def _run() -> Run:
    if (run := running.get()) is None:
        raise RuntimeError("Tasks are asked for in a handler or in a task: nothing else is tried again as they are.")
    return run


def _fields(place: Place) -> str:
    return json.dumps([place.chat_id, place.user_id, place.language_code, place.thread_id])
