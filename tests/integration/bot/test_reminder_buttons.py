"""The buttons below reminders: whose they are, what they do, and what they do not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from local.telegram import control, speaking
from tests.integration.bot.reading import DAY, HOUR, MINUTE, names

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chat, Chats


def test_a_cancelled_reminder_does_not_come(chats: Chats, ann: Chat) -> None:
    """Its schedule is gone at once, and its button with it."""
    ann.say("/remind every day 9:00 pills")
    assert ann.press("Cancel") == []
    assert ann.shown[-1] == "Cancelled: pills"
    assert ann.buttons == []
    assert names(chats) == []
    chats.pass_time(3 * DAY)
    assert ann.read() == []


def test_every_occurrence_has_buttons_of_its_own(chats: Chats, ann: Chat) -> None:
    """What is put off comes besides what recurs."""
    ann.say("/remind every day 9:00 pills")
    chats.pass_time(7 * HOUR)
    chats.pass_time(DAY)
    assert ann.read() == ["⏰ pills", "⏰ pills"]
    first = ann.replies[-2]
    ann.press_data(first["reply_markup"]["inline_keyboard"][0][1]["callback_data"], first["message_id"])
    ann.press("10 min")
    assert [words.partition("\n")[0] for words in ann.shown[-2:]] == ["⏰ pills", "⏰ pills"]
    assert len(names(chats)) == 3
    chats.pass_time(HOUR)
    assert ann.read() == ["⏰ pills", "⏰ pills"]


PUT_OFF = [
    ("10 min", "Thu 11 Jun 2026, 02:20"),
    ("1 hour", "Thu 11 Jun 2026, 03:10"),
    ("Tomorrow", "Fri 12 Jun 2026, 02:10"),
]


@pytest.mark.parametrize(("label", "until"), PUT_OFF)
def test_a_reminder_that_came_can_be_put_off(chats: Chats, ann: Chat, label: str, until: str) -> None:
    """It says until when, comes again then, and can be cancelled until then."""
    ann.say("/remind 10m tea")
    chats.pass_time(10 * MINUTE)
    ann.read()
    assert ann.press(label) == []
    assert ann.shown[-1] == f"⏰ tea\n\nAgain on {until} (Europe/Berlin)."
    assert ann.buttons == [["Cancel"]]
    assert len(names(chats)) == 1
    chats.pass_time(DAY)
    assert ann.read() == ["⏰ tea"]
    ann.press("10 min")
    ann.press("Cancel")
    assert ann.shown[-1] == "Cancelled: tea"
    assert names(chats) == []


def test_tomorrow_is_at_the_time_that_it_was_for(chats: Chats, ann: Chat) -> None:
    """Also if it is put off an hour later, and over a night of changed clocks."""
    ann.say("/remind 24.10.2026 9:00 tea")
    chats.pass_time(datetime(2026, 10, 24, 8, 30, tzinfo=UTC).timestamp() - chats.cloud.clock())
    assert ann.read() == ["⏰ tea"]
    ann.press("Tomorrow")
    assert ann.shown[-1] == "⏰ tea\n\nAgain on Sun 25 Oct 2026, 09:00 (Europe/Berlin)."


def test_what_was_put_off_and_deleted_is_said_to_be_over(chats: Chats, ann: Chat) -> None:
    """Its own message still says when it comes again, until its button is pressed."""
    ann.say("/remind 10m tea")
    chats.pass_time(10 * MINUTE)
    ann.read()
    ann.press("1 hour")
    put_off = ann.replies[-1]
    cancel = put_off["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    ann.say("/reminders")
    ann.press("Delete 1")
    ann.press_data(cancel, put_off["message_id"])
    assert ann.alerts[-1] == "This reminder is over."
    assert "⏰ tea\n\nThis reminder is over." in ann.shown
    assert not any("Again on" in words for words in ann.shown)


def test_a_press_that_comes_twice_is_one(chats: Chats, ann: Chat) -> None:
    """Whoever presses fast finds the second press too late."""
    ann.say("/remind 10m tea")
    chats.pass_time(10 * MINUTE)
    ann.read()
    message = ann.replies[-1]
    data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    ann.press_data(data, message["message_id"])
    ann.press_data(data, message["message_id"])
    assert ann.alerts[-1] == "This reminder is over."
    assert len(names(chats)) == 1
    assert ann.buttons == [["Cancel"]]


@pytest.mark.parametrize("label", ["Cancel", "10 min", "Delete 1", "Europe/Vienna"])
def test_a_button_of_a_message_that_is_gone_does_what_it_says(chats: Chats, ann: Chat, label: str) -> None:
    """Telegram tells only where the message stood, and nobody hears of a failure."""
    ann.say("/remind every day 2:05 tea")
    chats.pass_time(10 * MINUTE)
    ann.say("/reminders")
    ann.say("/timezone Europe/Wien")
    [(data, message_id)] = [
        (button["callback_data"], message["message_id"])
        for message in ann.replies
        for row in message.get("reply_markup", {}).get("inline_keyboard", ())
        for button in row
        if button["text"] == label
    ]
    control.press(chats.emulator, {"chat_id": ann.id, "message_id": message_id, "data": data})
    pressed = chats.emulator.updates.history[-1].update["callback_query"]
    pressed["message"] = {"chat": pressed["message"]["chat"], "message_id": message_id, "date": 0}
    before = len(ann.shown)
    assert ann.read() == []
    assert len(ann.shown) == before
    assert len(names(chats)) == {"Cancel": 0, "10 min": 2, "Delete 1": 0}.get(label, 1)


def test_a_button_of_another_chat_does_nothing_here(chats: Chats, ann: Chat) -> None:
    """A forwarded or made-up press is looked up among this chat's reminders."""
    ann.say("/remind 10m tea")
    data = ann.replies[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    eve = chats.private()
    eve.say("/remind 1h cake")
    for made_up in (data, data.replace("cancel", "delete:0"), data.replace("cancel", "10m")):
        eve.press_data(made_up, eve.replies[-1]["message_id"])
    assert len(names(chats)) == 2
    chats.pass_time(10 * MINUTE)
    assert ann.read() == ["⏰ tea"]


@pytest.mark.parametrize("data", ["remind:", "remind:cancel:", "remind:1y:a", "remind:page:99999", "remind:cancel:A B"])
def test_a_made_up_button_is_nobodys(ann: Chat, data: str) -> None:
    """Nothing is said and nothing fails."""
    ann.say("/remind 10m tea")
    shown = ann.shown
    assert ann.press_data(data, ann.replies[-1]["message_id"]) == []
    assert ann.shown == shown


def test_in_a_group_only_its_maker_and_admins_cancel_a_reminder(chats: Chats) -> None:
    """By the confirmation and by the list; others are told so."""
    owner = chats.group()
    owner.say("/id")  # whoever speaks first is the owner
    bob, eve = owner.seen_by(501), owner.seen_by(502)
    bob.say("/remind every monday 9:00 standup")
    assert eve.press("Cancel") == []
    eve.say("/reminders")
    eve.press("Delete 1")
    refused = "Only who asked for this reminder and the group's admins can change it."
    assert [words for words in eve.alerts if words] == [refused, refused]
    assert len(names(chats)) == 1
    bob.press("Delete 1")
    assert names(chats) == []
    bob.say("/remind every monday 9:00 standup")
    owner.press("Cancel")
    assert owner.shown[-1] == "Cancelled: standup"
    assert names(chats) == []


def test_a_reminder_comes_to_the_group_where_it_was_asked_for(chats: Chats) -> None:
    """And there its maker puts it off, nobody else."""
    owner = chats.group()
    owner.say("/id")  # whoever speaks first is the owner
    bob, eve = owner.seen_by(501), owner.seen_by(502)
    bob.say("/remind 10m water")
    chats.pass_time(10 * MINUTE)
    assert bob.read() == ["⏰ water"]
    eve.press("10 min")
    assert names(chats) == []
    owner.press("1 hour")
    assert len(names(chats)) == 1
    bob.press("Cancel")  # it is still Bob's
    assert names(chats) == []


def test_a_message_that_goes_meanwhile_keeps_nothing_from_being_saved(chats: Chats, ann: Chat) -> None:
    """A schedule that is gone has no reminder in the list."""
    ann.say("/remind every day 9:00 pills")
    gone = "Bad Request: message to edit not found"
    control.add_fault(chats.emulator, {"method": "editMessageText", "error_code": 400, "description": gone, "count": 1})
    assert ann.press("Cancel") == []
    assert names(chats) == []
    assert ann.say("/reminders")[0].startswith("There are no reminders here.")


def test_who_is_anonymous_is_nobody(chats: Chats) -> None:
    """Telegram gives all of them one id, under which nothing is kept; admins can cancel what they asked for."""
    group = chats.group()
    speaking.say(chats.emulator, {"chat_id": group.id, "user_id": group.user, "text": "/remind 1h tea"})
    message = chats.emulator.updates.history[-1].update["message"]
    message["sender_chat"] = message["chat"]
    message["from"] = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    assert group.read()[0].startswith("I will remind you: tea")
    assert {item["pk"]["S"] for item in chats.cloud.items("state") if "data" in item} == {f"chat#{group.id}"}
    group.press("Cancel")
    assert group.shown[-1] == "Cancelled: tea"
