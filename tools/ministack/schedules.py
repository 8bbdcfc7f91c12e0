"""The one thing of EventBridge Scheduler that ministack lacks and recurring schedules rest on.

In the input of a schedule's target `<aws.scheduler.scheduled-time>` stands for the time of the run; ministack 1.5 hands
it on as it is.
"""

from datetime import UTC, datetime
from typing import Any

from ministack.services import eventbridge

_PLACEHOLDER = "<aws.scheduler.scheduled-time>"


def install() -> None:
    """Write the time into what schedules send from now on."""
    invoke = eventbridge._invoke_target

    def invoke_with_time(target: dict[str, Any], event: dict[str, Any], *rest: Any) -> None:
        if event.get("Source") == "aws.scheduler" and _PLACEHOLDER in target.get("Input", ""):
            at = f"{datetime.fromtimestamp(event['Time'], UTC):%Y-%m-%dT%H:%M:%SZ}"
            target = {**target, "Input": target["Input"].replace(_PLACEHOLDER, at)}
        invoke(target, event, *rest)

    eventbridge._invoke_target = invoke_with_time
