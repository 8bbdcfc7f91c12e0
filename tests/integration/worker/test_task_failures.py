"""A task that fails is tried again as an update is, with its journal, its data and its deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from floodgate.tasks import later
from floodgate.telegram import once, retried
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.garden import Garden, body
from tests.integration.worker.scenes import here, queue
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire


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


def test_a_task_says_itself_how_often_it_is_tried(garden: Garden) -> None:
    """As a handler does; and its letter has all there is to say."""

    @retried(attempts=5)
    async def work(_task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise httpx.ConnectError("x")

    garden.work = work
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    [letter] = garden.cloud.letters()
    assert (letter["reason"], letter["attempts"], letter["handler"]) == ("retry", 5, "water")
    assert (letter["queue"], letter["group"]) == ("tasks", ANNS_CHAT)
    assert len(garden.tasks) == 5


def test_a_task_has_its_deadline(garden: Garden, telegram: TelegramWire) -> None:
    """Then it is cancelled and tried again; what it did once is not done again, and typing ends with it."""
    done: list[str] = []

    async def effect() -> None:
        done.append("charged")

    async def work(_task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await once("charge", effect)
        if len(garden.tasks) == 1:
            await asyncio.sleep(1000)

    garden.work, garden.typing = work, True
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert (len(garden.tasks), done, garden.cloud.letters()) == (2, ["charged"], [])
    assert 8 <= telegram.methods.count("sendChatAction") <= 10


def test_each_attempt_gets_the_data_as_it_was_given(garden: Garden) -> None:
    """Whatever an attempt does with it."""
    seen: list[Any] = []

    async def work(task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        seen.append([*task.data["cans"]])
        task.data["cans"].clear()
        if len(seen) < 2:
            raise GardenFlooded

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await later("water", cans=[1, 2])

    garden.work, garden.asking = work, ask
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert seen == [[1, 2]] * 2


def test_the_bots_error_handlers_hear_of_it(cloud: Cloud, workers: Workers, garden: Garden) -> None:
    """As of a job's failure: without an update, with the task and the data of its chat."""
    heard: list[Any] = []

    async def hear(update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        heard.append((update, type(context.error).__name__, context.job and context.job.name, context.chat_data))

    @retried(attempts=1)
    async def work(_task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise GardenFlooded

    def register(app: App) -> None:
        app.add_task("water", work)
        app.add_error_handler(hear)

    del garden
    cloud.queue(body(), ANNS_CHAT, cloud.tasks_url)
    cloud.deliver(workers.drain(register, queue="tasks"), cloud.tasks_url)
    assert heard == [(None, "GardenFlooded", "water", {})]


def test_a_task_has_the_data_of_its_person_and_its_chat(garden: Garden) -> None:
    """And a failed attempt leaves nothing of it behind."""

    async def work(task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        assert context.chat_data is not None
        context.user_data["watered"] = context.user_data.get("watered", 0) + 1
        context.chat_data["watered"] = context.user_data["watered"]
        if task.data["words"] == "fail" and len(garden.tasks) < 3:
            raise GardenFlooded

    garden.work = work
    queue(garden.cloud, here("fail"), here("work"))
    garden.settle()
    assert len(garden.tasks) == 4
    assert garden.cloud.remembered("user#7001", "data") == {"watered": 2}
    assert garden.cloud.remembered(f"chat#{GROUP['id']}", "data") == {"watered": 2}
