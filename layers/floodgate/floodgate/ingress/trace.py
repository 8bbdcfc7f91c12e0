"""The id that AWS gives to what one request sets off: in Lambda's environment, and beside a message in SQS."""

from __future__ import annotations

import re
from typing import Final

_ROOT: Final = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")


def trace_id(header: str | None) -> str | None:
    """Return the id in an X-Ray header such as `Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0`; None without."""
    found = _ROOT.search(header or "")
    return found[1] if found else None


def trace_header(trace: str) -> str:
    """Return the header that says no more than the id: SQS refuses a message whose header it does not understand."""
    return f"Root={trace}"
