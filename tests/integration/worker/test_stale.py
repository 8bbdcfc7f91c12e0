"""What nobody can be answered any more is dropped unread; a message never is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import BOB, awake, counted, echoing, happens, only, press, queue, settle
from tests.unit.ingress.samples import SAMPLES
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

PAYMENT = {"id": "1", "from": BOB, "currency": "EUR", "total_amount": 1, "invoice_payload": "x"}
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


@pytest.mark.parametrize(
    ("update", "attempts"),
    [
        (press(), 3),
        (
            happens(
                "pre_checkout_query",
                {"id": "1", "from": BOB, "currency": "EUR", "total_amount": 1, "invoice_payload": "x"},
            ),
            1,
        ),
    ],
    ids=["press", "payment"],
)
def test_what_has_failed_is_not_dropped_for_its_age(
    cloud: Cloud, workers: Workers, update: dict[str, Any], attempts: int
) -> None:
    """A press has its attempts all the same; what is only to be answered has none left, and is given up."""
    tried: list[int] = []

    async def fail(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        tried.append(update.update_id)
        raise ValueError

    queue(cloud, update)
    drain = workers.drain(only(fail))
    for _ in range(attempts + 1):
        cloud.deliver(drain)
        cloud.clock.now += 151
    assert (len(tried), cloud.left()) == (attempts, 0)
    assert [(letter["reason"], letter["attempts"]) for letter in cloud.letters()] == [("bug", attempts)]


def test_a_press_that_has_done_something_does_the_rest(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """However late: Telegram no longer takes the answer to the query, and what was sent is not sent again."""

    async def act(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, "one")
        assert update.callback_query
        await update.callback_query.answer()
        await context.bot.send_message(7001, "two")

    telegram.faults["answerCallbackQuery"] = [flood(200), refusal(400, "Bad Request: query is too old")]
    queue(cloud, press())
    settle(cloud, workers.drain(only(act)))
    assert [words for _, words in telegram.sent] == ["one", "two"]
    assert (cloud.left(), cloud.letters()) == (0, [])


def test_the_stale_do_not_hold_up_the_fresh(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A hundred buttons pressed during an outage are gone at once, and the message behind them is answered."""
    queue(cloud, *(press(query=str(number)) for number in range(100)), text("still here"))
    cloud.clock.now += 151
    drain = workers.drain(echoing)
    while cloud.left():
        assert cloud.deliver(drain) == []
    assert telegram.sent == [(7001, "still here")]
