"""The command line, and what `make run` and `make env` write."""

import io
import json
import os

import pytest
from cfnlint.decode import decode_str  # type: ignore[import-untyped]  # cfn-lint ships no types

from local.__main__ import EVENTS_SECRET, env_file, env_template, main
from local.aws import LocalAws, StackUnusable
from local.deployment import Saved
from local.ports import Ports
from local.run import Steps, welcome
from local.stack import ROOT, Stack

AWS = LocalAws(Ports(telegram=9001, aws=9002))


def test_env_json_has_each_function_with_where_its_aws_is() -> None:
    """The form is sam's: logical ids, each with its variables. A container reaches this machine by another name."""
    variables = {
        "WorkerFunction": {
            "QUEUE_URL": "http://localhost:9002/000000000000/q.fifo",
            "TELEGRAM_API_URL": "http://127.0.0.1:9001",
            "WEBHOOK_URL": "http://a1b2.execute-api.localhost:9002/webhook",
        }
    }
    assert json.loads(env_file(variables, AWS)) == {
        "WorkerFunction": {
            "QUEUE_URL": "http://host.docker.internal:9002/000000000000/q.fifo",
            "TELEGRAM_API_URL": "http://host.docker.internal:9001",
            "WEBHOOK_URL": "http://a1b2.execute-api.localhost:9002/webhook",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": "http://host.docker.internal:9002",
        }
    }


def test_the_template_for_sam_local_names_all_that_env_json_sets() -> None:
    """What it does not name, sam drops. Paths are seen from .run, and all of it is for this machine's processor."""
    template, problems = decode_str(env_template((ROOT / "template.yaml").read_text(), AWS, "x86_64"))
    assert problems == []
    named = template["Globals"]["Function"]["Environment"]["Variables"]
    assert set(named) == set(json.loads(env_file({"AnyFunction": {}}, AWS))["AnyFunction"])
    resources = template["Resources"]
    functions = [it["Properties"] for it in resources.values() if it["Type"] == "AWS::Serverless::Function"]
    assert template["Globals"]["Function"]["Architectures"] == ["x86_64"]
    assert not any("Architectures" in function for function in functions)
    assert all((ROOT / ".run" / function["CodeUri"] / "app.py").resolve().is_file() for function in functions)
    layers = {name: it["Properties"] for name, it in resources.items() if it["Type"] == "AWS::Serverless::LayerVersion"}
    assert {name: layer["ContentUri"] for name, layer in layers.items()} == {
        name: f"build-x86_64/9002/{name}/" for name in ("DependenciesLayer", "ChartsLayer", "FloodgateLayer")
    }


def test_the_webhook_events_show_the_secret_that_env_json_leads_to() -> None:
    """All but the one whose secret is wrong, which is not answered 200 either."""
    shown = {
        path.stem: json.loads(path.read_text())["headers"]["x-telegram-bot-api-secret-token"]
        for path in (ROOT / "events").glob("webhook__*.json")
    }
    assert {name for name, secret in shown.items() if secret != EVENTS_SECRET} == {"webhook__wrong_secret"}


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
    assert "Ready after 12 s. Talk to the bot, and see the machine at work, at http://127.0.0.1:9001/\n" in shown
    assert """curl -s http://127.0.0.1:9001/control/messages -d '{"chat_id": 42, "text": "/start"}'""" in shown
    assert "curl -s http://127.0.0.1:9001/control/chats/42/messages" in shown
    assert "What you save below functions/worker/bot is live at once" in shown
    assert "Logs: .run/9002/functions.log" in shown
    assert "http://127.0.0.1:9002" in shown


def test_what_is_wrong_is_a_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what people can mend."""
    monkeypatch.setenv("FLOODGATE_AWS_PORT", "http")
    assert main(["env"]) == 1
    assert capsys.readouterr().err == "FLOODGATE_AWS_PORT must be a port from 1 to 65535, not 'http'.\n"


def test_a_trace_without_a_stack_says_what_is_missing_in_both_places(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No local stack on that port, and no deployment that AWS could be asked for: both sentences."""

    def nothing_runs(_aws: LocalAws) -> dict[str, str]:
        raise StackUnusable("No stack runs with its AWS on this port: start one with `make run`.")

    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(LocalAws, "outputs", nothing_runs)
    monkeypatch.setattr(Saved, "read", lambda _path: Saved(stack_name="garden"))
    assert main(["trace", "K7QM2-XWD3A"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "No stack runs with its AWS on this port: start one with `make run`.",
        "Nor is a deployment found. AWS cannot be asked: You must specify a region.",
    ]
