"""The functions' logs in one file."""

from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from local.logs import FunctionLogs


class FakeLogs:
    """CloudWatch Logs with one group."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str]] = []
        self.fails = False

    def filter_log_events(self, logGroupName: str, startTime: int) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Return what is not older than `startTime`, in milliseconds."""
        if self.fails:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "later"}}, "FilterLogEvents")
        assert logGroupName == "/floodgate/worker"
        found = [{"timestamp": at, "message": text} for at, text in self.events if at >= startTime]
        return {"events": found}


@pytest.fixture
def client() -> FakeLogs:
    """The log group."""
    return FakeLogs()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the lines go."""
    return tmp_path / "functions.log"


@pytest.fixture
def logs(client: FakeLogs, file: Path) -> FunctionLogs:
    """Follows the one group among the outputs."""
    outputs = {"WorkerLogGroup": "/floodgate/worker", "StateTable": "table"}
    return FunctionLogs(cast("Any", client), outputs, file)


def test_each_event_is_written_once_with_its_function(client: FakeLogs, logs: FunctionLogs, file: Path) -> None:
    """What was written is not written again, what came in the same millisecond is not lost."""
    client.events = [(1, "one\n"), (2, "two")]
    logs.follow()
    client.events += [(2, "also two"), (3, "three")]
    logs.follow()
    logs.follow()
    assert file.read_text() == "Worker: one\nWorker: two\nWorker: also two\nWorker: three\n"


def test_what_lambda_itself_says_is_left_out(client: FakeLogs, logs: FunctionLogs, file: Path) -> None:
    """START, END and REPORT would bury what the bot says."""
    client.events = [(1, "START RequestId: 1"), (2, "hello"), (3, "END RequestId: 1"), (3, "REPORT RequestId: 1")]
    logs.follow()
    assert file.read_text() == "Worker: hello\n"


def test_an_answer_that_fails_is_asked_for_again(client: FakeLogs, logs: FunctionLogs, file: Path) -> None:
    """Nothing is lost by it."""
    client.events = [(1, "one")]
    client.fails = True
    logs.follow()
    client.fails = False
    logs.follow()
    assert file.read_text() == "Worker: one\n"
