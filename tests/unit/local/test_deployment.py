"""What is known of a deployment in a real account, and registering its bot."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from local.aws import StackUnusable
from local.deployment import Deployment, NotRegistered, Saved, own_runbook, runbook_at

OUTPUTS = {"RegistrarFunction": "floodgate-Registrar-1", "StateTable": "floodgate-State-1"}


class FakeCloudFormation:
    """Knows one stack."""

    meta = SimpleNamespace(region_name="eu-central-1")

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Return the stack, or refuse as CloudFormation does."""
        if StackName != "floodgate":
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in OUTPUTS.items()]
        return {"Stacks": [{"Outputs": outputs}]}


class FakeLambda:
    """Answers each invocation alike and remembers what it was asked."""

    def __init__(self, answer: dict[str, Any], **fields: Any) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._answer, self._fields = answer, fields

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Return the answer."""
        self.asked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._fields}


def deployment(functions: FakeLambda, name: str = "floodgate") -> Deployment:
    """Return a deployment in front of the fakes."""
    return Deployment(name, cloudformation=cast("Any", FakeCloudFormation()), functions=cast("Any", functions))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Saved]:
    """Read a samconfig.toml with these lines."""

    def read(text: str) -> Saved:
        (tmp_path / "samconfig.toml").write_text(text)
        return Saved.read(tmp_path / "samconfig.toml")

    return read


def test_the_registrar_is_asked_and_its_answer_returned() -> None:
    """It gets {"register": true}, the payload that people send."""
    functions = FakeLambda({"bot": "floodgate_bot", "webhook_url": "https://x/webhook"})
    assert deployment(functions).register() == {"bot": "floodgate_bot", "webhook_url": "https://x/webhook"}
    assert functions.asked == [("floodgate-Registrar-1", {"register": True})]


def test_the_registrars_sentence_is_the_error() -> None:
    """What it says is what people see."""
    with pytest.raises(NotRegistered, match=r"^Telegram does not accept the bot token\.$"):
        deployment(FakeLambda({"error": "Telegram does not accept the bot token."})).register()


def test_a_registrar_that_crashes_is_an_error() -> None:
    """A function error is shown with its message."""
    functions = FakeLambda({"errorMessage": "timed out after 90 seconds"}, FunctionError="Unhandled")
    with pytest.raises(NotRegistered, match="The registrar failed: timed out after 90 seconds"):
        deployment(functions).register()


def test_a_stack_that_is_not_there_is_named() -> None:
    """The sentence has the stack's name and what AWS said."""
    with pytest.raises(StackUnusable, match=r"of the stack other: .*does not exist"):
        deployment(FakeLambda({}), "other").register()


def test_what_is_kept_is_named_with_the_way_to_delete_it() -> None:
    """The table and its region stand in the command."""
    shown = deployment(FakeLambda({})).retained()
    assert "aws dynamodb delete-table --region eu-central-1 --table-name floodgate-State-1" in shown


def test_answers_of_a_guided_deployment_are_read(saved: Callable[[str], Saved]) -> None:
    """What sam saved for deploy counts before what is said for all commands."""
    found = saved("""
        version = 0.1
        [default.global.parameters]
        stack_name = "floodgate"
        region = "us-east-1"
        [default.deploy.parameters]
        region = "eu-central-1"
        profile = "bots"
        parameter_overrides = "AdminChatId=\\"42\\" Architecture=\\"x86_64\\""
    """)
    assert found == Saved("floodgate", "eu-central-1", "bots", 'AdminChatId="42" Architecture="x86_64"')


def test_without_a_file_nothing_is_saved(tmp_path: Path) -> None:
    """A missing samconfig.toml is no error."""
    assert Saved.read(tmp_path / "none.toml") == Saved()


@pytest.mark.parametrize(
    ("parameters", "given", "expected"),
    [
        ("", "", "arm64"),
        ('AdminChatId="42"', "", "arm64"),
        ('Architecture="x86_64"', "", "x86_64"),
        ("AdminChatId=1 Architecture=x86_64", "", "x86_64"),
        ('Architecture="x86_64"', "arm64", "arm64"),
        ('TargetArchitecture="x86_64"', "", "arm64"),
    ],
)
def test_the_architecture_is_what_was_asked_for_or_deployed_last(parameters: str, given: str, expected: str) -> None:
    """An option counts before a saved answer, that before the template's default."""
    assert Saved(parameters=parameters).architecture(given) == expected


def test_saved_parameters_are_given_to_sam_again() -> None:
    """The architecture comes last, where sam takes it from."""
    assert Saved(parameters='AdminChatId="42"').overrides("x86_64") == 'AdminChatId="42" Architecture=x86_64'
    assert Saved().overrides() == "Architecture=arm64"


@pytest.mark.parametrize("written", ['["A=1", "B=2"]', '"A=1 B=2"'])
def test_parameters_may_be_a_list_or_a_string(saved: Callable[[str], Saved], written: str) -> None:
    """Both of sam's forms mean the same."""
    assert saved(f"[default.deploy.parameters]\nparameter_overrides = {written}").parameters == "A=1 B=2"


def test_parameters_may_be_a_table(saved: Callable[[str], Saved]) -> None:
    """So does the third."""
    text = '[default.deploy.parameters.parameter_overrides]\nA = 1\nB = "x y"'
    assert saved(text).parameters == 'A="1" B="x y"'


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://github.com/ann/bot.git\n", "https://github.com/ann/bot/blob/HEAD/docs/runbook.md"),
        ("https://token@github.com/ann/bot", "https://github.com/ann/bot/blob/HEAD/docs/runbook.md"),
        ("git@github.com:ann/my.bot.git", "https://github.com/ann/my.bot/blob/HEAD/docs/runbook.md"),
        ("ssh://git@gitlab.com/a/b/bot.git", "https://gitlab.com/a/b/bot/-/blob/HEAD/docs/runbook.md"),
        ("/srv/git/bot.git", None),
        ("https://git.example/ann/bot.git", None),
    ],
)
def test_the_runbook_is_read_where_the_repository_is(remote: str, expected: str | None) -> None:
    """On GitHub and GitLab, whichever way git names it; a secret in the address goes nowhere."""
    assert runbook_at(remote) == expected


def test_a_folder_without_a_remote_has_no_runbook_to_read(tmp_path: Path) -> None:
    """Nothing is proposed then."""
    assert own_runbook(tmp_path) is None


def test_the_runbook_is_proposed_once(saved: Callable[[str], Saved]) -> None:
    """Until it was answered, whatever the answer."""
    assert saved("").overrides("arm64", "https://r") == "RunbookUrl=https://r Architecture=arm64"
    before = saved("[default.deploy.parameters]\nparameter_overrides = 'RunbookUrl=\"\"'\n")
    assert before.overrides("arm64", "https://r") == 'RunbookUrl="" Architecture=arm64'
    assert saved("").overrides("arm64", None) == "Architecture=arm64"
