"""A handler that fails half-way sends the rest in its next attempt, and nothing a second time."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import httpx
import pytest
from telegram.error import BadRequest

from floodgate.delivery.journal import PART_BYTES
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.dying import fresh
from tests.integration.worker.scenes import awake, counted, only, settle
from tests.integration.worker.test_failure import GardenFlooded, journal, put_back_for
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from telegram import Message, Update
    from telegram.ext import ContextTypes

    from floodgate.telegram.application import Register
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import Fault, TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

SENT = {"message_id": 1, "date": 0, "chat": {"id": 7001, "type": "private"}, "text": "one"}
TAKEN: Fault = (200, {"ok": True, "result": SENT})
UNKNOWN: dict[str, Fault] = {
    "timed out": httpx.ReadTimeout("x"),
    "reset": httpx.ReadError("x"),
    "closed": httpx.RemoteProtocolError("x"),
    "a proxy's 502": (502, b"<html>Bad Gateway</html>"),
}
GARBAGE: Fault = (200, b'{"ok": true, "resu')


def three(*, fails_after: dict[int, int]) -> Register:
    """Return a bot that sends three messages; it fails after so many, as often as that."""

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for number, words in enumerate(("one", "two", "three"), 1):
            await context.bot.send_message(7001, words)
            if fails_after.get(number):
                fails_after[number] -= 1
                raise GardenFlooded

    return only(send)


def words(telegram: TelegramWire) -> list[str]:
    """Return what was asked for, refused or not."""
    return [said for _, said in telegram.sent]


def about_journal(cloud: Cloud) -> list[str]:
    """Return the operations on the journal, in order."""
    return [
        operation
        for operation, params in cloud.wire.requests
        if (params.get("Key") or params.get("Item") or {}).get("pk", {}).get("S", "").startswith("journal#")
    ]


@pytest.mark.parametrize("fails_after", [{1: 1}, {2: 2}, {3: 1}, {1: 1, 3: 1}, {2: 1, 3: 1}])
def test_three_messages_are_three_messages(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    fails_after: dict[int, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wherever it fails, and in whichever worker it goes on; and none of that is a divergence."""
    cloud.queue(text("hello"), ANNS_CHAT)
    register = three(fails_after=fails_after)
    settle(cloud, fresh(workers, register))
    assert words(telegram) == ["one", "two", "three"]
    assert (cloud.letters(), counted(capsys)) == ([], [])


def test_an_update_that_succeeds_costs_the_journal_nothing(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Received for the first time it is not looked up, and what it has done is not written down."""
    drain = awake(cloud, workers.drain(three(fails_after={})))
    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(drain) == []
    assert (words(telegram), about_journal(cloud)) == (["one", "two", "three"], [])


def test_a_retry_reads_once_and_a_failure_writes_once(cloud: Cloud, workers: Workers) -> None:
    """One request each, so that a failing bot costs little more than a working one."""
    drain = awake(cloud, workers.drain(three(fails_after={2: 2})))
    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, drain)
    assert about_journal(cloud) == ["PutItem", "GetItem", "PutItem", "GetItem"]


def test_a_429_midway_costs_no_attempt_and_no_message(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The first message is not repeated, the second is when Telegram takes it, and nothing is counted."""
    cloud.queue(text("hello"), ANNS_CHAT)
    drain = workers.drain(three(fails_after={}))
    telegram.faults["sendMessage"] = [TAKEN, flood(60), flood(30)]
    settle(cloud, drain)
    assert words(telegram) == ["one", "two", "two", "two", "three"]
    assert (put_back_for(cloud), journal(cloud), cloud.letters()) == ([[60], [30]], [], [])


@pytest.mark.parametrize("fault", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_message_is_not_sent_again(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, fault: Fault
) -> None:
    """It may be there; so the retry goes on behind it, with a message that has no id."""
    given: list[Message] = []

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        given.append(await context.bot.send_message(7001, "one"))
        await context.bot.send_message(7001, "two")

    cloud.queue(text("hello"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [fault]
    settle(cloud, workers.drain(only(send)))
    assert words(telegram) == ["one", "two"]
    assert [(one.message_id, one.chat_id) for one in given] == [(0, 7001)]
    assert cloud.letters() == []


@pytest.mark.parametrize("fault", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_message_is_sent_again_if_the_owner_wants(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, fault: Fault
) -> None:
    """There it may be twice, and the handler has a real message."""
    cloud.queue(text("hello"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [fault, fault]
    settle(cloud, workers.drain(three(fails_after={}), repeat_unknown=True))
    assert (words(telegram), cloud.letters()) == (["one", "one", "one", "two", "three"], [])


@pytest.mark.parametrize("repeat_unknown", [True, False])
def test_what_was_surely_sent_is_never_sent_again(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, *, repeat_unknown: bool
) -> None:
    """Telegram has said yes, and only how is lost."""
    cloud.queue(text("hello"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [GARBAGE]
    settle(cloud, workers.drain(three(fails_after={}), repeat_unknown=repeat_unknown))
    assert (words(telegram), cloud.letters()) == (["one", "two", "three"], [])


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("x"), httpx.PoolTimeout("x"), refusal(500, "Internal Server Error")], ids=str
)
def test_what_surely_did_not_arrive_is_sent_again(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, fault: Fault
) -> None:
    """Whatever the owner wants of the unknown."""
    cloud.queue(text("hello"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [fault]
    settle(cloud, workers.drain(three(fails_after={})))
    assert (words(telegram), cloud.letters()) == (["one", "one", "two", "three"], [])


@pytest.mark.parametrize("use", ["edit_text", "reply_text", "pin", "delete"])
def test_what_would_need_the_unknown_id_is_given_up(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, use: str
) -> None:
    """At once, and Telegram is not asked to do something to message 0."""

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        sent = await context.bot.send_message(7001, "one")
        if use == "reply_text":
            await sent.reply_text("two", do_quote=True)
        else:
            await getattr(sent, use)(*["two"] * (use == "edit_text"))

    cloud.queue(text("hello"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [UNKNOWN["timed out"]]
    settle(cloud, workers.drain(only(send)))
    [letter] = cloud.letters()
    assert (letter["reason"], letter["error"], letter["attempts"]) == ("rejected", "OutcomeUnknown", 2)
    assert telegram.methods == ["sendMessage"]


def test_a_handler_that_changes_its_words_is_noticed(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both go out; it is counted, and the log says which method in which chat, hashed."""
    texts = iter(["it is 12:00", "it is 12:01"])

    async def tell_time(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(7001, said := next(texts))
        if said == "it is 12:00":
            raise GardenFlooded

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(tell_time)))
    assert words(telegram) == ["it is 12:00", "it is 12:01"]
    assert counted(capsys) == [{"CallsDiverged": 1}]
    [record] = [vars(record) for record in caplog.records if record.getMessage() == "call diverged"]
    assert (record["method"], record["message_id"], record["levelname"]) == ("sendMessage", message_id, "WARNING")
    assert len(record["chat"]) == 12
    assert "7001" not in record["chat"]


def test_a_journal_larger_than_an_item_is_not_lost(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What cannot be compressed below 400 KB is kept in parts, and nothing of it is sent again."""
    noise = random.Random(4)  # noqa: S311 - no secret
    long = [{**SENT, "message_id": number, "text": noise.randbytes(30_000).hex()} for number in range(1, 31)]
    telegram.faults["sendMessage"] = [(200, {"ok": True, "result": one}) for one in long]
    given: list[list[tuple[int, str | None]]] = []

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        sent = [await context.bot.send_message(7001, f"number {number}") for number in range(1, 31)]
        given.append([(one.message_id, one.text) for one in sent])
        if len(given) == 1:
            raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(only(send)))
    assert given[0] == given[1] == [(one["message_id"], one["text"]) for one in long]
    assert len(words(telegram)) == 30
    written = [item for item in cloud.items("traffic") if item["pk"]["S"].startswith("journal#")]
    assert sum(len(item["calls"]["B"]) for item in written) > 2 * PART_BYTES
    assert cloud.letters() == []


def test_what_an_attempt_did_survives_a_journal_that_hesitates(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """A throttled write is tried again at once, for without it the next attempt would repeat what was sent."""
    cloud.queue(text("hello"), ANNS_CHAT)
    cloud.wire.faults["PutItem journal"] = ["ThrottlingException"] * 3
    settle(cloud, workers.drain(three(fails_after={2: 1})))
    assert (words(telegram), cloud.letters()) == (["one", "two", "three"], [])


def test_a_refusal_that_a_handler_takes_is_no_failure(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What Telegram refuses and the handler catches is asked again in the next attempt, for it was not done."""
    fails = [True]

    async def send(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        try:
            await context.bot.send_message(7001, "one")
        except BadRequest:
            await context.bot.send_message(7001, "two")
        if fails:
            fails.pop()
            raise GardenFlooded

    cloud.queue(text("hello"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [refusal(400, "Bad Request: x"), TAKEN, refusal(400, "Bad Request: x")]
    settle(cloud, workers.drain(only(send)))
    assert (words(telegram), cloud.letters()) == (["one", "two", "one"], [])


def test_a_letter_says_nothing_of_what_was_written(cloud: Cloud, workers: Workers) -> None:
    """The calls stay in the journal, under the update's name, until an admin sends it again."""
    cloud.queue(text("hello"), ANNS_CHAT)
    settle(cloud, workers.drain(three(fails_after={2: 3})))
    [letter] = cloud.letters()
    assert "one" not in [value for name, value in letter.items() if name != "update"]
    [item] = [item for item in cloud.items("traffic") if item["pk"]["S"] == f"journal#{letter['message_id']}"]
    assert json.loads(item["verdict"]["S"])[0] == letter["reason"] == "bug"
