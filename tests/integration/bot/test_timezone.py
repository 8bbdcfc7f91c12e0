"""The chat's time zone, and what moves with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.bot.reading import HOUR, MINUTE

if TYPE_CHECKING:
    from tests.integration.bot.chats import Chat, Chats


def test_the_time_zone_is_shown_and_set(chats: Chats) -> None:
    """By name, by city, by a button; UTC until then, which a confirmation says."""
    ann = chats.private()
    assert ann.say("/remind 10m tea") == [
        "I will remind you: tea\nThu 11 Jun 2026, 00:10 (UTC)\nIs that not your time zone? /timezone changes it."
    ]
    assert ann.say("/timezone") == ["The time zone is UTC. There it is 00:00. To change it: /timezone Europe/Berlin"]
    assert ann.buttons == [["Europe/London"], ["America/New_York"], ["America/Los_Angeles"]]
    ann.press("Europe/London")
    assert ann.shown[-1] == "The time zone is Europe/London now. There it is 01:00."
    assert ann.say("/timezone new york") == ["The time zone is America/New_York now. There it is 20:00."]
    assert ann.say("/timezone Europe/Berlni") == ["I know no time zone of that name. Did you mean one of these?"]
    ann.press("Europe/Berlin")
    assert ann.shown[-1] == "The time zone is Europe/Berlin now. There it is 02:00."
    assert ann.say("/timezone 12345") == [
        "I know no time zone of that name. Write a continent and a city, such as: /timezone Europe/Berlin"
    ]
    shown = ann.shown
    ann.press_data("timezone:Mars/Olympus", ann.replies[-1]["message_id"])
    assert ann.shown == shown


def test_what_recurs_moves_with_the_chat(chats: Chats, ann: Chat) -> None:
    """Nine o'clock is nine o'clock there; what comes once keeps its moment."""
    ann.say("/remind every day 9:00 pills")
    ann.say("/remind 10m tea")
    ann.say("/timezone Asia/Kolkata")
    zones = {one.schedule_expression_timezone for one in chats.due.schedules.values()}
    assert zones == {"Asia/Kolkata", "UTC"}
    chats.pass_time(10 * MINUTE)
    assert ann.read() == ["⏰ tea"]
    chats.pass_time(3.5 * HOUR)  # it was half past five there
    assert ann.read() == ["⏰ pills"]


def test_a_schedule_that_is_in_another_zone_than_its_chat_is_set_right(chats: Chats, ann: Chat) -> None:
    """An update that moved the schedules and was given up before it was saved: the next that comes sees to it."""
    ann.say("/remind every day 9:00 pills")
    kept = chats.cloud.remembered(f"chat#{ann.id}", "data")
    ann.say("/timezone Asia/Kolkata")
    chats.cloud.remember(f"chat#{ann.id}", "data", kept)
    chats.pass_time(9 * HOUR)
    assert ann.read() == ["⏰ pills"]
    assert [one.schedule_expression_timezone for one in chats.due.schedules.values()] == ["Europe/Berlin"]
    chats.pass_time(24 * HOUR)
    assert ann.read() == ["⏰ pills"]


def test_in_a_group_admins_set_the_time_zone(chats: Chats) -> None:
    """Others are told so, and see which it is."""
    owner = chats.group()
    owner.say("/id")
    eve = owner.seen_by(502)
    refused = "Only the admins of this group can change its time zone."
    assert eve.say("/timezone Europe/Berlin") == [refused]
    assert eve.say("/timezone")[0].startswith("The time zone is UTC.")
    eve.press("Europe/London")
    assert eve.alerts[-1] == refused
    owner.press("Europe/London")
    assert eve.shown[-1].startswith("The time zone is Europe/London now.")


def test_a_zone_that_is_refused_changes_nothing(chats: Chats, ann: Chat) -> None:
    """Of several reminders that recur none is left behind in the new one."""
    for hour in (8, 9):
        ann.say(f"/remind every day {hour}:00 pills")
    made = chats.cloud.client("scheduler").meta.events
    asked: list[str] = []

    def refuse(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["ScheduleExpressionTimezone"])
        if len(asked) == 2:
            chats.cloud.wire.faults["UpdateSchedule"] = ["ValidationException"]

    made.register("provide-client-params.scheduler.UpdateSchedule", refuse)
    assert ann.say("/timezone Asia/Kolkata") == ["I cannot change the time zone right now. Please try again later."]
    made.unregister("provide-client-params.scheduler.UpdateSchedule", refuse)
    assert asked == ["Asia/Kolkata", "Asia/Kolkata", "Europe/Berlin"]
    assert {one.schedule_expression_timezone for one in chats.due.schedules.values()} == {"Europe/Berlin"}
