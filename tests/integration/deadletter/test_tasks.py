"""Who is told of a task that was given up: whoever it was for, where it was asked for; and nobody of a step in bulk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.delivery.apologies import apology
from floodgate.ingress.dead_letter import reference
from floodgate.ingress.tasks import Place, TaskBody
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from tests.integration.deadletter.conftest import Letters
    from tests.unit.telegram.wire import TelegramWire

AT = "2026-06-11T09:00:00Z"
ANNS = Place(7001, 7001, "de")
TOPIC = Place(GROUP["id"], 7001, None, 5)


def bury(letters: Letters, place: Place, at: str | None = None, **changes: Any) -> None:
    """Have a task be given up, and its letter handled."""
    body = TaskBody("can", "water", place, {}, at).written()
    letters.bury(body, **{"queue": "tasks", "group": place.group or "task:1", **changes})
    assert letters.deliver() == []


@pytest.mark.parametrize("at", [None, AT], ids=["asked for", "scheduled"])
@pytest.mark.parametrize(("place", "language"), [(ANNS, "de"), (TOPIC, None)], ids=["private", "topic"])
def test_whoever_it_was_for_is_told(
    telegram: TelegramWire, letters: Letters, place: Place, language: str | None, at: str | None
) -> None:
    """In the chat, in its topic, in their language."""
    bury(letters, place, at)
    [call] = telegram.calls
    assert call.fields.get("message_thread_id") == place.thread_id
    assert (call.fields["chat_id"], call.fields["text"]) == (place.chat_id, apology(reference("message-1"), language))
    assert "reply_parameters" not in call.fields
    assert [item["kind"]["S"] for item in letters.kept] == ["task"]


@pytest.mark.parametrize(
    ("place", "changes"),
    [(Place(), {}), (ANNS, {"group": "bulk"}), (Place(GROUP["id"]), {}), (ANNS, {"queue": "updates"})],
    ids=["no chat", "bulk", "nobody's", "no task"],
)
def test_nobody_is_told_of_what_nobody_asked_for(
    telegram: TelegramWire, letters: Letters, place: Place, changes: dict[str, Any]
) -> None:
    """It is kept, as everything is."""
    bury(letters, place, **changes)
    assert (len(letters.kept), telegram.calls) == (1, [])


def test_a_task_that_sqs_gave_up_is_a_letter(telegram: TelegramWire, letters: Letters) -> None:
    """It comes as it is, and the queue it is from says what it is."""
    record_of = letters.cloud.records
    letters.cloud.queue(TaskBody("can", "water", ANNS, {}).written(), "chat:7001", letters.cloud.dead_url)
    records = record_of(letters.cloud.dead_url)
    for record in records:
        arn = "arn:aws:sqs:eu-central-1:123456789012:floodgate-TasksQueue-1.fifo"
        record["attributes"]["DeadLetterQueueSourceArn"] = arn
    letters.function.drain({"Records": json.loads(json.dumps(records))}, lambda: 90.0)
    [item] = letters.kept
    assert (item["kind"]["S"], item["queue"]["S"], item["reason"]["S"]) == ("task", "tasks", "redriven")
    assert len(telegram.sent) == 1
