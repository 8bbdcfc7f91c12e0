"""Alarms as CloudWatch evaluates them, on ministack's alarms and metrics.

Problem: ministack 1.5 looks at an alarm only when `PutMetricData` is called, takes its metric with whatever dimensions,
and knows no periods, no M of N and no missing data. Rule: each `evaluate` looks at all alarms of one metric, with that
metric's own dimensions, by `alarm_state.judge`; a change goes to the alarm's topics in the shape that AWS sends. Of
ministack are replaced `_evaluate_alarm` and `_evaluate_all_alarms` (here they do nothing), `_dispatch_alarm_actions`
(the message), and of CloudFormation's alarm the property that it drops. What stays: `SetAlarmState`, composite alarms.
Hazard: periods end at the evaluation and not at the full minute, so an alarm is up to a minute quicker than on AWS, and
a burst of seconds can fall into two periods.
"""

import json
import time
from typing import Any

from alarm_state import INSUFFICIENT, KNOWN, OK, Datapoint, Rule, Verdict, judge, stamp
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import cloudwatch, sns
from ministack.services.cloudformation import provisioners

type Alarm = dict[str, Any]

_REGION_NAMES = {"us-east-1": "US East (N. Virginia)"}
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
#: Points come when a function's run is over, with the time at which it wrote them.
_OUT_OF_ORDER_S = 900
#: Of new alarms that find all in order, so many say so at a look, the newest first: each message starts a function, and
#: a stack has two dozen of them while it is being deployed. AWS spreads them over a minute.
FIRST_OK = 1
_LOW_SAMPLES = "EvaluateLowSampleCountPercentile"


def install() -> None:
    """Leave alarms to `evaluate` from now on."""
    cloudwatch._evaluate_alarm = lambda _alarm: None
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._dispatch_alarm_actions = dispatch
    provisioners._cw_metric_alarm_record = _with_low_samples(provisioners._cw_metric_alarm_record)


def _with_low_samples(record: Any) -> Any:
    def record_whole(name: str, properties: Any) -> Alarm:
        alarm: Alarm = record(name, properties)
        if said := properties.get(_LOW_SAMPLES):
            alarm[_LOW_SAMPLES] = said
        return alarm

    return record_whole


def evaluate() -> None:
    """Bring every alarm to the state that its metric gives it now, and tell of what changed."""
    now = time.time()
    in_order = 0
    for alarm in reversed(list(cloudwatch._alarms.values())):
        if not alarm.get("MetricName") or alarm["ComparisonOperator"] not in KNOWN:
            continue
        rule = _rule(alarm)
        verdict = judge(rule, _datapoints(alarm, rule, now), alarm["StateValue"], now=now)
        if verdict is None:
            continue
        if (alarm["StateValue"], verdict.state) == (INSUFFICIENT, OK):
            in_order += 1
            if in_order > FIRST_OK:
                continue
        _turn(alarm, verdict, now)


def _turn(alarm: Alarm, verdict: Verdict, now: float) -> None:
    before = alarm["StateValue"]
    alarm |= {
        "StateValue": verdict.state,
        "StateReason": verdict.reason,
        "StateReasonData": verdict.data,
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
    }
    figures = json.loads(verdict.data)
    cloudwatch._record_history(alarm["AlarmName"], before, verdict.state, verdict.reason, reason_data=figures)
    dispatch(alarm, before, verdict.state, verdict.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _rule(alarm: Alarm) -> Rule:
    periods = int(alarm.get("EvaluationPeriods") or 1)
    return Rule(
        statistic=alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        period_s=int(alarm.get("Period") or 60),
        periods=periods,
        breaching=int(alarm.get("DatapointsToAlarm") or periods),
        missing=alarm.get("TreatMissingData") or "missing",
        low_samples=alarm.get(_LOW_SAMPLES) or "evaluate",
    )


def _datapoints(alarm: Alarm, rule: Rule, now: float) -> list[Datapoint | None]:
    """Return a datapoint, or None, for each period up to now, the latest last."""
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    began = now - rule.range * rule.period_s
    found: list[list[Any]] = [[] for _ in range(rule.range)]
    for point in reversed(list(cloudwatch._metrics.get(key, ()))):
        if point["Timestamp"] < began - _OUT_OF_ORDER_S:
            break
        if began <= point["Timestamp"] < now and alarm.get("Unit") in {None, "", point["Unit"]}:
            found[int((point["Timestamp"] - began) // rule.period_s)].append(point)
    return [_datapoint(points, rule, began + number * rule.period_s) for number, points in enumerate(found)]


def _datapoint(points: list[Any], rule: Rule, starts_at: float) -> Datapoint | None:
    figures = cloudwatch._calc_stats(points)
    value = cloudwatch._stat_value(figures, rule.statistic, points) if figures else None
    return None if value is None else Datapoint(starts_at, float(value), figures["SampleCount"])


def dispatch(alarm: Alarm, before: str, state: str, reason: str) -> None:
    """Tell the alarm's topics of its change, as AWS does."""
    if not alarm.get("ActionsEnabled", True):
        return
    subject = f'{state}: "{alarm["AlarmName"]}" in {_region()}'[:100]
    message = json.dumps(_message(alarm, before, state, reason))
    for topic in alarm.get(_ACTIONS[state]) or []:
        if cloudwatch._is_sns_action_arn(topic):
            sns._fanout(topic, new_uuid(), message, subject)


def _message(alarm: Alarm, before: str, state: str, reason: str) -> dict[str, Any]:
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": get_account_id(),
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.get("AlarmConfigurationUpdatedTimestamp", time.time())),
        "NewStateValue": state,
        "NewStateReason": reason,
        "StateChangeTime": stamp(alarm.get("StateUpdatedTimestamp", time.time())),
        "Region": _region(),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before,
        **{kind: alarm.get(kind) or [] for kind in ("OKActions", "AlarmActions", "InsufficientDataActions")},
        **({"Trigger": _trigger(alarm)} if alarm.get("MetricName") else {"AlarmRule": alarm.get("AlarmRule", "")}),
    }


def _trigger(alarm: Alarm) -> dict[str, Any]:
    rule = _rule(alarm)
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        **(
            {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": alarm["ExtendedStatistic"]}
            if alarm.get("ExtendedStatistic")
            else {"StatisticType": "Statistic", "Statistic": rule.statistic.upper()}
        ),
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in alarm.get("Dimensions") or []],
        "Period": rule.period_s,
        "EvaluationPeriods": rule.periods,
        **({"DatapointsToAlarm": alarm["DatapointsToAlarm"]} if alarm.get("DatapointsToAlarm") else {}),
        "ComparisonOperator": rule.comparison,
        "Threshold": rule.threshold,
        "TreatMissingData": rule.missing,
        _LOW_SAMPLES: alarm.get(_LOW_SAMPLES) or "",
    }


def _region() -> str:
    return _REGION_NAMES.get(get_region(), get_region())
