"""What CloudWatch makes of an alarm's datapoints: its state, and the words and figures that it gives for it.

Rule: of the datapoints in the evaluation range, which is a little longer than the alarm's periods, the latest real ones
count; only where there are fewer than periods, `TreatMissingData` says what stands in for them. The cases are those of
AWS's page "Configuring how CloudWatch alarms treat missing data" (read in November 2026), M of N and premature alarms
included. Pure: no clock, no store.
Hazard: bands (anomaly detection) and metric math are not known here; `KNOWN` has the comparisons that are.
"""

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

ALARM, OK, INSUFFICIENT = "ALARM", "OK", "INSUFFICIENT_DATA"
#: Periods beyond the alarm's own in which a late or rare datapoint still counts.
SPARE_PERIODS = 2

_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
KNOWN = frozenset(_COMPARISONS)
_TREATED_AS = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


@dataclass(frozen=True)
class Rule:
    """What an alarm compares, and how many of its latest periods must breach."""

    statistic: str
    comparison: str
    threshold: float
    period_s: int = 60
    periods: int = 1
    breaching: int = 1
    missing: str = "missing"
    #: `ignore`: a percentile of too few samples changes nothing.
    low_samples: str = "evaluate"

    @property
    def range(self) -> int:
        """How many periods are looked at, the latest last."""
        return self.periods + SPARE_PERIODS


@dataclass(frozen=True)
class Datapoint:
    """One period's statistic; `starts_at` is a Unix time."""

    starts_at: float
    value: float
    samples: float = 1


@dataclass(frozen=True)
class Verdict:
    """The state, and why: AWS's sentence, and the figures as its JSON."""

    state: str
    reason: str
    data: str


def judge(rule: Rule, points: Sequence[Datapoint | None], state: str, *, now: float) -> Verdict | None:
    """Return what `points`, one for each period of the range and the latest last, say; None if they change nothing."""
    evaluated = [point for point in points if point is not None][-rule.periods :]
    if rule.low_samples == "ignore" and any(_too_few(rule, point.samples) for point in evaluated):
        return None
    bad = [point for point in evaluated if _breaches(rule, point)]
    found = _state(rule, points, len(bad), len(evaluated))
    if found is None or found == state:
        return None
    return Verdict(found, _reason(rule, found, evaluated, bad), _figures(rule, points, evaluated, now))


def _state(rule: Rule, points: Sequence[Datapoint | None], bad: int, evaluated: int) -> str | None:
    missing = rule.periods - evaluated
    if bad + (missing if rule.missing == "breaching" else 0) >= rule.breaching:
        return ALARM
    if not missing or rule.missing in {"breaching", "notBreaching"}:
        return OK
    if rule.missing == "ignore":
        return OK if bad < evaluated else None
    if not evaluated:
        return INSUFFICIENT
    return ALARM if bad == evaluated and _is_old(rule, points) else OK


def _is_old(rule: Rule, points: Sequence[Datapoint | None]) -> bool:
    """Whether there is a datapoint, among the alarm's periods, that is M periods old: a premature alarm rests on it."""
    window = points[-rule.periods :]
    return any(point is not None for point in window[: rule.periods - rule.breaching + 1])


def _breaches(rule: Rule, point: Datapoint) -> bool:
    compare, _ = _COMPARISONS[rule.comparison]
    return compare(point.value, rule.threshold)


def _too_few(rule: Rule, samples: float) -> bool:
    """Whether a percentile of that many samples means little: below ten beyond it, on the side that is smaller."""
    if not rule.statistic.startswith("p"):
        return False
    share = float(rule.statistic[1:]) / 100
    return samples < 10 / (1 - share if share >= 0.5 else share) if 0 < share < 1 else False


def _reason(rule: Rule, state: str, evaluated: Sequence[Datapoint], bad: Sequence[Datapoint]) -> str:
    if state == INSUFFICIENT:
        return f"Insufficient Data: {_count(rule.periods, 'datapoint')} {_was(rule.periods)} unknown."
    if not evaluated:
        return (
            f"Threshold Crossed: no datapoints were received for {_count(rule.periods, 'period')} and "
            f"{_count(rule.periods, 'missing datapoint')} {_was(rule.periods)} treated as "
            f"[{_TREATED_AS[rule.missing]}]."
        )
    is_alarm = state == ALARM
    told = list(bad) if is_alarm else [point for point in evaluated if point not in bad]
    _, words = _COMPARISONS[rule.comparison]
    listed = ", ".join(f"{point.value} ({_short(point.starts_at)})" for point in reversed(told))
    least = rule.breaching if is_alarm else rule.periods - rule.breaching + 1
    change = "OK -> ALARM" if is_alarm else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(told)} out of the last {rule.periods} datapoints [{listed}] "
        f"{_was(len(told))} {'' if is_alarm else 'not '}{words} the threshold ({rule.threshold}) "
        f"(minimum {_count(least, 'datapoint')} for {change} transition)."
    )


def _figures(rule: Rule, points: Sequence[Datapoint | None], evaluated: Sequence[Datapoint], now: float) -> str:
    first = next((point.starts_at for point in points if point is not None), None)
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": stamp(now),
            **({} if first is None else {"startDate": stamp(first)}),
            "statistic": rule.statistic,
            "period": rule.period_s,
            "recentDatapoints": [point.value for point in evaluated],
            "threshold": rule.threshold,
            "evaluatedDatapoints": [
                {"timestamp": stamp(point.starts_at), "sampleCount": point.samples, "value": point.value}
                for point in reversed(evaluated)
            ],
        },
        separators=(",", ":"),
    )


def stamp(at: float) -> str:
    """Return the time as CloudWatch writes it into messages: to the millisecond, in UTC."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{int(at % 1 * 1000):03d}+0000"


def _short(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
