"""Messages through the deployed template: answered, in order, once; what fails or is no update is kept."""

import json
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local import environment
from local.control import TelegramControl
from local.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

WITHIN_S = 30.0

type Post = Callable[[bytes, dict[str, str]], httpx.Response]


def wait_until(it_holds: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Return once what is asked for is true, or not empty."""
    deadline = time.monotonic() + within_s
    while not it_holds():
        assert time.monotonic() < deadline, f"it did not come true within {within_s:.0f} s"
        time.sleep(0.05)


@pytest.fixture
def secret(stack: Stack, outputs: dict[str, str]) -> str:
    """What Telegram shows with each delivery."""
    value: str = stack.aws.client("secretsmanager").get_secret_value(SecretId=outputs["WebhookSecret"])["SecretString"]
    return value


@pytest.fixture
def post(stack: Stack, outputs: dict[str, str]) -> Post:
    """Post a body to the webhook, as anybody could."""
    url = httpx.URL(outputs["WebhookUrl"])

    def send(body: bytes, headers: dict[str, str]) -> httpx.Response:
        # Its name is one that only the emulator resolves; see docs/adr/0003-webhook-address.md.
        return httpx.post(
            f"{stack.aws.endpoint}{url.path}",
            content=body,
            headers={"host": url.netloc.decode(), **headers},
            trust_env=False,
            timeout=30,
        )

    return send


def test_start_is_answered_with_one_message(telegram: TelegramControl, chat_id: int) -> None:
    """/start gets one friendly message that leads to /help."""
    telegram.say(chat_id, "/start")
    (reply,) = telegram.wait_for_reply(chat_id)
    assert "/help" in reply["text"]


def test_help_lists_every_registered_command(telegram: TelegramControl, chat_id: int) -> None:
    """/help lists just the commands that Telegram was told."""
    (told,) = [call["parameters"]["commands"] for call in telegram.calls("setMyCommands")][-1:]
    telegram.say(chat_id, "/help")
    (reply,) = telegram.wait_for_reply(chat_id)
    listed = [line.split(" - ")[0] for line in reply["text"].splitlines() if line.startswith("/")]
    assert listed == [f"/{command['command']}" for command in told]


def test_replies_come_in_order_under_50_interleaved_chats(telegram: TelegramControl) -> None:
    """50 chats that talk across each other each get their answers in the order of their messages."""
    chats = range(60_001, 60_051)
    said = ["/id", "/start", "/help", "what?"]
    for text in said:
        for chat in chats:
            telegram.say(chat, text)
    expected = ["This chat's id", "Hello User", "Here is what", "I do not know"]
    for chat in chats:
        replies = telegram.wait_for_reply(chat, len(said), timeout_s=120)
        assert [reply["text"][: len(start)] for reply, start in zip(replies, expected, strict=True)] == expected


def test_nobody_asks_telegram_who_the_bot_is(telegram: TelegramControl, chat_id: int) -> None:
    """Workers send no getMe: it is the registrar's alone."""
    before = len(telegram.calls("getMe"))
    telegram.say(chat_id, "/start")
    telegram.wait_for_reply(chat_id)
    assert len(telegram.calls("getMe")) == before


def test_a_redelivered_update_is_answered_once(telegram: TelegramControl, chat_id: int) -> None:
    """The same update_id, delivered three times, gets one answer."""
    message = {
        "message_id": 1,
        "date": int(time.time()),
        "chat": {"id": chat_id, "type": "private", "first_name": "Ann"},
        "from": {"id": chat_id, "is_bot": False, "first_name": "Ann"},
        "text": "/start",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    for _ in range(3):
        telegram.send_update({"update_id": 7_000_000 + chat_id, "message": message})
    telegram.say(chat_id, "/id")  # behind them in the chat's order: once it is answered, they are done
    replies = telegram.wait_for_reply(chat_id, 2)
    assert [reply["text"].split()[0] for reply in replies] == ["Hello", "This"]


@pytest.mark.parametrize(
    "headers", [{}, {"x-telegram-bot-api-secret-token": "wrong"}], ids=["no secret", "wrong secret"]
)
def test_without_the_secret_nothing_changes(
    telegram: TelegramControl,
    chat_id: int,
    headers: dict[str, str],
    post: Post,
    failures: Callable[[], dict[str, Any]],
    waiting: Callable[[], int],
) -> None:
    """A body without the secret is answered 403, and neither queued nor kept nor answered."""
    wait_until(lambda: waiting() == 0)
    kept, calls = failures(), len(telegram.calls())
    forged = {"update_id": 9_000_000 + chat_id, "message": {"chat": {"id": chat_id}, "text": "/start"}}
    for body in (json.dumps(forged).encode(), b"not JSON"):
        answer = post(body, headers)
        assert (answer.status_code, answer.text) == (403, "{}")
    assert waiting() == 0
    assert failures() == kept
    assert len(telegram.calls()) == calls


def test_a_poison_body_is_kept_and_the_bot_goes_on(
    telegram: TelegramControl, chat_id: int, secret: str, post: Post, failures: Callable[[], dict[str, Any]]
) -> None:
    """A body that is no update is answered 200, kept with its reason, and the next message is answered."""
    before = failures().keys()
    body = f"poison {chat_id}".encode()
    assert post(body, {"x-telegram-bot-api-secret-token": secret}).status_code == 200
    wait_until(lambda: failures().keys() - before)
    (reference,) = failures().keys() - before
    kept = failures()[reference]
    assert kept["reason"]["S"] == "poison"
    assert kept["detail"]["S"] == "body is not JSON"
    assert zlib.decompress(kept["update"]["B"]) == body
    telegram.say(chat_id, "/start")
    assert len(telegram.wait_for_reply(chat_id)) == 1


def test_a_failure_is_retried_in_its_place(telegram: TelegramControl, chat_id: int) -> None:
    """A message whose answer fails once is answered once, before the message behind it."""
    telegram.fault("sendMessage", error_code=500)
    telegram.say(chat_id, "/start")
    telegram.say(chat_id, "/id")
    replies = telegram.wait_for_reply(chat_id, 2)
    assert [reply["text"].split()[0] for reply in replies] == ["Hello", "This"]


def test_a_429_is_waited_for(telegram: TelegramControl, chat_id: int) -> None:
    """What Telegram puts off is answered once its time is over, and not counted as a failure."""
    telegram.fault("sendMessage", count=4, retry_after=1)
    telegram.say(chat_id, "/start")
    (reply,) = telegram.wait_for_reply(chat_id)
    assert reply["text"].startswith("Hello")


def test_what_fails_for_good_is_kept_and_the_person_told_once(
    telegram: TelegramControl, chat_id: int, failures: Callable[[], dict[str, Any]]
) -> None:
    """What Telegram refuses is kept at once, and the person told once, with the reference under which it is."""
    telegram.fault("sendMessage", error_code=400)
    telegram.say(chat_id, "/start")
    telegram.say(chat_id, "/id")
    replies = telegram.wait_for_reply(chat_id, 2)
    apologies = [reply["text"] for reply in replies if reply["text"].startswith("Sorry")]
    assert len(apologies) == 1
    kept = {reference: item for reference, item in failures().items() if reference in apologies[0]}
    ((reference, item),) = kept.items()
    assert item["attempts"]["N"] == "1"
    assert item["group"]["S"] == f"chat:{chat_id}"
    assert json.loads(zlib.decompress(item["update"]["B"]))["message"]["text"] == "/start"
    assert len([call for call in telegram.calls("sendMessage") if reference in str(call["parameters"])]) == 1


def test_a_type_not_yet_invented_is_finished(
    telegram: TelegramControl, chat_id: int, failures: Callable[[], dict[str, Any]], waiting: Callable[[], int]
) -> None:
    """An update of an unknown type leaves the queues, is no failure, and holds up nobody."""
    before = failures()
    telegram.send_update({"telepathy": {"thought": "hello", "chat": {"id": chat_id}}})
    telegram.say(chat_id, "/start")
    telegram.wait_for_reply(chat_id)
    wait_until(lambda: waiting() == 0)
    assert failures() == before


def test_the_word_for_the_unknown_comes_once_a_minute_and_not_in_groups(
    telegram: TelegramControl, chat_id: int
) -> None:
    """In private the first of several unknown messages gets a word; in a group none does."""
    for text in ("hm", "hm?", "hm!"):
        telegram.say(chat_id, text)
        telegram.say(-chat_id, text)
    for chat in (chat_id, -chat_id):
        telegram.say(chat, "/id")
    assert len(telegram.wait_for_reply(chat_id, 2)) == 2
    (only,) = telegram.wait_for_reply(-chat_id)
    assert only["text"].startswith("This chat's id")


def test_no_token_is_to_be_seen(
    stack: Stack, functions: "LambdaClient", telegram: TelegramControl, chat_id: int
) -> None:
    """The token stands in no processed template, parameter, environment, output, event or log."""
    telegram.fault("sendMessage", error_code=500)
    telegram.say(chat_id, "/start")
    telegram.wait_for_reply(chat_id)
    telegram.fault("sendMessage", drop=True)  # nobody knows whether it was sent, so it is not sent again
    telegram.say(chat_id, "/start")
    telegram.say(chat_id, "/id")
    telegram.wait_for_reply(chat_id, count=2)
    name = stack.aws.stack_name
    cloudformation = stack.aws.cloudformation
    seen = {
        "template": cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"],
        "stack": cloudformation.describe_stacks(StackName=name)["Stacks"],
        "events": cloudformation.describe_stack_events(StackName=name)["StackEvents"],
        "functions": functions.list_functions()["Functions"],
        "logs": [
            stack.aws.logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            for group in stack.aws.logs.describe_log_groups()["logGroups"]
        ],
    }
    assert [where for where, content in seen.items() if environment.BOT_TOKEN in str(content)] == []
    assert "NetworkError" in str(seen["logs"])  # the logs are there, and that of the failure among them
