"""Each sample event goes where it belongs: the function's own wiring, real queues' rules, nothing deployed."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.webhook.conftest import ROOT, Cloud

OK = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
REFUSED = {**OK, "statusCode": 403}
GROUPS = {
    "start_command": ("chat:7001", "500000001"),
    "callback": ("chat:-1001234567890", "500000002"),
    "inline_query": ("q:7001", "500000003"),
    "poll_answer": ("poll:5068000000000000001", "500000004"),
    "base64": ("chat:7001", "500000005"),
    "unknown_type": ("update:dream_shared", "500000008"),
}


def changed(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the event with another body or the like."""
    return {**event, **fields}


def test_every_sample_event_is_tested() -> None:
    """No event file lies unread."""
    names = {Path(path).stem.removeprefix("webhook__") for path in ROOT.glob("events/webhook__*.json")}
    assert names == {*GROUPS, "wrong_secret", "not_json"}


@pytest.mark.parametrize(("event", "expected"), GROUPS.items(), indirect=["event"], ids=list(GROUPS))
def test_an_update_is_queued(cloud: Cloud, event: dict[str, Any], expected: tuple[str, str]) -> None:
    """The body as Telegram sent it, in its group, with its update_id against copies; no dead letter."""
    body = base64.b64decode(event["body"]).decode() if event["isBase64Encoded"] else event["body"]
    assert cloud.handler(event, None) == OK
    assert cloud.updates == [(body, *expected)]
    assert cloud.dead == []


@pytest.mark.parametrize("event", ["start_command"], indirect=True)
def test_a_repeated_delivery_is_queued_once(cloud: Cloud, event: dict[str, Any]) -> None:
    """Telegram delivers again when our answer got lost; the queue holds one."""
    assert [cloud.handler(event, None) for _ in range(3)] == [OK, OK, OK]
    assert len(cloud.updates) == 1


@pytest.mark.parametrize("cloud", ["on"], indirect=True)
@pytest.mark.parametrize("event", ["callback"], indirect=True)
def test_a_button_may_be_answered_early(cloud: Cloud, event: dict[str, Any]) -> None:
    """The answer to each delivery, a repeated one too, is the Bot API call; the update is queued once."""
    answer, again = (cloud.handler(event, None) for _ in range(2))
    call = {"method": "answerCallbackQuery", "callback_query_id": "30070000000000001"}
    assert (again, {**answer, "body": json.loads(answer["body"])}) == (answer, {**OK, "body": call})
    assert cloud.updates == [(event["body"], *GROUPS["callback"])]


@pytest.mark.parametrize("cloud", ["on"], indirect=True)
@pytest.mark.parametrize("event", [*sorted({*GROUPS, "not_json"} - {"callback"})], indirect=True)
def test_nothing_but_a_button_is_answered_early(cloud: Cloud, event: dict[str, Any]) -> None:
    """What asks for nothing gets nothing."""
    assert cloud.handler(event, None) == OK


@pytest.mark.parametrize("cloud", ["on"], indirect=True)
@pytest.mark.parametrize("event", ["callback"], indirect=True)
def test_a_button_that_was_not_queued_is_not_answered(cloud: Cloud, event: dict[str, Any]) -> None:
    """Telegram is asked to come again, and for nothing else."""
    cloud.sqs.delete_queue(QueueUrl=cloud.updates_url)
    answer = cloud.handler(event, None)
    assert (answer["statusCode"], answer["body"]) == (503, "{}")


@pytest.mark.parametrize("event", ["start_command"], indirect=True)
def test_a_chat_stays_in_order(cloud: Cloud, event: dict[str, Any]) -> None:
    """Updates of one chat leave the queue as they came."""
    bodies = [event["body"].replace("500000001", str(500000001 + step)) for step in range(12)]
    for body in bodies:
        cloud.handler(changed(event, body=body), None)
    assert [body for body, _, _ in cloud.updates] == bodies


@pytest.mark.parametrize("event", ["wrong_secret"], indirect=True)
def test_a_wrong_secret_changes_nothing(cloud: Cloud, event: dict[str, Any]) -> None:
    """The request is refused, and both queues are as before."""
    assert cloud.handler(event, None) == REFUSED
    assert (cloud.updates, cloud.dead) == ([], [])


@pytest.mark.parametrize("event", ["start_command"], indirect=True)
def test_the_secret_is_the_stored_one(cloud: Cloud, event: dict[str, Any]) -> None:
    """A function that starts after a rotation knows the new secret only."""
    cloud.rotate("rotated-webhook-secret")
    header = {"x-telegram-bot-api-secret-token": "rotated-webhook-secret"}
    assert cloud.handler(event, None) == REFUSED
    assert cloud.handler(changed(event, headers=header), None) == OK


@pytest.mark.parametrize("event", ["not_json"], indirect=True)
def test_poison_becomes_a_dead_letter(cloud: Cloud, event: dict[str, Any]) -> None:
    """What is not an update is kept with its reason and its trace, and answered 200."""
    assert cloud.handler(event, None) == OK
    [(body, group, _)] = cloud.dead
    letter = json.loads(body)
    assert group == letter["group"] == f"poison:{letter['sha256'][:32]}"
    assert letter["reason"] == "poison"
    assert letter["detail"] == "body is not JSON"
    assert letter["update"] == event["body"]
    assert letter["trace_id"] == "1-6a2a1b80-0123456789abcdef00000000"
    assert cloud.updates == []


@pytest.mark.parametrize("event", ["start_command"], indirect=True)
def test_what_the_queue_holds_to_be_too_large_becomes_a_dead_letter(cloud: Cloud, event: dict[str, Any]) -> None:
    """A queue set to a lower limit than ours refuses: the update is buried, since 503 would be repeated forever."""
    cloud.sqs.set_queue_attributes(QueueUrl=cloud.updates_url, Attributes={"MaximumMessageSize": "1024"})
    body = event["body"].replace("/start", "/start " + "x" * 2000)
    assert cloud.handler(changed(event, body=body), None) == OK
    [(letter, _, _)] = cloud.dead
    assert json.loads(letter)["detail"] == "the queue refuses the body: InvalidParameterValue"
    assert json.loads(letter)["update"] == body


@pytest.mark.parametrize("event", ["start_command"], indirect=True)
def test_a_missing_queue_puts_the_request_off(cloud: Cloud, event: dict[str, Any]) -> None:
    """Telegram keeps the update until the queue is there."""
    cloud.sqs.delete_queue(QueueUrl=cloud.updates_url)
    answer = cloud.handler(event, None)
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["retry-after"]) in range(1, 3601)
    assert cloud.dead == []


@pytest.mark.parametrize("event", ["start_command"], indirect=True)
def test_a_missing_secret_puts_the_request_off(cloud: Cloud, event: dict[str, Any]) -> None:
    """Without the secret nothing is accepted and nothing is refused."""
    cloud.secrets.delete_secret(SecretId=cloud.secret_arn, ForceDeleteWithoutRecovery=True)
    assert cloud.handler(event, None)["statusCode"] == 503
    assert cloud.updates == []
