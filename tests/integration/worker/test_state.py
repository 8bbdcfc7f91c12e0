"""What handlers remember, across workers: read when touched, saved once, never by an update that failed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from telegram.error import NetworkError
from telegram.ext import CommandHandler, MessageHandler, filters

from floodgate.aws import AwsCalls
from floodgate.telegram.application import StateOutsideUpdate
from floodgate.telegram.interface import describe
from tests.integration.worker.conftest import text
from tests.unit.ingress.samples import ANN, GROUP, PRIVATE
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire

    type Callback = Callable[[Update, ContextTypes.DEFAULT_TYPE], Any]

ANNS = ("user#7001", "data")


def only(callback: Callback) -> Callable[[App], None]:
    """Return a bot of one handler."""
    return lambda app: app.add_handler(MessageHandler(filters.ALL, callback))


async def count(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Count a person's messages."""
    assert context.user_data is not None
    assert update.message is not None
    context.user_data["seen"] = context.user_data.get("seen", 0) + 1
    await update.message.reply_text(f"number {context.user_data['seen']}")


async def ignore(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Remember nothing."""
    assert update.message is not None
    await update.message.reply_text("ok")


def state_requests(cloud: Cloud) -> list[str]:
    """Return what was asked of the state table, but for who the bot is."""
    found = []
    for operation, params in cloud.wire.requests:
        table = params.get("TableName") or next(iter(params.get("RequestItems", {})), None)
        if table == "state" and params.get("Key", {}).get("sk") != {"S": "identity"}:
            found.append(operation)
        if operation == "TransactWriteItems":
            found.append(operation)
    return found


def test_every_message_may_come_to_another_worker(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """And each knows what the others have remembered."""
    for _ in range(3):
        cloud.queue(text("hello"), "chat:7001")
        assert cloud.deliver(workers.drain(only(count))) == []
    assert [words for _, words in telegram.sent] == ["number 1", "number 2", "number 3"]


@pytest.mark.parametrize(("callback", "requests"), [(count, ["GetItem", "UpdateItem"]), (ignore, [])])
def test_data_costs_one_read_and_one_write_if_it_is_touched(
    cloud: Cloud, workers: Workers, telegram: TelegramWire, callback: Callback, requests: list[str]
) -> None:
    """And nothing where it is not; in a worker that is new as in one that knows its handlers."""
    drain = workers.drain(only(callback))
    for _ in range(3):
        cloud.wire.requests.clear()
        cloud.queue(text("hello"), "chat:7001")
        assert cloud.deliver(drain) == []
        assert state_requests(cloud) == requests
    assert len(telegram.sent) == 3


def test_data_that_is_read_only_is_not_written(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Reading costs a read."""

    async def look(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text(str(context.user_data))

    cloud.queue(text("hello"), "chat:7001")
    assert cloud.deliver(workers.drain(only(look))) == []
    assert state_requests(cloud) == ["GetItem"]
    assert [words for _, words in telegram.sent] == ["{}"]


def test_what_a_worker_knows_to_be_touched_is_read_without_holding_up_the_loop(
    cloud: Cloud, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first time is the read made where nothing else can happen meanwhile."""
    held_up: list[Any] = []
    worker = workers.start(only(count), workers.settings())
    wait_for = worker._memory.records._calls.wait_for

    def counted(_calls: AwsCalls, *what: Any) -> Any:
        held_up.append(what)
        return wait_for(*what)

    monkeypatch.setattr(AwsCalls, "wait_for", counted)
    for expected in (1, 1, 1):
        cloud.queue(text("hello"), "chat:7001")
        assert cloud.deliver(lambda event: worker.drain(event, lambda: 1000.0)) == []
        assert len(held_up) == expected


def test_a_failed_update_saves_nothing(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Its data is not half of what it should be, and its retry starts from what was."""
    attempts: list[int] = []

    async def fail_once(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await count(update, context)
        attempts.append(1)
        if len(attempts) == 1:
            raise NetworkError("down")

    cloud.queue(text("hello"), "chat:7001")
    cloud.deliver(workers.drain(only(fail_once)))
    assert cloud.state() == {}
    cloud.clock.advance(10)
    assert cloud.deliver(workers.drain(only(fail_once))) == []
    assert cloud.remembered(*ANNS) == {"seen": 1}
    assert [words for _, words in telegram.sent] == ["number 1"]


def test_an_update_that_waits_saves_nothing(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """A 429 of its own chat ends the attempt as well."""
    telegram.faults["sendMessage"] = [flood(30)]
    cloud.queue(text("hello"), "chat:7001")
    cloud.deliver(workers.drain(only(count)))
    assert cloud.state() == {}
    cloud.clock.advance(31)
    assert cloud.deliver(workers.drain(only(count))) == []
    assert cloud.remembered(*ANNS) == {"seen": 1}


def test_a_save_that_fails_is_a_failure_of_the_update(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """It is tried again, with its journal: what was sent is not sent again."""
    cloud.wire.faults["UpdateItem user"] = [EndpointConnectionError(endpoint_url="x")]
    cloud.queue(text("hello"), "chat:7001")
    cloud.deliver(workers.drain(only(count)))
    cloud.clock.advance(10)
    assert cloud.deliver(workers.drain(only(count))) == []
    assert cloud.remembered(*ANNS) == {"seen": 1}
    assert [words for _, words in telegram.sent] == ["number 1"]


def test_a_lost_answer_is_no_conflict(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """The update finds its own name on what it saved, and is done."""
    done: list[int] = []

    async def lose(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await count(update, context)
        if not done:
            cloud.wire.lost.add("UpdateItem")
        done.append(1)

    cloud.queue(text("hello"), "chat:7001")
    cloud.deliver(workers.drain(only(lose)))
    cloud.clock.advance(10)
    assert cloud.deliver(workers.drain(only(lose))) == []
    assert cloud.remembered(*ANNS) == {"seen": 1}
    assert [words for _, words in telegram.sent] == ["number 1"]


def test_saved_but_not_deleted_is_done(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """A worker that dies after saving: the message comes again, and its handler is not applied to its own result."""
    cloud.queue(text("hello"), "chat:7001")
    workers.drain(only(count))({"Records": cloud.records()})
    cloud.clock.advance(130)
    assert cloud.deliver(workers.drain(only(count))) == []
    assert cloud.left() == 0
    assert cloud.remembered(*ANNS) == {"seen": 1}
    assert [words for _, words in telegram.sent] == ["number 1"]


@pytest.mark.parametrize("conflicts", [1, 2])
def test_a_conflict_runs_the_handlers_again_in_place(
    cloud: Cloud, workers: Workers, telegram: TelegramWire, conflicts: int
) -> None:
    """With what is there now, and without sending again what was sent."""
    left = [conflicts]

    async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        assert update.message is not None
        await update.message.reply_text("counting")
        context.user_data["seen"] = context.user_data.get("seen", 0) + 1
        if left[0]:  # somebody else is faster
            left[0] -= 1
            cloud.remember(*ANNS, {"seen": context.user_data["seen"] + 9}, by=f"other {left[0]}")

    cloud.queue(text("hello"), "chat:7001")
    assert cloud.deliver(workers.drain(only(work))) == []
    assert cloud.left() == 0
    assert cloud.remembered(*ANNS) == {"seen": 10 * conflicts + 1}
    assert [words for _, words in telegram.sent] == ["counting"]


def test_after_three_conflicts_the_update_is_tried_again_later(
    cloud: Cloud, workers: Workers, telegram: TelegramWire
) -> None:
    """Counted as trouble of the network is; by then the others are through."""
    rounds: list[int] = []

    async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        context.user_data["seen"] = len(rounds)
        rounds.append(1)
        if len(rounds) <= 3:
            cloud.remember(*ANNS, {"other": len(rounds)}, by=f"other {len(rounds)}")
        assert update.message is not None
        await update.message.reply_text("done")

    cloud.queue(text("hello"), "chat:7001")
    cloud.deliver(workers.drain(only(work)))
    assert (len(rounds), cloud.left()) == (3, 1)
    cloud.clock.advance(10)
    assert cloud.deliver(workers.drain(only(work))) == []
    assert cloud.remembered(*ANNS) == {"other": 3, "seen": 3}
    assert [words for _, words in telegram.sent] == ["done"]


def test_all_that_one_update_changes_is_saved_together(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Of the person, the chat and the bot; with one request."""

    async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        assert context.chat_data is not None
        context.user_data["a"] = context.chat_data["b"] = context.bot_data["c"] = 1
        assert update.message is not None
        await update.message.reply_text("ok")

    cloud.queue(text("hello", chat=GROUP), f"chat:{GROUP['id']}")
    drain = workers.drain(only(work))
    assert cloud.deliver(drain) == []
    assert [request for request in state_requests(cloud) if request != "GetItem"] == ["TransactWriteItems"]
    kept = [("user#7001", "data"), (f"chat#{GROUP['id']}", "data"), ("bot", "data")]
    assert [cloud.remembered(*key) for key in kept] == [{"a": 1}, {"b": 1}, {"c": 1}]
    cloud.wire.requests.clear()
    cloud.queue(text("hello", chat=GROUP), f"chat:{GROUP['id']}")
    assert cloud.deliver(drain) == []
    assert state_requests(cloud) == ["BatchGetItem"]  # nothing has changed, and what is touched is known by now
    assert len(telegram.sent) == 2


def test_one_person_in_two_chats_loses_nothing(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Two groups are two orders, and the person's data is one."""

    async def note(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        assert update.message is not None
        await update.message.reply_text("noted")
        context.user_data["seen"] = context.user_data.get("seen", 0) + 1
        await asyncio.sleep(0.01)

    drain = workers.drain(only(note))
    for _ in range(5):
        cloud.queue(text("hello"), "chat:7001")
        cloud.queue(text("hello", chat=GROUP), f"chat:{GROUP['id']}")
        cloud.deliver(drain)
    while cloud.left():
        cloud.clock.advance(10)
        cloud.deliver(drain)
    assert cloud.remembered(*ANNS) == {"seen": 10}
    assert len(telegram.sent) == 10


def test_what_json_would_change_survives(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Numbers as keys, tuples, sets, times."""
    value = {1: "one", "pair": (1, 2), "tags": {"a", "b"}, "at": datetime(2026, 6, 11, tzinfo=UTC), "raw": b"\x00"}

    async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        assert update.message is not None
        if not context.user_data:
            context.user_data.update(value)
        await update.message.reply_text(str(context.user_data == value))

    for _ in range(2):
        cloud.queue(text("hello"), "chat:7001")
        assert cloud.deliver(workers.drain(only(work))) == []
    assert [words for _, words in telegram.sent] == ["True", "True"]


@pytest.mark.parametrize(
    ("value", "error"),
    [("x" * 400_000, "StateTooLarge"), (object(), "NotStorable")],
)
def test_what_cannot_be_kept_is_a_clear_error(
    cloud: Cloud, workers: Workers, caplog: pytest.LogCaptureFixture, value: object, error: str
) -> None:
    """The update is given up in the end, as with any bug, and nothing of it is saved."""

    async def work(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        context.user_data.update(small=1, large=value)

    cloud.queue(text("hello"), "chat:7001")
    for _ in range(3):
        cloud.deliver(workers.drain(only(work)))
        cloud.clock.advance(1000)
    [letter] = cloud.letters()
    assert letter["error"].endswith(error)
    assert cloud.state() == {}
    assert "x" * 100 not in caplog.text


def test_an_emptied_record_is_forgotten(cloud: Cloud, workers: Workers) -> None:
    """Its content is gone at once; who emptied it is known for as long as the message may come again."""

    async def work(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        if context.user_data:
            context.application.drop_user_data(ANN["id"])
        else:
            context.user_data["name"] = "Ann"

    for _ in range(2):
        cloud.queue(text("hello"), "chat:7001")
        assert cloud.deliver(workers.drain(only(work))) == []
    [item] = cloud.state().values()
    assert "data" not in item
    assert int(item["expires_at"]["N"]) > cloud.clock() + 14 * 86_400


def test_somebody_elses_data_can_be_touched(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """By id, as python-telegram-bot has it; and nobody can list all."""

    async def give(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        context.application.user_data[42]["seeds"] = 3
        with pytest.raises(TypeError, match="one by one"):
            list(context.application.user_data)
        assert update.message is not None
        await update.message.reply_text("given")

    cloud.queue(text("hello"), "chat:7001")
    assert cloud.deliver(workers.drain(only(give))) == []
    assert cloud.remembered("user#42", "data") == {"seeds": 3}
    assert [words for _, words in telegram.sent] == ["given"]


def test_chats_side_by_side_do_not_see_each_other(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Ten updates share one worker, and even the handler."""

    async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert context.user_data is not None
        context.user_data["mine"] = update.update_id
        await asyncio.sleep(0.1)
        assert context.user_data == {"mine": update.update_id}
        assert update.message is not None
        await update.message.reply_text("ok")

    handler = MessageHandler(filters.ALL, work)
    people = [{**ANN, "id": 8000 + number} for number in range(10)]
    for person in people:
        cloud.queue(text("hello", None, {**PRIVATE, "id": person["id"]}, **{"from": person}), f"chat:{person['id']}")
    assert cloud.deliver(workers.drain(lambda app: app.add_handler(handler))) == []
    assert len({str(cloud.remembered(f"user#{person['id']}", "data")) for person in people}) == 10
    assert len(telegram.sent) == 10


def test_data_outside_of_updates_is_refused() -> None:
    """`register` runs once per update: what it put there would be saved each time, or lost."""

    def register(app: App) -> None:
        app.bot_data["shop"] = 1
        app.add_handler(CommandHandler("start", ignore))

    with pytest.raises(StateOutsideUpdate, match="register"):
        describe(register)


def test_anonymous_admins_of_two_groups_share_nothing(cloud: Cloud, workers: Workers, telegram: TelegramWire) -> None:
    """Telegram names one and the same user for all of them."""
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    other = {**GROUP, "id": GROUP["id"] - 1}
    for chat in (GROUP, other, GROUP):
        cloud.queue(text("hello", None, chat, **{"from": anonymous, "sender_chat": chat}), f"chat:{chat['id']}")
        assert cloud.deliver(workers.drain(only(count))) == []
    assert telegram.sent == [(GROUP["id"], "number 1"), (other["id"], "number 1"), (GROUP["id"], "number 2")]
