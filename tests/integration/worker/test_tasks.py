"""`await later("name", …)`: asked for once, however often its update is tried, and run in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from floodgate.tasks import TaskDataInvalid, UnknownTask, enqueue, later
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.garden import Garden, queued
from tests.integration.worker.scenes import here, queue
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task


def test_a_task_runs_with_what_it_was_given(garden: Garden) -> None:
    """It knows whose it is and where, and gets its data as it was given."""

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await later("water", what="beans 豆", cans=[1, 2.5, None, {"full": True}])

    garden.asking = ask
    queue(garden.cloud, here("hello", message_thread_id=5, is_topic_message=True))
    garden.settle()
    [task] = garden.tasks
    assert (task.name, task.chat_id, task.user_id, task.language_code) == ("water", GROUP["id"], 7001, "pt-br")
    assert (task.thread_id, task.scheduled_at) == (5, None)
    assert task.data == {"what": "beans 豆", "cans": [1, 2.5, None, {"full": True}]}
    assert [asked["MessageGroupId"] for asked in queued(garden.cloud)] == [f"chat:{GROUP['id']}"]


def test_an_update_that_is_tried_again_asks_once(garden: Garden) -> None:
    """The journal remembers it, and each of two equal ones."""
    attempts: list[int] = []

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        attempts.append(1)
        await later("water", what="beans")
        await later("water", what="beans")
        if len(attempts) < 3:
            raise GardenFlooded

    garden.asking = ask
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert (len(attempts), len(queued(garden.cloud)), len(garden.tasks)) == (3, 2, 2)
    assert len({task.id for task in garden.tasks}) == 2
    assert garden.cloud.letters() == []


def test_an_update_that_starts_anew_sends_a_copy(garden: Garden) -> None:
    """With its journal lost it asks again under the same id: SQS knows it, and after its five minutes the gate."""
    cloud = garden.cloud
    message = cloud.queue(text("hello"), ANNS_CHAT)
    records = cloud.records()
    updates, tasks = (garden.drain_of(name) for name in ("updates", "tasks"))
    for _ in range(2):
        cloud.clock.advance(10)
        assert updates({"Records": records}) == {"batchItemFailures": []}
        cloud.deliver(tasks, cloud.tasks_url)
    asked = queued(cloud)
    cloud.clock.advance(400)
    cloud.queue(asked[1]["MessageBody"], ANNS_CHAT, cloud.tasks_url)
    assert cloud.deliver(tasks, cloud.tasks_url) == []
    assert len(asked) == 2
    assert {one["MessageDeduplicationId"] for one in asked} == {garden.tasks[0].id}
    assert garden.tasks[0].id.startswith(message)
    assert len(garden.tasks) == 1


def test_tasks_of_a_chat_run_in_order(garden: Garden) -> None:
    """One after the other, as they were asked for, however often one fails."""
    failed: list[str] = []

    async def work(task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        if task.data["words"] == "one" and len(failed) < 2:
            failed.append("one")
            raise GardenFlooded

    garden.work = work
    queue(garden.cloud, *(text(words) for words in ("one", "two", "three")))
    garden.settle()
    assert [task.data["words"] for task in garden.tasks] == ["one", "one", "one", "two", "three"]


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("prune", {}, UnknownTask),
        ("water", {"when": {1, 2}}, TaskDataInvalid),
        ("water", {"when": (1, 2)}, TaskDataInvalid),
        ("water", {"when": {1: 2}}, TaskDataInvalid),
        ("water", {"when": float("nan")}, TaskDataInvalid),
        ("water", {"when": b"now"}, TaskDataInvalid),
        ("water", {"when": "x" * 600_000}, TaskDataInvalid),
    ],
    ids=["unknown", "set", "tuple", "keys", "nan", "bytes", "large"],
)
def test_what_cannot_be_asked_for_raises_at_once(
    garden: Garden, name: str, data: dict[str, Any], error: type[Exception]
) -> None:
    """Where it is written, and nothing is queued."""
    raised: list[type[Exception]] = []

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        with pytest.raises(error) as caught:
            await later(name, **data)
        raised.append(caught.type)

    garden.asking = ask
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert (raised, queued(garden.cloud)) == ([error], [])


def test_a_task_may_ask_for_another_group(garden: Garden) -> None:
    """Such as the one in which bulk sends are paced."""

    async def work(task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        if task.data.get("step", 0) < 2:
            await enqueue("water", {"step": task.data.get("step", 0) + 1}, group="bulk")

    garden.work = work
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert [asked["MessageGroupId"] for asked in queued(garden.cloud)] == [ANNS_CHAT, "bulk", "bulk"]
    assert [task.data.get("step") for task in garden.tasks] == [None, 1, 2]


def test_a_refusal_of_sqs_is_the_updates_failure(garden: Garden) -> None:
    """Which is tried again, and asks for both tasks, each once."""
    for what in ("InternalError", ReadTimeoutError(endpoint_url="https://sqs.example")):
        garden.cloud.wire.faults["SendMessage"].append(what)
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert len({asked["MessageDeduplicationId"] for asked in queued(garden.cloud)}) == 1
    assert (len(queued(garden.cloud)), len(garden.tasks), garden.cloud.letters()) == (3, 1, [])


def test_an_answer_of_sqs_that_is_lost_makes_no_second_task(garden: Garden) -> None:
    """It is sent again under the same id."""
    garden.cloud.wire.lost.add("SendMessage")
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert (len(queued(garden.cloud)), len(garden.tasks), garden.cloud.letters()) == (2, 1, [])


def test_nobody_asks_for_a_task_outside_of_an_update() -> None:
    """There it could not be kept from being asked for twice."""
    with pytest.raises(RuntimeError, match="in a handler or in a task"):
        run(later("water"))
