"""What the chat of a task sees that says so: "typing…", beside the task and never in its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.garden import Garden, body
from tests.integration.worker.scenes import here, queue
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.ingress.samples import GROUP
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


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


def test_typing_that_is_too_much_for_telegram_freezes_nothing(garden: Garden, telegram: TelegramWire) -> None:
    """It pauses for as long as Telegram says, and the task's own messages go out meanwhile."""
    telegram.faults["sendChatAction"] = [flood(12)]

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.sleep(1)
        await context.bot.send_message(7001, "one")
        await asyncio.sleep(19)

    garden.work, garden.typing = work, True
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    begins = garden.cloud.clock()
    garden.settle()
    times = [(call.method, round(call.at - begins, 1)) for call in telegram.calls]
    assert times == [("sendChatAction", 0.0), ("sendMessage", 1.0), ("sendChatAction", 12.0), ("sendChatAction", 16.5)]
    [gate] = [item for item in garden.cloud.items("traffic") if item["pk"]["S"] == "gate#7001"]
    assert "frozen_until" not in gate


def test_typing_that_is_refused_is_not_said_again(garden: Garden, telegram: TelegramWire) -> None:
    """The bot may have no right to write; that is the task's to find out."""
    telegram.faults["sendChatAction"] = [refusal(403, "Forbidden: bot was kicked from the supergroup chat")] * 9

    async def work(_task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.sleep(20)

    garden.work, garden.typing = work, True
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert telegram.methods == ["sendChatAction"]
    assert garden.cloud.letters() == []


def test_a_task_shows_typing_unless_told_otherwise(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Whoever asked for something slow sees that it is under way."""

    async def work(_task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.sleep(1)

    cloud.queue(body(), ANNS_CHAT, cloud.tasks_url)
    cloud.deliver(workers.drain(lambda app: app.add_task("water", work), queue="tasks"), cloud.tasks_url)
    assert telegram.methods == ["sendChatAction"]
