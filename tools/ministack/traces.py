"""The trace id of each invocation, which Lambda hands out whether or not X-Ray records it, and of each message.

Replaces `_xray_trace_id_for_invocation` of lambda_svc: ministack 1.5 sets `_X_AMZN_TRACE_ID` only where tracing is
active. Elsewhere the id stands there as on AWS, not sampled. And of sqs what sends: ministack keeps the header
`AWSTraceHeader` of a message that is sent alone, and loses it of those in a batch.
"""

import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc, sqs

_SYSTEM = "MessageSystemAttributes"
#: What the messages of the batch in hand bring, in their order.
_of_batch: ContextVar[Iterator[Any] | None] = ContextVar("batch", default=None)


def install() -> None:
    """Have every invocation and every message know its trace from now on."""
    _keep_headers_of_batches()
    of_invocation = lambda_svc._xray_trace_id_for_invocation

    def of_every_invocation(config: dict[str, Any], inbound: str | None = None) -> str:
        if header := of_invocation(config, inbound):
            return header
        active = of_invocation({"TracingConfig": {"Mode": "Active"}})
        return re.sub(r"Sampled=1$", "Sampled=0", active)

    lambda_svc._xray_trace_id_for_invocation = of_every_invocation


def _keep_headers_of_batches() -> None:
    send, send_batch = sqs._act_send_message, sqs._act_send_message_batch

    def send_whole(data: dict[str, Any], url: str) -> Any:
        brought = _of_batch.get()
        return send(data if brought is None else {**data, _SYSTEM: next(brought)}, url)

    def send_whole_batch(data: dict[str, Any], url: str) -> Any:
        token = _of_batch.set(entry.get(_SYSTEM) for entry in data.get("Entries", []))
        try:
            return send_batch(data, url)
        finally:
            _of_batch.reset(token)

    sqs._act_send_message = send_whole
    sqs._act_send_message_batch = send_whole_batch
    sqs._HANDLERS |= {"SendMessage": send_whole, "SendMessageBatch": send_whole_batch}
