"""`schedule` and `unschedule`: what stands at EventBridge, and what comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from telegram.ext import TypeHandler

from floodgate.ingress.tasks import SCHEDULED_TIME
from floodgate.tasks import TaskDataInvalid, UnknownTask, schedules
from floodgate.tasks.schedules import SOONEST_S, ScheduleRefused, schedule, unschedule
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.due import Due
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers

NOON = datetime(2026, 6, 11, 12, tzinfo=UTC)
DAILY = "cron(0 9 ? * * *)"


@dataclass
class Garden:
    """A bot that schedules what a test asks for, and waters when that is due."""

    cloud: Cloud
    workers: Workers
    due: Due
    asked: Callable[[], Awaitable[None]] | None = None
    raised: list[Exception] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    def ask(self, asked: Callable[[], Awaitable[None]], **update: Any) -> None:
        """Have a handler do it."""
        self.asked = asked
        self.cloud.queue(text("/water", **update), f"chat:{update.get('chat', {}).get('id', 7001)}")
        while self.cloud.left():
            if self.cloud.deliver(self.workers.drain(self.register)) is None:
                self.cloud.wait()

    def run(self) -> None:
        """Have everything done that is due."""
        self.due.hand_out()
        while self.cloud.left(self.cloud.tasks_url):
            if self.cloud.deliver(self.workers.drain(self.register, queue="tasks"), self.cloud.tasks_url) is None:
                self.cloud.wait()

    def register(self, app: App) -> None:
        """Add a handler and a task."""
        app.add_handler(TypeHandler(object, self._handle))
        app.add_task("water", self._water)

    async def _handle(self, _update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert self.asked
        try:
            await self.asked()
        except (ScheduleRefused, UnknownTask, TaskDataInvalid) as error:
            self.raised.append(error)

    async def _water(self, task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        self.tasks.append(task)


@pytest.fixture
def garden(cloud: Cloud, workers: Workers) -> Garden:
    """A garden with nothing scheduled."""
    return Garden(cloud, workers, Due(cloud))


def test_a_time_comes_once(garden: Garden) -> None:
    """In UTC, to tasks.fifo, in the chat's group, and the schedule is gone with it."""
    garden.ask(lambda: schedule("beans", "water", NOON, data={"litres": 2}))
    made = garden.due.schedules["beans"]
    assert (made.schedule_expression, made.schedule_expression_timezone) == ("at(2026-06-11T12:00:00)", "UTC")
    assert made.action_after_completion == "DELETE"
    assert made.flexible_time_window == {"Mode": "OFF"}
    assert made.target["Arn"] == garden.cloud.schedule_settings.tasks_queue_arn
    assert made.target["RoleArn"] == garden.cloud.schedule_settings.role_arn
    assert made.target["SqsParameters"] == {"MessageGroupId": ANNS_CHAT}
    garden.run()
    assert garden.tasks == []
    garden.cloud.clock.now = NOON.timestamp()
    garden.run()
    [task] = garden.tasks
    assert (task.name, task.data, task.chat_id, task.user_id) == ("water", {"litres": 2}, 7001, 7001)
    assert (task.language_code, task.scheduled_at) == ("pt-br", NOON)
    assert garden.due.schedules == {}


def test_an_expression_recurs_in_its_time_zone(garden: Garden) -> None:
    """Each occurrence is a task of its own, until it is unscheduled."""
    garden.ask(lambda: schedule("beans", "water", DAILY, timezone="Europe/Berlin"))
    made = garden.due.schedules["beans"]
    assert (made.schedule_expression, made.schedule_expression_timezone) == (DAILY, "Europe/Berlin")
    assert made.action_after_completion == "NONE"
    assert json.loads(made.target["Input"])["task"]["scheduled_at"] == SCHEDULED_TIME
    garden.cloud.clock.advance(3 * 86_400)
    garden.run()
    seven = datetime(2026, 6, 11, 7, tzinfo=UTC)
    assert [task.scheduled_at for task in garden.tasks] == [seven + timedelta(days) for days in range(3)]
    assert len({task.id for task in garden.tasks}) == 3
    garden.ask(lambda: unschedule("beans"))
    garden.cloud.clock.advance(3 * 86_400)
    garden.run()
    assert len(garden.tasks) == 3


def test_an_occurrence_that_is_handed_out_twice_runs_once(garden: Garden) -> None:
    """Also if SQS has forgotten the first by then."""
    garden.ask(lambda: schedule("beans", "water", DAILY))
    for _ in range(2):
        garden.due.send("beans", NOON)
        garden.run()
        garden.cloud.clock.advance(400)
    assert len(garden.tasks) == 1


def test_one_of_a_name_is_replaced(garden: Garden) -> None:
    """By another time, or by what recurs."""
    garden.ask(lambda: schedule("beans", "water", NOON))
    garden.ask(lambda: schedule("beans", "water", NOON + timedelta(hours=1), data={"litres": 1}))
    assert garden.due.schedules["beans"].schedule_expression == "at(2026-06-11T13:00:00)"
    garden.ask(lambda: schedule("beans", "water", DAILY))
    assert garden.due.schedules["beans"].schedule_expression == DAILY


def test_one_that_runs_out_while_it_is_replaced_is_made_anew(garden: Garden) -> None:
    """Between the answer that it is there and the update of it."""
    garden.cloud.wire.faults["CreateSchedule"] = ["ConflictException"]
    garden.ask(lambda: schedule("beans", "water", NOON))
    assert list(garden.due.schedules) == ["beans"]
    assert [name for name, _ in garden.cloud.wire.requests if name.endswith("Schedule")] == [
        "CreateSchedule",
        "UpdateSchedule",
        "CreateSchedule",
    ]


def test_what_is_gone_need_not_be_removed(garden: Garden) -> None:
    """Nothing is wrong with that."""
    garden.ask(lambda: unschedule("beans"))
    assert garden.cloud.letters() == []


def test_a_time_that_has_passed_is_soon(garden: Garden) -> None:
    """Not at once: what the handler remembers must be saved by then."""
    garden.ask(lambda: schedule("beans", "water", NOON - timedelta(days=3)))
    garden.cloud.clock.advance(SOONEST_S)
    garden.run()
    [task] = garden.tasks
    assert task.scheduled_at is not None
    assert task.scheduled_at >= datetime.fromtimestamp(garden.cloud.clock() - 5, UTC)


def test_a_forum_topic_is_told(garden: Garden) -> None:
    """Of a group, where it was asked for."""
    garden.ask(lambda: schedule("beans", "water", NOON), chat=GROUP, message_thread_id=5, is_topic_message=True)
    garden.cloud.clock.now = NOON.timestamp()
    garden.run()
    assert [(task.chat_id, task.thread_id) for task in garden.tasks] == [(GROUP["id"], 5)]


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ValidationException"])
def test_what_is_refused_for_good_is_said(garden: Garden, code: str) -> None:
    """The handler tells the person."""
    garden.cloud.wire.faults["CreateSchedule"] = [code]
    garden.ask(lambda: schedule("beans", "water", NOON))
    [error] = garden.raised
    assert isinstance(error, ScheduleRefused)
    assert error.code == code


def test_what_is_busy_is_asked_again_with_the_update(garden: Garden) -> None:
    """Nobody need do anything for it."""
    garden.cloud.wire.faults["CreateSchedule"] = ["ThrottlingException"]
    garden.ask(lambda: schedule("beans", "water", NOON))
    assert list(garden.due.schedules) == ["beans"]


def test_a_task_that_nobody_registered_cannot_be_scheduled(garden: Garden) -> None:
    """Nor data that JSON does not hold: both are told at once, not when they are due."""
    garden.ask(lambda: schedule("beans", "weed", NOON))
    garden.ask(lambda: schedule("beans", "water", NOON, data={"when": NOON}))
    assert [type(error) for error in garden.raised] == [UnknownTask, TaskDataInvalid]
    assert garden.due.schedules == {}


def test_the_time_is_the_workers(garden: Garden) -> None:
    """What handlers ask for, and tests move."""
    told: list[datetime] = []

    async def ask() -> None:
        told.append(schedules.now())

    garden.ask(ask)
    assert told == [datetime.fromtimestamp(garden.cloud.clock(), UTC)]


async def test_a_schedule_belongs_to_an_update() -> None:
    """Outside there is no chat that it could be for."""
    with pytest.raises(RuntimeError):
        await schedule("beans", "water", NOON)
