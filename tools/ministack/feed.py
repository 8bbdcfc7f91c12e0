"""Tells of every invocation as it happens: the files are in `invocations.py`.

Replaces `_execute_function_dispatch` of lambda_svc, which all that ministack invokes passes, be it for the API, a
queue, a topic or a schedule; what is throttled does not. A function is called by its logical id, which the stack that
made it knows, and one that no stack made by its name.
"""

import time
from pathlib import Path
from typing import Any

from invocations import Invocations
from ministack.services import cloudformation, lambda_svc, sqs

_logical_ids: dict[str, str] = {}


def install(folder: Path) -> None:
    """Write both files into that folder from now on."""
    invocations = Invocations(folder, _url)
    execute = lambda_svc._execute_function_dispatch

    def execute_and_tell(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        function = _logical_id(config.get("FunctionName", "unknown"))
        invocations.began(request_id, function, event)
        began = time.monotonic()
        result: Any = {"error": True, "body": {"errorMessage": "the local AWS itself failed; see aws.log"}}
        try:
            result = execute(func, config, event, request_id, started)
        finally:
            invocations.ended(request_id, function, (time.monotonic() - began) * 1000, result)
        return result

    lambda_svc._execute_function_dispatch = execute_and_tell


def _url(arn: str) -> str:
    queue = sqs._queue_by_arn(arn)
    return queue["url"] if queue else arn


def _logical_id(name: str) -> str:
    if name not in _logical_ids:
        for stack in list(cloudformation._stacks._data.values()):
            for logical_id, resource in list(stack.get("_resources", {}).items()):
                if resource.get("PhysicalResourceId") == name:
                    _logical_ids[name] = logical_id
    return _logical_ids.get(name, name)
