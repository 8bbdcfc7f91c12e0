"""Reminders as people see them: every command, what is wrong with bad ones, every button, and the time that passes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bot.reminders.book import LONGEST_TEXT, MOST
from tests.integration.bot.reading import DAY, HOUR, MINUTE, SNOOZES, names

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chat, Chats


def test_a_reminder_comes_when_it_is_due(chats: Chats, ann: Chat) -> None:
    """Once, not before, and then it is gone from the scheduler and from the list."""
    assert ann.say("/remind 10m tea") == ["I will remind you: tea\nThu 11 Jun 2026, 02:10 (Europe/Berlin)"]
    assert ann.buttons == [["Cancel"]]
    assert len(names(chats)) == 1
    chats.pass_time(9 * MINUTE)
    assert ann.read() == []
    chats.pass_time(MINUTE)
    assert ann.read() == ["⏰ tea"]
    assert ann.buttons == SNOOZES
    assert names(chats) == []
    assert ann.say("/reminders") == ["There are no reminders here. Set one: /remind tomorrow 9:00 call Ann"]
    chats.pass_time(2 * DAY)
    assert ann.read() == []


SAID = [
    ("tomorrow 9:00 call Ann", "I will remind you: call Ann\nFri 12 Jun 2026, 09:00 (Europe/Berlin)"),
    ("24 Dec 9:00 presents", "I will remind you: presents\nThu 24 Dec 2026, 09:00 (Europe/Berlin)"),
    (
        "every monday 9:00 standup",
        "I will remind you: standup\nevery Monday at 09:00, next on Mon 15 Jun 2026, 09:00 (Europe/Berlin)",
    ),
    (
        "every weekday 9:30 standup",
        "I will remind you: standup\nMonday to Friday at 09:30, next on Thu 11 Jun 2026, 09:30 (Europe/Berlin)",
    ),
    (
        "every weekend 10:00 sleep",
        (
            "I will remind you: sleep\n"
            "every Saturday and Sunday at 10:00, next on Sat 13 Jun 2026, 10:00 (Europe/Berlin)"
        ),
    ),
    (
        "every mon, wed and fri 9:00 gym",
        (
            "I will remind you: gym\n"
            "every Monday, Wednesday and Friday at 09:00, next on Fri 12 Jun 2026, 09:00 (Europe/Berlin)"
        ),
    ),
    (
        "every month on the last day rent",
        (
            "I will remind you: rent\n"
            "on the last day of every month at 09:00, next on Tue 30 Jun 2026, 09:00 (Europe/Berlin)"
        ),
    ),
    (
        "every year on 1 Mar bees",
        "I will remind you: bees\nevery year on 1 Mar at 09:00, next on Mon 1 Mar 2027, 09:00 (Europe/Berlin)",
    ),
    (
        "29.3.2027 2:30 change clocks",
        "I will remind you: change clocks\nMon 29 Mar 2027, 02:30 (Europe/Berlin)",
    ),
    (
        "28.3.2027 2:30 sleep",
        (
            "I will remind you: sleep\nSun 28 Mar 2027, 03:30 (Europe/Berlin)\n"
            "The clocks in Europe/Berlin jump over the time that you wrote, so it is that much later."
        ),
    ),
    (
        "25.10.2026 2:30 sleep",
        (
            "I will remind you: sleep\nSun 25 Oct 2026, 02:30 (Europe/Berlin)\n"
            "The clocks in Europe/Berlin show that time twice on that day; it is the first."
        ),
    ),
]


@pytest.mark.parametrize(("words", "answer"), SAID)
def test_what_was_understood_is_said(ann: Chat, words: str, answer: str) -> None:
    """In the chat's time zone, with what the clocks do."""
    assert ann.say(f"/remind {words}") == [answer]
    assert ann.buttons == [["Cancel"]]


BAD = [
    ("", "Tell me when, and then of what:\n/remind 10m tea"),
    ("tea", "I do not understand when that is.\n\nTell me when"),
    ("25:00 tea", "I do not understand when that is."),
    ("a tea", "I do not understand when that is.\n\nTell me when"),
    ("in a moment call", "I do not understand when that is."),
    ("every day at 25:00 tea", "I do not understand when that is."),
    (
        "every 2 hours tea",
        "I cannot do that: once a day is the most, on days of the week, of the month or of the year.",
    ),
    ("every other monday 9:00 tea", "I cannot do that: once a day is the most"),
    ("tomorrow 9 call Ann", "Is the number behind the day a time? Write it in full, such as: /remind tomorrow 9:00"),
    ("10m", "Of what shall I remind you? Write it behind the time: /remind 10m tea"),
    ("every monday", "Of what shall I remind you?"),
    ("yesterday 9:00 tea", "Wed 10 Jun 2026, 09:00 (Europe/Berlin) is over. Name a time to come: /remind tomorrow"),
    ("10s tea", "That is too soon: a minute is the least. Such as: /remind 1m tea"),
    ("6000 days tea", "That is too far away: five years are the most."),
    ("999999 weeks tea", "That is too far away: five years are the most."),
    ("10m " + "t" * (LONGEST_TEXT + 1), "That is too long: 500 characters are the most, and yours are 501."),
]


@pytest.mark.parametrize(("words", "answer"), BAD, ids=[words[:20] for words, _ in BAD])
def test_bad_input_is_answered_with_what_is_good(chats: Chats, ann: Chat, words: str, answer: str) -> None:
    """And nothing is scheduled."""
    [said] = ann.say(f"/remind {words}")
    assert said.startswith(answer)
    assert ann.buttons == []
    assert names(chats) == []


def test_of_today_the_time_is_asked_if_the_morning_is_over(chats: Chats, ann: Chat) -> None:
    """It is noon."""
    chats.pass_time(10 * HOUR)
    assert ann.say("/remind today tea") == ["At what time today? Such as: /remind today 23:30 lights out"]


def test_the_longest_text_comes_whole(chats: Chats, ann: Chat) -> None:
    """In the confirmation, in the list as a glimpse, and when it is due."""
    text = "é" * LONGEST_TEXT
    ann.say(f"/remind 10m {text}")
    [listed] = ann.say("/reminders")
    assert listed.endswith(f"{'é' * 59}…")
    chats.pass_time(10 * MINUTE)
    assert ann.read() == [f"⏰ {text}"]


def test_a_chat_has_twenty(chats: Chats, ann: Chat) -> None:
    """Of them the list shows five at a time; a deleted one makes room."""
    for number in range(MOST):
        ann.say(f"/remind at {number + 3}:00 bed {number + 1}")
        chats.pass_time(2)  # nobody writes faster for long
    full = "There are 20 reminders here, and that is the most. /reminders lets you delete some."
    assert ann.say("/remind 10m tea") == [full]
    assert len(names(chats)) == MOST
    ann.say("/reminders")
    assert ann.buttons == [["Delete 1", "Delete 2", "Delete 3"], ["Delete 4", "Delete 5"], ["Later »"]]
    ann.press("Later »")
    assert ann.buttons == [["Delete 6", "Delete 7", "Delete 8"], ["Delete 9", "Delete 10"], ["« Earlier", "Later »"]]
    assert "\n6. Thu 11 Jun 2026, 08:00: bed 6\n" in ann.shown[-1]
    assert ann.press("Delete 6") == []
    assert "bed 6\n" not in ann.shown[-1]
    assert len(names(chats)) == MOST - 1
    assert ann.say("/remind 10m tea")[0].startswith("I will remind you: tea")


def test_the_list_turns_back_when_its_last_page_is_empty(ann: Chat) -> None:
    """And says so when nothing is left."""
    for number in range(6):
        ann.say(f"/remind {number + 1}h bed {number + 1}")
    ann.say("/reminders")
    ann.press("Later »")
    ann.press("Delete 6")
    assert ann.buttons == [["Delete 1", "Delete 2", "Delete 3"], ["Delete 4", "Delete 5"]]
    for _ in range(5):
        ann.press("Delete 1")
    assert ann.shown[-1].startswith("There are no reminders here.")


def test_what_recurs_comes_again_and_again(chats: Chats, ann: Chat) -> None:
    """At nine on Mondays, in summer and in winter, until it is deleted."""
    ann.say("/remind every monday 9:00 standup")
    for _ in range(30):
        chats.pass_time(7 * DAY)
        assert ann.read() == ["⏰ standup"]
    came = {f"{moment.astimezone(ZoneInfo('Europe/Berlin')):%a %H:%M}" for moment in chats.due.sent}
    assert came == {"Mon 09:00"}
    assert {moment.hour for moment in chats.due.sent} == {7, 8}  # in UTC
    assert ann.say("/reminders")[0].count("standup") == 1
    ann.press("Delete 1")
    assert names(chats) == []
    chats.pass_time(14 * DAY)
    assert ann.read() == []


def test_a_reminder_of_a_message_has_its_text(chats: Chats, ann: Chat) -> None:
    """Who replies to a message with a time is reminded of that message."""
    ann.say("Water the beans!")
    [message] = [one for one in ann.messages if one.get("text") == "Water the beans!"]
    assert message["message_id"]
    # The emulator's people cannot reply; so the update is what Telegram sends.
    pending = _reply(ann, "/remind 10m", message)
    chats.cloud.queue(pending, f"chat:{ann.id}")
    chats.run()
    assert ann.read()[-1].startswith("I will remind you: Water the beans!")


def test_a_german_reads_german(chats: Chats) -> None:
    """And may write dates so."""
    hans = chats.private(language_code="de")
    hans.say("/timezone Europe/Berlin")
    assert hans.say("/remind morgen 9:00 Ann anrufen") == [
        "Ich erinnere dich: Ann anrufen\nFr, 12. Juni 2026, 09:00 Uhr (Europe/Berlin)"
    ]
    assert hans.buttons == [["Absagen"]]
    chats.pass_time(2 * DAY)
    assert hans.read() == ["⏰ Ann anrufen"]
    assert hans.buttons == [["10 Min.", "1 Stunde", "Morgen"]]


def test_no_reminder_is_lost_if_the_bot_is_slow(chats: Chats, ann: Chat) -> None:
    """What was written an hour ago is due an hour ago: it comes as soon as can be."""
    update = _message(ann, "/remind 10m tea", int(chats.cloud.clock()) - HOUR)
    chats.cloud.queue(update, f"chat:{ann.id}")
    chats.run()
    assert ann.read() == ["I will remind you: tea\nThu 11 Jun 2026, 01:10 (Europe/Berlin)"]
    chats.pass_time(MINUTE)
    assert ann.read() == ["⏰ tea"]


def test_the_examples_are_good_ones(ann: Chat) -> None:
    """Each line of what bad input is answered with is understood."""
    [usage] = ann.say("/remind")
    examples = re.findall(r"^/remind .+$", usage, re.MULTILINE)
    assert len(examples) >= 6
    for example in examples:
        assert ann.say(example)[0].startswith("I will remind you: ")


def _message(chat: Chat, words: str, date: int, **more: Any) -> dict[str, Any]:
    command = words.partition(" ")[0]
    return {
        "update_id": 1_000_000_007,
        "message": {
            "message_id": 77,
            "date": date,
            "chat": {"id": chat.id, "type": "private"},
            "from": {"id": chat.user, "is_bot": False, "first_name": "Ann"},
            "text": words,
            "entities": [{"offset": 0, "length": len(command), "type": "bot_command"}],
            **more,
        },
    }


def _reply(chat: Chat, words: str, message: dict[str, Any]) -> dict[str, Any]:
    date = int(chat.chats.cloud.clock())
    replied = _message(chat, message["text"], date)["message"]
    return _message(chat, words, date, reply_to_message=replied)
