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
WITHIN_S = 10.0
_STOPS_WITHIN_S = 10.0
_POLL_S = 0.2
_QUEUES = ("UpdatesQueue", "TasksQueue")


def wind_down(
    bridge_url: str,
    aws: LocalAws,
    within_s: float = WITHIN_S,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Stop the bridge, wait for what it had delivered, and return what is left, in sentences; "" if nothing is."""
    with httpx.Client(trust_env=False, timeout=_STOPS_WITHIN_S) as client:
        try:
            said = client.post(f"{bridge_url}{STOP}").raise_for_status().json()["sentence"]
        except (httpx.HTTPError, ValueError):
            said = "The bridge had ended before: what it had not confirmed at Telegram comes again."
    queues, deadline = _queues(aws), now() + within_s
    while (left := _left(aws, queues)) and now() < deadline:
        sleep(_POLL_S)
    if left:
        lost = (
            f"{left} updates or tasks that this machine had accepted were not handled within {within_s:.0f} s and are "
            "gone: their people have to write again."
        )
        return f"{said} {lost}".strip()
    return str(said)


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


def _queues(aws: LocalAws) -> list[str]:
    try:
        outputs = aws.outputs()
    except StackUnusable:  # not deployed yet, or no more
        return []
    return [outputs[name] for name in _QUEUES if name in outputs]
