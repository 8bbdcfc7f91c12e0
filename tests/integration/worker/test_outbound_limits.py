"""What goes out keeps to Telegram's limits: paced in each chat, 20 a minute in a group, whichever worker sends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from telegram import InputMediaPhoto

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import BOB, here, limits, only, person, press, queue, said, settle
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import DATE, GROUP, PRIVATE

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import TelegramWire

UNLIMITED = limits(user="off", chat="off", bot="off")


def sending(count: int, chat: int = PRIVATE["id"]) -> Callback:
    """Return a callback that sends so many messages to a chat, one after the other."""

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for number in range(count):
            await context.bot.send_message(chat, f"line {number}")

    return send


def times(telegram: TelegramWire, *methods: str) -> list[float]:
    """Return when these methods were called, in seconds since the first."""
    at = [call.at for call in telegram.calls if call.method in (methods or {"sendMessage"})]
    return [round(one - at[0], 2) for one in at]


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_a_handler_that_sends_much_is_paced(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any]
) -> None:
    """Three at once, then one a second, all within one attempt."""
    queue(cloud, text("hello", chat=chat))
    assert cloud.deliver(workers.drain(only(sending(7, chat["id"])))) == []
    assert times(telegram) == pytest.approx([0, 0, 0, 1, 2, 3, 4], abs=0.05)


def test_sends_side_by_side_are_paced_as_well(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """asyncio.gather is no way around a limit."""

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await asyncio.gather(*(context.bot.send_message(7001, f"line {number}") for number in range(6)))

    queue(cloud, text("hello"))
    assert cloud.deliver(workers.drain(only(send))) == []
    assert times(telegram) == pytest.approx([0, 0, 0, 1, 2, 3], abs=0.05)


def test_the_pace_holds_across_updates_and_workers(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What one update has sent the next one has to wait for, on another worker too; none is counted as failed."""
    drains = [workers.drain(only(sending(2))) for _ in range(2)]
    queue(cloud, *(text("hello") for _ in range(4)))
    ends_at = cloud.clock() + 60
    while cloud.left():
        assert cloud.clock() < ends_at
        for drain in drains:
            cloud.deliver(drain)
        cloud.clock.now += 0.25
    assert said(telegram, 7001) == ["line 0", "line 1"] * 4
    at = times(telegram)
    assert all(at[position + 3] - at[position] > 0.9 for position in range(len(at) - 3))
    assert all(at[position + 5] - at[position] > 2.9 for position in range(len(at) - 5))
    assert (journal(cloud), cloud.letters()) == ([], [])


def test_a_group_hears_twenty_a_minute(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Of 25 updates that are answered, the 21st waits in its queue, uncounted, until the minute is over."""
    queue(cloud, *(here(f"line {number}", person(number)) for number in range(25)))
    settle(cloud, workers.drain(only(sending(1, GROUP["id"])), inbound=UNLIMITED))
    at = times(telegram)
    assert len(at) == 25
    assert at[19] < 30
    assert at[20] > 60
    assert all(at[position + 20] - at[position] > 60 for position in range(5))
    assert (journal(cloud), cloud.letters()) == ([], [])


def test_what_waits_for_the_minute_goes_back_for_as_long(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """It is not tried again and again meanwhile: one trip through the queue, as long as the wait."""
    drain = workers.drain(only(sending(1, GROUP["id"])), inbound=UNLIMITED)
    began_at = cloud.clock()
    queue(cloud, *(here("beans", person(number)) for number in range(20)))
    settle(cloud, drain)
    cloud.wire.requests.clear()
    queue(cloud, here("the 21st"))
    now_s = cloud.clock() - began_at
    assert cloud.deliver(drain) != []
    [[waits_s]] = put_back_for(cloud)
    assert waits_s + now_s == pytest.approx(61, abs=1.5)
    cloud.clock.now += waits_s + 0.1
    assert cloud.deliver(drain) == []
    assert len(telegram.calls) == 21


def test_edits_count_as_messages_do(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A counter that a handler draws by editing keeps to a second a step."""

    async def draw(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query
        for number in range(6):
            await update.callback_query.edit_message_text(str(number))

    queue(cloud, press())
    assert cloud.deliver(workers.drain(only(draw))) == []
    assert times(telegram, "editMessageText") == pytest.approx([0, 0, 0, 1, 2, 3], abs=0.05)


def album(count: int) -> tuple[int, dict[str, Any]]:
    """Return Telegram's answer to an album."""
    one = {"message_id": 1, "date": DATE, "chat": GROUP}
    return 200, {"ok": True, "result": [one] * count}


def test_an_album_counts_its_messages(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Two albums of ten are a group's minute: the next message waits for the next one."""

    async def show(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        if update.effective_message.text == "album":
            await context.bot.send_media_group(GROUP["id"], [InputMediaPhoto(f"file-{n}") for n in range(10)])
        else:
            await context.bot.send_message(GROUP["id"], "done")

    telegram.faults["sendMediaGroup"] = [album(10), album(10)]
    queue(cloud, here("album", person(1)), here("album", person(2)), here("and", person(3)))
    settle(cloud, workers.drain(only(show), inbound=UNLIMITED))
    assert telegram.methods == ["sendMediaGroup", "sendMediaGroup", "sendMessage"]
    at = times(telegram, "sendMediaGroup", "sendMessage")
    assert 7 <= at[1] < 15
    assert at[2] > 60


def test_what_no_limit_counts_is_not_held_up(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Typing, reactions and deletions go out at once, however full the chat's lane is."""

    async def act(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for _ in range(10):
            await context.bot.send_chat_action(GROUP["id"], "typing")
            await context.bot.delete_message(GROUP["id"], 42)
            await context.bot.set_message_reaction(GROUP["id"], 42, "👍")

    queue(cloud, here("hello"))
    before = cloud.clock()
    assert cloud.deliver(workers.drain(only(act))) == []
    assert (len(telegram.calls), cloud.clock()) == (30, before)


def test_another_chat_is_paced_too(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The limit is the chat's that is written to, whoever caused it."""
    queue(cloud, text("hello"))
    assert cloud.deliver(workers.drain(only(sending(5, BOB["id"])))) == []
    assert times(telegram) == pytest.approx([0, 0, 0, 1, 2], abs=0.05)


def test_two_workers_share_another_chats_lane(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Ten people in ten chats who have the bot write to Bob do not flood him together."""
    for number in range(10):
        chat = {"id": 8000 + number, "type": "private"}
        queue(cloud, here("hello", person(number), chat))
    drains = [workers.drain(only(sending(1, BOB["id"]))) for _ in range(2)]
    records = cloud.records()
    for drain, part in zip(drains, (records[:5], records[5:]), strict=True):
        drain({"Records": part})
    at = times(telegram)
    assert all(at[position + 3] - at[position] > 0.9 for position in range(len(at) - 3))


async def send_side_by_side(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send more at once than the chat takes within the time that is slept for it."""
    await asyncio.gather(*(context.bot.send_message(7001, f"line {number}") for number in range(12)))


async def edit_side_by_side(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Edit more at once than the chat takes within the time that is slept for it."""
    await asyncio.gather(*(context.bot.edit_message_text(str(number), 7001, number) for number in range(12)))


@pytest.mark.parametrize("callback", [sending(20), send_side_by_side, edit_side_by_side])
def test_an_update_that_needs_more_than_its_time_gets_it(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, callback: Callback
) -> None:
    """It goes on in its next attempts, uncounted, with what is left to do; the chat is sent no more than it takes."""
    queue(cloud, text("hello"))
    settle(cloud, workers.drain(only(callback)))
    calls = [str(call.fields) for call in telegram.calls]
    assert (len(calls), len(set(calls))) == (
        (20, 20) if callback not in (send_side_by_side, edit_side_by_side) else (12, 12)
    )
    assert (cloud.letters(), journal(cloud)) == ([], [])
    at = times(telegram, "sendMessage", "editMessageText")
    assert all(at[position + 3] - at[position] > 0.9 for position in range(len(at) - 3))
