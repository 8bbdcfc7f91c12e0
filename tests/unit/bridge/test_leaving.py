"""A stack with a bridge stops: what is waited for, and what is told of what is left."""

import pytest

from local.bridge.leaving import drained, farewell


class Queues:
    """Queues that lose a message a second while somebody waits."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self.now_s = 100.0

    def left(self) -> int:
        """Return how many are left."""
        return max(0, self._messages - int(self.now_s - 100))

    def now(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now_s += seconds


@pytest.mark.parametrize(
    ("messages", "left", "waited_s"), [(0, 0, 0), (3, 0, 3), (100, 90, 10)], ids=["nothing", "soon", "never"]
)
def test_queues_have_ten_seconds_to_run_empty(messages: int, left: int, waited_s: int) -> None:
    """It ends as soon as they are, and does not wait for ever."""
    queues = Queues(messages)
    assert drained(queues.left, now=queues.now, sleep=queues.sleep) == left
    assert queues.now_s == pytest.approx(100 + waited_s, abs=0.3)


def test_what_is_left_is_told() -> None:
    """How many, and what it means for people; nothing if there is nothing."""
    assert farewell("", 0) == ""
    assert farewell("1 update was not delivered: it waits at Telegram.", 0) == (
        "1 update was not delivered: it waits at Telegram."
    )
    assert farewell("", 1) == (
        "Not handled within 10 s: 1 update or task that this machine had accepted. They are gone with it, and their "
        "people have to write again."
    )
    assert farewell("So it goes.", 2).startswith("So it goes. Not handled within 10 s: 2 updates or tasks that")
