"""What is sent in bulk goes out at Telegram's pace for that, and replies do not."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import only

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

MESSAGES = 60


async def announce(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Write to many people."""
    for number in range(MESSAGES):
        await context.bot.send_message(9000 + number, "hear, hear")


@pytest.mark.parametrize(
    ("group", "paid", "interval_s"),
    [("bulk", False, 1 / 28.5), ("bulk:7", True, 25 / 950), ("chat:7001", False, 0)],
    ids=["bulk", "paid", "reply"],
)
def test_bulk_sends_are_paced(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, group: str, interval_s: float, *, paid: bool
) -> None:
    """A message of the bulk group sends one after the other at the rate; only a paid one says that it pays."""
    cloud.queue(text("announce"), group, cloud.tasks_url)
    drain = workers.drain(only(announce), queue="tasks", deadline_s=20, paid_broadcasts=paid)
    assert cloud.deliver(drain, cloud.tasks_url) == []
    times = [call.at for call in telegram.calls]
    gaps = {round(after - before, 3) for before, after in pairwise(times)}
    assert len(times) == MESSAGES
    assert gaps == {round(interval_s, 3)}
    assert {call.fields.get("allow_paid_broadcast") for call in telegram.calls} == {True if paid else None}
