"""The logger of every function but the webhook, which writes its lines by itself (light.py).

Problem: the bot's token is part of every Bot API URL, and libraries log URLs and quote them in exceptions. Rule: the
libraries that do are silenced below WARNING, and whatever is written passes through `redact`. Hazard: redaction is a
net, not a licence; nothing of a message's text is ever handed to a logger.

Every line that is written while an update is in hand has its `trace_id`, whoever writes it.
"""

from __future__ import annotations

import logging
import re
from typing import Any, override

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from floodgate.ingress import trace

# A token is the bot's id, a colon and 35 more characters today; in a URL it follows `/bot`, whatever its length. What
# stands before it may be a letter: JSON writes a line's end as `\n`.
_TOKENS = re.compile(
    r"(?<![0-9])([0-9]{3,})(?::|%3A)[A-Za-z0-9_-]{30,}"
    r"|(?<=/bot)([0-9]+)(?::|%3A)[^/\s\"'\\]+",
    re.IGNORECASE,
)
#: These write what an answer held, and exceptions with their texts; the update's own line says it without.
_INDISCREET = ("telegram.ext.Application", "telegram.request")
_TALKATIVE = ("asyncio", "boto3", "botocore", "httpcore", "httpx", "telegram", "urllib3")


def redact(text: str) -> str:
    """Return `text` with the secret part of every bot token replaced by `***`; the bot's id stays."""
    return _TOKENS.sub(lambda found: f"{found[1] or found[2]}:***", text)


class _RedactingFormatter(LambdaPowertoolsFormatter):
    @override
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))

    @override
    def serialize(self, log: Any) -> str:
        if (in_hand := trace.current()) is not None:
            log.setdefault("trace_id", in_hand)
        return super().serialize(log)


def _formatter() -> _RedactingFormatter:
    # Lambda takes a line for INFO, whatever it says, unless its timestamp is RFC 3339. Its own trace is the
    # batch's, and where a line was written its words say.
    return _RedactingFormatter(use_rfc3339=True, utc=True, location=None, service=None, xray_trace_id=None)


logger = Logger(service="floodgate", logger_formatter=_formatter())
logger.remove_keys(["service"])  # it names the logger, and would say the same in each line


def redact_libraries() -> None:
    """Have what anybody else logs written by the same formatter, and nothing below WARNING of talkative libraries."""
    logging.logAsyncioTasks = False  # type: ignore[attr-defined] # the stubs lack it; tasks are named by numbers
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for handler in logging.getLogger().handlers:  # Lambda's own, which would print records as they are
        handler.setFormatter(_formatter())
