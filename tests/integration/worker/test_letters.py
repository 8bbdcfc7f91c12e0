"""What is given up goes to `dead.fifo` once, with all that is known of it; its handler does not run again for that."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from telegram.error import Conflict

from floodgate.telegram import retried
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.dying import deliver_to_its_death, die
from tests.integration.worker.scenes import only, settle
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Callback
    from tests.unit.telegram.wire import Fault, TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
BLOCKED: Fault = refusal(403, "Forbidden: bot was blocked by the user")
MOVED: Fault = refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1009)


@dataclass(frozen=True)
class End:
    """How an update comes to be given up, and what its letter says."""

    name: str
    work: Callable[[Update, ContextTypes.DEFAULT_TYPE], Awaitable[Any]]
    reason: str
    detail: str
    error: str | None
    attempts: int
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    deaths: int = 0
    body: str | None = None


async def fail(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Fail."""
    raise GardenFlooded


async def perish(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Take the worker along."""
    await die()


async def conflict(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Meet another who polls."""
    raise Conflict("terminated by other getUpdates request")


@retried(attempts=4)
async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send into the own chat."""
    sent = await context.bot.send_message(7001, "hello")
    await sent.edit_text("bye")


async def send_elsewhere(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send into another chat."""
    await context.bot.send_message(7002, "hello")


@retried(attempts=2)
async def look(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Ask about a group."""
    await context.bot.get_chat_menu_button(-1008)


REFUSED = "what its handler asked Telegram for is refused, and would be again"
UNKNOWN = "it goes on with a message of which nobody knows whether it was sent"
ENDS = [
    End("a bug", fail, "bug", "its handler failed 3 times", "GardenFlooded", 3),
    End(
        "the network",
        send,
        "retry",
        "its handler failed 4 times",
        "NetworkError",
        4,
        {"sendMessage": [httpx.ConnectError("x")] * 4},
    ),
    End("a refusal", send, "rejected", REFUSED, "BadRequest", 1, {"sendMessage": [refusal(400, "x")]}),
    End("a conflict", conflict, "rejected", REFUSED, "Conflict", 1),
    End("an unknown send", send, "rejected", UNKNOWN, "OutcomeUnknown", 2, {"sendMessage": [httpx.ReadTimeout("x")]}),
    End(
        "another chat that is gone",
        send_elsewhere,
        "rejected",
        "it writes to a chat that is unreachable",
        "ChatUnreachable",
        1,
        {"sendMessage": [BLOCKED]},
    ),
    End(
        "another chat that is frozen",
        send_elsewhere,
        "frozen",
        "its handler failed 3 times",
        "ChatFrozen",
        3,
        {"sendMessage": [flood(40_000)]},
    ),
    End(
        "a group that moved",
        look,
        "moved",
        "its handler failed 2 times",
        "ChatMigrated",
        2,
        {"getChatMenuButton": [MOVED, MOVED]},
    ),
    End("two dead workers", perish, "killed", "two workers died with it in hand", "WorkerDied", 1, deaths=2),
    End("poison", fail, "poison", "body is not JSON", None, 0, body="beans"),
]


def traced(callback: Callback, workers: Workers) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a drain of new workers that are handed traced messages."""

    def drain(event: dict[str, Any]) -> dict[str, Any]:
        for record in event["Records"]:
            record["attributes"]["AWSTraceHeader"] = f"Root={TRACE};Sampled=0"
        return workers.drain(only(callback))(event)

    return drain


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.name)
@pytest.mark.parametrize("outage", [0, 3])
def test_a_letter_says_all_there_is_to_say(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, end: End, outage: int
) -> None:
    """Why, after how many attempts, since when, and which update it was; also when it could not be sent at first."""
    runs: list[float] = []

    async def count(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        runs.append(cloud.clock())
        await end.work(update, context)

    update = json.dumps(text("hello"))
    message_id = cloud.queue(end.body or update, ANNS_CHAT)
    telegram.faults.update({method: list(faults) for method, faults in end.faults.items()})
    cloud.wire.faults["SendMessage"] = ["InternalError"] * outage
    drain = traced(count, workers)
    for _ in range(end.deaths):
        deliver_to_its_death(cloud, drain)
    settle(cloud, drain, within_s=5000)
    [letter] = cloud.letters()
    assert {name: letter[name] for name in ("reason", "detail", "error", "attempts")} == {
        "reason": end.reason,
        "detail": end.detail,
        "error": end.error,
        "attempts": end.attempts,
    }
    assert (letter["message_id"], letter["trace_id"], letter["update"]) == (message_id, TRACE, end.body or update)
    assert (letter["_group"], letter["group"], letter["queue"]) == (ANNS_CHAT, ANNS_CHAT, "updates")
    assert len(runs) == (end.deaths or end.attempts)
    assert letter["first_at"] <= letter["last_at"] <= cloud.clock()
    if end.error and not end.deaths:
        assert letter["first_at"] == pytest.approx(runs[0], abs=1)
    assert len(cloud.wire.asked("SendMessage")) == outage + 1


def test_a_letter_that_was_sent_is_the_end(cloud: Cloud, workers: Workers) -> None:
    """Though nobody deleted the message: it comes back, and no handler runs and no second letter is kept."""
    runs: list[int] = []

    @retried(attempts=1)
    async def fail_once(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        runs.append(1)
        raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    drain = workers.drain(only(fail_once))
    assert drain({"Records": cloud.records()}) == {"batchItemFailures": []}
    cloud.clock.advance(121)
    assert cloud.deliver(drain) == []
    assert (len(runs), len(cloud.letters()), cloud.left()) == (1, 1, 0)
