"""The id that AWS gives to what one request sets off, and which update has it in hand.

Problem: an update is worked on by several functions, ten at once, and sent again days later. Rule: the id is in
Lambda's environment where a request comes in; it goes with each message that is sent for the update, as SQS's own
AWSTraceHeader; and while an update is in hand it stands in a context variable, of which every log line takes it.
Hazard: threads do not inherit the variable by themselves; `aws.AwsCalls` hands it on.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where Lambda's runtime keeps the header of the invocation in hand.
VARIABLE: Final = "_X_AMZN_TRACE_ID"
_ROOT: Final = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")
_current: ContextVar[str | None] = ContextVar("trace", default=None)


def trace_id(header: str | None) -> str | None:
    """Return the id in an X-Ray header such as `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0`; None without."""
    found = _ROOT.search(header or "")
    return found[1] if found else None


@contextmanager
def tracing(trace: str | None) -> Iterator[None]:
    """Within this block, that is the trace in hand; None leaves the one that is."""
    if trace is None:
        yield
        return
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> str | None:
    """Return the trace in hand."""
    return _current.get()


def carried(trace: str | None = None) -> dict[str, Any]:
    """Return what `send_message` must be told so that the message brings the trace, the one in hand unless told which.

    The header says no more than the id: SQS refuses a message whose header it does not understand. It counts for no
    limit of a message's size.
    """
    header = f"Root={trace or current()}"
    if trace_id(header) is None:
        return {}
    return {"MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}}
