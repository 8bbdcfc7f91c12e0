"""The admin's buttons and `/failures`: what each does, for whom, and what stands in the chat afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.admin.notices import moment
from floodgate.admin.retries import A_PRESS
from floodgate.aws import AwsCalls
from floodgate.delivery.journal import Entry, Journal, pack
from floodgate.ingress.dead_letter import reference
from floodgate.telegram.interface import describe
from floodgate.telegram.replay import Recorded
from tests.integration.admin.conftest import BUG, HOME, OTHER, answers, buttons
from tests.integration.deadletter.conftest import ADMIN
from tests.integration.worker.scenes import said
from tests.unit.delivery.virtual_time import run
from tests.unit.telegram.wire import refusal

if TYPE_CHECKING:
    from floodgate.telegram import App
    from tests.integration.admin.conftest import Owner
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.delivery.virtual_time import VirtualLoop

STRANGER = {"id": 5005, "type": "private", "first_name": "Sam"}


def test_retry_sends_the_newest_open_failure_again(cloud: Cloud, owner: Owner) -> None:
    """To its own group of its own queue, as the message that it was; it is handled, and marked."""
    first = owner.give_up(1)
    cloud.clock.now += 1
    newest = owner.give_up(2)
    calls = owner.press("retry", BUG)
    assert owner.handled == ["words 2"]
    [entry] = owner.sent_again()
    assert (entry["MessageGroupId"], entry["MessageDeduplicationId"]) == ("chat:8002", "600002-r1")
    assert entry["MessageAttributes"] == {"origin": {"DataType": "String", "StringValue": "message-2"}}
    assert (owner.state(first), owner.state(newest)) == (("open", 0), ("retried", 1))
    assert answers(calls) == ["1 sent again."]


def test_the_message_is_edited_to_the_state_now(cloud: Cloud, owner: Owner) -> None:
    """How many were sent again and are open; the buttons stay."""
    for number in (1, 2):
        owner.give_up(number)
    at = cloud.clock.now
    calls = owner.press("retry", BUG)
    [edit] = [call for call in calls if call.method == "editMessageText"]
    assert (edit.fields["chat_id"], edit.fields["message_id"]) == (ADMIN, 77)
    assert edit.fields["text"].splitlines() == [
        "⚠️ GardenFlooded in start",
        "bug: its handler failed each time",
        f"2 times, first {moment(at - 8.5)}, last {moment(at)}",
        "1 sent again, 0 discarded",
        "1 open",
        f"Latest: {reference('message-2')}",
    ]
    assert buttons(edit) == [f"floodgate:{order}:{BUG}" for order in ("retry", "retry_all", "discard", "details")]


def test_retry_all_sends_them_in_their_order(cloud: Cloud, owner: Owner) -> None:
    """Oldest first, ten at a time; other fingerprints stay."""
    for number in range(12):
        owner.give_up(number)
        cloud.clock.now += 1
    other = owner.give_up(99, fingerprint=OTHER)
    calls = owner.press("retry_all", BUG)
    assert [entry["MessageDeduplicationId"] for entry in owner.sent_again()] == [f"{600_000 + n}-r1" for n in range(12)]
    assert sorted(owner.handled) == sorted(f"words {number}" for number in range(12))
    assert (answers(calls), owner.state(other)) == (["12 sent again."], ("open", 0))
    assert len(cloud.wire.asked("SendMessageBatch")) == 2


def test_a_press_handles_a_hundred_and_says_what_is_left(cloud: Cloud, owner: Owner) -> None:
    """An update has its deadline; pressing again goes on."""
    for number in range(A_PRESS + 5):
        owner.letters.bury(
            {"update_id": number, "message": {"text": "x", "chat": {"id": -5}, "message_id": 1, "date": 1}},
            message_id=f"message-{number}",
            group=f"chat:{number}",
            fingerprint=BUG,
        )
    owner.letters.settle()
    assert answers(owner.press("discard", BUG)) == ["100 discarded. 5 are left: press again."]
    assert answers(owner.press("discard", BUG)) == ["5 discarded."]
    assert answers(owner.press("discard", BUG)) == ["None of this is open any more."]
    assert {item["state"]["S"] for item in owner.letters.kept} == {"discarded"}
    assert cloud.wire.asked("SendMessageBatch") == []


def test_discard_closes_what_is_open(owner: Owner) -> None:
    """Nothing is sent; what was discarded is still to be seen."""
    name = owner.give_up(1)
    calls = owner.press("discard", BUG)
    assert (owner.state(name), owner.handled, answers(calls)) == (("discarded", 0), [], ["1 discarded."])
    assert "0 sent again, 1 discarded\nNone is open" in calls[-1].fields["text"]
    assert name in owner.say(f"/failures {name}")[0].fields["text"]


def test_details_show_the_context_and_nothing_that_was_said(owner: Owner) -> None:
    """Class, place, times, attempts, ids and how many calls had been sent: enough to look for, nothing to read."""
    owner.give_up(2)
    name = owner.give_up(1, trace_id="Root=1-abc", queue="tasks")
    at = owner.cloud.clock.now
    calls = owner.press("details", BUG)
    [call] = [call for call in calls if call.method == "sendMessage"]
    lines = call.fields["text"].splitlines()
    assert name in {reference("message-1"), reference("message-2")}
    assert {
        "Reason: bug, its handler failed each time",
        "Handler: start",
        f"Attempts: 3, from {moment(at - 8.5)} to {moment(at)}",
        "Calls that had reached Telegram: none",
        "bot/start.py:7 start",
    } <= set(lines)
    assert [line for line in lines if line.startswith("Also: ")] != []
    assert ("words" in str(call.fields), "8001" in str(call.fields)) == (False, False)


def test_the_failure_of_a_reference_is_shown(owner: Owner) -> None:
    """In whatever case it was typed, with buttons of its own; those do what they say to it alone."""
    names = [owner.give_up(number, trace_id="Root=1-abc") for number in (1, 2)]
    [call] = owner.say(f"/failures {names[0].lower()}")
    assert call.fields["text"].splitlines()[:2] == [f"{names[0]}: GardenFlooded", "State: open"]
    assert "Trace: Root=1-abc" in call.fields["text"]
    assert "SQS message: message-1" in call.fields["text"]
    assert buttons(call) == [f"floodgate:retry_one:{names[0]}", f"floodgate:discard_one:{names[0]}"]
    calls = owner.press("retry_one", names[0])
    assert (owner.handled, answers(calls)) == (["words 1"], ["1 sent again."])
    assert "State: retried, sent again once" in calls[1].fields["text"]
    owner.press("discard_one", names[1])
    assert [owner.state(name) for name in names] == [("retried", 1), ("discarded", 0)]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("AAAAA-22222", "No failure is kept under AAAAA-22222. /failures lists those that are open."),
        ("aaaaa22222", "No failure is kept under AAAAA-22222. /failures lists those that are open."),
        ("nothing", "A reference has ten letters and digits, such as K7QM2-XWD3A. /failures lists all."),
        ("a" * 500, "A reference has ten letters and digits, such as K7QM2-XWD3A. /failures lists all."),
    ],
)
def test_an_unknown_reference_is_said_to_be_unknown(owner: Owner, words: str, answer: str) -> None:
    """With what to do instead, and without its dash it is the same."""
    [call] = owner.say(f"/failures {words}")
    assert call.fields["text"] == answer


def test_failures_are_listed_newest_first(cloud: Cloud, owner: Owner) -> None:
    """Each fingerprint with what is open of it, and a button that opens its message; what is closed is not listed."""
    for number, fingerprint in enumerate([OTHER, BUG, BUG, "c" * 12]):
        owner.give_up(number, fingerprint=fingerprint)
        cloud.clock.now += 1
    owner.press("discard", "c" * 12)
    [call] = owner.say("/failures")
    lines = call.fields["text"].splitlines()
    assert lines[0] == "Open failures, the latest first:"
    assert [line.split(", last")[0] for line in lines[1:]] == [
        "1. GardenFlooded in start: 2 open of 2",
        "2. GardenFlooded in start: 1 open of 1",
    ]
    assert buttons(call) == [f"floodgate:show:{BUG}", f"floodgate:show:{OTHER}"]


def test_an_entry_opens_its_message(cloud: Cloud, owner: Owner) -> None:
    """A new one, with all buttons, which is the one that is edited from then on."""
    owner.give_up(1)
    calls = owner.press("show", BUG)
    [call] = [call for call in calls if call.method == "sendMessage"]
    assert call.fields["text"].startswith("⚠️ GardenFlooded in start")
    assert buttons(call) == [f"floodgate:{order}:{BUG}" for order in ("retry", "retry_all", "discard", "details")]
    cloud.clock.now += 60
    owner.give_up(2)
    edit = owner.telegram.calls[-1]
    assert edit.method == "editMessageText"
    [kind] = [item for item in cloud.items("state") if item["pk"] == {"S": "fingerprint"}]
    assert kind["message_id"] == {"N": str(edit.fields["message_id"])}


def test_a_long_list_is_one_message(owner: Owner) -> None:
    """The ten latest, and that there are more."""
    for number in range(12):
        owner.give_up(number, fingerprint=f"{number:012x}", error="E" * 300)
    [call] = owner.say("/failures")
    assert (len(buttons(call)), len(call.fields["text"]) <= 4096) == (10, True)


def test_no_failures_are_said_to_be_none(owner: Owner) -> None:
    """An empty list is an answer."""
    [call] = owner.say("/failures")
    assert (call.fields["text"], "reply_markup" in call.fields) == ("No failures are open.", False)


@pytest.mark.parametrize("order", ["retry", "retry_all", "discard", "details", "show", "retry_one", "discard_one"])
def test_a_press_from_elsewhere_does_nothing(owner: Owner, order: str) -> None:
    """Somebody may have the message forwarded, or guess; it is answered, and nothing else happens."""
    name = owner.give_up(1)
    calls = owner.press(order, name if order.endswith("_one") else BUG, chat=STRANGER)
    assert [call.method for call in calls] == ["answerCallbackQuery"]
    assert (answers(calls), owner.state(name)) == (["This button is not for you."], ("open", 0))


def test_failures_from_elsewhere_is_like_any_word(owner: Owner) -> None:
    """The bot's own handlers get it, and nobody learns that there is such a command."""
    owner.give_up(1)
    owner.say("/failures", chat=STRANGER)
    assert (owner.handled, said(owner.telegram, 5005)) == (["/failures"], ["done"])


def test_the_admins_other_words_are_the_bots(owner: Owner) -> None:
    """And so are presses of the bot's own buttons."""
    owner.say("hello")
    assert owner.handled == ["hello"]
    assert owner.press("raw", "next") == []


@pytest.mark.parametrize("data", ["floodgate:", "floodgate:retry:", "floodgate:retry:zzz", "floodgate:beans:1 2"])
def test_a_button_that_is_no_more_is_answered(owner: Owner, data: str) -> None:
    """Of an older deployment, say: no button spins for ever."""
    assert answers(owner.press("raw", data)) == ["I do not know this button any more. /failures has new ones."]


@pytest.mark.parametrize("order", ["retry", "retry_all", "discard", "details", "show"])
def test_what_is_kept_no_more_is_said_to_be_gone(owner: Owner, order: str) -> None:
    """After its fourteen days."""
    assert answers(owner.press(order, BUG)) == ["Nothing of this is kept any more."]


@pytest.mark.parametrize("order", ["retry_one", "discard_one"])
def test_one_that_is_kept_no_more_is_said_to_be_gone(owner: Owner, order: str) -> None:
    """Whatever its button says."""
    assert answers(owner.press(order, "AAAAA-22222")) == ["Nothing of this is kept any more."]


@pytest.mark.parametrize("order", ["retry", "retry_all", "discard", "retry_one", "discard_one"])
def test_a_press_that_is_handled_again_says_the_same(owner: Owner, order: str) -> None:
    """The message may have to wait to be edited, and the update starts anew then: nothing is done twice.

    A press of Retry is for one failure, and takes no second one when it is handled again.
    """
    names = [owner.give_up(number) for number in (1, 2)]
    name = names[0] if order.endswith("_one") else BUG
    said = answers(owner.press(order, name, query="the same"))
    states = [owner.state(one) for one in names]
    sent = owner.sent_again()
    assert answers(owner.press(order, name, query="the same")) == said
    assert ([owner.state(one) for one in names], owner.sent_again()) == (states, sent)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"update": "beans", "reason": "poison", "message_id": None}, "it is no update that a bot can handle"),
        ({"update": "beans"}, "it is no update that a bot can handle"),
        ({"update": '{"update_id": 1, "x": "' + "\x01" * 1_000_000 + '"}'}, "it was too large to be kept whole"),
        ({"queue": "elsewhere"}, "it does not say where it came from"),
        ({"update": json.dumps({"update_id": 1, "x": "x" * 1_048_400})[:1_048_450]}, "it"),
    ],
    ids=["poison", "no update", "in part", "no queue", "too long"],
)
def test_what_cannot_be_sent_again_is_refused(owner: Owner, changes: dict[str, Any], why: str) -> None:
    """With the reason, and it stays open until it is discarded."""
    name = owner.give_up(1, **changes)
    for order in ("retry", "retry_all"):
        [answer] = answers(owner.press(order, BUG))
        assert answer.startswith(f"1 cannot be sent again: {why}")
    assert (owner.state(name), owner.sent_again()) == (("open", 0), [])
    assert answers(owner.press("discard", BUG)) == ["1 discarded."]


def test_the_refused_do_not_hold_up_the_others(owner: Owner) -> None:
    """Retry all sends what can be sent, whatever stands before it."""
    for number in range(3):
        owner.give_up(number, queue="elsewhere")
    owner.give_up(3)
    [answer] = answers(owner.press("retry_all", BUG))
    assert answer.startswith("1 sent again. 3 cannot be sent again: it does not say where it came from.")


def test_a_retry_goes_back_to_its_queue(cloud: Cloud, owner: Owner) -> None:
    """A task is no update for the quick workers."""
    owner.give_up(1, queue="tasks")
    owner.press("retry", BUG)
    assert [asked["QueueUrl"] for asked in cloud.wire.asked("SendMessageBatch")] == [cloud.tasks_url]


def test_large_updates_go_in_several_requests(cloud: Cloud, owner: Owner) -> None:
    """SQS takes a megabyte a request, all its messages together."""
    for number in range(4):
        update = {"update_id": 600_000 + number, "message": {"text": "x" * 400_000}}
        owner.give_up(number, update=update)
    owner.press("retry_all", BUG)
    assert [len(asked["Entries"]) for asked in cloud.wire.asked("SendMessageBatch")] == [2, 2]
    assert sum(json.loads(entry["MessageBody"]) is not None for entry in owner.sent_again()) == 4


def test_the_journal_is_restored_with_the_update(cloud: Cloud, owner: Owner) -> None:
    """Even if the traffic table has lost it meanwhile; what had been sent is what the retry starts with."""
    packed = pack([Recorded("sendMessage", "8001", "fingerprint", "{}")] * 2)
    key = {"pk": {"S": "journal#message-1"}}
    cloud.dynamodb.put_item(TableName="traffic", Item={**key, "calls": {"B": packed}})
    name = owner.give_up(1)
    cloud.dynamodb.delete_item(TableName="traffic", Key=key)
    assert "Calls that had reached Telegram: 2" in owner.say(f"/failures {name}")[0].fields["text"]
    owner.press("retry", BUG)
    item = cloud.dynamodb.get_item(TableName="traffic", Key=key)["Item"]
    assert (item["calls"]["B"], item["restored"]) == (packed, {"N": "1"})


def test_a_second_retry_is_another(owner: Owner) -> None:
    """What failed again can be tried again, and SQS does not take it for the first."""
    name = owner.give_up(1, run="first")
    owner.press("retry", BUG)
    owner.give_up(1, run="second")
    assert owner.state(name) == ("open", 1)
    owner.press("retry", BUG)
    assert [entry["MessageDeduplicationId"] for entry in owner.sent_again()] == ["600001-r1", "600001-r2"]
    assert (owner.handled, owner.state(name)) == (["words 1"] * 2, ("retried", 2))


def test_a_bot_with_an_admin_chat_asks_for_presses(workers: Workers) -> None:
    """And for messages; without one it asks for what its own handlers take, and the buttons are nowhere."""

    def register(_app: App) -> None:
        """Add nothing."""

    told = {
        admin: describe(workers.start(register, workers.settings(admin_chat_id=admin)).register)
        for admin in (ADMIN, None)
    }
    asked = {admin: (said["allowed_updates"], said["commands"]) for admin, said in told.items()}
    assert asked == {
        ADMIN: (["callback_query", "chat_member", "message", "my_chat_member"], []),
        None: (["chat_member", "my_chat_member"], []),
    }


def test_an_admin_chat_may_be_a_group(cloud: Cloud, telegram: Any, workers: Workers, owner: Owner) -> None:
    """Whoever is in it may press; `/failures` works there too."""
    group = {"id": -1_001_234_567_890, "type": "supergroup", "title": "Gardeners"}
    name = owner.give_up(1)
    owner.drain = workers.drain(lambda _app: None, admin_chat_id=group["id"])
    assert answers(owner.press("retry", BUG, chat=group)) == ["1 sent again."]
    assert owner.state(name) == ("retried", 1)
    assert said(telegram, 8001) != []
    assert owner.say("/failures", chat=group)[0].fields["text"] == "No failures are open."
    assert owner.press("retry", BUG, chat=HOME)[0].fields["text"] == "This button is not for you."
    assert cloud.left() == 0


def test_the_details_of_what_is_closed_are_the_latests(owner: Owner) -> None:
    """Nothing is open, and there is still something to look at."""
    names = [owner.give_up(number) for number in (1, 2)]
    owner.press("discard", BUG)
    [shown] = [call for call in owner.press("details", BUG) if call.method == "sendMessage"]
    assert shown.fields["text"].splitlines()[:2] == [f"{names[1]}: GardenFlooded", "State: discarded"]


def test_what_the_queue_does_not_take_is_pressed_again(
    cloud: Cloud, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS may refuse some of a batch: they stay open, and the answer says so."""
    names = []
    for number in (1, 2):
        names.append(owner.give_up(number))
        cloud.clock.now += 1
    sqs = cloud.client("sqs")
    send = sqs.send_message_batch

    def refuse_one(**asked: Any) -> Any:
        answer = send(**{**asked, "Entries": asked["Entries"][:1]})
        refused = [{"Id": one["Id"], "Code": "Busy", "SenderFault": False} for one in asked["Entries"][1:]]
        return {**answer, "Failed": refused}

    monkeypatch.setattr(sqs, "send_message_batch", refuse_one)
    assert answers(owner.press("retry_all", BUG)) == ["1 sent again. 1 could not be queued: press again."]
    assert [owner.state(name) for name in names] == [("retried", 1), ("open", 0)]
    assert answers(owner.press("retry_all", BUG)) == ["1 sent again."]
    assert owner.handled == ["words 1", "words 2"]


@pytest.mark.parametrize("order", ["retry_all", "discard"])
def test_a_press_ends_in_time(
    cloud: Cloud, owner: Owner, loops: list[VirtualLoop], monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """However slow AWS is: half of the update's time is for its work, the rest for its answer."""
    for number in range(25):
        owner.give_up(number)
    dynamodb = cloud.client("dynamodb")
    write = dynamodb.transact_write_items

    def slowly(**asked: Any) -> Any:
        loops[-1].now += 2.6
        return write(**asked)

    monkeypatch.setattr(dynamodb, "transact_write_items", slowly)
    verb = "discarded" if order == "discard" else "sent again"
    assert answers(owner.press(order, BUG)) == [f"20 {verb}. 5 are left: press again."]


def test_an_index_that_is_behind_misleads_nobody(cloud: Cloud, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may name what was closed a moment ago: that is not sent again, nor counted as left."""
    names = [owner.give_up(number) for number in (1, 2)]
    dynamodb = cloud.client("dynamodb")
    query = dynamodb.query

    def before(**asked: Any) -> Any:
        if asked.get("IndexName") != "OpenFailures":
            return query(**asked)
        listed = names if asked.get("ScanIndexForward", True) else names[::-1]
        return {"Count": 2, "Items": [{"sk": {"S": name}} for name in listed]}

    monkeypatch.setattr(dynamodb, "query", before)
    assert answers(owner.press("retry_all", BUG)) == ["2 sent again."]
    for order in ("retry", "retry_all", "discard"):
        assert answers(owner.press(order, BUG)) == ["None of this is open any more."]
    assert (owner.handled, [owner.state(name) for name in names]) == (["words 1", "words 2"], [("retried", 1)] * 2)


@pytest.mark.parametrize("words", ["Bad Request: message can't be edited", "Bad Request: message to edit not found"])
def test_a_message_that_cannot_be_edited_is_left(owner: Owner, words: str) -> None:
    """What was pressed is done and answered all the same, once."""
    name = owner.give_up(1)
    owner.telegram.faults["editMessageText"] = [refusal(400, words)]
    assert answers(owner.press("retry", BUG)) == ["1 sent again."]
    assert owner.state(name) == ("retried", 1)


def test_an_answer_that_comes_too_late_is_no_failure(owner: Owner) -> None:
    """A press may have waited in the queue: what it asked for is done, and nothing is given up for its answer."""
    name = owner.give_up(1)
    owner.telegram.faults["answerCallbackQuery"] = [refusal(400, "Bad Request: query is too old and response timeout")]
    calls = owner.press("retry", BUG)
    assert "1 sent again" in next(call.fields["text"] for call in calls if call.method == "editMessageText")
    assert (owner.state(name), owner.cloud.letters()) == (("retried", 1), [])


def test_a_kind_that_has_expired_stands_in_nobodys_way(owner: Owner) -> None:
    """DynamoDB deletes late and in any order: what is left is seen to, and the list works as before."""
    name = owner.give_up(1)
    owner.cloud.dynamodb.delete_item(TableName="state", Key={"pk": {"S": "fingerprint"}, "sk": {"S": BUG}})
    owner.press("discard_one", name)
    other = owner.give_up(2, fingerprint=OTHER)
    [listed] = [call for call in owner.say("/failures") if call.method == "sendMessage"]
    assert other in listed.fields["text"]


def test_what_nobody_knew_is_sent_with_the_retry(owner: Owner) -> None:
    """An update that cannot go on without is sent again, and its unknown message with it, for somebody decided so."""
    known = Recorded("sendMessage", "8001", "known", '{"message_id": 5}')
    unknown = Recorded("sendMessage", "8001", "unknown", None)
    journal = Journal(owner.cloud.client("dynamodb"), "traffic", AwsCalls(), owner.cloud.clock)
    run(journal.write("message-1", Entry(calls=(known, unknown), receives=1)))
    name = owner.give_up(1, reason="rejected", error="OutcomeUnknown")
    owner.press("retry_one", name)
    assert run(journal.read("message-1")).calls == (known,)


def test_what_has_expired_is_gone(owner: Owner) -> None:
    """Though DynamoDB has not deleted it yet: nothing is sent again after its fourteen days."""
    name = owner.give_up(1)
    owner.cloud.clock.now += 14 * 86_400 + 1
    assert answers(owner.press("retry_one", name)) == ["Nothing of this is kept any more."]
    assert owner.handled == []
