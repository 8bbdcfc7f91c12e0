"""What was given up is kept once, and the person who waits for an answer is told at most once."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from floodgate.delivery.apologies import APOLOGIES, apology
from floodgate.delivery.deadletters import QUIET_S, WORD_WITHIN_S
from floodgate.ingress.dead_letter import reference
from floodgate.state.failures import KEPT_S
from tests.integration.worker.conftest import text
from tests.integration.worker.deployed import deadletter_environ, deployed
from tests.unit.ingress.samples import ANN, CHANNEL, GROUP, PRIVATE, SAMPLES, message
from tests.unit.telegram.wire import TOKEN, flood, refusal

if TYPE_CHECKING:
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

UPDATE = text("/start")
BEN = {"id": 7002, "type": "private"}
AWAITED_BY_NOBODY = [
    sample
    for sample in SAMPLES
    if sample.type not in {"message", "callback_query"} or (sample.type == "callback_query" and sample.chat_id is None)
]
CALLBACK = next(sample for sample in SAMPLES if sample.type == "callback_query" and sample.chat_id)


class Lambda:
    """What Lambda tells a function of its invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the timeout."""
        return 90_000


def test_a_letter_is_kept_and_its_user_told(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """Everything that is known stands in one item, and the reply names it."""
    letters.bury(UPDATE, run="run-1")
    assert letters.deliver() == []
    [item] = letters.kept
    fingerprint = hashlib.sha256(b"bug GardenFlooded").hexdigest()[:12]
    assert item.pop("told_by")["S"]
    assert json.loads(zlib.decompress(item.pop("update")["B"])) == UPDATE
    assert item.pop("sha256")["S"]
    assert item == {
        "pk": {"S": "failure"},
        "sk": {"S": reference("message-1")},
        "state": {"S": "open"},
        "retries": {"N": "0"},
        "runs": {"SS": ["run-1"]},
        "fingerprint": {"S": fingerprint},
        "open_fingerprint": {"S": fingerprint},
        "kind": {"S": "message"},
        "stack": {"L": []},
        "reason": {"S": "bug"},
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
    assert call.fields["text"] == apology(reference("message-1"), "pt-br")
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


SERVICE = [
    ({"pinned_message": message(PRIVATE)}, 0),
    ({"message_auto_delete_timer_changed": {"message_auto_delete_time": 60}}, 0),
    ({"web_app_data": {"data": "x", "button_text": "y"}}, 1),
    ({"successful_payment": {}}, 1),
]


@pytest.mark.parametrize(("content", "told"), SERVICE, ids=["pinned", "timer", "form", "payment"])
def test_a_service_message_is_told_of_if_a_person_waits(
    telegram: TelegramWire, letters: Letters, content: dict[str, Any], told: int
) -> None:
    """That a message was pinned Telegram says; who has paid or sent a form waits for what comes of it."""
    said = {name: value for name, value in message(PRIVATE).items() if name != "text"}
    letters.bury({"update_id": 1, "message": {**said, **content}})
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (1, told)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("pt-br", "pt"), ("zh-hans", "zh"), ("RU", "ru"), ("de_AT", "de"), ("tlh", "en"), ("", "en")],
)
@pytest.mark.parametrize("kind", ["message", "callback_query"])
def test_the_apology_is_in_the_users_language(
    telegram: TelegramWire, letters: Letters, kind: str, tag: str, language: str
) -> None:
    """Whatever the region; in English where there is no translation. It names the failure in every one."""
    sender = {**ANN, "language_code": tag}
    update = {"update_id": 1, "message": message(PRIVATE, sender)}
    if kind == "callback_query":
        update = {**CALLBACK.update, kind: {**CALLBACK.value, "from": sender}}
    letters.bury(update)
    letters.deliver()
    [call] = telegram.calls
    assert call.fields["text"] == APOLOGIES[language].format(reference("message-1"))
    assert reference("message-1") in call.fields["text"]


@pytest.mark.parametrize("tag", [None, 7, ["ru"]])
def test_a_language_may_be_missing(telegram: TelegramWire, letters: Letters, tag: Any) -> None:
    """Or be of any shape; it is English then."""
    letters.bury({"update_id": 1, "message": message(PRIVATE, {**ANN, "language_code": tag})})
    letters.deliver()
    assert telegram.calls[0].fields["text"] == APOLOGIES["en"].format(reference("message-1"))


@pytest.mark.parametrize("language", sorted(APOLOGIES))
def test_every_language_names_the_failure(language: str) -> None:
    """Once, and it stands apart, so that it can be copied."""
    assert APOLOGIES[language].count("{}") == 1
    assert apology("K7QM2-XWD3A", language).count("K7QM2-XWD3A") == 1
    assert len(APOLOGIES) >= 12


def test_a_letter_that_comes_twice_is_kept_and_told_once(
    cloud: Cloud, telegram: TelegramWire, letters: Letters
) -> None:
    """Lambda hands a letter out again when its answer got lost; a worker may have sent it twice, in other words."""
    letters.bury(UPDATE, run="run-1")
    assert letters.deliver() == []
    cloud.clock.now += 301
    letters.bury(UPDATE, run="run-1", attempts=4, detail="its handler failed 4 times")
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)
    assert letters.kept[0]["attempts"] == {"N": "3"}


def test_two_failures_are_two(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """The same text from the same person, given up twice, is kept and told twice."""
    letters.bury(UPDATE, message_id="message-1")
    letters.deliver()
    cloud.clock.now += QUIET_S
    letters.bury(UPDATE, message_id="message-2")
    letters.deliver()
    assert (len(letters.kept), len(telegram.calls)) == (2, 2)


def test_a_chat_is_told_once_a_minute(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """Ten failures of one person within a minute are ten failures, and one apology; another chat has its own."""
    for number in range(10):
        letters.bury(UPDATE, message_id=f"message-{number}", group=f"chat:{number}")
    letters.bury(text("/start", chat=BEN), message_id="ben", group="chat:7002")
    letters.settle()
    assert ([chat for chat, _ in telegram.sent], len(letters.kept)) == ([7001, 7002], 11)
    cloud.clock.now += QUIET_S
    letters.bury(UPDATE, message_id="later")
    letters.deliver()
    assert [chat for chat, _ in telegram.sent] == [7001, 7002, 7001]


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
        refusal(400, "Bad Request: chat not found"),
        httpx.ReadTimeout("late"),
        httpx.ReadError("reset"),
    ],
    ids=["blocked", "not found", "silent", "reset"],
)
def test_a_word_that_may_have_been_said_is_not_said_again(
    telegram: TelegramWire, letters: Letters, fault: Exception | tuple[int, dict[str, Any]]
) -> None:
    """Or that nobody can be told: the failure is kept and the letter done."""
    telegram.faults["sendMessage"] = [fault]
    letters.bury(UPDATE)
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize(
    "fault",
    [
        refusal(401, "Unauthorized"),
        refusal(502, "Bad Gateway"),
        flood(30),
        httpx.ConnectError("no route"),
        httpx.ConnectTimeout("late"),
    ],
    ids=["unauthorized", "broken", "flood", "unreachable", "no connection"],
)
def test_a_word_that_was_surely_not_said_is_said_later(
    telegram: TelegramWire, letters: Letters, fault: Exception | tuple[int, dict[str, Any]]
) -> None:
    """Nobody is left without a word for a passing trouble: the letter comes again, and is told once then."""
    telegram.faults["sendMessage"] = [fault]
    letter = letters.bury(UPDATE)
    assert letters.deliver() == [letter]
    letters.settle()
    assert (len(letters.kept), len(telegram.calls)) == (1, 2)
    assert telegram.calls[1].at - telegram.calls[0].at == pytest.approx(30, abs=2)


def test_an_apology_does_not_come_days_later(telegram: TelegramWire, letters: Letters) -> None:
    """After a day nobody waits for it any more, and the letter comes no more."""
    telegram.faults["sendMessage"] = [httpx.ConnectError("no route")] * 1000
    letters.bury(UPDATE)
    letters.settle(within_s=WORD_WITHIN_S + 60)
    assert len(letters.kept) == 1


@pytest.mark.parametrize("operation", ["GetSecretValue", "GetItem state"])
def test_a_bot_that_cannot_start_says_it_later(
    cloud: Cloud, telegram: TelegramWire, letters: Letters, operation: str
) -> None:
    """Without token or identity nobody is told yet, and the failure is kept all the same."""
    cloud.wire.faults[operation.replace("GetItem state", "GetItem bot")] = ["AccessDeniedException"]
    letter = letters.bury(UPDATE)
    assert letters.deliver() == [letter]
    assert (len(letters.kept), telegram.calls) == (1, [])
    letters.settle()
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)


def test_what_cannot_be_kept_comes_again(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """The letter stays in its queue, its user hears nothing yet, and the other letters are not held up."""
    cloud.wire.faults["TransactWriteItems"] = ["ProvisionedThroughputExceededException"]
    failed = letters.bury(UPDATE, message_id="message-1")
    letters.bury(text("/start", chat=BEN), message_id="message-2", group="chat:7002")
    assert letters.deliver() == [failed]
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)
    cloud.clock.now += 181
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls), cloud.left(cloud.dead_url)) == (2, 2, 0)


def test_a_keep_whose_receipt_was_lost_tells_at_most_once(
    cloud: Cloud, telegram: TelegramWire, letters: Letters
) -> None:
    """Whether the items were written is unknown, so the letter comes again; found kept, it is counted no more."""
    cloud.wire.lost = {"TransactWriteItems"}
    failed = letters.bury(UPDATE)
    assert letters.deliver() == [failed]
    cloud.clock.now += 181
    assert letters.deliver() == []
    assert (len(letters.kept), len(telegram.calls)) == (1, 1)
    [kind] = [item for item in cloud.items("state") if item["pk"] == {"S": "fingerprint"}]
    assert kind["count"] == {"N": "1"}


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
        person = {"id": 8000 + number, "type": "private"}
        letters.bury(text("/start", chat=person), message_id=str(number), group=f"chat:{number}")
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
        assert cloud.deliver(lambda event: handler(event, Lambda()), cloud.dead_url) == []
    assert len(telegram.calls) == 1
    assert [item["sk"] for item in cloud.items("state") if item["pk"] == {"S": "failure"}] != []
