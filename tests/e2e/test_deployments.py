"""A stack of its own, deployed from a copy of the project, changed, deployed again, and deleted.

The tests build on one another in this order; each deployment is one that a bot author makes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import environment
from local.control import TelegramControl
from local.deployment import Deployment
from local.ports import Ports
from local.stack import Stack

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def own(copy_of_the_project: Path) -> Iterator[Stack]:
    """A stack whose files may be changed."""
    with Stack(Ports.free(), root=copy_of_the_project) as running:
        yield running


@pytest.fixture
def people(own: Stack) -> Iterator[TelegramControl]:
    """The people of that stack."""
    with TelegramControl(own.telegram_url) as control:
        yield control


def webhook_info(stack: Stack) -> dict[str, Any]:
    """Return what that stack's Telegram says of its webhook."""
    url = f"{stack.telegram_url}/bot{environment.BOT_TOKEN}/getWebhookInfo"
    info: dict[str, Any] = httpx.get(url, trust_env=False).raise_for_status().json()["result"]
    return info


def answer_to_a_stranger(stack: Stack) -> str:
    """Return what the webhook says to a request without the secret."""
    url = httpx.URL(stack.aws.outputs()["WebhookUrl"])
    answer = httpx.post(
        f"{stack.aws.endpoint}{url.path}", headers={"host": url.netloc.decode()}, trust_env=False, timeout=30
    )
    assert answer.status_code == httpx.codes.FORBIDDEN
    return answer.text


def register(stack: Stack) -> None:
    """Do what `make deploy` does at its end."""
    aws = stack.aws
    Deployment(aws.stack_name, cloudformation=aws.cloudformation, functions=aws.functions).register()


def test_a_changed_library_file_is_live(own: Stack) -> None:
    """After a change in the library and a deployment, functions run the changed code."""
    assert answer_to_a_stranger(own) == "{}"
    webhook = own.root / "layers" / "floodgate" / "floodgate" / "ingress" / "webhook.py"
    webhook.write_text(webhook.read_text().replace('"body": "{}"', '"body": "{ }"'))
    own.deploy()
    assert answer_to_a_stranger(own) == "{ }"


def test_a_new_feature_is_live_and_known_to_telegram(own: Stack, people: TelegramControl) -> None:
    """The README's example of a handler, in a new file, answers and stands in Telegram's menu after `make deploy`."""
    readme = (own.root / "README.md").read_text()
    example = readme.split("```python\n", 1)[1].split("```", 1)[0]
    assert "/echo" in example
    (own.root / "functions" / "worker" / "bot" / "echo.py").write_text(example)
    own.deploy()
    register(own)
    people.say(5, "/echo hello there")
    (reply,) = people.wait_for_reply(5)
    assert reply["text"] == "hello there"
    told = people.calls("setMyCommands")[-1]["parameters"]["commands"]
    assert {"command": "echo", "description": "Repeat what you say"} in told


def test_a_changed_parameter_is_live(own: Stack) -> None:
    """After a change of a parameter and a deployment, the registrar has told Telegram."""
    assert webhook_info(own)["max_connections"] == 4
    own.deploy(WebhookConnections="41")
    assert webhook_info(own)["max_connections"] == 41


def test_times_that_do_not_fit_fail_the_deployment(own: Stack) -> None:
    """A deadline that does not fit into the timeout is refused with a sentence, and the bot stays as it was."""
    with pytest.raises(Exception, match=r"timeout of 20 s is too short for a deadline of 19 s"):
        own.deploy(UpdateDeadline="19")
    assert webhook_info(own)["url"] == own.aws.outputs()["WebhookUrl"]


def test_a_deleted_stack_removes_its_webhook(own: Stack) -> None:
    """Deleting the stack removes the webhook, and keeps the table with people's data."""
    table = own.aws.outputs()["StateTable"]
    cloudformation = own.aws.cloudformation
    cloudformation.delete_stack(StackName=own.aws.stack_name)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=own.aws.stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert webhook_info(own)["url"] == ""
    assert table in own.aws.dynamodb.list_tables()["TableNames"]


def test_a_wrong_token_fails_the_deployment(own: Stack) -> None:
    """A token that Telegram does not know fails the deployment with a sentence that says so and does not quote it."""
    with pytest.raises(Exception, match="Telegram does not accept the bot token") as refused:
        own.deploy(BotToken="999:wrong", UpdateDeadline="10")
    assert "999:wrong" not in str(refused.value)
