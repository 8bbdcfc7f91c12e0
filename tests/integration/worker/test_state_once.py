"""What a handler remembers is changed once by an update, and nobody's change is lost: what is easily missed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from httpx import ConnectError
from telegram.error import BadRequest
from telegram.ext import CommandHandler, ConversationHandler, MessageHandler, filters

from floodgate.aws import AwsCalls
from floodgate.state.records import Records, data_of_chat, data_of_user
from floodgate.tasks.schedules import schedule
from floodgate.telegram.errors import AlreadySaved
from floodgate.telegram.update_data import Memory
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.due import Due
from tests.integration.worker.garden import Garden, body
from tests.integration.worker.test_conversations import WORDS, Talk, says, with_a_last_word
from tests.integration.worker.test_state import ANNS, count, only
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire


@pytest.fixture
def memory(cloud: Cloud) -> Memory:
    """A worker's."""
    return Memory(Records(cloud.client("dynamodb"), "state", AwsCalls(), cloud.clock))


def test_saved_but_not_deleted_is_done_though_somebody_else_has_saved_since(
    cloud: Cloud, workers: Workers, telegram: TelegramWire
) -> None:
    """A worker dies after saving; in another chat the same person goes on; then the message comes again."""
    cloud.queue(text("hello"), ANNS_CHAT)
    workers.drain(only(count))({"Records": cloud.records()})
    cloud.clock.advance(60)
    cloud.queue(text("hello", chat=GROUP), f"chat:{GROUP['id']}")
    assert cloud.deliver(workers.drain(only(count))) == []
    cloud.clock.advance(70)
    assert cloud.deliver(workers.drain(only(count))) == []
    assert cloud.remembered(*ANNS) == {"seen": 2}
    assert [words for _, words in telegram.sent] == ["number 1", "number 2"]


def test_saved_but_not_deleted_says_nothing_twice(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Not even what its handler says before it touches anything, on a worker that does not know the handler."""

    async def greet(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text("hello")
        await count(update, context)

    cloud.queue(text("hello"), ANNS_CHAT)
    workers.drain(only(greet))({"Records": cloud.records()})
    cloud.clock.advance(130)
    assert cloud.deliver(workers.drain(only(greet))) == []
    assert cloud.left() == 0
    assert [words for _, words in telegram.sent] == ["hello", "number 1"]


def test_a_handler_that_is_done_can_say_nothing_more(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Even if it catches what ends it: it was saved before, and only the answer to that was lost."""
    attempts: list[int] = []

    async def stubborn(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        attempts.append(1)
        try:
            await count(update, context)
        finally:
            await update.message.reply_text(f"attempt {len(attempts)}")
        cloud.wire.lost.add("UpdateItem")

    cloud.queue(text("hello"), ANNS_CHAT)
    cloud.deliver(workers.drain(only(stubborn)))
    cloud.clock.advance(10)
    assert cloud.deliver(workers.drain(only(stubborn))) == []
    assert (len(attempts), cloud.left()) == (2, 0)
    assert [words for _, words in telegram.sent] == ["number 1", "attempt 1"]


def test_a_save_at_the_deadline_counts(
    cloud: Cloud, workers: Workers, telegram: TelegramWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off, and AWS does it all the same; the update's retry finds it done."""
    write = Records.write

    async def written_late(records: Records, *what: Any) -> None:
        await write(records, *what)
        await asyncio.sleep(100)

    cloud.queue(text("hello"), ANNS_CHAT)
    with monkeypatch.context() as patches:
        patches.setattr(Records, "write", written_late)
        cloud.deliver(workers.drain(only(count)))
    assert cloud.left() == 1
    cloud.clock.advance(100)
    assert cloud.deliver(workers.drain(only(count))) == []
    assert (cloud.left(), cloud.letters()) == (0, [])
    assert cloud.remembered(*ANNS) == {"seen": 1}
    assert [words for _, words in telegram.sent] == ["number 1"]


def test_a_table_that_leaves_out_records_is_asked_a_few_times(cloud: Cloud) -> None:
    """And no more: nobody waits for the answer by then, and the thread is one of ten."""
    asked: list[Any] = []

    class Busy:
        def batch_get_item(self, **what: Any) -> dict[str, Any]:
            asked.append(what)
            return {"Responses": {}, "UnprocessedKeys": what["RequestItems"]}

    records = Records(cast("DynamoDBClient", Busy()), "state", AwsCalls(), cloud.clock)
    with pytest.raises(ReadTimeoutError):
        asyncio.run(records.read([data_of_user(1), data_of_user(2)]))
    assert len(asked) == 6


def test_a_throttled_transaction_is_no_bug(memory: Memory, cloud: Cloud) -> None:
    """DynamoDB says so in the reasons of its cancellation; asked again it does it."""
    refusals = [ThrottledOnce()]

    def refuse(**_: Any) -> None:
        if refusals:
            raise refusals.pop()

    client = cloud.client("dynamodb")
    client.meta.events.register("before-call.dynamodb.TransactWriteItems", refuse)

    async def change() -> None:
        data = memory.of_update("m", chat=7001, user=7001)
        data.touch(data_of_user(7001))["a"] = 1
        data.touch(data_of_chat(7001))["a"] = 1
        await data.save()

    asyncio.run(change())
    assert len(cloud.state()) == 2


class ThrottledOnce(ClientError):
    """What DynamoDB raises when one item's partition is too busy."""

    def __init__(self) -> None:
        """Cancelled for the second of two."""
        super().__init__(
            {
                "Error": {"Code": "TransactionCanceledException", "Message": ""},
                "CancellationReasons": [{"Code": "None"}, {"Code": "ThrottlingError"}],
            },
            "TransactWriteItems",
        )


def test_a_long_task_reads_what_it_touches_when_it_touches_it(garden: Garden) -> None:
    """Whatever its worker knows of it: what its chat does meanwhile is no conflict, and it runs once."""
    rounds: list[int] = []

    async def work(_task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        rounds.append(1)
        garden.cloud.remember(*ANNS, {"meanwhile": len(rounds)}, by=f"an update {len(rounds)}")  # it takes minutes
        assert context.user_data is not None
        context.user_data["watered"] = len(rounds)

    garden.work = work
    drain = garden.drain_of("tasks")
    for number in (1, 2):
        garden.cloud.queue(body(task_id=f"can {number}"), ANNS_CHAT, garden.cloud.tasks_url)
        assert garden.cloud.deliver(drain, garden.cloud.tasks_url) == []
        assert len(rounds) == number


def test_what_would_be_cut_off_is_not_begun_again_in_place(
    garden: Garden, telegram: TelegramWire, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that took most of its time: it comes again, for a conflict and no overrun, and says nothing twice."""
    rounds: list[int] = []

    async def work(task: Task, context: ContextTypes.DEFAULT_TYPE) -> None:
        rounds.append(1)
        assert context.user_data is not None
        context.user_data["watered"] = True
        if len(rounds) == 1:
            garden.cloud.remember(*ANNS, {"meanwhile": 1}, by="an update")
        await context.bot.send_message(task.chat_id or 0, "done")
        await asyncio.sleep(25)

    garden.work = work
    garden.cloud.queue(body(), ANNS_CHAT, garden.cloud.tasks_url)
    garden.settle()
    assert len(rounds) == 2
    assert [words for _, words in telegram.sent] == ["done"]
    assert garden.cloud.remembered(*ANNS) == {"meanwhile": 1, "watered": True}
    assert "DeadlineOverrun" not in caplog.text


def test_what_is_touched_while_it_is_being_read_is_kept(memory: Memory) -> None:
    """By work that a handler has started, while the next handler's data is read."""

    async def both() -> dict[Any, Any]:
        data = memory.of_update("m", chat=None, user=7001)
        reading = asyncio.ensure_future(data.load([data_of_user(7001)]))
        await asyncio.sleep(0)
        data.touch(data_of_user(7001))["n"] = 1
        await reading
        return data.touch(data_of_user(7001))

    assert asyncio.run(both()) == {"n": 1}


def test_a_moved_chats_data_is_one_under_both_ids(memory: Memory) -> None:
    """Touched under both in one update, it is changed once, by both."""

    async def change() -> None:
        await memory.records.move(-5, -100)
        data = memory.of_update("m", chat=-5, user=None)
        data.touch(data_of_chat(-5))["a"] = 1
        data.touch(data_of_chat(-100))["b"] = 2
        await data.save()

    asyncio.run(change())
    found = asyncio.run(memory.records.read([data_of_chat(-100)]))[data_of_chat(-100)]
    assert found.text == '{"a":1,"b":2}'


def test_whoever_forgot_everything_knows_that_it_was_them(memory: Memory) -> None:
    """An update that emptied all there was, and comes again."""

    async def forget() -> bool:
        data = memory.of_update("m", chat=7001, user=7001)
        try:
            for content in (await data.everything_of(7001)).values():
                content.clear()
            await data.save()
        except AlreadySaved:
            return True
        return False

    async def remember() -> None:
        data = memory.of_update("before", chat=7001, user=7001)
        data.touch(data_of_user(7001))["a"] = 1
        await data.save()

    asyncio.run(remember())
    assert [asyncio.run(forget()) for _ in range(2)] == [False, True]


def test_one_way_out_may_be_several_conversations(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A handler that is made once and stands in two of them keeps the time of the one that it was called in."""
    begin = CommandHandler("again", says("Again?", "what"))

    def one(name: str, command: str) -> ConversationHandler[Any]:
        return ConversationHandler(
            entry_points=[CommandHandler(command, says(f"{name}?", "what")), *([begin] if name == "second" else [])],
            states={"what": [MessageHandler(WORDS, says(f"{name}!"))]},
            fallbacks=[begin] if name == "first" else [],
            conversation_timeout=60,
            name=name,
            persistent=True,
        )

    def register(app: App) -> None:
        app.add_handler(one("first", "one"))
        app.add_handler(one("second", "two"))
        app.add_handler(MessageHandler(filters.ALL, says("?")))

    ann = Talk(cloud, telegram, workers, register)
    assert ann.say("/again") == ["Again?"]
    cloud.clock.advance(100)
    assert ann.say("seeds") == ["?"]


def test_who_wrote_in_time_is_in_time(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """However long what they wrote stands in the queue."""

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                entry_points=[CommandHandler("order", says("What?", "what"))],
                states={"what": [MessageHandler(WORDS, says("How many?"))]},
                fallbacks=[],
                conversation_timeout=60,
                name="order",
                persistent=True,
            )
        )
        app.add_handler(MessageHandler(filters.ALL, says("?")))

    ann = Talk(cloud, telegram, workers, register)
    ann.say("/order")
    cloud.clock.advance(30)
    cloud.queue(text("seeds"), ANNS_CHAT)
    cloud.clock.advance(90)  # a flood
    assert cloud.deliver(workers.drain(register)) == []
    assert [words for _, words in telegram.sent] == ["What?", "How many?"]


def test_a_last_word_that_fails_is_nobody_elses_failure(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """It would fail each time: whoever writes next is answered, and the conversation is over."""

    async def last_word(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise BadRequest("message to edit not found")

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                entry_points=[CommandHandler("order", says("What?", "what"))],
                states={"what": [], ConversationHandler.TIMEOUT: [MessageHandler(filters.ALL, last_word)]},
                fallbacks=[],
                conversation_timeout=60,
                name="order",
                persistent=True,
            )
        )
        app.add_handler(MessageHandler(filters.ALL, says("?")))

    ann = Talk(cloud, telegram, workers, register)
    ann.say("/order")
    cloud.clock.advance(100)
    assert [ann.say("seeds"), ann.say("/order")] == [["?"], ["What?"]]
    assert cloud.letters() == []
    assert "last word" in caplog.text


def test_a_last_word_is_said_when_the_network_is_back(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Then the update that it stands before is tried again."""
    ann = Talk(cloud, telegram, workers, with_a_last_word)
    ann.say("/order")
    cloud.clock.advance(100)
    telegram.faults["sendMessage"] = [ConnectError("down")]
    cloud.queue(text("seeds"), ANNS_CHAT)
    cloud.deliver(workers.drain(with_a_last_word))
    cloud.clock.advance(30)
    assert cloud.deliver(workers.drain(with_a_last_word)) == []
    assert [words for _, words in telegram.sent] == ["What?", *["Too late for /order."] * 2, "?"]


def test_a_time_without_a_zone_is_refused(garden: Garden) -> None:
    """Where it is written: it would be another time on another machine."""
    raised: list[str] = []

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        with pytest.raises(ValueError, match="in no zone") as caught:
            await schedule("one", "water", datetime(2026, 6, 12, 9))  # noqa: DTZ001 - that is the point
        raised.append(str(caught.value))

    garden.asking = ask
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    assert garden.cloud.deliver(garden.drain_of("updates")) == []
    assert (len(raised), garden.cloud.wire.asked("CreateSchedule")) == (1, [])


def test_a_schedule_that_somebody_else_changes_just_now_is_no_bug(garden: Garden) -> None:
    """A timer that is set anew by its task, say: the scheduler takes one at a time, and the update is tried again."""

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await schedule("one", "water", "cron(0 9 ? * MON *)")

    garden.asking = ask
    garden.cloud.wire.faults |= {name: ["ConflictException"] * 3 for name in ("CreateSchedule", "UpdateSchedule")}
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    garden.settle()
    assert garden.cloud.letters() == []
    assert set(Due(garden.cloud).schedules) == {"one"}


def test_the_scheduler_fills_in_nothing_that_people_wrote(garden: Garden) -> None:
    """It would tell them the account's number."""
    words = "<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time>"

    async def ask(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        await schedule("one", "water", "cron(0 9 ? * MON *)", data={"words": words})

    garden.asking = ask
    garden.cloud.queue(text("hello"), ANNS_CHAT)
    assert garden.cloud.deliver(garden.drain_of("updates")) == []
    [asked] = garden.cloud.wire.asked("CreateSchedule")
    assert asked["Target"]["Input"].count("<aws.") == 1
    due = Due(garden.cloud)
    garden.cloud.clock.advance(8 * 86_400)
    assert due.hand_out() >= 1
    garden.cloud.deliver(garden.drain_of("tasks"), garden.cloud.tasks_url)
    assert garden.tasks[0].data == {"words": words}
