"""The trace id of each invocation, which Lambda hands out whether or not X-Ray records it.

Replaces `_xray_trace_id_for_invocation` of lambda_svc: ministack 1.5 sets `_X_AMZN_TRACE_ID` only where tracing is
active. Elsewhere the id stands there as on AWS, not sampled.
"""

import re
from typing import Any

from ministack.services import lambda_svc


def install() -> None:
    """Have every invocation know its trace from now on."""
    of_invocation = lambda_svc._xray_trace_id_for_invocation

    def of_every_invocation(config: dict[str, Any], inbound: str | None = None) -> str:
        if header := of_invocation(config, inbound):
            return header
        active = of_invocation({"TracingConfig": {"Mode": "Active"}})
        return re.sub(r"Sampled=1$", "Sampled=0", active)

    lambda_svc._xray_trace_id_for_invocation = of_every_invocation
