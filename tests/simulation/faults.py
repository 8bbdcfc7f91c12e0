"""How a model of AWS says no, and how an answer gets lost on its way.

Problem: what matters about AWS in a flood is how it fails. Rule: a hook is asked before each request and may have it
throttled, so that nothing happens, or its answer lost, so that everything happens and the caller sees a timeout. The
models raise `Refused`; `answered` makes of it what boto3 raises. Hazard: botocore itself repeats a request that was
throttled or whose answer was lost, with the parameters of the first; a model's client does not. `SimulatedCalls` in
`fleet` can.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable


class Fault(Enum):
    """What may happen to a request."""

    THROTTLED = "throttled"
    """AWS refuses it."""
    LOST = "lost"
    """AWS does what was asked, and the answer does not arrive."""


#: Asked with the operation, named as boto3's method is, and what it is about: a table's key, or a queue's URL.
type FaultHook = Callable[[str, Any], Fault | None]


class Refused(Exception):
    """AWS says no."""

    def __init__(self, message: str, code: str = "ValidationException", **more: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        #: What the answer holds beside the error.
        self.more = more


def client_error(operation: str, refused: Refused) -> ClientError:
    """Return what boto3 raises when the method named `operation` is refused."""
    response: Any = {
        "Error": {"Code": refused.code, "Message": refused.message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "", "HTTPHeaders": {}, "RetryAttempts": 0},
        **refused.more,
    }
    return ClientError(response, operation.title().replace("_", ""))


def answered[**P, T](
    hook: FaultHook | None,
    throttled: str,
    operation: str,
    about: Any,
    act: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Return what `act` returns, unless `hook` has it fail; `throttled` is the service's code for that."""
    fault = None if hook is None else hook(operation, about)
    if fault is Fault.THROTTLED:
        raise client_error(operation, Refused("Rate exceeded", throttled))
    try:
        answer = act(*args, **kwargs)
    except Refused as refused:
        if fault is not Fault.LOST:
            raise client_error(operation, refused) from None
    else:
        if fault is None:
            return answer
    raise ReadTimeoutError(endpoint_url="https://aws.invalid")
