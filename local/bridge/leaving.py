"""What to do with people's messages when a stack with a bridge stops, and what to tell of those that are left.

Problem: what the local webhook took is confirmed at Telegram, and waits in queues that end with the stack.
Rule: first no more is asked for, what is under way is delivered, and what was delivered is confirmed. Then the queues
have some seconds to run empty, with the bridge still there for the answers. What is left is told.
Hazard: reminders and broadcasts that are due later live in the stack, too; they end with it, as on any local run.
"""

import time
from collections.abc import Callable, Iterable

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local.aws import LocalAws, StackUnusable

STATUS = "/bridge/status"
STOP = "/bridge/stop"
HANDLED_WITHIN_S = 10.0
_STOPS_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.2
_QUEUES = ("UpdatesQueue", "TasksQueue")


def wind_down(bridge_url: str, aws: LocalAws) -> str:
    """Stop the bridge, wait for what it had delivered, and return what is left, in sentences; "" if nothing is."""
    said, queues = _stop(bridge_url), _queues(aws)
    return farewell(said, drained(lambda: _left(aws, queues)))


def drained(
    left: Callable[[], int],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Return how many are left when none is, or after HANDLED_WITHIN_S."""
    deadline = now() + HANDLED_WITHIN_S
    while (count := left()) and now() < deadline:
        sleep(_LOOK_EVERY_S)
    return count


def farewell(said: str, left: int) -> str:
    """Return what the bridge said and what became of that many messages that nobody has handled."""
    if not left:
        return said
    count = "1 update or task" if left == 1 else f"{left} updates or tasks"
    lost = (
        f"Not handled within {HANDLED_WITHIN_S:.0f} s: {count} that this machine had accepted. They are gone with it, "
        "and their people have to write again."
    )
    return f"{said} {lost}".strip()


def _stop(bridge_url: str) -> str:
    try:
        answer = httpx.post(f"{bridge_url}{STOP}", trust_env=False, timeout=_STOPS_WITHIN_S).raise_for_status()
        return str(answer.json()["sentence"])
    except (httpx.HTTPError, ValueError):
        return "The bridge had ended before: what Telegram was not told of comes again."


def _queues(aws: LocalAws) -> list[str]:
    try:
        outputs = aws.outputs()
    except StackUnusable:  # not deployed yet, or no more
        return []
    return [outputs[name] for name in _QUEUES if name in outputs]


def _left(aws: LocalAws, queues: Iterable[str]) -> int:
    """Return how many messages are in the queues, in hand or not; 0 if the local AWS is gone, and they with it."""
    found = 0
    try:
        for queue in queues:
            attributes = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
            found += int(attributes["ApproximateNumberOfMessages"])
            found += int(attributes["ApproximateNumberOfMessagesNotVisible"])
    except (BotoCoreError, ClientError):
        return 0
    return found
