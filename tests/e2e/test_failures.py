"""What was given up, through the deployed template: its user told, the admin asked, and sent again at a press.

The chat 1 is the local stack's admin chat.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from local.control import TelegramControl
from local.trace import Line, Logs, NotTraced

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from local.stack import Stack

ADMIN = 1
WITHIN_S = 40.0

type Json = dict[str, Any]


def soon[T](look: Callable[[], T | None], within_s: float = WITHIN_S) -> T:
    """Return what is found, as soon as something is."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"it did not come true within {within_s:.0f} s"
        time.sleep(0.1)
    return found


def buttons(message: Json) -> dict[str, str]:
    """Return the data of a message's buttons by their label, or the address that one opens."""
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    return {one["text"]: one.get("callback_data") or one["url"] for row in rows for one in row}


@pytest.fixture
def admin(telegram: TelegramControl, outputs: dict[str, str], sqs: "SQSClient") -> Callable[[str], Json]:
    """What the admin chat has of a failure, by its reference; made once, and with nothing left of other tests."""

    def is_quiet() -> bool:
        for name in ("UpdatesQueue", "TasksQueue", "DeadQueue"):
            found = sqs.get_queue_attributes(QueueUrl=outputs[name], AttributeNames=["All"])["Attributes"]
            if (found["ApproximateNumberOfMessages"], found["ApproximateNumberOfMessagesNotVisible"]) != ("0", "0"):
                return False
        return True

    telegram.say(ADMIN, "/id")
    telegram.wait_for_reply(ADMIN)
    soon(is_quiet)

    def about(reference: str) -> Json:
        return soon(lambda: next((m for m in telegram.replies(ADMIN)[::-1] if reference in m["text"]), None))

    return about


def give_up(telegram: TelegramControl, chat_id: int) -> str:
    """Have a person's /start refused by Telegram; return the reference that they are given."""
    telegram.fault("sendMessage", error_code=400, chat_id=chat_id)  # an alarm may ring meanwhile
    telegram.say(chat_id, "/start")
    (apology,) = telegram.wait_for_reply(chat_id)
    assert apology["text"].startswith("Sorry, something went wrong")
    reference: str = apology["text"].split()[-1].rstrip(".")
    return reference


def test_a_failure_is_told_shown_and_sent_again(
    telegram: TelegramControl, chat_id: int, admin: Callable[[str], Json]
) -> None:
    """Once the cause is gone, Retry gets the person the answer that they waited for, and the message says so."""
    reference = give_up(telegram, chat_id)
    shown = admin(reference)
    assert shown["text"].startswith("⚠️ BadRequest in bot.start.start\nrejected: ")
    telegram.press(ADMIN, shown["message_id"], buttons(shown)["Retry"])
    replies = telegram.wait_for_reply(chat_id, 2)
    assert [reply["text"].split()[0] for reply in replies] == ["Sorry,", "Hello"]
    soon(lambda: "1 sent again" in admin(reference)["text"])
    telegram.press(ADMIN, shown["message_id"], buttons(shown)["Retry"])
    soon(lambda: [c for c in telegram.calls("answerCallbackQuery") if "None of this is open" in str(c["parameters"])])
    assert len(telegram.replies(chat_id)) == 2


def test_trace_follows_an_update_from_webhook_to_reply(
    stack: "Stack", telegram: TelegramControl, chat_id: int, outputs: dict[str, str], admin: Callable[[str], Json]
) -> None:
    """By what the person quotes: taken in, failed, kept, and sent again; one trace for all of it, and no other line."""
    reference = give_up(telegram, chat_id)
    shown = admin(reference)
    telegram.press(ADMIN, shown["message_id"], buttons(shown)["Retry"])
    telegram.wait_for_reply(chat_id, 2)

    def traced() -> list[Line] | None:
        try:
            found = Logs(stack.aws.logs, outputs).of_reference(reference, days=1)
        except NotTraced:  # ministack writes a log when the function's run is over
            return None
        return found if [one for one in found if one.said.get("outcome") == "done"] else None

    lines = soon(traced)
    said = [(one.function, one.said["message"], one.said.get("outcome")) for one in lines]
    assert said[0] == ("webhook", "update queued", None)
    assert ("deadletter", "update given up", None) in said
    outcomes = [outcome for function, words, outcome in said if (function, words) == ("worker", "update")]
    assert outcomes == ["rejected", "done"]
    assert len({one.said["trace_id"] for one in lines}) == 1


def test_failures_lists_and_details_show_what_is_open(
    telegram: TelegramControl, chat_id: int, admin: Callable[[str], Json]
) -> None:
    """The list leads to the failure, its details say where it happened, and Discard empties the list."""
    reference = give_up(telegram, chat_id)
    shown = admin(reference)
    telegram.press(ADMIN, shown["message_id"], buttons(shown)["Details"])
    details = soon(lambda: next((m for m in telegram.replies(ADMIN) if f"{reference}: BadRequest" in m["text"]), None))
    assert "bot/start.py:" in details["text"]
    telegram.say(ADMIN, "/failures")
    listed = soon(lambda: next((m for m in telegram.replies(ADMIN) if m["text"].startswith("Open failures")), None))
    assert reference in listed["text"]
    telegram.press(ADMIN, shown["message_id"], buttons(shown)["Discard"])
    soon(lambda: "None is open" in admin(reference)["text"] or "None is open" in str(telegram.replies(ADMIN)))
    telegram.say(ADMIN, f"/failures {reference}")
    soon(lambda: [m for m in telegram.replies(ADMIN) if "State: discarded" in m["text"]])
    assert len(telegram.replies(chat_id)) == 1


def test_nobody_else_is_answered(telegram: TelegramControl, chat_id: int) -> None:
    """To others /failures is a word like any other, and stands in no list of commands."""
    telegram.say(chat_id, "/failures")
    (reply,) = telegram.wait_for_reply(chat_id)
    assert reply["text"].startswith("I do not know what to do with that")
    (told,) = [call["parameters"]["commands"] for call in telegram.calls("setMyCommands")][-1:]
    assert "failures" not in str(told)
