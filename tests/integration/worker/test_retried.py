"""`@retried`: a handler with its own number of attempts, and its own patience between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from telegram.ext import CommandHandler, ConversationHandler, TypeHandler

from floodgate.telegram import limited, retried
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import only, settle
from tests.integration.worker.test_failure import GardenFlooded, put_back_for
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from floodgate.telegram.application import Register
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


def breaking(error: Exception) -> Callback:
    """Return a callback that raises."""

    async def break_(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise error

    return break_


def in_a_conversation(callback: Callback) -> Register:
    """Return a bot that has it as an entry point."""
    return lambda app: app.add_handler(
        ConversationHandler([CommandHandler("go", callback)], {}, [], name="go", persistent=True)
    )


NETWORK, BUG = httpx.ConnectError("x"), GardenFlooded()


@pytest.mark.parametrize(
    ("error", "said", "waits"),
    [
        (BUG, {}, [2, 4]),
        (NETWORK, {}, [2, 4, 8, 16, 32, 64, 128, 256, *[300] * 11]),
        (BUG, {"attempts": 5}, [2, 4, 8, 16]),
        (NETWORK, {"attempts": 5}, [2, 4, 8, 16]),
        (BUG, {"attempts": 1}, []),
        (NETWORK, {"attempts": 1}, []),
        (BUG, {"attempts": 4, "first_s": 10, "longest_s": 15}, [10, 15, 15]),
        (BUG, {"longest_s": 3}, [2, 3]),
        (BUG, {"first_s": 0.5}, [1, 1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("register", [only, in_a_conversation])
def test_a_handler_is_tried_as_it_says(
    cloud: Cloud,
    workers: Workers,
    register: Callable[[Callback], Register],
    error: Exception,
    said: dict[str, Any],
    waits: list[int],
) -> None:
    """So often, with waits of at most so long in between, and then it is given up; else as the parameters say."""
    cloud.queue(text("/go"), ANNS_CHAT)
    callback = retried(**said)(breaking(error)) if said else breaking(error)
    settle(cloud, workers.drain(register(callback)), within_s=10_000)
    assert put_back_for(cloud) == [[wait_s] for wait_s in waits]
    [letter] = cloud.letters()
    assert letter["attempts"] == len(waits) + 1


def test_what_waits_for_telegram_is_no_attempt(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """With one attempt only it still outlives every 429."""

    @retried(attempts=1)
    async def greet(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, "hello")

    cloud.queue(text("/go"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [flood(30)] * 3
    settle(cloud, workers.drain(only(greet)))
    assert (len(telegram.sent), cloud.letters()) == (4, [])


@pytest.mark.parametrize("limit_outside", [True, False])
def test_a_handler_may_have_a_limit_as_well(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, *, limit_outside: bool
) -> None:
    """In either order: its attempts are charged as one update, and the next person's update is told."""
    wrap: list[Callable[[Callback], Callback]] = [limited(per_user="1/h"), retried(attempts=5, longest_s=1)]
    tried: list[str] = []

    async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        tried.append(update.effective_message.text or "?")
        if len(tried) < 5:
            raise GardenFlooded
        await context.bot.send_message(7001, "done")

    callback: Callback = work
    for one in wrap if not limit_outside else reversed(wrap):
        callback = one(callback)
    cloud.queue(text("first"), ANNS_CHAT)
    cloud.queue(text("second"), ANNS_CHAT)
    settle(cloud, workers.drain(only(callback)))
    assert tried == ["first"] * 5
    assert [words[:4] for _, words in telegram.sent] == ["done", "You "]
    assert put_back_for(cloud) == [[1, 1]] * 4


@pytest.mark.parametrize(
    "said",
    [
        {"attempts": 0},
        {"attempts": -1},
        {"first_s": 0},
        {"first_s": -1.0},
        {"longest_s": float("inf")},
        {"longest_s": float("nan")},
    ],
    ids=str,
)
def test_numbers_without_sense_are_refused_where_they_are_written(said: dict[str, Any]) -> None:
    """At import, not at the first failure."""
    with pytest.raises(ValueError, match=next(iter(said))):
        retried(**said)


async def test_outside_of_an_update_it_is_the_callback() -> None:
    """So that a test may call it, by its own name."""

    async def answer(_update: Update, _context: Any) -> int:
        return 42

    decorated = retried(attempts=3)(answer)
    assert (await decorated(None, None), decorated.__name__) == (42, "answer")  # type: ignore[arg-type] # not looked at


def test_another_handlers_failure_is_not_a_handlers_own(cloud: Cloud, workers: Workers) -> None:
    """A handler that has done well leaves nothing behind of how often it wants to be tried."""

    @retried(attempts=1)
    async def well(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        pass

    def register(app: App) -> None:
        app.add_handler(TypeHandler(object, well))
        app.add_handler(TypeHandler(object, breaking(BUG)), group=1)

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(register))
    assert [letter["attempts"] for letter in cloud.letters()] == [3]
