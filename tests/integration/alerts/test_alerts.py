"""From SNS to the admin chat: what is sent, what is edited, and what happens when something on the way is away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.alerts.function import AlertsNotTold
from floodgate.alerts.news import title
from tests.integration.alerts.conftest import DASHBOARD, PICTURE, RUNBOOK, function
from tests.unit.alerts.samples import BUDGET, FAILING, STACK, USERS, WAITING, change, described, sns

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Alerts

RINGS, OVER = "🔴 Waiting updates · floodgate", "🟢 Waiting updates: recovered · floodgate"


def test_an_alarm_comes_with_its_graph_and_buttons(alerts: Alerts) -> None:
    """A photo with a caption; links to the dashboard and the runbook's section, and Mute."""
    alerts.tell("ALARM")
    [message] = alerts.chat.replies
    assert message["text"].splitlines() == [
        RINGS,
        "20 000 updates or more wait in updates.fifo: they come in faster than the workers handle them.",
        "Approximate number of messages visible: 25 000, alarm from 20 000",
        "Since 2026-06-11 00:00:00 UTC",
    ]
    assert [file.data for file in alerts.emulator.world.files.values()] == [PICTURE]
    rows = message["reply_markup"]["inline_keyboard"]
    assert [[one.get("url") for one in row] for row in rows] == [
        [DASHBOARD, f"{RUNBOOK}#waitingupdatesalarm"],
        [None],
    ]
    assert alerts.chat.buttons == [["Dashboard", "Runbook"], ["Mute 1 h"]]
    [asked] = alerts.cloudwatch.asked
    widget = json.loads(asked["MetricWidget"])
    queue = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "floodgate-UpdatesQueue-X.fifo"]
    assert widget["metrics"] == [[*queue, {"id": "m1", "visible": True, "stat": "Maximum", "period": 60}]]
    assert widget["annotations"] == {"horizontal": [{"label": "Alarm", "value": 20000.0}]}


def test_the_same_message_says_that_it_is_over(alerts: Alerts) -> None:
    """The photo is replaced by one that shows the end, and no second message comes."""
    alerts.tell("ALARM")
    alerts.cloud.clock.advance(420)
    alerts.tell("OK")
    assert alerts.shown == [("photo", OVER)]
    assert "After 7 min, at 2026-06-11 00:07:00 UTC" in alerts.chat.shown[0]
    assert alerts.calls == ["sendPhoto", "editMessageMedia"]


def test_where_cloudwatch_draws_nothing_the_graph_is_drawn_here(alerts: Alerts) -> None:
    """As in the local AWS: from GetMetricData."""
    alerts.cloudwatch.draws = False
    alerts.cloudwatch.points = [(alerts.cloud.clock() - 60, 3.0), (alerts.cloud.clock(), 25_000.0)]
    alerts.tell("ALARM")
    [file] = alerts.emulator.world.files.values()
    assert (alerts.shown, file.data[:4]) == ([("photo", RINGS)], b"\x89PNG")
    assert [one["Id"] for one in alerts.cloudwatch.asked[-1]["MetricDataQueries"]] == ["m1"]


def test_without_a_graph_it_is_a_text_and_stays_one(alerts: Alerts) -> None:
    """CloudWatch may be what is down."""
    alerts.cloudwatch.draws = False
    alerts.tell("ALARM")
    alerts.cloudwatch.draws = True
    alerts.cloud.clock.advance(60)
    alerts.tell("OK")
    assert alerts.shown == [("text", OVER)]


def test_a_photo_whose_graph_is_missing_later_keeps_the_old_one(alerts: Alerts) -> None:
    """Its caption alone is edited."""
    alerts.tell("ALARM")
    alerts.cloudwatch.draws = False
    alerts.cloud.clock.advance(60)
    alerts.tell("OK")
    assert (alerts.shown, alerts.calls[-1]) == ([("photo", OVER)], "editMessageCaption")


@pytest.mark.parametrize("words", ["Bad Request: PHOTO_INVALID_DIMENSIONS", "Bad Request: BUTTON_URL_INVALID"])
def test_what_telegram_does_not_take_is_left_out(alerts: Alerts, words: str) -> None:
    """The words arrive."""
    alerts.fail("sendPhoto", error_code=400, description=words)
    alerts.tell("ALARM")
    assert (alerts.shown, alerts.chat.buttons) == ([("text", RINGS)], [["Mute 1 h"]])


def test_what_telegram_did_not_take_fails_and_is_told_by_the_sweep(
    alerts: Alerts, capsys: pytest.CaptureFixture[str]
) -> None:
    """The invocation fails and counts it, so that it has an alarm of its own; nothing is lost."""
    alerts.fail("*", count=50, error_code=500)
    with pytest.raises(AlertsNotTold, match=WAITING):
        alerts.tell("ALARM")
    with pytest.raises(AlertsNotTold):
        alerts.sweep()
    assert '"AlertsFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")
    alerts.emulator.faults.clear()
    alerts.cloud.clock.advance(300)
    alerts.sweep()
    alerts.sweep()
    assert alerts.shown == [("photo", RINGS)]


def test_the_sweep_tells_what_sns_never_brought(alerts: Alerts) -> None:
    """Rings and their ends, of metric and composite alarms; other stacks' are none of ours."""
    now = alerts.cloud.clock()
    composite = {"AlarmRule": "ALARM(x)", "StateReason": f"arn:aws:cloudwatch:eu-central-1:1:alarm:{WAITING} is"}
    alerts.cloudwatch.alarms = [
        described("ALARM", now - 60),
        described("OK", now - 60, FAILING),
        described("ALARM", now - 60, USERS, **composite),
        described("ALARM", now - 60, "floodgate-two-WaitingUpdatesAlarm-1A2B"),
    ]
    alerts.sweep()
    assert [line for _, line in alerts.shown] == [RINGS, "🔴 Users affected · floodgate"]
    alerts.cloudwatch.alarms[0] = described("OK", now - 1)
    alerts.sweep()
    assert [line for _, line in alerts.shown] == [OVER, "🔴 Users affected · floodgate"]


def test_an_alarm_that_is_no_longer_there_rings_no_more(alerts: Alerts) -> None:
    """A deployment may have replaced it."""
    alerts.tell("ALARM")
    alerts.cloudwatch.alarms = []
    alerts.cloud.clock.advance(300)
    alerts.sweep()
    alerts.sweep()
    assert [line for _, line in alerts.shown] == [OVER]
    assert alerts.calls.count("editMessageCaption") == 1


def test_a_budgets_message_comes_once(alerts: Alerts) -> None:
    """However often SNS brings it; the next is another."""
    note = sns(BUDGET, "AWS Budgets: floodgate has exceeded your alert threshold")
    alerts.deliver(note, note)
    alerts.sweep()
    assert alerts.shown == [("text", "🟡 AWS Budgets: floodgate has exceeded your alert threshold · floodgate")]
    alerts.deliver({**note, "MessageId": "another"})
    assert len(alerts.shown) == 2


def test_a_budgets_message_that_was_not_taken_comes_with_the_sweep(alerts: Alerts) -> None:
    """As alarms do."""
    alerts.fail("sendMessage", error_code=500)
    with pytest.raises(AlertsNotTold):
        alerts.deliver(sns(BUDGET, "AWS Budgets: floodgate"))
    alerts.sweep()
    assert alerts.shown == [("text", "🟡 AWS Budgets: floodgate · floodgate")]


def test_another_alarm_on_the_topic_is_told_by_its_name(alerts: Alerts) -> None:
    """Somebody may have added one by hand; the sweep leaves it alone."""
    alerts.deliver(sns(change("ALARM", alerts.cloud.clock(), "my own alarm")))
    alerts.sweep()
    assert alerts.shown == [("photo", "🔴 my own alarm · floodgate")]


def test_another_alarm_that_telegram_did_not_take_is_told_by_the_sweep(alerts: Alerts) -> None:
    """No list has it, but it is known."""
    alerts.fail("sendPhoto", error_code=502)
    with pytest.raises(AlertsNotTold):
        alerts.deliver(sns(change("ALARM", alerts.cloud.clock(), "my own alarm")))
    alerts.sweep()
    alerts.sweep()
    assert alerts.shown == [("text", "🔴 my own alarm · floodgate")]


def test_many_alarms_at_once_all_come(alerts: Alerts) -> None:
    """Telegram takes a message a second: they come one after the other."""
    names = [f"floodgate-Number{number}Alarm-AAAA" for number in range(12)]
    alerts.deliver(*(sns(change("ALARM", alerts.cloud.clock(), name)) for name in names))
    assert [line for _, line in alerts.shown] == [f"🔴 {title(name, STACK)} · floodgate" for name in names]


def test_what_there_is_no_time_for_is_left_to_the_next(alerts: Alerts) -> None:
    """Lambda would end the function in the middle of it."""
    alerts.left_s = 5.0
    with pytest.raises(AlertsNotTold):
        alerts.tell("ALARM")
    assert alerts.calls == []


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
def test_without_dynamodb_an_alarm_is_told_all_the_same(alerts: Alerts, operation: str) -> None:
    """In plain words, by nothing but Telegram; its end is left to the sweep."""
    alerts.cloud.wire.faults[operation] = ["InternalServerError"] * 20
    alerts.tell("ALARM")
    assert alerts.shown == [("text", RINGS)]
    with pytest.raises(AlertsNotTold):
        alerts.tell("OK")


def test_without_an_admin_chat_it_is_counted_and_logged(alerts: Alerts, capsys: pytest.CaptureFixture[str]) -> None:
    """E-mail is the other way; nothing fails each five minutes."""
    alerts.function = function(alerts.cloud, alerts.cloudwatch, admin=None)
    alerts.tell("ALARM")
    alerts.sweep()
    assert alerts.calls == []
    assert '"AlertsFailed":[1.0]' in capsys.readouterr().out.replace(" ", "")


# ------------------------------------------------------------------------------------------------------------- Mute --


def test_mute_keeps_it_quiet_for_an_hour_and_no_longer(alerts: Alerts) -> None:
    """The press goes through a real worker; what still rings afterwards is told anew."""
    alerts.tell("ALARM")
    alerts.chat.press("Mute 1 h")
    assert alerts.chat.alerts == ["Muted until 2026-06-11 01:00:00 UTC."]
    assert alerts.chat.buttons == [["Dashboard", "Runbook"], ["Unmute"]]
    alerts.cloud.clock.advance(3500)
    alerts.sweep()
    assert alerts.calls.count("sendPhoto") == 1
    alerts.cloud.clock.advance(200)
    alerts.sweep()
    assert (alerts.calls.count("sendPhoto"), alerts.shown) == (2, [("photo", RINGS)])
    assert alerts.chat.buttons == [["Dashboard", "Runbook"], ["Mute 1 h"]]


def test_unmute_ends_it(alerts: Alerts) -> None:
    """What came meanwhile is told by the next sweep."""
    alerts.tell("ALARM")
    alerts.chat.press("Mute 1 h")
    alerts.chat.press("Unmute")
    assert alerts.chat.alerts[-1] == "No longer muted."
    assert (alerts.chat.buttons[-1], alerts.item["muted_until"]) == (["Mute 1 h"], {"N": "0.000"})


def test_a_press_from_elsewhere_is_refused(alerts: Alerts) -> None:
    """Whoever has the button's data is not the owner for that."""
    alerts.tell("ALARM")
    data = alerts.chat.replies[-1]["reply_markup"]["inline_keyboard"][-1][0]["callback_data"]
    stranger: Any = alerts.chat.chats.private(77)
    stranger.say("hello")
    alerts.emulator.world.post(alerts.emulator.world.chats[77], alerts.emulator.world.bot, {"text": "x"})
    stranger.press_data(data, 2)
    assert alerts.chat.alerts == ["This button is not for you."]
    assert "muted_until" not in {name for name, value in alerts.item.items() if value != {"N": "0.000"}}


def test_a_press_on_what_is_no_longer_kept_says_so(alerts: Alerts) -> None:
    """The message outlives the item."""
    alerts.tell("ALARM")
    key = {name: alerts.item[name] for name in ("pk", "sk")}
    alerts.cloud.dynamodb.delete_item(TableName="state", Key=key)
    alerts.chat.press("Mute 1 h")
    assert alerts.chat.alerts == ["Nothing of this alarm is kept any more."]
    assert [item for item in alerts.cloud.items("state") if item["pk"] == {"S": "alarm"}] == []
