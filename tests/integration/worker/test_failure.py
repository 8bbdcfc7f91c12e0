"""A handler that fails: tried three times by our own count, then given up with everything that is known of it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from telegram.ext import ApplicationHandlerStop, CommandHandler, TypeHandler

from floodgate.delivery.deadletters import read_letter
from floodgate.telegram.replay import Replay
from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.unit.delivery.conftest import message as queued

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire


class GardenFlooded(Exception):
    """What goes wrong in these tests."""


async def fail(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Fail."""
    raise GardenFlooded("what Ann wrote")


async def greet(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say hello."""
    assert update.effective_message
    await update.effective_message.reply_text("hello")


def failing(app: App) -> None:
    """Add /fail, and /greet, which does not."""
    app.add_handler(CommandHandler("fail", fail))
    app.add_handler(CommandHandler("greet", greet))


def put_back_for(cloud: Cloud) -> list[list[int]]:
    """Return the visibility timeouts of each put-back request."""
    return [
        [entry["VisibilityTimeout"] for entry in request["Entries"]]
        for request in cloud.wire.asked("ChangeMessageVisibilityBatch")
    ]


def journal(cloud: Cloud) -> list[dict[str, Any]]:
    """Return what the journal holds of updates that failed or are done: how often, and with what at last."""
    entries = []
    for item in cloud.items("traffic"):
        failures = item.get("failures", {}).get("M", {})
        if item["pk"]["S"].startswith("journal#") and (failures or item.get("done", {}).get("BOOL")):
            attempts = sum(int(count["N"]) for count in failures.values())
            error = {"error": json.loads(item["failure"]["S"])["error"]} if "failure" in item else {}
            entries.append({"attempts": attempts, **error} if attempts else {"done": True})
    return entries


def test_a_failed_update_waits_two_seconds_then_four(cloud: Cloud, workers: Workers) -> None:
    """It comes back when its wait is over and no sooner, counted once per try."""
    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    drain = workers.drain(failing)
    for wait_s in (2, 4):
        assert cloud.deliver(drain) == [message_id]
        cloud.clock.now += wait_s - 0.1
        assert cloud.deliver(drain) is None
        cloud.clock.now += 0.2
    assert put_back_for(cloud) == [[2], [4]]
    assert journal(cloud) == [{"attempts": 2, "error": "GardenFlooded"}]


def test_after_three_failures_it_is_a_dead_letter(cloud: Cloud, workers: Workers) -> None:
    """The letter says what, where, why, how often and since when; the queue is empty."""
    update = text("/fail")
    message_id = cloud.queue(update, ANNS_CHAT)
    drain = workers.drain(failing)
    began_at = cloud.clock.now
    for wait_s in (3, 5, 0):
        cloud.deliver(drain)
        cloud.clock.now += wait_s
    [letter] = cloud.letters()
    assert letter.pop("_group") == ANNS_CHAT
    assert json.loads(letter["update"]) == update
    read = read_letter(queued("letter", body=json.dumps(letter)))
    assert read.model_dump(include={"reason", "detail", "error", "attempts", "first_at", "last_at"}) == {
        "reason": "bug",
        "detail": "its handler failed 3 times",
        "error": "GardenFlooded",
        "attempts": 3,
        "first_at": began_at,
        "last_at": began_at + 8,
    }
    assert (read.message_id, read.group, read.queue) == (message_id, ANNS_CHAT, "updates")
    assert cloud.left() == 0


def test_a_letter_names_its_queue(cloud: Cloud, workers: Workers) -> None:
    """What the worker of tasks.fifo gives up can be told from an update."""
    cloud.queue("beans", ANNS_CHAT, cloud.tasks_url)
    cloud.deliver(workers.drain(failing, queue="tasks"), cloud.tasks_url)
    assert [letter["queue"] for letter in cloud.letters()] == ["tasks"]


def test_receives_are_not_attempts(cloud: Cloud, workers: Workers) -> None:
    """A message that was received eight times and tried once has failed once."""
    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    for _ in range(8):
        cloud.records()
        cloud.clock.now += 121
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == [message_id]
    assert put_back_for(cloud) == [[2]]
    assert journal(cloud) == [{"attempts": 1, "error": "GardenFlooded"}]


def test_the_rest_of_the_chat_waits_behind_a_failure(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Later messages go back untried and uncounted, in one request, and come after the failed one."""
    ids = [cloud.queue(text(words), ANNS_CHAT) for words in ("/greet", "/fail", "/greet", "/greet")]
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == ids[1:]
    assert put_back_for(cloud) == [[2, 2, 2]]
    cloud.clock.now += 2.1
    assert cloud.deliver(drain) == ids[1:]
    cloud.clock.now += 4.1
    assert cloud.deliver(drain) == []
    assert len(telegram.sent) == 3
    assert len(journal(cloud)) == 1
    assert (cloud.left(), len(cloud.letters())) == (0, 1)


def test_another_chat_does_not_wait(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Bob is answered though Ann's update failed in the same batch."""
    failed = cloud.queue(text("/fail"), ANNS_CHAT)
    cloud.queue(text("/greet", chat={"id": 7002, "type": "private"}), "chat:7002")
    assert cloud.deliver(workers.drain(failing)) == [failed]
    assert telegram.sent == [(7002, "hello")]


def test_a_handlers_own_trouble_with_aws_is_counted(cloud: Cloud, workers: Workers) -> None:
    """Only our bookkeeping may wait uncounted: an author's wrong table name would be tried for ever."""

    async def look_up(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        cloud.dynamodb.get_item(TableName="beans", Key={"pk": {"S": "1"}})

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(lambda app: app.add_handler(TypeHandler(object, look_up)))) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "ResourceNotFoundException"}]


def test_poison_is_given_up_at_once(cloud: Cloud, workers: Workers) -> None:
    """What is no update will never be one: no second try, and a letter that says so."""
    message_id = cloud.queue("beans", ANNS_CHAT)
    assert cloud.deliver(workers.drain(failing)) == []
    [letter] = cloud.letters()
    assert (letter["reason"], letter["detail"], letter["attempts"]) == ("poison", "body is not JSON", 0)
    assert (letter["update"], letter["message_id"]) == ("beans", message_id)
    assert (cloud.left(), journal(cloud)) == (0, [])


def test_an_update_that_cannot_be_read_is_counted(cloud: Cloud, workers: Workers) -> None:
    """An update that python-telegram-bot cannot make sense of fails like a handler."""
    message_id = cloud.queue({"update_id": 1, "message": {"text": "no date, no chat, no id"}}, ANNS_CHAT)
    assert cloud.deliver(workers.drain(failing)) == [message_id]
    assert [entry["attempts"] for entry in journal(cloud)] == [1]


async def stop(_update: object, _error: object) -> None:
    """Stop, as an author's error handler may."""
    raise ApplicationHandlerStop


async def fail_too(_update: object, _error: object) -> None:
    """Fail while handling a failure."""
    raise KeyError("another")


@pytest.mark.parametrize("error_handler", [stop, fail_too])
def test_no_error_handler_hides_a_failure(cloud: Cloud, workers: Workers, error_handler: Any) -> None:
    """Whatever the author's own error handler does, the update failed, with its own error."""

    def register(app: App) -> None:
        failing(app)
        app.add_error_handler(error_handler)

    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(register)) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "GardenFlooded"}]


def test_an_error_handler_may_speak(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The author's error handler still runs and may use the bot."""

    async def tell(_update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_message(1, type(context.error).__name__)

    def register(app: App) -> None:
        failing(app)
        app.add_error_handler(tell)

    cloud.queue(text("/fail"), ANNS_CHAT)
    cloud.deliver(workers.drain(register))
    assert telegram.sent == [(1, "GardenFlooded")]


def test_later_groups_do_not_run_after_a_failure(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Handlers of a later group would work on what the failed one left."""

    def register(app: App) -> None:
        app.add_handler(CommandHandler("fail", fail))
        app.add_handler(TypeHandler(object, greet), group=1)

    cloud.queue(text("/fail"), ANNS_CHAT)
    cloud.deliver(workers.drain(register))
    assert telegram.calls == []


def test_a_handler_that_stops_is_no_failure(cloud: Cloud, workers: Workers) -> None:
    """ApplicationHandlerStop in a handler ends the update well."""

    async def stop_here(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise ApplicationHandlerStop

    cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(lambda app: app.add_handler(TypeHandler(object, stop_here)))) == []
    assert (cloud.left(), journal(cloud)) == (0, [])


def test_a_handler_whose_own_wait_was_cancelled_has_failed(cloud: Cloud, workers: Workers) -> None:
    """A CancelledError of the handler's own making neither ends the worker nor passes for success."""

    async def cancelled(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise asyncio.CancelledError

    message_id = cloud.queue(text("hello"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(lambda app: app.add_handler(TypeHandler(object, cancelled)))) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "CancelledError"}]


def test_no_log_holds_what_somebody_wrote(cloud: Cloud, workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the update nor the text of its exception is logged; class and place are."""
    cloud.queue(text("/fail what Ann wrote"), ANNS_CHAT)
    cloud.deliver(workers.drain(failing))
    [record] = [record for record in caplog.records if record.getMessage() == "update"]
    assert "what Ann wrote" not in str(vars(record))
    assert vars(record)["error"] == "GardenFlooded"
    assert vars(record)["stack"][-1].endswith(" fail")


async def leave(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do what no handler should."""
    sys.exit(1)


def test_a_handler_that_exits_fails_like_any_other(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """sys.exit() ends neither the worker nor the chats beside it, and is counted."""
    message_id = cloud.queue(text("/leave"), ANNS_CHAT)
    cloud.queue(text("/greet", 2, {"id": 7002, "type": "private", "first_name": "Ben"}), "chat:7002")

    def register(app: App) -> None:
        failing(app)
        app.add_handler(CommandHandler("leave", leave))

    assert cloud.deliver(workers.drain(register)) == [message_id]
    assert journal(cloud) == [{"attempts": 1, "error": "SystemExit"}]
    assert telegram.sent == [(7002, "hello")]


def test_a_bug_of_ours_is_counted_like_any_other(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent by then is not kept, so it may not go on for ever; and no other chat suffers."""

    def divergences(replay: Replay) -> list[tuple[str, str | None]]:
        if any(call.chat == "7001" for call in replay.calls):
            raise IndexError
        return []

    monkeypatch.setattr(Replay, "divergences", divergences)
    cloud.queue(text("/greet"), ANNS_CHAT)
    cloud.queue(text("/greet", chat={"id": 7002, "type": "private", "first_name": "Ben"}), "chat:7002")
    drain = workers.drain(failing)
    for _ in range(4):
        cloud.deliver(drain)
        cloud.clock.advance(5)
    [letter] = cloud.letters()
    assert (letter["reason"], letter["error"], letter["attempts"]) == ("bug", "IndexError", 3)
    assert sorted(chat for chat, _ in telegram.sent) == [7001, 7001, 7001, 7002]
    assert cloud.left() == 0
