"""What is nobody's fault is not counted: Telegram's 429s and AWS's own trouble put an update off, and lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from telegram.ext import CommandHandler

from tests.integration.worker.conftest import ANNS_CHAT, Workers, text
from tests.integration.worker.scenes import settle
from tests.integration.worker.test_failure import failing, journal, put_back_for
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

BOB = {"id": 7002, "type": "private"}
SENT = {"message_id": 1, "date": 0, "chat": BOB, "text": "one"}


@pytest.mark.parametrize("asked_s", [4, 10_072, 43_000])
def test_a_429_is_waited_for_and_not_counted(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, asked_s: int
) -> None:
    """The update is hidden for the time that Telegram named, and then answered."""
    message_id = cloud.queue(text("/greet"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [flood(asked_s)]
    drain = workers.drain(failing)
    assert (cloud.deliver(drain), put_back_for(cloud)) == ([message_id], [[asked_s]])
    cloud.clock.now += asked_s - 0.5
    assert cloud.deliver(drain) is None
    cloud.clock.now += 0.6
    assert len(telegram.sent) == 1
    assert cloud.deliver(drain) == []
    assert (cloud.left(), len(telegram.sent), journal(cloud)) == (0, 2, [])


def test_a_429_of_a_day_is_waited_for_in_slices(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """SQS hides nothing for longer than 12 hours; in between nobody calls Telegram."""
    message_id = cloud.queue(text("/greet"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [flood(90_000)]
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == [message_id]
    cloud.clock.now += 43_001
    assert cloud.deliver(drain) == [message_id]
    assert (put_back_for(cloud), len(telegram.sent)) == ([[43_000], [43_000]], 1)


def test_a_short_429_is_slept(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Up to three seconds cost no trip through the queue."""
    cloud.queue(text("/greet"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [flood(3)]
    before = cloud.clock()
    assert cloud.deliver(workers.drain(failing)) == []
    assert (cloud.clock() - before, len(telegram.sent), put_back_for(cloud)) == (3, 2, [])


def test_any_number_of_429s_gives_nothing_up(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A long freeze is told again and again; the update outlives it all."""
    cloud.queue(text("/greet"), ANNS_CHAT)
    telegram.faults["sendMessage"] = [flood(30)] * 10
    drain = workers.drain(failing)
    for _ in range(10):
        cloud.deliver(drain)
        cloud.clock.now += 31
    assert cloud.deliver(drain) == []
    assert (cloud.letters(), journal(cloud), cloud.left()) == ([], [], 0)


def test_a_frozen_chat_keeps_its_order(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What comes behind the frozen update waits as long as it does, untried; the other chat does not."""
    ids = [cloud.queue(text("/greet", number), ANNS_CHAT) for number in (1, 2)]
    telegram.faults["sendMessage"] = [flood(60)]
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == ids
    cloud.queue(text("/greet", chat=BOB), "chat:7002")
    assert cloud.deliver(drain) == []
    assert put_back_for(cloud) == [[60, 60]]
    assert [chat for chat, _ in telegram.sent] == [7001, 7002]


@pytest.mark.parametrize(
    "fault", [refusal(403, "Forbidden: not enough rights"), refusal(400, "Bad Request: chat not found")]
)
def test_any_other_refusal_is_given_up_at_once(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, fault: tuple[int, dict[str, object]]
) -> None:
    """What a handler lets pass of Telegram's refusals is its failure, and would be again."""
    telegram.faults["sendMessage"] = [fault]
    cloud.queue(text("/greet"), ANNS_CHAT)
    assert cloud.deliver(workers.drain(failing)) == []
    [letter] = cloud.letters()
    assert (letter["reason"], letter["attempts"], cloud.left()) == ("rejected", 1, 0)


@pytest.mark.parametrize(
    "fault",
    ["ProvisionedThroughputExceededException", ReadTimeoutError(endpoint_url="https://aws.example"), "AccessDenied"],
    ids=str,
)
def test_a_failure_that_cannot_be_counted_waits(cloud: Cloud, workers: Workers, fault: Exception | str) -> None:
    """Without the journal nobody can say how often it failed: it comes again, uncounted, until the journal is there."""
    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    cloud.wire.faults["PutItem journal"] = [fault] * 4
    drain = workers.drain(failing)
    for _ in range(4):
        assert cloud.deliver(drain) == [message_id]
        cloud.clock.now += 61
    assert (cloud.letters(), journal(cloud)) == ([], [])
    assert put_back_for(cloud) == [[5], [10], [15], [20]]
    cloud.deliver(drain)
    assert [entry["attempts"] for entry in journal(cloud)] == [1]


def test_a_redelivery_without_the_journal_is_not_tried(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """It may be done already, and only the journal knows; so it waits."""
    drain = workers.drain(failing)
    drain({"Records": []})  # reads the identity
    message_id = cloud.queue(text("/greet"), ANNS_CHAT)
    cloud.records()
    cloud.clock.now += 121
    cloud.wire.faults["GetItem journal"] = ["ThrottlingException"] * 2
    assert cloud.deliver(drain) == [message_id]
    assert (telegram.calls, put_back_for(cloud)) == ([], [[10]])
    cloud.clock.now += 10.1
    assert cloud.deliver(drain) == []
    assert len(telegram.sent) == 1


def test_a_letter_that_cannot_be_sent_waits(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """While `dead.fifo` cannot be reached the update stays where it is; its handler does not run a fourth time."""
    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    drain = workers.drain(failing)
    cloud.wire.faults["SendMessage"] = ["InternalError", ConnectTimeoutError(endpoint_url="https://aws.example")]
    for _ in range(4):
        assert cloud.deliver(drain) == [message_id]
        cloud.clock.now += 61
    assert cloud.deliver(drain) == []
    [letter] = cloud.letters()
    assert (letter["attempts"], letter["error"], cloud.left()) == (3, "GardenFlooded", 0)
    assert telegram.calls == []


def test_a_letter_whose_receipt_was_lost_is_one_letter(cloud: Cloud, workers: Workers) -> None:
    """The letter is sent again under the message's id, and the queue keeps one."""
    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    drain = workers.drain(failing)
    cloud.wire.lost = {"SendMessage"}
    for _ in range(3):
        assert cloud.deliver(drain) == [message_id]
        cloud.clock.now += 20
    assert cloud.deliver(drain) == []
    assert (len(cloud.letters()), len(cloud.wire.asked("SendMessage")), cloud.left()) == (1, 2, 0)


def test_what_could_not_be_deleted_does_not_run_again(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A failed delete is noted as done, so the redelivery ends at once and answers nobody twice."""

    async def slow(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await context.bot.send_chat_action(7002, "typing")

    def register(app: App) -> None:
        failing(app)
        app.add_handler(CommandHandler("slow", slow))

    telegram.slowness_s["sendChatAction"] = 5.0
    cloud.queue(text("/greet"), ANNS_CHAT)
    cloud.queue(text("/slow", chat=BOB), "chat:7002")
    cloud.wire.faults["DeleteMessageBatch"] = ["RequestThrottled"]
    drain = workers.drain(register)
    assert drain({"Records": cloud.records()}) == {"batchItemFailures": []}  # but Lambda, cut off, deletes nothing
    assert journal(cloud) == [{"done": True}]
    cloud.clock.now += 121
    assert cloud.deliver(drain) == []
    assert sorted(telegram.methods) == ["sendChatAction", "sendChatAction", "sendMessage"]
    assert cloud.left() == 0


def test_a_done_message_that_cannot_be_noted_is_no_failure(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """With delete and journal both failing the batch still ends well, and the log says what may follow."""
    telegram.slowness_s["sendMessage"] = 1.0
    cloud.queue(text("hello"), ANNS_CHAT)
    cloud.queue(text("/greet", chat=BOB), "chat:7002")
    cloud.wire.faults["DeleteMessageBatch"] = ["RequestThrottled"]
    cloud.wire.faults["UpdateItem journal"] = ["ThrottlingException"]
    assert cloud.deliver(workers.drain(failing)) == []
    assert "a done message may run again" in caplog.messages


def test_a_put_back_that_fails_is_reported_all_the_same(cloud: Cloud, workers: Workers) -> None:
    """Lambda leaves the message alone, and it returns when its visibility timeout is over."""
    message_id = cloud.queue(text("/fail"), ANNS_CHAT)
    cloud.wire.faults["ChangeMessageVisibilityBatch"] = ["RequestThrottled"]
    drain = workers.drain(failing)
    assert cloud.deliver(drain) == [message_id]
    cloud.clock.now += 119
    assert cloud.deliver(drain) is None
    cloud.clock.now += 2
    assert cloud.deliver(drain) == [message_id]
    assert [entry["attempts"] for entry in journal(cloud)] == [2]


async def greet_twice(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send two messages."""
    assert update.effective_message
    await update.effective_message.reply_text("one")
    await update.effective_message.reply_text("two")


def test_a_429_after_something_was_sent_is_waited_for_as_well(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """However often Telegram says so, nothing is counted, and what was sent is not sent again."""

    def register(app: App) -> None:
        app.add_handler(CommandHandler("twice", greet_twice))

    cloud.queue(text("/twice"), ANNS_CHAT)
    drain = workers.drain(register)
    telegram.faults["sendMessage"] = [(200, {"ok": True, "result": SENT}), *[flood(40)] * 10]
    for _ in range(10):
        cloud.deliver(drain)
        cloud.clock.now += 41
    assert cloud.deliver(drain) == []
    assert put_back_for(cloud) == [[40]] * 10
    assert [words for _, words in telegram.sent] == ["one", *["two"] * 11]
    assert (cloud.letters(), journal(cloud), cloud.left()) == ([], [], 0)


def test_waiting_with_other_messages_each_time_is_counted(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """With the time in its texts an update sends anew whenever it has waited: three times, and no more."""

    async def tick(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        for number in range(20):
            await context.bot.send_message(7001, f"{number} at {cloud.clock()}")

    def register(app: App) -> None:
        app.add_handler(CommandHandler("tick", tick))

    cloud.queue(text("/tick"), ANNS_CHAT)
    settle(cloud, workers.drain(register))
    [letter] = cloud.letters()
    assert (letter["reason"], letter["error"]) == ("bug", "CallsDiverged")
    assert len(telegram.sent) < 60
