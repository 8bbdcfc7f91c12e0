"""Each file in events/ goes through its built function under Lambda's own runtime, and has the outcome that it is for.

Nothing is imported here: functions, layers and their bytecode are as `sam build` made them, settings as the template
has them. The queues, tables, secrets and Telegram around them are local.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.ingress.dead_letter import reference
from tests.runtime.cloud import WEBHOOK_SECRET, plain
from tests.runtime.conftest import IDENTITY, World, function_of
from tests.runtime.telegram import TOKEN
from tests.template.reading import ROOT, Template

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = sorted(path.stem for path in ROOT.glob("events/*.json"))
OK = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
NONE_FAILED: dict[str, Any] = {"batchItemFailures": []}
ANN, GROUP = 7001, -1001234567890
HELLO = "Hello Ann! I am here and listening. /help lists what I can do."
COMMANDS = {"help", "start", "id"}

type Expectation = Callable[[World], None]
EXPECTATIONS: dict[str, Expectation] = {}


def expect(*names: str) -> Callable[[Expectation], Expectation]:
    """Say what must hold for these events; the function drives the event itself."""

    def add(expectation: Expectation) -> Expectation:
        EXPECTATIONS.update(dict.fromkeys(names, expectation))
        return expectation

    return add


def event(name: str) -> Any:
    """Return the event in a file."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def sent(world: World) -> list[tuple[int, str]]:
    """Return chat and text of each message that the bot sent; there must be no other calls."""
    calls = world.telegram.calls()
    assert {method for method, _ in calls} <= {"sendMessage"}
    return [(int(parameters["chat_id"]), parameters["text"]) for _, parameters in calls]


def left(world: World) -> dict[str, int]:
    """Return how many messages each queue holds, without the empty ones."""
    counts = {queue: world.cloud.waiting(queue) for queue in world.cloud.queues}
    return {queue: count for queue, count in counts.items() if count}


def failures(world: World) -> list[dict[str, Any]]:
    """Return the failures that were kept, each with its update's text."""
    return [
        {**plain(item), "update": zlib.decompress(item["update"]["B"]).decode()}
        for item in world.cloud.items("StateTable")
        if item["pk"]["S"] == "failure"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_event_has_its_outcome(world: World, name: str) -> None:
    """Whatever a file in events/ holds has an expectation here, and it is met; no log has the token or a text."""
    assert name in EXPECTATIONS, f"events/{name}.json is not tested: say with @expect what must come of it"
    assert function_of(name) in world.functions
    EXPECTATIONS[name](world)
    logged = world.logged()
    for hidden in (TOKEN, TOKEN.partition(":")[2], WEBHOOK_SECRET, "beans"):
        assert hidden not in logged


def test_every_expectation_has_its_event() -> None:
    """No expectation is for a file that is not there."""
    assert set(EXPECTATIONS) - set(NAMES) == set()


def test_every_function_has_an_event() -> None:
    """Each can be tried with `sam local invoke`."""
    assert {function_of(name) for name in NAMES} == set(Template.read(ROOT / "template.yaml").functions)


def test_the_webhook_is_not_told_where_the_token_is(world: World) -> None:
    """Its process sees the ARN of its own secret, and no other secret's."""
    secrets = {name: arn for name, arn in world.cloud.known.items() if ":secret:" in arn}
    seen = world.functions["WebhookFunction"].environment()
    assert {name for name, arn in secrets.items() if any(arn in value for value in seen.values())} == {
        "WebhookSecret.Id"
    }
    assert not any(TOKEN in value for value in seen.values())


def test_a_worker_that_does_not_start_fails_the_registration(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda's error of a function that cannot be loaded comes back as a sentence, and Telegram is told nothing."""
    broken = world.functions["TasksFunction"].changed(tmp_path, UPDATE_DEADLINE_S="300")
    monkeypatch.setitem(world.functions, "TasksFunction", broken)
    answer = world.run("registrar__register")
    assert answer.keys() == {"error"}
    assert answer["error"].startswith(
        "The bot does not start. SettingsInvalid: A function timeout of 300 s is too short"
    )
    assert world.telegram.calls() == []


# ----------------------------------------------------------------------------------------------------------- alerts --


@expect("alerts__status")
def a_new_bot_reports(world: World) -> None:
    """What there is, in words, while nothing was counted; and it has what a picture is drawn with."""
    report = world.run("alerts__status")
    assert report.keys() == {"text"}
    lines = report["text"].splitlines()
    assert lines[0].startswith("<b>floodgate-local</b>, the hour to ")
    assert {"Queues now: updates 0, tasks 0, dead 0", "Failures open: none", "Alarms: none"} <= set(lines)
    assert lines[-1] == "Nothing was counted in this hour. What happens now is here in two minutes."


# ---------------------------------------------------------------------------------------------------------- webhook --


def queued(name: str, group: str, update_id: str) -> None:
    """Expect the body as Telegram sent it, in its group, with its update_id against copies, and nothing else."""

    def expectation(world: World) -> None:
        given = event(name)
        body = base64.b64decode(given["body"]).decode() if given["isBase64Encoded"] else given["body"]
        assert world.run(name) == OK
        assert world.cloud.receive("UpdatesQueue") == [(body, group, update_id)]
        assert left(world) == {}

    expect(name)(expectation)


queued("webhook__start_command", "chat:7001", "500000001")
queued("webhook__callback", "chat:-1001234567890", "500000002")
queued("webhook__inline_query", "q:7001", "500000003")
queued("webhook__poll_answer", "poll:5068000000000000001", "500000004")
queued("webhook__base64", "chat:7001", "500000005")
queued("webhook__unknown_type", "update:dream_shared", "500000008")


@expect("webhook__wrong_secret")
def a_stranger_changes_nothing(world: World) -> None:
    """403, and the queues are as before."""
    assert world.run("webhook__wrong_secret") == {**OK, "statusCode": 403}
    assert left(world) == {}


@expect("webhook__not_json")
def poison_is_buried(world: World) -> None:
    """It is answered 200 and lies in dead.fifo."""
    assert world.run("webhook__not_json") == OK
    [(body, group, _)] = world.cloud.receive("DeadQueue")
    letter = json.loads(body)
    assert (letter["reason"], letter["detail"]) == ("poison", "body is not JSON")
    assert letter["update"] == event("webhook__not_json")["body"]
    assert group == letter["group"]
    assert left(world) == {}


# ------------------------------------------------------------------------------------------------- worker and tasks --


def handled(name: str, *expected: tuple[int, str]) -> None:
    """Expect these messages from the bot, and a queue from which the event's messages are gone."""

    def expectation(world: World) -> None:
        assert world.run(name) == NONE_FAILED
        assert sorted(sent(world)) == sorted(expected)
        assert left(world) == {}

    expect(name)(expectation)


IDS = "This chat's id is {}.\nYour user id is 7001."
HELP = (
    "Here is what I can do:\n/help - List what I can do\n/start - Say hello\n/id - Tell the ids of this chat and of you"
)

handled("worker__start_command", (ANN, HELLO))
handled("worker__redelivered", (ANN, HELLO))
handled("worker__callback")
handled("worker__unknown_type")
handled("tasks__start_command", (ANN, HELLO))


@expect("worker__batch_of_two_chats")
def a_batch_is_answered_in_order(world: World) -> None:
    """Both chats get their answers, the private one its two in the order in which it asked."""
    assert world.run("worker__batch_of_two_chats") == NONE_FAILED
    answers = sent(world)
    [help_, ids] = [text for chat, text in answers if chat == ANN]
    assert {"Here is what I can do:", "/start - Say hello"} <= set(help_.splitlines())
    assert ids == IDS.format(ANN)
    assert [text for chat, text in answers if chat == GROUP] == [IDS.format(GROUP)]
    assert left(world) == {}


@expect("worker__small_talk")
def small_talk_is_answered_once_a_minute(world: World) -> None:
    """The first word gets a pointer to /help, the next none; the traffic table knows for how long."""
    assert world.run("worker__small_talk") == NONE_FAILED
    assert sent(world) == [(ANN, "I do not know what to do with that. /help lists what I can do.")]
    [quiet] = [plain(item) for item in world.cloud.items("TrafficTable") if item["pk"]["S"].startswith("quiet#")]
    assert (quiet["pk"], quiet["owner"]) == ("quiet#unknown#7001", "500000102")
    assert left(world) == {}


def given_up(name: str) -> None:
    """Expect a dead letter with the fields of those in events/deadletter__*.json, and no message to anybody."""

    def expectation(world: World) -> None:
        [record] = event(name)["Records"]
        assert world.run(name) == NONE_FAILED
        [(body, group, _)] = world.cloud.receive("DeadQueue")
        letter = json.loads(body)
        assert letter.keys() == json.loads(event("deadletter__letter")["Records"][0]["body"]).keys()
        assert (letter["reason"], letter["update"]) == ("poison", record["body"])
        assert letter["message_id"] == record["messageId"]
        assert group == letter["group"]
        assert sent(world) == []
        assert left(world) == {}

    expect(name)(expectation)


given_up("worker__not_json")
given_up("tasks__not_json")


@expect("tasks__unknown_task")
def a_task_that_is_not_there_is_tried_again(world: World) -> None:
    """It goes back, with its failure counted: the code that asked for it may be newer than this one."""
    [record] = event("tasks__unknown_task")["Records"]
    name = record["messageId"]
    assert world.run("tasks__unknown_task") == {"batchItemFailures": [{"itemIdentifier": name}]}
    [entry] = [item for item in world.cloud.items("TrafficTable") if item["pk"] == {"S": f"journal#{name}"}]
    failure = json.loads(entry["failure"]["S"])
    assert (failure["error"], failure["handler"]) == ("UnknownTask", "prune")
    assert sent(world) == []
    assert left(world) == {"TasksQueue": 1}


@expect("worker__describe")
def a_worker_tells_what_the_bot_handles(world: World) -> None:
    """Types and commands, without a call to anybody."""
    answer = world.run("worker__describe")
    assert {one["command"] for one in answer["commands"]} >= COMMANDS
    assert {"message", "my_chat_member", "chat_member"} <= set(answer["allowed_updates"])
    assert sent(world) == []


@expect("tasks__describe")
def tasks_tell_the_same(world: World) -> None:
    """It is the same code, with settings of its own."""
    assert world.run("tasks__describe") == world.run("worker__describe")


# ----------------------------------------------------------------------------------------------------- dead letters --


def apology(name: str) -> str:
    """Return what a person is told of a failure."""
    return (
        "Sorry, something went wrong and I could not answer that. It has been kept and will be looked into; "
        f"if you ask about it, mention {name}."
    )


def kept(name: str, *, reason: str, told: int | None, answers: int | None = None) -> None:
    """Expect the failure in the state table, and its sender told in the chat `told`, replying to message `answers`."""

    def expectation(world: World) -> None:
        [record] = event(name)["Records"]
        letter = {"update": record["body"], "message_id": record["messageId"]}
        if reason != "redriven":
            letter = json.loads(record["body"])
        handle = reference(letter["message_id"] or letter["sha256"])
        for _ in range(2):  # SQS may hand a letter out twice
            assert world.run(name) == NONE_FAILED
        [failure] = failures(world)
        assert (failure["sk"], failure["reason"], failure["update"]) == (handle, reason, letter["update"])
        assert sent(world) == ([] if told is None else [(told, apology(handle))])
        replies = [parameters.get("reply_parameters") for _, parameters in world.telegram.calls()]
        assert [reply and reply["message_id"] for reply in replies] == ([] if told is None else [answers])
        assert left(world) == {}

    expect(name)(expectation)


kept("deadletter__letter", reason="bug", told=ANN, answers=7)
kept("deadletter__callback", reason="rejected", told=GROUP)
kept("deadletter__poison", reason="poison", told=None)
kept("deadletter__redriven_update", reason="redriven", told=ANN, answers=8)


# ----------------------------------------------------------------------------------------------------------- alerts --


def in_the_admin_chat(world: World) -> list[tuple[str, str]]:
    """Return the method and the first line of what the admin was told."""
    return [
        (method, str(parameters.get("text") or parameters.get("caption")).splitlines()[0])
        for method, parameters in world.telegram.calls()
    ]


@expect("alerts__alarm")
def an_alarm_reaches_the_admin_chat(world: World) -> None:
    """Once, however often SNS brings it; the local AWS has no figures to draw."""
    admin = world.functions["AlertsFunction"].variables["ADMIN_CHAT_ID"]
    for _ in range(2):
        assert world.run("alerts__alarm") is None
    assert in_the_admin_chat(world) == [("sendMessage", "🔴 Waiting updates · floodgate-local")]
    [(_, told)] = world.telegram.calls()
    assert str(told["chat_id"]) == admin


@expect("alerts__recovered")
def a_recovery_is_an_edit(world: World) -> None:
    """Of the same message."""
    world.run("alerts__alarm")
    assert world.run("alerts__recovered") is None
    assert in_the_admin_chat(world) == [
        ("sendMessage", "🔴 Waiting updates · floodgate-local"),
        ("editMessageText", "🟢 Waiting updates: recovered · floodgate-local"),
    ]


@expect("alerts__budget")
def a_budgets_message_is_passed_on(world: World) -> None:
    """It is no alarm."""
    world.run("alerts__budget")
    [(method, line)] = in_the_admin_chat(world)
    assert (method, line.startswith("🟡 AWS Budgets: floodgate has exceeded")) == ("sendMessage", True)


@expect("alerts__sweep")
def a_sweep_ends_what_is_no_longer_there(world: World) -> None:
    """The alarm of the event does not exist."""
    world.run("alerts__alarm")
    assert world.run("alerts__sweep") is None
    assert [method for method, _ in in_the_admin_chat(world)] == ["sendMessage", "editMessageText"]


# -------------------------------------------------------------------------------------------------------- registrar --


def registered(world: World) -> None:
    """Assert what Telegram and the state table know afterwards: the webhook, the commands, who the bot is."""
    url = world.functions["RegistrarFunction"].variables["WEBHOOK_URL"]
    info = world.telegram.call("getWebhookInfo")
    assert info["url"] == url
    assert info["max_connections"] == 40
    interface = world.run("worker__describe")
    assert set(info["allowed_updates"]) == set(interface["allowed_updates"])
    assert world.telegram.call("getMyCommands") == interface["commands"]
    [told] = [parameters for method, parameters in world.telegram.calls() if method == "setWebhook"]
    assert told["secret_token"] == WEBHOOK_SECRET
    [identity] = [item for item in world.cloud.items("StateTable") if item["sk"]["S"] == "identity"]
    assert json.loads(identity["user"]["S"])["id"] == IDENTITY["id"]


def answered(world: World, name: str) -> None:
    """Assert that CloudFormation was told of success, once."""
    asked = event(name)
    [answer] = world.neighbours.answers
    same = ("StackId", "RequestId", "LogicalResourceId")
    assert {key: answer[key] for key in same} == {key: asked[key] for key in same}
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "telegram-registration")


@expect("registrar__register")
def a_person_registers(world: World) -> None:
    """The answer says what Telegram has now."""
    answer = world.run("registrar__register")
    assert answer["webhook_url"] == world.functions["RegistrarFunction"].variables["WEBHOOK_URL"]
    assert set(answer["commands"]) >= COMMANDS
    registered(world)


@expect("registrar__check")
def the_webhook_is_looked_at(world: World) -> None:
    """It is as it was registered; what the check found is kept beside what was asked for."""
    world.run("registrar__register")
    assert world.run("registrar__check") == {"webhook": "ours", "pending": 0, "last_error": None}
    [health] = [plain(item) for item in world.cloud.items("StateTable") if item["sk"]["S"] == "health"]
    assert (health["webhook"], health["pending"]) == ("ours", "0")


@expect("registrar__cfn_create")
def a_new_stack_registers(world: World) -> None:
    """CloudFormation hears of success once Telegram delivers here."""
    assert world.run("registrar__cfn_create") == {}
    answered(world, "registrar__cfn_create")
    registered(world)


@expect("registrar__cfn_update")
def a_changed_stack_registers(world: World) -> None:
    """The same as for a new one, under the same physical id, so that nothing is deleted afterwards."""
    assert world.run("registrar__cfn_update") == {}
    answered(world, "registrar__cfn_update")
    registered(world)


@expect("registrar__cfn_delete")
def a_deleted_stack_takes_its_webhook_along(world: World) -> None:
    """The webhook that is this stack's is removed."""
    world.telegram.call("setWebhook", url=world.functions["RegistrarFunction"].variables["WEBHOOK_URL"])
    assert world.run("registrar__cfn_delete") == {}
    answered(world, "registrar__cfn_delete")
    assert world.telegram.call("getWebhookInfo")["url"] == ""
