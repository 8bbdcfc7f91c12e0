"""A task comes out of its queue as it went in, and passes for an update that no other is taken for."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.ingress.tasks import LIMIT_BYTES, SCHEDULED_TIME, Place, TaskBody, is_scheduled, read
from floodgate.ingress.updates import (
    QUEUE_LIMIT_BYTES,
    Poison,
    chat_id,
    is_task,
    parse,
    update_type,
    user_id,
    user_language,
)

GROUP = re.compile(r"[!-~]{1,128}")
AT = "2026-06-11T09:00:00Z"

ids = st.integers(-(2**62), 2**62)
names = st.text(min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
places = st.builds(Place, *([st.none() | ids] * 2), st.none() | names, st.none() | ids)
tasks = st.builds(
    TaskBody, names, names, places, st.dictionaries(st.text(), values, max_size=4), st.sampled_from([None, AT])
)


@given(tasks)
def test_a_task_comes_out_as_it_went_in(task: TaskBody) -> None:
    """Every field, whatever is in its data; its body is what SQS takes."""
    body = task.written()
    incoming = read(body, "tasks")
    assert TaskBody.of(incoming.update["task"]) == task
    assert incoming.text == body
    assert read(body.encode(), "tasks") == incoming
    assert is_scheduled(incoming) == (task.scheduled_at is not None)


@given(tasks)
def test_a_task_is_placed_as_an_update_is(task: TaskBody) -> None:
    """In its chat, and where it has none in a group of its own; its person is known to limits and logs."""
    incoming = read(task.written(), "tasks")
    assert (update_type(incoming.update), is_task(incoming.update)) == ("task", True)
    assert chat_id(incoming.update) == task.place.chat_id
    assert user_id(incoming.update) == task.place.user_id
    assert user_language(incoming.update) == task.place.language_code
    expected = f"task:{task.update_id}" if task.place.chat_id is None else f"chat:{task.place.chat_id}"
    assert incoming.group == expected
    assert GROUP.fullmatch(incoming.group)


@given(tasks, tasks)
def test_a_derived_id_stands_for_one_run(one: TaskBody, other: TaskBody) -> None:
    """It depends on the id and the occurrence alone, is below zero, and no longer than an update_id of Telegram's."""
    assert one.update_id == read(one.written(), "tasks").update_id
    assert -999_999_999 <= one.update_id <= -1
    assert len(str(one.update_id)) <= 10
    if one.run_id != other.run_id:
        assert one.update_id != other.update_id
    moved = TaskBody(one.id, other.name, other.place, other.data, one.scheduled_at)
    assert moved.update_id == one.update_id


def test_occurrences_are_runs_of_their_own() -> None:
    """One schedule sends the same body again and again, but for the time."""
    found = {TaskBody("tea", "remind", Place(1), {}, f"2026-06-{day:02}T09:00:00Z").update_id for day in range(1, 31)}
    assert len(found) == 30


def test_the_scheduler_writes_the_time_into_the_body() -> None:
    """What is given to it, with its placeholder replaced, is a task; without that it is none."""
    given_to_it = TaskBody("tea", "remind", Place(1), {"text": "tea"}, SCHEDULED_TIME).written()
    sent = TaskBody.of(read(given_to_it.replace(SCHEDULED_TIME, AT), "tasks").update["task"])
    assert (sent.run_id, datetime.fromisoformat(sent.scheduled_at or "").hour) == (f"tea@{AT}", 9)
    with pytest.raises(Poison, match="no time"):
        read(given_to_it, "tasks")


TASK: dict[str, Any] = {"id": "1", "name": "water", "data": {}}


@pytest.mark.parametrize(
    ("task", "detail"),
    [
        (None, "task is no object"),
        ({**TASK, "id": ""}, "task has no id"),
        ({**TASK, "id": 1}, "task has no id"),
        ({**TASK, "name": None}, "task has no name"),
        ({**TASK, "data": []}, "task has no data"),
        ({**TASK, "scheduled_at": 7}, "task's scheduled_at is no time"),
        ({**TASK, "scheduled_at": "tomorrow"}, "task's scheduled_at is no time"),
        ({**TASK, "scheduled_at": "2026-06-11T09:00:00"}, "task's scheduled_at is no time"),
    ],
)
def test_a_task_that_nobody_can_run_is_poison(task: Any, detail: str) -> None:
    """With a sentence that says why."""
    with pytest.raises(Poison) as caught:
        read(json.dumps({"task": task}), "tasks")
    assert caught.value.detail == detail


@pytest.mark.parametrize("odd", [True, 1.5, "7", {}, 2**70])
def test_odd_ids_are_none(odd: Any) -> None:
    """Nothing else in a body can break anything."""
    incoming = read(json.dumps({"task": {**TASK, "chat_id": odd, "user_id": odd, "thread_id": odd}}), "tasks")
    assert TaskBody.of(incoming.update["task"]).place == Place()


@pytest.mark.parametrize("body", ['{"task": {"id": "1", "name": "water", "data": {}}}', "[]", "7", "beans"])
def test_only_the_tasks_queue_brings_tasks(body: str) -> None:
    """Elsewhere such a body is poison, as it is to the webhook."""
    for look in (parse, lambda one: read(one, "updates")):
        with pytest.raises(Poison):
            look(body)


def test_an_update_may_come_out_of_the_tasks_queue() -> None:
    """And one of a type that Telegram may invent is no task."""
    body = json.dumps({"update_id": 1, "task": {**TASK, "chat_id": 5}})
    incoming = read(body, "tasks")
    assert incoming == parse(body)
    assert (incoming.update_id, is_task(incoming.update), chat_id(incoming.update)) == (1, False, None)
    assert not is_scheduled(incoming)


def test_the_largest_task_fits_into_its_dead_letter() -> None:
    """Even if each of its characters must be escaped there."""
    body = TaskBody("1", "water", Place(), {"words": '"' * (LIMIT_BYTES // 2 - 200)}).written()
    assert LIMIT_BYTES - 400 < len(body.encode()) <= LIMIT_BYTES
    assert len(json.dumps(body).encode()) < QUEUE_LIMIT_BYTES - 4096
