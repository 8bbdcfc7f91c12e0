"""The command line, and what `make run` and `make env` write."""

import io
import json

import pytest

from local.__main__ import env_file, main
from local.aws import LocalAws
from local.ports import Ports
from local.run import Steps, welcome
from local.stack import Stack


def test_env_json_has_each_function_with_where_its_aws_is() -> None:
    """The form is sam's: logical ids, each with its variables."""
    written = json.loads(env_file({"WorkerFunction": {"QUEUE_URL": "q"}}, LocalAws(Ports(telegram=9001, aws=9002))))
    assert written == {
        "WorkerFunction": {
            "QUEUE_URL": "q",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9002",
        }
    }


def test_a_profile_that_is_not_there_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients of the local AWS ignore the profile of this machine's environment."""
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere")
    aws = LocalAws(Ports())
    assert aws.sqs.meta.endpoint_url == "http://127.0.0.1:4566"
    assert aws.sqs.meta.region_name == "us-east-1"


def test_each_step_shows_how_it_ended() -> None:
    """A tick with its seconds, or a cross."""
    out = io.StringIO()
    steps = Steps(out)
    with steps("ports"):
        pass
    with pytest.raises(RuntimeError), steps("sam build"):
        raise RuntimeError
    assert out.getvalue() == "  ports … ✓ 0.0 s\n  sam build … ✗\n"


def test_it_says_where_to_talk_and_where_to_look() -> None:
    """Addresses are those of this stack, paths are relative to the project."""
    shown = welcome(Stack(Ports(telegram=9001, aws=9002)), 12.3)
    assert "Ready after 12 s. The bot is at http://127.0.0.1:9001." in shown
    assert """curl -s http://127.0.0.1:9001/control/messages -d '{"chat_id": 42, "text": "/start"}'""" in shown
    assert "curl -s http://127.0.0.1:9001/control/chats/42/messages" in shown
    assert "Logs: .run/9002/functions.log" in shown
    assert "http://127.0.0.1:9002" in shown


def test_what_is_wrong_is_a_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what people can mend."""
    monkeypatch.setenv("FLOODGATE_AWS_PORT", "http")
    assert main(["env"]) == 1
    assert capsys.readouterr().err == "FLOODGATE_AWS_PORT must be a port from 1 to 65535, not 'http'.\n"
