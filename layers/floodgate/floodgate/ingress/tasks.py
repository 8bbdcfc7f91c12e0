"""The tasks that the bot gives itself: what stands in tasks.fifo, and how it passes as an update does.

Problem: a task is handed out at least once, by SQS, and by the scheduler before it. Rule: a task names one run of
itself by its `id` and, if a schedule sends it again and again, the time of the occurrence. Of both an update_id is
derived, a negative one, which no update has; so the gate, the journal, the dead letters and retries take a task for an
update. A body has no update_id of its own, so what comes in from outside can never be a task, and only the worker of
tasks.fifo reads one.
Hazard: derived ids are chance, and so are their slots at the chat's gate. A copy that comes after SQS's five minutes
passes there if an update or a task with the same slot, one of 32, has passed in between.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from floodgate.ingress.updates import (
    QUEUE_LIMIT_BYTES,
    TASK,
    IncomingUpdate,
    Poison,
    decoded,
    id_in,
    is_task,
    parse,
    sendable,
)

TASKS: Final = "tasks"
"""The name of the one queue that tasks stand in, as workers are told it."""

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""What EventBridge Scheduler replaces with the time of the occurrence, such as 2026-06-11T09:00:00Z."""

LIMIT_BYTES: Final = QUEUE_LIMIT_BYTES // 2 - 4096
"""The largest task: given up, it fits into its dead letter whole, however much of it must be escaped there."""

_IDS: Final = 999_999_999
"""Derived ids are from -1 to this, below zero: ten characters, as an update_id of Telegram's has."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task belongs, and whose it is; None where there is none."""

    chat_id: int | None = None
    user_id: int | None = None
    language_code: str | None = None
    """The person's, as Telegram tells it."""
    thread_id: int | None = None
    """The topic in a chat that has topics."""

    @property
    def group(self) -> str | None:
        """The chat's FIFO group, None without a chat."""
        return None if self.chat_id is None else f"chat:{self.chat_id}"


@dataclass(frozen=True, slots=True)
class TaskBody:
    """What a message of tasks.fifo says."""

    id: str
    """Stands for this task; with `scheduled_at` for one run of it."""
    name: str
    place: Place
    data: Mapping[str, Any]
    scheduled_at: str | None = None
    """ISO 8601 with Z, or SCHEDULED_TIME before the scheduler has sent it."""

    @property
    def run_id(self) -> str:
        """What stands for this one run, on each of its deliveries."""
        return self.id if self.scheduled_at is None else f"{self.id}@{self.scheduled_at}"

    @property
    def update_id(self) -> int:
        """The same for the same run, below zero."""
        return -1 - int.from_bytes(hashlib.sha256(self.run_id.encode("utf-8", "surrogatepass")).digest()[:8]) % _IDS

    def written(self) -> str:
        """Return the body of the message. Raises what json raises for data that it cannot hold."""
        task = {
            "id": self.id,
            "name": self.name,
            "chat_id": self.place.chat_id,
            "user_id": self.place.user_id,
            "language_code": self.place.language_code,
            "thread_id": self.place.thread_id,
            "data": self.data,
            "scheduled_at": self.scheduled_at,
        }
        # Not in ASCII: escapes would make three times as much of Cyrillic.
        return sendable(json.dumps({TASK: task}, ensure_ascii=False, allow_nan=False))

    @classmethod
    def of(cls, task: Mapping[str, Any]) -> Self:
        """Return what is in a task's one field; raises Poison."""
        data, at = task.get("data"), task.get("scheduled_at")
        if not isinstance(data, Mapping):
            raise Poison("task has no data")
        if at is not None and not _is_time(at):
            raise Poison("task's scheduled_at is no time")
        language = task.get("language_code")
        return cls(
            _text(task, "id"),
            _text(task, "name"),
            Place(
                id_in(task, "chat_id"),
                id_in(task, "user_id"),
                language if isinstance(language, str) else None,
                id_in(task, "thread_id"),
            ),
            data,
            at,
        )


def read(body: bytes | str, queue: str) -> IncomingUpdate:
    """Return what a message brings from the queue of that name: an update or, if it is the tasks' queue, a task.

    Raises Poison.
    """
    if queue != TASKS:
        return parse(body)
    text, content = decoded(body)
    if not (isinstance(content, Mapping) and is_task(content)):
        return parse(body)
    if not isinstance(content[TASK], Mapping):
        raise Poison("task is no object")
    task = TaskBody.of(content[TASK])
    group = task.place.group or f"task:{task.update_id}"  # one of its own, where no chat has one
    return IncomingUpdate(task.update_id, TASK, group, text, content)


def is_scheduled(update: IncomingUpdate) -> bool:
    """Tell whether it is a task that a schedule has sent."""
    return is_task(update.update) and update.update[TASK].get("scheduled_at") is not None


def _text(task: Mapping[str, Any], field: str) -> str:
    value = task.get(field)
    if not isinstance(value, str) or not value:
        raise Poison(f"task has no {field}")
    return value


def _is_time(at: Any) -> bool:
    try:
        return isinstance(at, str) and datetime.fromisoformat(at).tzinfo is not None
    except ValueError:
        return False
