"""`await later("name", …)`: a function that runs from tasks.fifo, with all that a handler can rely on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from telegram.ext import TypeHandler

from floodgate.tasks import TaskDataInvalid, UnknownTask, enqueue, later
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import here, queue
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback, Drain
    from tests.unit.telegram.wire import TelegramWire

    type Work = Callable[[Task, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]


@dataclass
class Garden:
    """A bot that leaves the watering for later, and both its workers."""

    cloud: Cloud
    workers: Workers
    tasks: list[Task] = field(default_factory=list)
    """The tasks that were run, one for each attempt."""
    work: Work | None = None
    asking: Callback | None = None
    typing: bool = False

    async def ask(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Leave something for later."""
        if self.asking is not None:
            await self.asking(update, context)
        else:
            assert update.effective_message
            await later("water", words=update.effective_message.text)

    async def water(self, task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Do it."""
        self.tasks.append(task)
        if self.work is not None:
            await self.work(task, context)

    def register(self, app: App) -> None:
        """Add a handler and a task."""
        app.add_handler(TypeHandler(object, self.ask))
        app.add_task("water", self.water, typing=self.typing)

    def settle(self, **told: Any) -> None:
        """Deliver until both queues are empty."""
        updates = self.workers.drain(self.register, **told)
        tasks = self.workers.drain(self.register, queue="tasks", **{"deadline_s": 40, **told})
        self.drain(updates, tasks)

    def drain(self, updates: Drain, tasks: Drain, *, within_s: float = 2000.0) -> None:
        """Deliver until both queues are empty."""
        cloud, ends_at = self.cloud, self.cloud.clock() + within_s
        while cloud.left() or cloud.left(cloud.tasks_url):
            assert cloud.clock() < ends_at, "something is still waiting"
            if cloud.deliver(updates) is None and cloud.deliver(tasks, cloud.tasks_url) is None:
                cloud.wait()


@pytest.fixture
def garden(cloud: Cloud, workers: Workers) -> Garden:
    """A bot with a task."""
    return Garden(cloud, workers)


def queued(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the requests that put something into tasks.fifo."""
    return [asked for asked in cloud.wire.asked("SendMessage") if asked["QueueUrl"] == cloud.tasks_url]


def body(name: str = "water", task_id: str = "can", **changes: Any) -> str:
    """Return the body of a task."""
    task = {
        "id": task_id, "name": name, "chat_id": 7001, "user_id": 7001, "language_code": "en", "thread_id": None,
        "data": {}, "scheduled_at": None,
    }  # fmt: skip
    return json.dumps({"task": task | changes})


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
    updates, tasks = (workers_drain(garden, name) for name in ("updates", "tasks"))
    for wait_s in (0.0, 10.0, 400.0):
        cloud.clock.advance(wait_s)
        assert updates({"Records": records}) == {"batchItemFailures": []}
        while cloud.deliver(tasks, cloud.tasks_url) is not None:
            pass
    asked = queued(cloud)
    assert len(asked) == 3
    assert {one["MessageDeduplicationId"] for one in asked} == {garden.tasks[0].id}
    assert garden.tasks[0].id.startswith(message)
    assert len(garden.tasks) == 1


def workers_drain(garden: Garden, name: str) -> Drain:
    """Return a new worker's drain of one of the queues."""
    return garden.workers.drain(garden.register, queue=name, deadline_s=10)


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


def test_a_copy_is_refused_at_the_gate(garden: Garden) -> None:
    """The scheduler may send a task twice, and another occurrence is another task."""
    for minute in (0, 0, 1):
        garden.cloud.queue(body(scheduled_at=f"2026-06-11T09:0{minute}:00Z"), ANNS_CHAT, garden.cloud.tasks_url)
    garden.settle()
    assert [task.scheduled_at and task.scheduled_at.minute for task in garden.tasks] == [0, 1]
    assert [task.id for task in garden.tasks] == ["can@2026-06-11T09:00:00Z", "can@2026-06-11T09:01:00Z"]


def test_a_copy_is_refused_where_there_is_no_chat(garden: Garden) -> None:
    """A task has a gate of its own then."""
    for _ in range(2):
        garden.cloud.queue(body(chat_id=None, user_id=None), "bulk", garden.cloud.tasks_url)
    garden.settle()
    assert [(task.chat_id, task.user_id) for task in garden.tasks] == [(None, None)]


@pytest.mark.parametrize("fails", [False, True])
def test_a_task_shows_typing(
    garden: Garden,
    telegram: TelegramWire,
    *,
    fails: bool,
) -> None:
    """At once and every 4.5 seconds, in its topic, until it ends, however that is."""

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.sleep(10)
        await context.bot.send_message(GROUP["id"], "done")
        if fails:
            raise GardenFlooded

    garden.work, garden.typing = work, True
    queue(garden.cloud, here("hello", message_thread_id=5, is_topic_message=True))
    begins = garden.cloud.clock()
    garden.settle()
    first = [call for call in telegram.calls if call.at < begins + 10.5]
    assert [round(call.at - begins, 1) for call in first if call.method == "sendChatAction"] == [0.0, 4.5, 9.0]
    assert first[0].fields == {"chat_id": GROUP["id"], "action": "typing", "message_thread_id": 5}
    assert telegram.methods.count("sendMessage") == 1


def test_what_goes_wrong_with_typing_is_nobodys_failure(garden: Garden, telegram: TelegramWire) -> None:
    """A 429 freezes nothing, and a Telegram that does not answer holds nothing up."""
    telegram.faults["sendChatAction"] = [httpx.ReadTimeout("x")]
    telegram.slowness_s["sendChatAction"] = 100
    garden.typing = True

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, "done")

    garden.work = work
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    begins = garden.cloud.clock()
    garden.settle()
    assert garden.cloud.clock() - begins < 1
    assert telegram.sent == [(7001, "done")]


def test_a_scheduled_task_shows_nothing(garden: Garden, telegram: TelegramWire) -> None:
    """Nobody waits for it."""
    garden.typing = True
    garden.cloud.queue(body(scheduled_at="2026-06-11T09:00:00Z"), ANNS_CHAT, garden.cloud.tasks_url)
    garden.settle()
    assert (len(garden.tasks), telegram.calls) == (1, [])


def test_a_task_that_fails_goes_on_where_it_was(garden: Garden, telegram: TelegramWire) -> None:
    """What it has sent is not sent again."""

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, "one")
        if len(garden.tasks) < 3:
            raise GardenFlooded
        await context.bot.send_message(7001, "two")

    garden.work = work
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert [words for _, words in telegram.sent] == ["one", "two"]
    assert (len(garden.tasks), garden.cloud.letters()) == (3, [])


def test_an_unknown_task_is_given_up(garden: Garden) -> None:
    """Its code may be gone with a deployment; somebody can send it again."""
    garden.cloud.queue(body("prune"), ANNS_CHAT, garden.cloud.tasks_url)
    garden.settle()
    [letter] = garden.cloud.letters()
    assert (letter["reason"], letter["error"], letter["handler"], letter["queue"]) == (
        "bug",
        "UnknownTask",
        "prune",
        "tasks",
    )


def test_a_task_in_the_updates_queue_is_none(garden: Garden) -> None:
    """What comes from outside can never be one."""
    garden.cloud.queue(body(), ANNS_CHAT)
    garden.settle()
    assert garden.tasks == []
    assert [letter["reason"] for letter in garden.cloud.letters()] == ["poison"]


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
