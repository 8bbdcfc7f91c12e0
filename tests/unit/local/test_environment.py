"""What each program sees of this machine's environment."""

import os
from pathlib import Path

import pytest
from cfnlint.decode import decode_str  # type: ignore[import-untyped]  # cfn-lint ships no types

from local import environment
from local.aws import StackUnusable
from local.ports import Ports
from local.stack import ROOT, Stack

PORTS = Ports(telegram=9001, aws=9002)
#: What a developer's shell may hold, and what would change a local run.
SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/ann",
    "HTTPS_PROXY": "http://proxy:3128",
    "PIP_INDEX_URL": "https://mirror/simple",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIA-real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_SQS": "https://elsewhere",
    "ARCHITECTURE": "riscv",
    "MAKEFLAGS": "n -- TOKEN=777:real",
    "TOKEN": "777:real",
    "PYTHONPATH": "/somewhere",
    "SAM_CLI_TELEMETRY": "1",
    "ADMIN_CHAT_ID": "7",
}


@pytest.fixture
def sam() -> dict[str, str]:
    """The environment of sam."""
    return environment.for_sam(SHELL, PORTS, bin_folder=Path("/tools/bin"), state=Path("/run/sam"))


@pytest.fixture
def aws() -> dict[str, str]:
    """The environment of the local AWS."""
    return environment.for_aws(SHELL, PORTS, folder=Path("/run/9002"))


def test_nothing_of_the_real_aws_reaches_sam(sam: dict[str, str]) -> None:
    """Every AWS variable is the local stack's."""
    assert {name: value for name, value in sam.items() if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9002",
    }


def test_sam_keeps_what_pip_needs(sam: dict[str, str]) -> None:
    """Proxies and indexes stay, the local addresses go past the proxy, and the tool's own Python comes first."""
    assert sam["HTTPS_PROXY"] == SHELL["HTTPS_PROXY"]
    assert sam["PIP_INDEX_URL"] == SHELL["PIP_INDEX_URL"]
    assert "127.0.0.1" in sam["NO_PROXY"].split(",")
    assert sam["PATH"] == f"/tools/bin{os.pathsep}/usr/bin"


def test_sam_builds_for_this_machine_whatever_make_was_told(sam: dict[str, str]) -> None:
    """ARCHITECTURE and make's flags are not handed on to the layers' makefiles."""
    assert sam["ARCHITECTURE"] == environment.architecture()
    assert sam["SAM_CLI_TELEMETRY"] == "0"
    assert not sam.keys() & {"MAKEFLAGS", "PYTHONPATH"}


def test_a_real_bots_token_reaches_the_bridge_alone(sam: dict[str, str], aws: dict[str, str]) -> None:
    """Nothing that sam, the functions or the emulator see has it; the bridge gets out as this machine does."""
    emulator = environment.for_telegram(SHELL, PORTS)
    assert "777:real" not in str([sam, aws, emulator, environment.without_aws(SHELL)])
    given = {"local_token": "777:of-this-run", "token": "777:real", "api": "https://api.telegram.org"}
    bridge = environment.for_bridge(SHELL | {"no_proxy": "intranet"}, PORTS, **given)
    assert bridge["FLOODGATE_BRIDGE_TOKEN"] == "777:real"
    assert bridge["FLOODGATE_TELEGRAM_TOKEN"] == "777:of-this-run"
    assert bridge["FLOODGATE_TELEGRAM_API"] == "https://api.telegram.org"
    assert bridge["FLOODGATE_TELEGRAM_PORT"] == "9001"
    assert bridge["HTTPS_PROXY"] == SHELL["HTTPS_PROXY"]
    assert bridge["NO_PROXY"] == bridge["no_proxy"] == "intranet,127.0.0.1,localhost,.localhost"
    assert not bridge.keys() & {"TOKEN", "MAKEFLAGS", "AWS_PROFILE"}


def test_the_functions_inherit_nothing_of_the_shell(aws: dict[str, str]) -> None:
    """The local AWS hands its environment on, so that it gets only what it must have."""
    assert {name for name in aws if aws[name] == SHELL.get(name)} == {"PATH", "HOME"}
    assert "AWS_PROFILE" not in aws
    assert "AWS_ENDPOINT_URL" not in aws


def test_the_local_aws_stays_on_loopback_and_in_its_folder(aws: dict[str, str]) -> None:
    """One port of 127.0.0.1, files below the stack's folder, and nothing to do with docker."""
    assert (aws["BIND_HOST"], aws["GATEWAY_PORT"]) == ("127.0.0.1", "9002")
    assert (aws["SFTP_ENABLED"], aws["IOT_MTLS_ENABLED"]) == ("0", "0")
    assert all(aws[name].startswith("/run/9002/") for name in ("TMPDIR", "S3_DATA_DIR", "STATE_DIR"))
    assert aws["DOCKER_HOST"] == "unix:///run/9002/no-docker.sock"


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")],
)
def test_processors_have_the_name_that_lambda_gives_them(machine: str, expected: str) -> None:
    """Linux says aarch64 where macOS and Lambda say arm64."""
    assert environment.architecture(machine) == expected


def test_parameters_of_ones_own_come_from_the_environment() -> None:
    """A parameter without a default, such as a secret of one's own, can be given to `make run`."""
    given = {"FLOODGATE_PARAMETERS": "WeatherKey=a=b Greeting='Good day'"}
    assert environment.parameters(given) == {"WeatherKey": "a=b", "Greeting": "Good day"}
    assert environment.parameters({}) == {}


def test_the_templates_parameters_are_known_by_name() -> None:
    """A misspelt one would change nothing, in silence: what the template declares is what may be given."""
    template = (ROOT / "template.yaml").read_text()
    known, problems = decode_str(template)
    assert problems == []
    assert environment.parameters_of(template) == list(known["Parameters"])
    assert environment.parameters_of("Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n") == []


def test_a_misspelt_parameter_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is built, with the names that there are."""
    monkeypatch.setenv("FLOODGATE_PARAMETERS", "UserLimt=off")
    with pytest.raises(StackUnusable, match=r"no parameter UserLimt\. It has .*UserLimit"):
        Stack(PORTS).start()
