"""A stack with a bridge stops after a part of it has ended."""

from local.aws import LocalAws
from local.bridge.leaving import GONE, wind_down
from local.ports import Ports


def test_a_local_aws_that_has_ended_is_told() -> None:
    """Nobody knows how many updates ended with it; that is no reason to say nothing."""
    ports = Ports.free()
    said = wind_down(f"http://127.0.0.1:{ports.telegram}", LocalAws(ports))
    assert said == f"The bridge had ended before: what Telegram was not told of comes again. {GONE}"
