"""A bot that leaves the watering for later."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from telegram.ext import TypeHandler

from floodgate.tasks import later

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.integration.worker.scenes import Callback, Drain

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

    def drain_of(self, queue: str) -> Drain:
        """Return a new worker's drain of one of the queues."""
        return self.workers.drain(self.register, queue=queue, deadline_s=10)


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
