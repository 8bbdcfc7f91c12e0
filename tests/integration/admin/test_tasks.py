"""A task that was given up: its person told, the admin asked, and at a press sent back to tasks.fifo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from floodgate.delivery.apologies import apology
from tests.integration.admin.conftest import Owner, answers, buttons
from tests.integration.deadletter.conftest import ADMIN
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.garden import Garden, queued
from tests.integration.worker.scenes import said
from tests.integration.worker.test_failure import GardenFlooded

if TYPE_CHECKING:
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire


@pytest.fixture
def garden(cloud: Cloud, workers: Workers) -> Garden:
    """A bot that leaves the watering for later."""
    return Garden(cloud, workers)


@pytest.fixture
def gardener(garden: Garden, telegram: TelegramWire, shown: Letters, workers: Workers) -> Owner:
    """Its owner."""
    drain = workers.drain(garden.register, admin_chat_id=ADMIN)
    return Owner(garden.cloud, telegram, shown, workers, garden.register, drain)


def test_a_task_is_retried_where_it_failed(garden: Garden, gardener: Owner, telegram: TelegramWire) -> None:
    """It goes on in the tasks' function, with what it had sent and asked for, and under its own id."""
    is_there = True

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, "first")
        if is_there:
            raise GardenFlooded
        await context.bot.send_message(7001, "second")

    garden.work = work
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle(admin_chat_id=ADMIN)
    gardener.letters.settle()
    [failure] = gardener.letters.kept
    assert (failure["kind"]["S"], failure["queue"]["S"], failure["handler"]["S"]) == ("task", "tasks", "water")
    assert said(telegram, 7001) == ["first", apology(failure["sk"]["S"], "pt-br")]
    [notice] = [call for call in telegram.calls if call.fields["chat_id"] == ADMIN]
    assert notice.fields["text"].startswith("⚠️ GardenFlooded in water\nbug: ")
    is_there = False
    assert answers(gardener.press("raw", buttons(notice)[0])) == ["1 sent again."]
    garden.settle(admin_chat_id=ADMIN)
    assert said(telegram, 7001)[2:] == ["second"]
    assert {task.id for task in garden.tasks} == {garden.tasks[0].id}
    assert (len(garden.tasks), len(queued(garden.cloud))) == (4, 1)
    assert gardener.state(failure["sk"]["S"]) == ("retried", 1)


def test_a_retry_of_a_copy_is_refused(garden: Garden, gardener: Owner, telegram: TelegramWire) -> None:
    """One press after another sends it once; and once it is done, nobody does it again."""

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        if len(garden.tasks) < 4:
            raise GardenFlooded
        await context.bot.send_message(7001, "done")

    garden.work = work
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle(admin_chat_id=ADMIN)
    gardener.letters.settle()
    [notice] = [call for call in telegram.calls if call.fields["chat_id"] == ADMIN]
    for said_then in ("1 sent again.", "None of this is open any more."):
        assert answers(gardener.press("raw", buttons(notice)[0])) == [said_then]
    garden.settle(admin_chat_id=ADMIN)
    assert said(telegram, 7001)[1:] == ["done"]
