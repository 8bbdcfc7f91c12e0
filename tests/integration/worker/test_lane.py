"""A chat whose lane is full: who surely gets an answer waits before its handler starts, everybody else is handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import awake, here, limits, only, person, press, queue, said, settle
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import GROUP, PRIVATE

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback, Drain
    from tests.unit.telegram.wire import TelegramWire

UNLIMITED = limits(user="off", chat="off", bot="off")
COMMAND = here("/water")
LINE = here("water", person(1))
NEXT = text("water")
FILL = "fill it"


def noting(begun: list[int], chat: int) -> Callback:
    """Return a callback that fills the chat when told so; notes anything else, and answers but for plain lines."""

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        is_told = update.message is not None and update.message.text == FILL
        for number in range(5 if is_told else 0):
            await context.bot.send_message(chat, f"line {number}")
        if not is_told:
            begun.append(update.update_id)
            if update.update_id != LINE["update_id"]:
                await context.bot.send_message(chat, "watered")

    return act


def filled(cloud: Cloud, workers: Workers, begun: list[int], chat: dict[str, Any]) -> Drain:
    """Return the drain of a worker that has just sent a chat five messages."""
    drain = awake(cloud, workers.drain(only(noting(begun, chat["id"])), inbound=UNLIMITED))
    queue(cloud, text(FILL, chat=chat))
    assert cloud.deliver(drain) == []
    cloud.wire.requests.clear()
    return drain


@pytest.mark.parametrize(("update", "chat"), [(COMMAND, GROUP), (NEXT, PRIVATE)], ids=["command", "private"])
def test_who_surely_is_answered_waits_first(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, update: dict[str, Any], chat: dict[str, Any]
) -> None:
    """Its handler would get as far as its first answer and start again: it starts once, when there is room."""
    begun: list[int] = []
    drain = filled(cloud, workers, begun, chat)
    queue(cloud, update)
    assert cloud.deliver(drain) != []
    assert (begun, put_back_for(cloud)) == ([], [[1]])
    settle(cloud, drain)
    assert (begun, said(telegram, chat["id"])[5:]) == ([update["update_id"]], ["watered"])
    assert journal(cloud) == []


@pytest.mark.parametrize(
    ("update", "chat"), [(LINE, GROUP), (press(GROUP), GROUP), (press(), PRIVATE)], ids=["line", "button", "private"]
)
def test_who_may_need_no_answer_is_handled_at_once(
    cloud: Cloud, workers: Workers, update: dict[str, Any], chat: dict[str, Any]
) -> None:
    """What people say to each other in a group, and buttons, whose answer is no message."""
    begun: list[int] = []
    drain = filled(cloud, workers, begun, chat)
    queue(cloud, update)
    before = cloud.clock()
    cloud.deliver(drain)
    assert (begun, cloud.clock() - before) == ([update["update_id"]], 0)


def test_a_full_minute_of_a_group_holds_up_its_commands(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Telegram's twenty a minute are the lane's as well: one trip through the queue, as long as the minute needs."""
    begun: list[int] = []
    drain = awake(cloud, workers.drain(only(noting(begun, GROUP["id"])), inbound=UNLIMITED))
    queue(cloud, *(here("/water", person(number)) for number in range(20)))
    settle(cloud, drain)
    assert len(telegram.calls) == 20
    begun.clear()
    cloud.wire.requests.clear()
    queue(cloud, COMMAND)
    cloud.deliver(drain)
    [[wait_s]] = put_back_for(cloud)
    assert begun == []
    assert wait_s == pytest.approx(61 - (cloud.clock() - telegram.calls[0].at), abs=2)
    settle(cloud, drain)
    assert (len(begun), len(telegram.calls)) == (1, 21)
