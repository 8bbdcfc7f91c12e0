"""A task passes its chat's gate as an update does, once, and is charged to no limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from floodgate.tasks import later
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.garden import Garden, body, queued
from tests.integration.worker.scenes import awake, limits
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from tests.unit.telegram.wire import TelegramWire


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


def test_no_limit_of_what_people_send_is_charged(garden: Garden, telegram: TelegramWire) -> None:
    """Neither the person's nor the group's nor the whole bot's: their updates were."""
    told: dict[str, Any] = {"inbound": limits(user="1/h", chat="1/h", bot="1/h")}
    for number in range(5):
        garden.cloud.queue(
            body(task_id=str(number), chat_id=GROUP["id"]), f"chat:{GROUP['id']}", garden.cloud.tasks_url
        )
    garden.settle(**told)
    assert (len(garden.tasks), telegram.calls) == (5, [])
    gates = {item["pk"]["S"]: item for item in garden.cloud.items("traffic")}
    assert "in_tat" not in gates[f"gate#{GROUP['id']}"]
    assert "gate#7001" not in gates


def test_a_task_is_never_stale(garden: Garden) -> None:
    """It waits out a day's outage."""
    garden.cloud.queue(body(), ANNS_CHAT, garden.cloud.tasks_url)
    garden.cloud.clock.advance(86_400)
    garden.settle()
    assert len(garden.tasks) == 1


def test_a_task_in_the_updates_queue_is_none(garden: Garden) -> None:
    """What comes from outside can never be one."""
    garden.cloud.queue(body(), ANNS_CHAT)
    garden.settle()
    assert garden.tasks == []
    assert [letter["reason"] for letter in garden.cloud.letters()] == ["poison"]


def test_a_task_goes_on_where_its_chat_is_now(garden: Garden, telegram: TelegramWire) -> None:
    """A group may have become a supergroup since it was asked for."""
    old, new = -4001, GROUP["id"]
    garden.cloud.queue(text("hello", None, {"id": old, "type": "group", "title": "Allotment"}), f"chat:{old}")
    updates, tasks = (garden.drain_of(name) for name in ("updates", "tasks"))
    garden.cloud.deliver(updates)
    moved = {name: value for name, value in text("", None, GROUP)["message"].items() if name != "text"}
    garden.cloud.queue({**text(""), "message": {**moved, "migrate_from_chat_id": old}}, f"chat:{new}")
    garden.asking = nothing

    async def work(task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert task.chat_id is not None
        await context.bot.send_message(task.chat_id, "done")
        await later("water", again=True)
        garden.work = None

    garden.work = work
    garden.drain(updates, tasks)
    assert telegram.sent == [(new, "done")]
    assert [task.chat_id for task in garden.tasks] == [new, new]
    assert [asked["MessageGroupId"] for asked in queued(garden.cloud)] == [f"chat:{old}", f"chat:{new}"]


async def nothing(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do nothing."""


def test_what_a_task_costs(garden: Garden) -> None:
    """For the update one request more, and for the task what an update costs that answers nothing."""
    updates, tasks = (awake(garden.cloud, garden.drain_of(name)) for name in ("updates", "tasks"))
    garden.typing = True
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.cloud.wire.requests.clear()
    garden.cloud.deliver(updates)
    assert [operation for operation, _ in garden.cloud.wire.requests].count("SendMessage") == 1
    garden.cloud.wire.requests.clear()
    garden.cloud.deliver(tasks, garden.cloud.tasks_url)
    assert [operation for operation, _ in garden.cloud.wire.requests] == ["UpdateItem"]
