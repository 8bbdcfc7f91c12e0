"""What the functions count and measure, written to the log in CloudWatch's embedded metric format.

CloudWatch makes metrics of these lines by itself; nothing calls its API. Rule: one line per batch and function, not one
per update. What is only counted is added up in it; what is measured, and what a share is to be taken of, stands in it
value by value. Every name is in the one table below, with its unit, who writes it and what it means; the function is
the one dimension, and a chat or a person never is. What API Gateway, SQS and Lambda count already is not counted again.

Hazards: a worker that is killed takes its counts with it; Lambda counts that. And names are what alarms and dashboards
of others stand on: one that changes its meaning gets another name.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple

from aws_lambda_powertools.metrics import EphemeralMetrics

from floodgate.monitoring.light import COLD_STARTS, DIMENSION, WEBHOOK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WORKER: Final = "worker"
TASKS: Final = "tasks"
DEADLETTER: Final = "deadletter"
REGISTRAR: Final = "registrar"
ALERTS: Final = "alerts"

UPDATES_HANDLED: Final = "UpdatesHandled"
UPDATES_LIMITED: Final = "UpdatesLimited"
UPDATES_STALE: Final = "UpdatesStale"
UPDATES_DUPLICATED: Final = "UpdatesDuplicated"
UPDATES_WAITING: Final = "UpdatesWaiting"
ATTEMPTS_FAILED: Final = "AttemptsFailed"
UPDATES_RETRIED: Final = "UpdatesRetried"
UPDATES_GIVEN_UP: Final = "UpdatesGivenUp"
HANDLER_TIME: Final = "HandlerTime"
QUEUE_WAIT: Final = "QueueWait"
HELD_WAIT: Final = "HeldWait"
ANSWER_TIME: Final = "AnswerTime"
TELEGRAM_CALLS: Final = "TelegramCalls"
TELEGRAM_CALLS_FAILED: Final = "TelegramCallsFailed"
TELEGRAM_CALLS_REFUSED: Final = "TelegramCallsRefused"
TELEGRAM_CALLS_LIMITED: Final = "TelegramCallsLimited"
TELEGRAM_TIME: Final = "TelegramTime"
CHATS_FROZEN: Final = "ChatsFrozen"
CACHE_HITS: Final = "CacheHits"
CACHE_MISSES: Final = "CacheMisses"
CALLS_DIVERGED: Final = "CallsDiverged"
CALLS_LEFT_OUT: Final = "CallsLeftOut"
NOTICES_SENT: Final = "NoticesSent"
FAILURES_KEPT: Final = "FailuresKept"
BROADCASTS_SENT: Final = "BroadcastsSent"
UPDATES_PENDING: Final = "UpdatesPending"
WEBHOOK_ERRORS: Final = "WebhookErrors"
WEBHOOK_DRIFTED: Final = "WebhookDrifted"
WEBHOOK_FOREIGN: Final = "WebhookForeign"
ALERTS_FAILED: Final = "AlertsFailed"


class Described(NamedTuple):
    """What a metric's name stands for."""

    #: As CloudWatch names it.
    unit: str
    meaning: str


_HANDLERS: Final = (WORKER, TASKS)
_SPEAKERS: Final = (WORKER, TASKS, DEADLETTER)
_CALLERS: Final = (*_SPEAKERS, REGISTRAR, ALERTS)
_EVERY: Final = (WEBHOOK, *_CALLERS)
_COUNT: Final = "Count"
_MS: Final = "Milliseconds"

#: By unit and by the functions that write them: the metrics, and what each means.
_TABLE: Final[Mapping[tuple[str, tuple[str, ...]], Mapping[str, str]]] = {
    (_COUNT, _HANDLERS): {
        UPDATES_HANDLED: "updates that their handlers finished without a failure",
        UPDATES_LIMITED: "updates dropped by a limit, a handler's own limit included",
        UPDATES_STALE: "updates dropped because nobody waits for their answer any more",
        UPDATES_DUPLICATED: "updates dropped as copies of others",
        UPDATES_WAITING: "times that an update was put back, uncounted, for a limit, a frozen chat or a full lane",
        ATTEMPTS_FAILED: "1 for an attempt that failed, 0 for one that did not; the average is the error rate",
        UPDATES_RETRIED: "failed attempts after which the update was put back to be tried again",
        UPDATES_GIVEN_UP: "updates that a worker sent to the dead letters",
        CALLS_DIVERGED: "calls that a retry made in the place of others",
        CALLS_LEFT_OUT: "calls that a retry did not repeat, because they may have arrived",
    },
    (_MS, _HANDLERS): {
        HANDLER_TIME: "what the handlers of one update took",
        QUEUE_WAIT: "from an update's coming to its first receive, if nothing of its own chat held it back",
        HELD_WAIT: "the same until it ran, if a freeze, a lane, a limit or its chat's earlier update held it back",
    },
    (_MS, (WORKER,)): {
        ANSWER_TIME: "from a person's message or press to the bot's first message into the same chat",
    },
    (_COUNT, _CALLERS): {
        TELEGRAM_CALLS: "calls of the Bot API",
        TELEGRAM_CALLS_FAILED: "calls answered with a 5xx or not at all, or whose answer was lost",
        TELEGRAM_CALLS_REFUSED: "calls refused with a 4xx other than 429",
        TELEGRAM_CALLS_LIMITED: "1 for a call answered with 429, 0 for any other; the average is the 429 rate",
    },
    (_MS, _CALLERS): {
        TELEGRAM_TIME: "what one call of the Bot API took",
    },
    (_COUNT, _SPEAKERS): {
        CHATS_FROZEN: "times that a 429 had a chat frozen for every worker",
        CACHE_HITS: "reads of chats and members for which Telegram was not asked",
        CACHE_MISSES: "reads of chats and members for which Telegram was asked",
        NOTICES_SENT: "words of floodgate's own to people: too fast, too busy, apologies",
    },
    (_COUNT, (DEADLETTER,)): {
        FAILURES_KEPT: "updates that were given up and are kept as failures, poison included",
    },
    (_COUNT, (TASKS,)): {
        BROADCASTS_SENT: "messages of broadcasts that arrived",
    },
    (_COUNT, _EVERY): {
        COLD_STARTS: "execution environments that started",
    },
    (_COUNT, (REGISTRAR,)): {
        UPDATES_PENDING: "updates that wait at Telegram (getWebhookInfo)",
        WEBHOOK_ERRORS: "1 for a check before which a delivery of Telegram's has failed since the last one, else 0",
        WEBHOOK_DRIFTED: "1 for a check that found the webhook gone or its update types changed, else 0",
        WEBHOOK_FOREIGN: "1 for a check that found somebody else's webhook, else 0",
    },
    (_COUNT, (ALERTS,)): {
        ALERTS_FAILED: "alerts that could not be told",
    },
}

ALL: Final[Mapping[str, Described]] = {
    name: Described(unit, meaning) for (unit, _), named in _TABLE.items() for name, meaning in named.items()
}
"""Every metric by its name."""

FUNCTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    name: functions for (_, functions), named in _TABLE.items() for name in named
}
"""Which functions write a metric: the values of its one dimension."""

#: Values that one line holds of one metric. CloudWatch takes 100, and Powertools writes at that by itself.
_MOST: Final = 99


class Metrics:
    """What one execution environment counts until it is written; its first line says that it started."""

    def __init__(self, namespace: str, function: str) -> None:
        """`function` is the one dimension."""
        self._namespace = namespace
        self._function = function
        self._values: dict[str, list[float]] = {COLD_STARTS: [1]}

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Within this block `count` and `measure` are about these; at its end they are written."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            self.flush()

    def count(self, name: str, number: float = 1) -> None:
        """Add to the metric's one value."""
        values = self._values.setdefault(name, [0])
        values[0] += number

    def measure(self, name: str, value: float) -> None:
        """Have one more value of the metric."""
        values = self._values.setdefault(name, [])
        values.append(value)
        if len(values) >= _MOST:
            self.flush()

    def flush(self) -> None:
        """Write what was counted, if anything was, and start anew."""
        if not self._values:
            return
        metrics = EphemeralMetrics(namespace=self._namespace)
        metrics.add_dimension(DIMENSION, self._function)
        for name, values in sorted(self._values.items()):
            for value in values:
                metrics.add_metric(name, ALL[name].unit, value)
        metrics.flush_metrics()
        self._values.clear()


_current: ContextVar[Metrics | None] = ContextVar("metrics", default=None)


def count(name: str, number: float = 1) -> None:
    """Count in the batch in hand; outside of one nobody does."""
    if (metrics := _current.get()) is not None:
        metrics.count(name, number)


def measure(name: str, value: float) -> None:
    """Have one more value in the batch in hand: milliseconds, or 0 and 1 for what a rate is taken of."""
    if (metrics := _current.get()) is not None:
        metrics.measure(name, value)


def measure_s(name: str, seconds: float) -> None:
    """Have one more time in the batch in hand, in whole milliseconds; clocks that disagree make none negative."""
    measure(name, max(0, round(seconds * 1000)))
