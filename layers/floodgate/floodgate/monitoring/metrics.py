"""Counts, written to the log in CloudWatch's embedded metric format: one line per batch, not one per update.

CloudWatch makes metrics of these lines by itself; nothing calls its API, and an update that is handled costs nothing.
Names are plural nouns; a chat or a person is never a dimension.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE: Final = "Floodgate"
UPDATES_LIMITED: Final = "UpdatesLimited"
UPDATES_STALE: Final = "UpdatesStale"
UPDATES_DUPLICATED: Final = "UpdatesDuplicated"
UPDATES_WAITING: Final = "UpdatesWaiting"
CALLS_DIVERGED: Final = "CallsDiverged"
CALLS_LEFT_OUT: Final = "CallsLeftOut"
ALERTS_FAILED: Final = "AlertsFailed"


class Metrics:
    """What one batch counted."""

    def __init__(self, function: str) -> None:
        """`function` is the one dimension: `updates` or `tasks`."""
        self._function = function
        self._counts: Counter[str] = Counter()

    def count(self, name: str) -> None:
        """Count one more."""
        self._counts[name] += 1

    def flush(self) -> None:
        """Write what was counted, if anything was, and start anew."""
        if not self._counts:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        metrics.add_dimension("queue", self._function)
        for name, count in sorted(self._counts.items()):
            metrics.add_metric(name, MetricUnit.Count, count)
        metrics.flush_metrics()
        self._counts.clear()
