"""What nobody can be answered any more is dropped unread; a message never is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import awake, counted, echoing, happens, only, press, queue, settle
from tests.unit.ingress.samples import SAMPLES

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

AGES_S = {
    "callback_query": 150,
    "shipping_query": 150,
    "pre_checkout_query": 10,
    "inline_query": 30,
    "chosen_inline_result": 600,
}
EACH = [happens(kind, next(one.value for one in SAMPLES if one.type == kind)) for kind in AGES_S]


@pytest.mark.parametrize("update", EACH, ids=lambda update: list(update)[1])
@pytest.mark.parametrize("younger_s", [0.1, -0.1], ids=["younger", "older"])
def test_what_expires_at_telegram_is_dropped_with_it(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    capsys: pytest.CaptureFixture[str],
    update: dict[str, dict[str, object]],
    younger_s: float,
) -> None:
    """Just older than Telegram takes an answer it costs no request and no handler; just younger it is handled."""
    handled: list[int] = []

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    drain = awake(cloud, workers.drain(only(note)))
    queue(cloud, update)
    cloud.clock.now += AGES_S[list(update)[1]] - younger_s
    assert cloud.deliver(drain) == []
    is_fresh = younger_s > 0
    assert (len(handled), len(cloud.wire.requests) > 0) == (is_fresh, is_fresh)
    assert (counted(capsys), telegram.calls, cloud.left()) == ([] if is_fresh else [{"UpdatesStale": 1}], [], 0)


def test_anything_else_is_handled_however_old(cloud: Cloud, workers: Workers) -> None:
    """No other update is lost to an outage, messages least of all."""
    handled: list[int] = []

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    others = [happens(one.type, one.value) for one in SAMPLES if one.type not in AGES_S]
    queue(cloud, *others)
    cloud.clock.now += 3 * 86_400
    settle(cloud, workers.drain(only(note)))
    assert sorted(handled) == [one["update_id"] for one in others]


def test_the_age_counts_from_the_queue_also_after_a_failure(cloud: Cloud, workers: Workers) -> None:
    """A button whose handler failed is tried again only as long as somebody can be answered."""
    tried: list[int] = []

    async def fail(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        tried.append(update.update_id)
        raise ValueError

    drain = workers.drain(only(fail))
    queue(cloud, press())
    assert cloud.deliver(drain) != []
    cloud.clock.now += 151
    assert cloud.deliver(drain) == []
    assert (len(tried), cloud.left(), cloud.letters()) == (1, 0, [])


def test_the_stale_do_not_hold_up_the_fresh(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A hundred buttons pressed during an outage are gone at once, and the message behind them is answered."""
    queue(cloud, *(press(query=str(number)) for number in range(100)), text("still here"))
    cloud.clock.now += 151
    drain = workers.drain(echoing)
    while cloud.left():
        assert cloud.deliver(drain) == []
    assert telegram.sent == [(7001, "still here")]
