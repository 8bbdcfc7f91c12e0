"""The numbers that a batch leaves behind, on one line, whatever became of its updates; and what that line costs."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from telegram.ext import CommandHandler

from floodgate.ingress.webhook import Webhook
from floodgate.monitoring import metrics
from floodgate.monitoring.light import LightFormatter
from floodgate.monitoring.logger import logger, redact_libraries
from floodgate.settings import WebhookSettings
from floodgate.telegram import limited
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    BOB,
    BOBS,
    awake,
    echoing,
    limits,
    measured,
    only,
    press,
    queue,
    settle,
)
from tests.integration.worker.test_failure import GardenFlooded
from tests.integration.worker.test_store_down import take_down
from tests.unit.ingress.samples import DATE
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.garden import Garden
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

TRACE: Final = "1-6a2a1b80-0123456789abcdef00000000"
#: The budget of docs/metrics.md, in bytes.
LINES_OF_AN_UPDATE: Final = 600
METRICS_OF_A_BATCH: Final = 1200


async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do what is said, or answer a press."""
    if update.effective_chat is None:
        return
    match update.effective_message and update.effective_message.text:
        case "fail":
            raise GardenFlooded
        case "slow":
            await asyncio.sleep(2)
        case "look":
            await context.bot.get_chat_administrators(update.effective_chat.id)
            await context.bot.get_chat_administrators(update.effective_chat.id)
            return
    await context.bot.send_message(update.effective_chat.id, "hello")


def test_a_start_is_counted_once(cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]) -> None:
    """With the first line of an execution environment, also if all that it did was to describe the bot."""
    worker = workers.start(echoing, workers.settings())
    worker.describe()
    worker.describe()
    awake(cloud, lambda event: worker.drain(event, lambda: 1000.0))
    assert measured(capsys) == [{"ColdStarts": [1]}]


def test_a_batch_has_one_line(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each update's times stand in it, and the calls that were made for it."""
    drain = awake(cloud, workers.drain(only(work)))
    telegram.slowness_s["sendMessage"] = 0.25
    sent_at = cloud.clock()
    queue(cloud, text("slow", date=int(sent_at) - 2), text("hello", None, BOBS, date=int(sent_at), **{"from": BOB}))
    cloud.clock.advance(3)
    capsys.readouterr()
    cloud.deliver(drain)
    [line] = measured(capsys)
    assert {name: sorted(values) for name, values in line.items()} == {
        "UpdatesHandled": [2],
        "AttemptsFailed": [0, 0],
        "HandlerTime": [250, 2250],
        "QueueWait": [3000, 3000],
        "AnswerTime": [3250, 6250],  # from the end of the second in which it was written, but not after it came
        "TelegramCalls": [2],
        "TelegramCallsLimited": [0, 0],
        "TelegramTime": [250, 250],
    }


def test_function_and_stack_are_named(cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]) -> None:
    """One namespace a stack, one dimension a function, and nothing else."""
    for of in ("updates", "tasks"):
        awake(cloud, workers.drain(only(work), queue=of))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["function"] for line in lines] == ["worker", "tasks"]
    [told] = lines[0]["_aws"]["CloudWatchMetrics"]
    assert (told["Namespace"], told["Dimensions"]) == ("Floodgate/garden", [["function"]])


def total(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """Return what all lines say: counts added up, values in order; without times and starts."""
    found: dict[str, list[float]] = {}
    for line in measured(capsys):
        for name, values in line.items():
            found.setdefault(name, []).extend(values)
    is_time = [name for name in found if metrics.ALL[name].unit != "Count"]
    for name in (*is_time, "ColdStarts", "TelegramCalls", "TelegramCallsLimited"):
        found.pop(name, None)
    return {name: values if name == "AttemptsFailed" else [sum(values)] for name, values in found.items()}


def test_an_update_that_is_given_up_failed_each_time(
    cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three attempts, two of them tried again, and one letter."""
    queue(cloud, text("fail"))
    settle(cloud, workers.drain(only(work)))
    assert total(capsys) == {"AttemptsFailed": [1, 1, 1], "UpdatesRetried": [2], "UpdatesGivenUp": [1]}


def test_what_is_dropped_is_no_attempt(cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]) -> None:
    """Above the limit, a copy, too late: each has its count, and a person who is told is one notice."""
    copy = text("hello")
    queue(cloud, press())
    cloud.clock.advance(200)
    queue(cloud, copy, copy, text("hello"), text("hello"))
    settle(cloud, workers.drain(only(work), inbound=limits(user="1/min", bot="off")))
    assert total(capsys) == {
        "UpdatesStale": [1],
        "UpdatesHandled": [1],
        "AttemptsFailed": [0],
        "UpdatesDuplicated": [1],
        "UpdatesLimited": [2],
        "NoticesSent": [1],
    }


def test_a_handlers_own_limit_counts_as_one(cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]) -> None:
    """What it refuses is limited, and not handled."""

    def register(app: App) -> None:
        app.add_handler(CommandHandler("draw", limited(per_user="1/min")(work)))

    queue(cloud, text("/draw"), text("/draw"))
    settle(cloud, workers.drain(register))
    assert total(capsys) == {
        "UpdatesHandled": [1],
        "UpdatesLimited": [1],
        "AttemptsFailed": [0, 0],
        "NoticesSent": [1],
    }


def test_a_frozen_chat_is_counted_apart(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its updates wait for Telegram, not for a worker; that is no failure, and no wait in the queue."""
    queue(cloud, text("hello"), text("hello"))
    telegram.faults["sendMessage"] = [flood(60)]
    settle(cloud, workers.drain(only(work)))
    lines = measured(capsys)
    assert [line.get("QueueWait") for line in lines] == [None] * len(lines)
    waits = [value for line in lines for value in line.get("HeldWait", [])]
    assert len(waits) == 2
    assert min(waits) >= 60_000
    rates = [value for line in lines for value in line.get("TelegramCallsLimited", [])]
    assert sorted(rates) == [0, 0, 1]
    assert [sum(line.get(name, [0])[0] for line in lines) for name in ("ChatsFrozen", "UpdatesWaiting")] == [1, 1]


async def pressed(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Acknowledge a press, which is done once however long the answer has to wait, and then answer."""
    if update.callback_query:
        await update.callback_query.answer()
    await work(update, context)


@pytest.mark.parametrize("waiting", [text("hello"), press()])
def test_one_frozen_chat_makes_nobodys_answer_late(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str], waiting: dict[str, Any]
) -> None:
    """What a limit holds back has no answer time, or one chat would ring in a small bot; others are measured."""
    queue(cloud, waiting, text("hello"))
    telegram.faults["sendMessage"] = [flood(60)]
    drain = workers.drain(only(pressed))
    settle(cloud, drain)
    assert [value for line in measured(capsys) for value in line.get("AnswerTime", [])] == []
    queue(cloud, text("hello", date=int(cloud.clock())))
    cloud.deliver(drain)
    assert [len(line["AnswerTime"]) for line in measured(capsys)] == [1]


def test_an_answer_that_a_failure_made_late_is_late(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retry is no limit: the person waits for it."""
    queue(cloud, text("hello", date=int(cloud.clock()) - 1))
    telegram.faults["sendMessage"] = [refusal(500, "Internal Server Error")]
    settle(cloud, workers.drain(only(work)))
    [late] = [value for line in measured(capsys) for value in line.get("AnswerTime", [])]
    assert late > 0


def test_what_waits_for_aws_or_for_a_token_is_a_failed_attempt(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """No update is blamed for it, but nobody is answered: without a number of it no alarm would ring."""
    drain = awake(cloud, workers.drain(only(work)))
    queue(cloud, text("hello"))
    take_down(cloud, times=1)
    settle(cloud, drain)
    assert total(capsys) == {"AttemptsFailed": [1, 1, 0], "UpdatesHandled": [1]}
    telegram.token = "7900:rotated"
    queue(cloud, text("hello"))
    assert cloud.deliver(drain)
    assert total(capsys) == {"AttemptsFailed": [1], "UpdatesWaiting": [1], "TelegramCallsRefused": [1]}


def test_a_worker_that_is_not_ready_fails_all_that_it_has(
    cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each update of its batch, and of the next."""
    cloud.wire.faults["GetSecretValue"] = ["InternalServiceError"] * 10
    queue(cloud, text("hello"), text("hello", None, BOBS, **{"from": BOB}))
    cloud.deliver(workers.drain(only(work)))
    assert total(capsys) == {"AttemptsFailed": [1, 1]}


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (refusal(500, "Internal Server Error"), "TelegramCallsFailed"),
        (httpx.ConnectError("no route"), "TelegramCallsFailed"),
        (httpx.ReadTimeout("slow"), "TelegramCallsFailed"),
        (refusal(400, "Bad Request: message is too long"), "TelegramCallsRefused"),
        (refusal(403, "Forbidden: bot was blocked by the user"), "TelegramCallsRefused"),
        (refusal(413, "Request Entity Too Large"), "TelegramCallsRefused"),
    ],
)
def test_a_call_that_goes_wrong_has_its_class(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    capsys: pytest.CaptureFixture[str],
    fault: Any,
    name: str,
) -> None:
    """Telegram's trouble is told from our own."""
    queue(cloud, text("hello"))
    telegram.faults["sendMessage"] = [fault]
    cloud.deliver(workers.drain(only(work)))
    wrong = {"TelegramCallsFailed", "TelegramCallsRefused"}
    assert [{found: line[found] for found in wrong & set(line)} for line in measured(capsys)] == [{name: [1]}]


def test_reads_are_hits_or_misses(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks the second time asks nobody."""
    telegram.faults["getChatAdministrators"] = [(200, {"ok": True, "result": []})]
    queue(cloud, text("look"))
    settle(cloud, workers.drain(only(work)))
    found = total(capsys)
    assert (found["CacheMisses"], found["CacheHits"]) == ([1], [1])


def test_an_answer_is_the_first_message_after_a_press(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a press Telegram tells no time, so it is counted from its coming; a second message is no answer."""

    async def twice(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await work(update, context)
        await work(update, context)

    drain = awake(cloud, workers.drain(only(twice)))
    telegram.slowness_s["sendMessage"] = 0.5
    queue(cloud, press())
    cloud.clock.advance(1)
    capsys.readouterr()
    cloud.deliver(drain)
    [line] = measured(capsys)
    assert line["AnswerTime"] == [1500]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All lines of the worker, and of the webhook and of handlers below it, as Lambda's own handler writes them."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    root.handlers[:] = [logging.StreamHandler(stream)]
    root.handlers[0].addFilter(lambda record: record.name != logger.name)
    root.setLevel(logging.INFO)
    redact_libraries()
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def post(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, *updates: dict[str, Any]) -> None:
    """Have the real webhook take the updates."""
    root = logging.getLogger()
    monkeypatch.setattr(logging.getLogger("floodgate.ingress.webhook"), "parent", root)  # no Powertools on its way
    theirs = root.handlers[0].formatter
    root.handlers[0].setFormatter(LightFormatter())
    webhook = Webhook(
        WebhookSettings(
            cloud.updates_url,
            cloud.dead_url,
            cloud.webhook_secret_arn,
            early_acknowledgement=False,
            metrics_namespace="Floodgate/garden",
        ),
        sqs=cloud.client("sqs"),
        secrets=cloud.client("secretsmanager"),
        clock=cloud.clock,
    )
    for update in updates:
        headers = {"x-telegram-bot-api-secret-token": "hook-secret"}
        webhook.handle({"headers": headers, "body": json.dumps(update)}, f"Root={TRACE};Sampled=0")
    root.handlers[0].setFormatter(theirs)


@pytest.mark.parametrize("count", [1, 10])
def test_the_log_of_an_update_stays_within_its_budget(
    cloud: Cloud,
    workers: Workers,
    log: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    """A text with one reply, webhook and worker together, in a batch of one and of ten: docs/metrics.md has both."""
    drain = awake(cloud, workers.drain(echoing))
    capsys.readouterr()
    people = [{**BOB, "id": 1_234_567_000 + number} for number in range(count)]
    chats = [{**BOBS, "id": one["id"]} for one in people]
    updates = [
        text("hello", 500_000_000 + one["id"] % 1000, chat, date=DATE, **{"from": one})
        for one, chat in zip(people, chats, strict=True)
    ]
    post(monkeypatch, cloud, *updates)
    capsys.readouterr()  # the webhook's start
    cloud.clock.advance(0.2)
    assert cloud.deliver(drain) == []
    written, numbers = log.getvalue(), capsys.readouterr().out
    lines = written.splitlines()
    assert len(lines) == 2 * count
    assert {json.loads(line)["trace_id"] for line in lines} == {TRACE}
    assert len(written.encode()) <= LINES_OF_AN_UPDATE * count
    assert numbers.count("\n") == 1
    assert len(numbers.encode()) <= METRICS_OF_A_BATCH


def test_every_line_of_an_update_names_its_trace(
    cloud: Cloud,
    telegram: TelegramWire,
    workers: Workers,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ours, handlers' own and libraries', and its letter brings the trace to the next function."""

    async def talkative(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        logging.getLogger("bot.garden").info("watering")
        logging.getLogger("httpx").warning("a pipe is old")
        await work(update, context)

    post(monkeypatch, cloud, text("fail"))
    telegram.faults["sendMessage"] = [flood(1)]
    settle(cloud, workers.drain(only(talkative)))
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {line["message"] for line in lines} == {"update queued", "watering", "a pipe is old", "update"}
    assert {line["trace_id"] for line in lines} == {TRACE}
    [letter] = cloud.records(cloud.dead_url)
    assert letter["attributes"]["AWSTraceHeader"] == f"Root={TRACE}"


def test_what_brings_no_trace_has_the_invocations(cloud: Cloud, workers: Workers, log: io.StringIO) -> None:
    """As a schedule's task does: the scheduler sends no header."""
    worker = workers.start(only(work), workers.settings())
    queue(cloud, text("hello"))
    cloud.deliver(lambda event: worker.drain(event, lambda: 1000.0, TRACE))
    assert [json.loads(line)["trace_id"] for line in log.getvalue().splitlines()] == [TRACE]


def test_each_invocation_has_its_own_trace(cloud: Cloud, workers: Workers, log: io.StringIO) -> None:
    """Also in lines that are about no single update, of every batch that a worker takes."""
    worker = workers.start(only(work), workers.settings())
    cloud.wire.faults["GetSecretValue"] = ["InternalServiceError"] * 100
    traces = [TRACE, TRACE.replace("0123", "4567")]
    for trace in traces:
        worker.drain({"Records": []}, lambda: 1000.0, trace)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["message"], line["trace_id"]) for line in lines] == [("worker not ready", trace) for trace in traces]


def test_a_task_has_the_trace_of_who_asked_for_it(
    cloud: Cloud, garden: Garden, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both functions' lines have it, and so has the task's own letter."""

    async def wither(_task: Task, _context: ContextTypes.DEFAULT_TYPE) -> None:
        raise GardenFlooded

    garden.work = wither
    post(monkeypatch, cloud, text("roses"))
    garden.settle()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {line["trace_id"] for line in lines} == {TRACE}
    assert [line["update_type"] for line in lines if line["message"] == "update"] == ["message", "task", "task", "task"]
    [letter] = cloud.records(cloud.dead_url)
    assert (letter["attributes"]["AWSTraceHeader"], json.loads(letter["body"])["trace_id"]) == (f"Root={TRACE}", TRACE)
