"""One deployed stack for all end-to-end tests: the real template, built and deployed by sam, on ports of its own.

A test is a person in a chat of its own (`chat_id`), so that tests do not see each other's messages.
"""

import fcntl
import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local import environment
from local.ports import Ports
from local.stack import ROOT, Stack
from local.telegram.pytest_plugin import Address

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "tools", "tests", "docs", "env.json")

_chat_ids = itertools.count(1001)


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, which shares the tools and the environments, and keeps what sam built of it."""
    folder = shutil.copytree(ROOT, tmp_path_factory.mktemp("copy") / "floodgate", ignore=_NOT_COPIED)
    shutil.copy(ROOT / ".python-version", folder)
    for shared in (".tools", ".venv", "tools"):
        (folder / shared).symlink_to(ROOT / shared)
    _take_over_builds(folder)
    return folder


def _take_over_builds(folder: Path) -> None:
    """Have what sam built of the project's layers be what it built of the copy's: it goes by where they are."""
    mine, theirs = (root / ".run" / f"build-{environment.architecture()}" for root in (ROOT, folder))
    if not (mine / "build.toml").exists():
        return
    with (mine / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as whoever builds does
        shutil.copytree(mine / "cache", theirs / "cache")
        theirs.joinpath("build.toml").write_text((mine / "build.toml").read_text().replace(str(ROOT), str(folder)))


@pytest.fixture(scope="module")
def copy_of_the_project(built_once: Path) -> Iterator[Path]:
    """That copy, whose functions and layers a module's tests may change; they are as they were again afterwards."""
    yield built_once
    for changed in ("functions", "layers"):
        shutil.rmtree(built_once / changed)
        shutil.copytree(ROOT / changed, built_once / changed, ignore=_NOT_COPIED)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the stack is built of, whose handlers it follows when they are saved."""
    folder = tmp_path_factory.mktemp("saved")
    for part in ("functions", "layers"):
        shutil.copytree(ROOT / part, folder / part, ignore=_NOT_COPIED)
    for part in ("template.yaml", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / part, folder)
    return folder


@pytest.fixture(scope="session")
def stack(saved: Path) -> Iterator[Stack]:
    """The stack, reachable from its Telegram."""
    with Stack(Ports.free(), watch=saved) as running:
        yield running


@pytest.fixture(scope="session")
def outputs(stack: Stack) -> dict[str, str]:
    """The stack's outputs by name."""
    return stack.aws.outputs()


@pytest.fixture(scope="session")
def telegram_server(stack: Stack) -> Address:
    """The stack's Telegram, to which the fixture `telegram` then talks."""
    return Address(stack.telegram_url)


@pytest.fixture
def chat_id() -> int:
    """A private chat that no other test uses."""
    return next(_chat_ids)


@pytest.fixture(scope="session")
def sqs(stack: Stack) -> "SQSClient":
    """The local SQS."""
    return stack.aws.sqs


@pytest.fixture(scope="session")
def dynamodb(stack: Stack) -> "DynamoDBClient":
    """The local DynamoDB."""
    return stack.aws.dynamodb


@pytest.fixture(scope="session")
def functions(stack: Stack) -> "LambdaClient":
    """The local Lambda."""
    return stack.aws.functions


@pytest.fixture(scope="session")
def logs(stack: Stack) -> "CloudWatchLogsClient":
    """The local CloudWatch Logs."""
    return stack.aws.logs


@pytest.fixture(scope="session")
def failures(outputs: dict[str, str], dynamodb: "DynamoDBClient") -> Callable[[], dict[str, Any]]:
    """What the state table keeps of failures, by reference."""

    def read() -> dict[str, Any]:
        items = dynamodb.query(
            TableName=outputs["StateTable"],
            KeyConditionExpression="pk = :failure",
            ExpressionAttributeValues={":failure": {"S": "failure"}},
        )["Items"]
        return {item["sk"]["S"]: item for item in items}

    return read


@pytest.fixture(scope="session")
def waiting(outputs: dict[str, str], sqs: "SQSClient") -> Callable[[], int]:
    """How many messages are in the three queues, in hand or not."""

    def count() -> int:
        found = 0
        for queue in ("UpdatesQueue", "TasksQueue", "DeadQueue"):
            attributes = sqs.get_queue_attributes(QueueUrl=outputs[queue], AttributeNames=["All"])["Attributes"]
            found += int(attributes["ApproximateNumberOfMessages"])
            found += int(attributes["ApproximateNumberOfMessagesNotVisible"])
        return found

    return count
