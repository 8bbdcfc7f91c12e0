"""What the webhook writes has the names that the other functions' lines have."""

import json
import logging

import pytest

from floodgate.ingress.trace import carried, tracing
from floodgate.monitoring.light import LightFormatter, cold_start, write_lightly

TRACE = "1-6a2a1b80-0123456789abcdef00000000"


def test_a_line_is_json_with_what_it_was_given() -> None:
    """Time, level, words, extras and the trace in hand; nothing that says nothing."""
    record = logging.makeLogRecord(
        {"levelname": "INFO", "msg": "update %s", "args": ("queued",), "created": 1.5, "update_id": 7}
    )
    with tracing(TRACE):
        line = LightFormatter().format(record)
    assert json.loads(line) == {
        "timestamp": "1970-01-01T00:00:01.500+00:00",
        "level": "INFO",
        "message": "update queued",
        "update_id": 7,
        "trace_id": TRACE,
    }
    assert "trace_id" not in json.loads(LightFormatter().format(record))


def test_lines_are_written_where_nobody_has_set_logging_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda brings a handler and the local AWS none, which showed warnings without their facts, and nothing else."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    ours = logging.getLogger("floodgate")
    before = ours.level
    write_lightly()
    with tracing(TRACE):
        logging.getLogger("floodgate.light").info("update queued", extra={"update_id": 7})
        logging.getLogger("botocore").info("a library's")
    ours.setLevel(before)
    line = json.loads(capsys.readouterr().err)
    assert (line["message"], line["update_id"], line["trace_id"]) == ("update queued", 7, TRACE)


def test_an_exception_stands_on_the_same_line() -> None:
    """With its place."""
    error = LookupError("garden")
    record = logging.makeLogRecord({"msg": "failed", "exc_info": (type(error), error, None)})
    line = LightFormatter().format(record)
    assert line.count("\n") == 0
    assert json.loads(line)["exception"].endswith("LookupError: garden")


def test_a_start_is_a_metric() -> None:
    """As the other functions' first line has it."""
    assert json.loads(cold_start("Floodgate/garden", 1.5)) == {
        "_aws": {
            "Timestamp": 1500,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Floodgate/garden",
                    "Dimensions": [["function"]],
                    "Metrics": [{"Name": "ColdStarts", "Unit": "Count"}],
                }
            ],
        },
        "function": "webhook",
        "ColdStarts": 1,
    }


def test_a_message_carries_no_trace_that_sqs_would_refuse() -> None:
    """An id that is none is left out, or the message would be lost for it."""
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": f"Root={TRACE}"}}
    assert (carried(), carried("abc"), carried(TRACE)) == ({}, {}, {"MessageSystemAttributes": header})
