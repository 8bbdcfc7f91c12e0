"""A reminder through the deployed template: scheduled at EventBridge, sent by it to tasks.fifo, and gone from it."""

from datetime import UTC, datetime

from local.control import TelegramControl
from local.stack import Stack
from tests.e2e.test_pipeline import wait_until


def test_a_reminder_comes(stack: Stack, telegram: TelegramControl, chat_id: int) -> None:
    """Nobody waits ten minutes for it here: its time is moved to now, and the rest is as the bot has made it."""
    telegram.say(chat_id, "/remind 10m tea")
    (reply,) = telegram.wait_for_reply(chat_id)
    assert reply["text"].startswith("I will remind you: tea\n")
    scheduler = stack.aws.client("scheduler")
    group = stack.aws.variables()["WorkerFunction"]["SCHEDULE_GROUP"]

    def ours() -> list[str]:
        found = scheduler.list_schedules(GroupName=group, NamePrefix=f"reminder.{chat_id}.")["Schedules"]
        return [one["Name"] for one in found]

    [name] = ours()
    made = scheduler.get_schedule(GroupName=group, Name=name)
    asked = {key: made[key] for key in ("FlexibleTimeWindow", "Target", "ActionAfterCompletion")}
    now = datetime.now(UTC)
    scheduler.update_schedule(GroupName=group, Name=name, ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})", **asked)
    (_, came) = telegram.wait_for_reply(chat_id, 2)
    assert came["text"] == "⏰ tea"
    wait_until(lambda: not ours())
