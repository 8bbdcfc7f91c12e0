"""Reminders when the scheduler, the store or the person fails them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from local.telegram import people
from tests.integration.bot.reading import DAY, MINUTE, SNOOZES, names

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chat, Chats


def test_a_delivery_that_comes_twice_is_one_message(chats: Chats, ann: Chat) -> None:
    """The scheduler delivers at least once."""
    ann.say("/remind every day 9:00 pills")
    [name] = names(chats)
    moment = datetime(2026, 6, 11, 7, tzinfo=UTC)
    chats.cloud.clock.now = moment.timestamp() + 400
    chats.due.send(name, moment)
    chats.run()
    chats.cloud.clock.advance(400)  # SQS would swallow it sooner
    chats.due.send(name, moment)
    chats.run()
    assert ann.read().count("⏰ pills") == 1


def test_what_is_unknown_says_nothing_and_recurs_no_more(chats: Chats, ann: Chat) -> None:
    """A schedule whose reminder was never saved, or was forgotten, removes itself."""
    ann.say("/remind every day 9:00 pills")
    ann.say("/remind 10m tea")
    for item in chats.cloud.items("state"):
        if item["pk"]["S"] == f"chat#{ann.id}":
            chats.cloud.dynamodb.delete_item(TableName="state", Key={"pk": item["pk"], "sk": item["sk"]})
    chats.pass_time(3 * DAY)
    assert ann.read() == []
    assert names(chats) == []


@pytest.mark.parametrize("operation", ["CreateSchedule", "DeleteSchedule"])
@pytest.mark.parametrize("fault", ["ThrottlingException", ConnectTimeoutError(endpoint_url="https://aws.example")])
def test_a_scheduler_that_is_busy_is_asked_again(chats: Chats, ann: Chat, operation: str, fault: Any) -> None:
    """The update is tried again: there is one schedule, one confirmation, and one answer to a button."""
    chats.cloud.wire.faults[operation] = [fault, fault]
    assert len(ann.say("/remind 10m tea")) == 1
    assert len(names(chats)) == 1
    ann.press("Cancel")
    assert ann.shown[-1] == "Cancelled: tea"
    assert names(chats) == []
    assert chats.cloud.wire.faults[operation] == []


def test_an_answer_of_the_scheduler_that_is_lost_makes_no_second_one(chats: Chats, ann: Chat) -> None:
    """The retry finds what it has made."""
    chats.cloud.wire.lost.add("CreateSchedule")
    assert len(ann.say("/remind 10m tea")) == 1
    assert len(names(chats)) == 1
    chats.pass_time(DAY)
    assert ann.read() == ["⏰ tea"]


def test_a_scheduler_that_refuses_is_told_of(chats: Chats, ann: Chat) -> None:
    """Nothing is confirmed that is not there."""
    chats.cloud.wire.faults["CreateSchedule"] = ["ServiceQuotaExceededException"]
    assert ann.say("/remind 10m tea") == [
        "I cannot take a reminder right now, so there is none. Please try again later."
    ]
    assert ann.say("/reminders")[0].startswith("There are no reminders here.")
    ann.say("/remind 10m tea")
    chats.pass_time(10 * MINUTE)
    ann.read()
    chats.cloud.wire.faults["CreateSchedule"] = ["ServiceQuotaExceededException"]
    ann.press("10 min")
    assert ann.shown[-1] == "⏰ tea\n\nI cannot put this off right now. Please try again later."
    assert ann.buttons == SNOOZES
    ann.press("10 min")
    assert ann.shown[-1].startswith("⏰ tea\n\nAgain on")
    ann.say("/remind every day 9:00 pills")
    chats.cloud.wire.faults["CreateSchedule"] = ["ValidationException"]
    assert ann.say("/timezone Asia/Kolkata") == ["I cannot change the time zone right now. Please try again later."]
    ann.say("/settings")
    ann.press("Time zone")
    chats.cloud.wire.faults["CreateSchedule"] = ["ValidationException"]
    ann.press("Europe/Paris")
    assert ann.alerts[-1] == "I cannot change the time zone right now. Please try again later."
    assert ann.say("/timezone")[0].startswith("The time zone is Europe/Berlin.")


def test_who_blocks_the_bot_is_reminded_no_more(chats: Chats, ann: Chat) -> None:
    """What recurs ends, for nobody reads it."""
    ann.say("/remind every day 9:00 pills")
    people.set_member(chats.emulator, {"chat_id": ann.id, "status": "kicked"})
    chats.pass_time(2 * DAY)
    assert names(chats) == []
