"""A stack with a bridge stops after a part of it has ended."""

from pathlib import Path

import pytest

import local.stack
from local.aws import LocalAws
from local.bridge.leaving import GONE, wind_down
from local.ports import Ports
from local.stack import Stack


def test_a_local_aws_that_has_ended_is_told() -> None:
    """Nobody knows how many updates ended with it; that is no reason to say nothing."""
    ports = Ports.free()
    said = wind_down(f"http://127.0.0.1:{ports.telegram}", LocalAws(ports))
    assert said == f"The bridge had ended before: what Telegram was not told of comes again. {GONE}"


@pytest.mark.parametrize(("is_bridged", "farewell"), [(True, "2 wait"), (False, "")])
def test_a_stack_that_stops_waits_for_what_was_accepted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_bridged: bool,  # noqa: FBT001 - a case
    farewell: str,
) -> None:
    """While its programs still run, where people are real; and what is left is told."""
    stack = Stack(Ports(9152, 5152), root=tmp_path)
    happened = []

    def wait(url: str, _: LocalAws) -> str:
        happened.append(url)
        return "2 wait"

    monkeypatch.setattr(local.stack, "wind_down", wait)
    monkeypatch.setattr(stack._programs, "end", lambda: happened.append("end"))
    stack._make_folders()
    stack._is_bridged = is_bridged
    stack.stop()
    assert happened == [*(["http://127.0.0.1:9152"] if is_bridged else []), "end"]
    assert stack.farewell == farewell
