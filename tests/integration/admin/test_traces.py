"""What is sent again has the trace of what it is, and not of the press that sent it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    import pytest

    from tests.integration.admin.conftest import Owner

TRACE = "1-6a2a1b80-0123456789abcdef00000000"


def test_a_retry_goes_on_under_its_trace(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead letter's line and the line of the attempt that the admin asked for are found together."""
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    name = owner.give_up(1, trace_id=TRACE)
    owner.press("retry_one", name)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines if line.get("trace_id") == TRACE] == ["update given up", "update"]
    [entry] = owner.sent_again()
    assert entry["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"] == f"Root={TRACE}"
