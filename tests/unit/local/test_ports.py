"""The ports of a local stack come from the environment."""

import pytest

from local.ports import Ports, PortUnusable


def test_without_variables_they_are_the_documented_ones() -> None:
    """Telegram is at 8081, AWS at 4566; an empty variable counts as none."""
    assert Ports.from_env({}) == Ports(telegram=8081, aws=4566)
    assert Ports.from_env({"FLOODGATE_AWS_PORT": ""}) == Ports(telegram=8081, aws=4566)


def test_variables_move_them() -> None:
    """Each port has a variable of its own."""
    environ = {"FLOODGATE_TELEGRAM_PORT": "9001", "FLOODGATE_AWS_PORT": "9002"}
    assert Ports.from_env(environ) == Ports(telegram=9001, aws=9002)


@pytest.mark.parametrize("given", ["0", "65536", "-1", "80a", "٣", " 80"])
def test_what_is_no_port_is_refused_by_name(given: str) -> None:
    """The sentence names the variable and shows what it holds."""
    with pytest.raises(PortUnusable, match="FLOODGATE_AWS_PORT must be a port from 1 to 65535, not") as refused:
        Ports.from_env({"FLOODGATE_AWS_PORT": given})
    assert repr(given) in str(refused.value)


def test_the_two_must_differ() -> None:
    """One port cannot serve both."""
    with pytest.raises(PortUnusable, match="must differ: both are 8081"):
        Ports.from_env({"FLOODGATE_AWS_PORT": "8081"})
