"""One line per update, from which its way can be followed and nobody recognised."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.ingress.dead_letter import reference
from floodgate.monitoring import pseudonyms
from floodgate.monitoring.logger import _TALKATIVE, logger, redact_libraries
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import BOB, BOBS, here, only, queue, settle
from tests.integration.worker.test_failure import GardenFlooded
from tests.unit.ingress.samples import GROUP
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that a worker's function writes, its libraries too, as CloudWatch gets it, from DEBUG on."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level, ours = root.handlers[:], root.level, logger.log_level
    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    root.handlers[:] = [logging.StreamHandler(stream)]
    root.handlers[0].addFilter(lambda record: record.name != logger.name)  # as Powertools does where Lambda has one
    root.setLevel(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    redact_libraries()
    pseudonyms.key_with("one deployment")
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    logger.setLevel(ours)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    monkeypatch.setattr(pseudonyms, "_keys", [b""])


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """Return the lines of updates."""
    read = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in read if line["message"] == "update"]


async def work(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do what is said."""
    if update.effective_message is None:
        return
    match update.effective_message.text:
        case "fail":
            raise GardenFlooded
        case "slow":
            await asyncio.sleep(2)
        case "wait":
            await context.bot.send_message(update.effective_message.chat.id, "hello")


def test_a_line_says_what_there_is_to_say(cloud: Cloud, workers: Workers, log: io.StringIO) -> None:
    """Which update, whose, what it came to and how long that took."""
    [message_id] = queue(cloud, update := text("slow"))
    cloud.clock.advance(3)
    settle(cloud, workers.drain(only(work)))
    [line] = lines(log)
    told = {name: line[name] for name in ("outcome", "update_id", "update_type", "attempts", "receives", "message_id")}
    assert told == {
        "outcome": "done",
        "update_id": update["update_id"],
        "update_type": "message",
        "attempts": 0,
        "receives": 1,
        "message_id": message_id,
    }
    assert (line["level"], line["handler"]) == ("INFO", f"{__name__}.work")
    assert (line["queued_s"], line["took_s"]) == (3.0, 2.0)
    assert not {"reference", "error", "stack", "trace_id"} & set(line)


def test_a_failure_says_where(cloud: Cloud, workers: Workers, log: io.StringIO) -> None:
    """Each attempt has its line, the last one with the reference that its user is told."""
    [message_id] = queue(cloud, text("fail"))
    settle(cloud, workers.drain(only(work)))
    told = lines(log)
    assert [(line["level"], line["outcome"], line["attempts"]) for line in told] == [
        ("WARNING", "bug", 1),
        ("WARNING", "bug", 2),
        ("ERROR", "bug", 3),
    ]
    assert ["wait_s" in line for line in told] == [True, True, False]
    assert {line["error"] for line in told} == {"GardenFlooded"}
    assert len({line["fingerprint"] for line in told}) == 1
    assert all(line["stack"][-1].endswith(" work") for line in told)
    assert [line.get("reference") for line in told] == [None, None, reference(message_id)]


def test_waiting_is_told_to_who_wants_to_know(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, log: io.StringIO
) -> None:
    """At DEBUG, so that a flood's lines are about what happened."""
    queue(cloud, text("wait"))
    telegram.faults["sendMessage"] = [flood(60)]
    settle(cloud, workers.drain(only(work)))
    assert [(line["level"], line["outcome"], line.get("wait_s")) for line in lines(log)] == [
        ("DEBUG", "wait", 60.0),
        ("INFO", "done", None),
    ]


def test_every_update_of_a_batch_has_one_line(cloud: Cloud, workers: Workers, log: io.StringIO) -> None:
    """Whatever became of it: done, a copy, stale, or for nobody."""
    copy = text("hello")
    stale = {"update_id": 9, "callback_query": {"id": "9", "from": BOB, "chat_instance": "-55", "data": "x"}}
    updates = [copy, copy, text("slow", chat=BOBS), here("hello"), {"update_id": 8, "invented": {"chat": GROUP}}]
    queue(cloud, stale)
    cloud.clock.advance(86_400)
    queue(cloud, *updates)
    settle(cloud, workers.drain(only(work)))
    told = [(line["update_id"], line["outcome"], line.get("reason")) for line in lines(log)]
    assert sorted(told, key=str) == [
        (copy["update_id"], "done", None),
        (copy["update_id"], "drop", "duplicate"),
        (updates[2]["update_id"], "done", None),
        (updates[3]["update_id"], "done", None),
        (8, "done", None),
        (9, "drop", "stale"),
    ]


def test_a_chat_has_one_name_and_no_two_have_the_same(cloud: Cloud, workers: Workers, log: io.StringIO) -> None:
    """In every line of one deployment, and another in the next deployment; a person has theirs in every chat."""
    updates = [text("fail"), here("hello"), here("hello", BOB), text("hello", None, BOBS, **{"from": BOB})]
    queue(cloud, *updates)
    settle(cloud, workers.drain(only(work)))
    first = lines(log)
    pseudonyms.key_with("another deployment")
    queue(cloud, text("hello"))
    settle(cloud, workers.drain(only(work)))
    by_update = [
        {(line["chat"], line["user"]) for line in first if line["update_id"] == u["update_id"]} for u in updates
    ]
    [(anns, ann)], [(group, also_ann)], [(same_group, bob)], [(bobs, also_bob)] = by_update
    assert (ann, bob, group) == (also_ann, also_bob, same_group)
    assert (anns, bobs) == (ann, bob)  # a private chat's id is its person's
    assert len({ann, bob, group, lines(log)[-1]["chat"]}) == 4
