"""A task as its function gets it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from floodgate.ingress.tasks import TaskBody


class TaskDataInvalid(ValueError):
    """A task's data is nothing that JSON can hold, or too much; the sentence says which of it."""


@dataclass(frozen=True, slots=True)
class Task:
    """One run of a task that was asked for with `later`, or by a schedule."""

    #: Stands for this one run of it; the same on each delivery.
    id: str
    name: str
    chat_id: int | None
    user_id: int | None
    #: Of the person whose update asked for it.
    language_code: str | None
    #: A copy, this attempt's own.
    data: Mapping[str, Any]
    #: The forum topic where it was asked for.
    thread_id: int | None
    #: Of a schedule's occurrence; it has a time zone.
    scheduled_at: datetime | None

    @classmethod
    def of(cls, body: TaskBody, chat_id: int | None) -> Self:
        """Return the task that a message brings. `chat_id` is its chat's id as it is now."""
        return cls(
            id=body.run_id,
            name=body.name,
            chat_id=chat_id,
            user_id=body.place.user_id,
            language_code=body.place.language_code,
            data=copy.deepcopy(dict(body.data)),
            thread_id=body.place.thread_id,
            scheduled_at=None if body.scheduled_at is None else datetime.fromisoformat(body.scheduled_at),
        )


def require_json(name: str, data: Mapping[str, Any]) -> None:
    """Raise TaskDataInvalid for what would come out of JSON as something else, or not at all."""
    for key, value in data.items():
        if not isinstance(key, str) or not _survives(value):
            raise TaskDataInvalid(
                f"The task {name!r} cannot be given {key!r}, {_a(value)}: its data goes through JSON, so pass text, "
                "numbers, True, False, None, and lists and dicts of them, with text as keys."
            )


def _survives(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def _a(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
