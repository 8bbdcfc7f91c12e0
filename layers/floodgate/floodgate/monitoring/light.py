"""What the webhook writes to its log, with the standard library alone: its lines, and its one metric.

Problem: Telegram waits on the webhook's cold start, and the logger and the metrics of the other functions take longer
to load than all else that it does. Rule: its lines have the names that theirs have, so that one update can be followed
through all logs. Nothing that loads more than the standard library may be imported here.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final, override

from floodgate.ingress import trace

COLD_STARTS: Final = "ColdStarts"
#: The one dimension of every metric, and the webhook's value of it.
DIMENSION: Final = "function"
WEBHOOK: Final = "webhook"

_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "aws_request_id"}


class LightFormatter(logging.Formatter):
    """Writes a record as one line of JSON: what it says, what it was given as `extra`, and the trace in hand."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            # Lambda takes a line for INFO, whatever it says, unless its timestamp is RFC 3339.
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD},
            "trace_id": trace.current(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        shown = {name: value for name, value in line.items() if value is not None}
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=str)


def write_lightly() -> None:
    """Have every line of this function, its libraries' too, written so."""
    root = logging.getLogger()
    if not root.handlers:  # Lambda brings one, and the level of LoggingConfig; the local AWS neither
        root.addHandler(logging.StreamHandler())
        logging.getLogger("floodgate").setLevel(logging.INFO)
    for handler in root.handlers:
        handler.setFormatter(LightFormatter())


def cold_start(namespace: str, at: float) -> str:
    """Return the line of which CloudWatch makes the metric that the webhook started, at that time in Unix seconds."""
    kind = {"Namespace": namespace, "Dimensions": [[DIMENSION]], "Metrics": [{"Name": COLD_STARTS, "Unit": "Count"}]}
    about = {"Timestamp": int(at * 1000), "CloudWatchMetrics": [kind]}
    return json.dumps({"_aws": about, DIMENSION: WEBHOOK, COLD_STARTS: 1}, separators=(",", ":"))
