"""What was given up is kept once, and the person who waits for an answer is told at most once."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from floodgate.state.failures import KEPT_S, reference
from tests.integration.worker.conftest import text
from tests.integration.worker.deployed import deadletter_environ, deployed
from tests.unit.ingress.samples import CHANNEL, GROUP, SAMPLES, message
from tests.unit.telegram.wire import TOKEN, flood, refusal

if TYPE_CHECKING:
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

APOLOGY = re.compile(
    r"Sorry, something went wrong and I could not answer that\. It has been kept and will be looked into; "
    r"if you ask about it, mention ([A-Z2-7]{5}-[A-Z2-7]{5})\."
)
UPDATE = text("/start")
AWAITED_BY_NOBODY = [
    sample
    for sample in SAMPLES
    if sample.type not in {"message", "callback_query"} or (sample.type == "callback_query" and sample.chat_id is None)
]
CALLBACK = next(sample for sample in SAMPLES if sample.type == "callback_query" and sample.chat_id)


def test_a_letter_is_kept_and_its_user_told(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """Everything that is known stands in one item, and the reply names it."""
    letters.bury(UPDATE)
    assert letters.deliver() == []
    [item] = letters.kept
    assert json.loads(zlib.decompress(item.pop("update")["B"])) == UPDATE
    assert item.pop("sha256")["S"]
    assert item == {
        "pk": {"S": "failure"},
        "sk": {"S": reference("message-1")},
        "reason": {"S": "failed"},
        "detail": {"S": "its handler failed 3 times"},
        "error": {"S": "GardenFlooded"},
        "attempts": {"N": "3"},
        "first_at": {"N": f"{cloud.clock.now - 8.5:.3f}"},
        "last_at": {"N": f"{cloud.clock.now:.3f}"},
        "group": {"S": "chat:7001"},
        "queue": {"S": "updates"},
        "message_id": {"S": "message-1"},
        "length": {"N": str(len(json.dumps(UPDATE)))},
        "expires_at": {"N": str(int(cloud.clock.now) + KEPT_S)},
    }
    [call] = telegram.calls
    apology = APOLOGY.fullmatch(call.fields["text"])
    assert apology is not None
    assert apology[1] == item["sk"]["S"]
    assert cloud.left(cloud.dead_url) == 0


def test_the_reply_goes_to_the_chat_of_the_message(telegram: TelegramWire, letters: Letters) -> None:
    """In a group it answers the very message, and is sent even if that was deleted meanwhile."""
    command = [{"type": "bot_command", "offset": 0, "length": 5}]
    letters.bury({"update_id": 1, "message": message(GROUP, text="/help", entities=command)})
    letters.deliver()
    [call] = telegram.calls
    assert (call.method, call.fields["chat_id"]) == ("sendMessage", GROUP["id"])
    assert call.fields["reply_parameters"] == {"message_id": 42, "allow_sending_without_reply": True}


@pytest.mark.parametrize(
    "content",
    [
        {"text": "anyone for tea?"},
        {"new_chat_members": [{"id": 7002, "is_bot": False, "first_name": "Ben"}]},
        {"text": "not /help", "entities": [{"type": "bot_command", "offset": 4, "length": 5}]},
    ],
    ids=["talk", "service message", "command further on"],
)
def test_a_group_hears_nothing_of_what_was_not_said_to_the_bot(
    telegram: TelegramWire, letters: Letters, content: dict[str, Any]
) -> None:
    """It is kept, but in a group only a command waits for an answer."""
    letters.bury({"update_id": 1, "message": message(GROUP, **content)})
    letters.deliver()
    assert (len(letters.kept), telegram.calls) == (1, [])


def test_a_button_is_answered_in_its_chat(telegram: TelegramWire, letters: Letters) -> None:
    """The message that a button belongs to is the bot's own, so it is no reply."""
    letters.bury(CALLBACK.update)
    letters.deliver()
    [call] = telegram.calls
    assert (call.method, call.fields["chat_id"], "reply_parameters" in call.fields) == (
        "sendMessage",
        CALLBACK.chat_id,
        False,
    )


def test_a_letter_that_comes_twice_is_kept_and_told_once(telegram: TelegramWire, letters: Letters) -> None:
    """Lambda hands a letter out again when its answer got lost; a worker may have sent it twice, in other words."""
    letters.bury(UPDATE)
    assert letters.deliver() == []
    letters.bury(UPDATE, attempts=4, detail="its handler failed 4 times")
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)
    assert letters.kept[0]["attempts"] == {"N": "3"}


def test_two_failures_are_two(telegram: TelegramWire, letters: Letters) -> None:
    """The same text from the same person, given up twice, is kept and told twice."""
    letters.bury(UPDATE, message_id="message-1")
    letters.bury(UPDATE, message_id="message-2")
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (2, 2)


@pytest.mark.parametrize("update", ["beans", json.dumps(UPDATE)], ids=["no update", "an update all the same"])
def test_poison_is_kept_and_nobody_told(telegram: TelegramWire, letters: Letters, update: str) -> None:
    """It cannot have been a person's doing."""
    letters.bury(update, reason="poison", detail="body is not JSON", error=None, attempts=0, message_id=None)
    assert letters.deliver() == []
    [item] = letters.kept
    assert (item["reason"], zlib.decompress(item["update"]["B"]).decode()) == ({"S": "poison"}, update)
    assert ("error" in item, "message_id" in item) == (False, False)
    assert telegram.calls == []


def test_a_redriven_update_is_a_letter(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """What SQS itself moved here is the bare update: kept under its message's id, and its user told."""
    message_id = cloud.queue(UPDATE, "chat:7001", cloud.dead_url)
    assert letters.deliver() == []
    [item] = letters.kept
    assert (item["reason"], item["sk"]) == ({"S": "redriven"}, {"S": reference(message_id)})
    assert [chat for chat, _ in telegram.sent] == [7001]


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize(
    "fault",
    [
        refusal(403, "Forbidden: bot was blocked by the user"),
        refusal(401, "Unauthorized"),
        refusal(502, "Bad Gateway"),
        flood(30),
        httpx.ReadTimeout("late"),
        httpx.ConnectError("no route"),
    ],
    ids=["blocked", "unauthorized", "broken", "flood", "silent", "unreachable"],
)
def test_a_word_that_cannot_be_said_loses_nothing(
    telegram: TelegramWire, letters: Letters, fault: Exception | tuple[int, dict[str, Any]]
) -> None:
    """The failure is kept, the letter is done, and no second word is tried: the first may have arrived."""
    telegram.faults["sendMessage"] = [fault]
    letters.bury(UPDATE)
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)


@pytest.mark.parametrize("operation", ["GetSecretValue", "GetItem"])
def test_a_bot_that_cannot_start_loses_nothing(
    cloud: Cloud, telegram: TelegramWire, letters: Letters, operation: str
) -> None:
    """Without token or identity nobody is told, and the failure is kept all the same."""
    cloud.wire.faults[operation] = ["AccessDeniedException"]
    letters.bury(UPDATE)
    assert letters.deliver() == []
    assert (len(letters.kept), telegram.calls) == (1, [])


def test_what_cannot_be_kept_comes_again(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """The letter stays in its queue, its user hears nothing yet, and the other letters are not held up."""
    cloud.wire.faults["PutItem"] = ["ProvisionedThroughputExceededException"]
    failed = letters.bury(UPDATE, message_id="message-1")
    letters.bury(UPDATE, message_id="message-2", group="chat:7002")
    assert letters.deliver() == [failed]
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)
    cloud.clock.now += 181
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls), cloud.left(cloud.dead_url)) == (2, 2, 0)


def test_a_keep_whose_receipt_was_lost_tells_at_most_once(
    cloud: Cloud, telegram: TelegramWire, letters: Letters
) -> None:
    """Whether the item was written is unknown, so the letter comes again; found kept, it is done, and silent."""
    cloud.wire.lost = {"PutItem"}
    failed = letters.bury(UPDATE)
    assert letters.deliver() == [failed]
    cloud.clock.now += 181
    assert letters.deliver() == []
    assert (len(letters.kept), telegram.calls) == (1, [])


@pytest.mark.parametrize("sample", AWAITED_BY_NOBODY, ids=lambda sample: sample.type)
def test_nobody_is_told_of_what_nobody_waits_for(telegram: TelegramWire, letters: Letters, sample: Any) -> None:
    """Channel posts, edits, reactions and the like: kept, and silent."""
    letters.bury(sample.update)
    assert letters.deliver() == []
    assert (len(letters.kept), telegram.calls) == (1, [])


def test_a_channel_is_not_told(telegram: TelegramWire, letters: Letters) -> None:
    """What is posted in a channel has readers, not somebody who waits."""
    letters.bury({"update_id": 1, "channel_post": message(CHANNEL, None)})
    assert letters.deliver() == []
    assert (len(letters.kept), telegram.calls) == (1, [])


def test_a_batch_uses_one_bot(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """Ten letters read the token and the identity once."""
    for number in range(10):
        letters.bury(UPDATE, message_id=str(number), group=f"chat:{number}")
    assert letters.deliver() == []
    assert len(telegram.calls) == 10
    assert len(cloud.wire.asked("GetSecretValue")) == 1
    assert [asked["TableName"] for asked in cloud.wire.asked("GetItem")].count("state") == 1


def test_no_log_holds_the_update_or_the_token(
    telegram: TelegramWire, letters: Letters, caplog: pytest.LogCaptureFixture
) -> None:
    """Reference, reason and class of the error are logged; what somebody wrote is not."""
    telegram.token = "7900:another"
    letters.bury(text("/start what Ann wrote"))
    letters.deliver()
    logged = str([vars(record) for record in caplog.records if record.name == "floodgate"])
    assert reference("message-1") in logged
    assert "what Ann wrote" not in logged
    assert TOKEN not in logged


@pytest.mark.usefixtures("loops")
def test_the_function_as_deployed(cloud: Cloud, telegram: TelegramWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQS event in, the failure kept, the user told."""
    cloud.queue(UPDATE, "chat:7001", cloud.dead_url)
    with deployed("deadletter", deadletter_environ(cloud), monkeypatch) as handler:
        assert cloud.deliver(lambda event: handler(event, None), cloud.dead_url) == []
    assert len(telegram.calls) == 1
    assert [item["sk"] for item in cloud.items("state") if item["pk"] == {"S": "failure"}] != []
