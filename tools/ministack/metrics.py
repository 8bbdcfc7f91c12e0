"""Metrics that AWS has and ministack lacks: of the functions' embedded-metric lines, of queues, of the API, of tables.

Problem: an alarm or a dashboard without metrics shows nothing on this machine. Rule: what ministack does not count is
counted where it passes, under AWS's names, units and dimensions:

- log lines in the embedded metric format (`_emit_lambda_logs`), with their own timestamps;
- AWS/Lambda: ministack counts what is invoked through its API; here also what queues, topics and schedules invoke
  (`_execute_function_dispatch`), and how many run at once;
- AWS/SQS, by a look at each queue at every `look`: depths, age, and what came, was received and left since the last;
- AWS/ApiGateway for HTTP APIs (`handle_execute`), AWS/DynamoDB as far as requests tell (`handle_request`).

Hazard: ministack forgets points only when its API is asked, and copies its lists for it while others add to them; so
`forget` does it here. Queues that are idle get one point a minute.
"""

import json
import threading
import time
from collections import Counter
from typing import Any

import embedded_metrics
from ministack.services import apigateway, cloudwatch, dynamodb, lambda_svc, sqs

type Dimensions = dict[str, str]

_KEPT_S = 24 * 3600
_IDLE_EVERY_S = 55
#: Of a consistent write and of an eventually consistent read of one small item.
_UNITS = {
    "PutItem": ("Write", 1.0),
    "UpdateItem": ("Write", 1.0),
    "DeleteItem": ("Write", 1.0),
    "TransactWriteItems": ("Write", 2.0),
    "GetItem": ("Read", 0.5),
    "BatchGetItem": ("Read", 0.5),
    "Query": ("Read", 0.5),
}


def install() -> None:
    """Count from now on."""
    cloudwatch._evict_old_metrics = lambda: None
    lambda_svc._emit_lambda_logs = _with_embedded_metrics(lambda_svc._emit_lambda_logs)
    lambda_svc._emit_lambda_metrics = _emit_throttle
    lambda_svc._execute_function_dispatch = _with_invocations(lambda_svc._execute_function_dispatch)
    sqs._collect_msgs = _with_received(sqs._collect_msgs)
    apigateway.handle_execute = _with_api_metrics(apigateway.handle_execute)
    dynamodb.handle_request = _with_table_metrics(dynamodb.handle_request)


def put(
    namespace: str,
    name: str,
    values: tuple[float, ...],
    unit: str,
    dimensions: Dimensions,
    at: float | None = None,
) -> None:
    """Add points to a metric of the current account and region."""
    at = time.time() if at is None else at
    cloudwatch._store_datum(namespace, name, dimensions, at, unit, None, list(values), None, None)


def forget() -> None:
    """Drop what is older than a day, which is in order of time for the most part, without replacing a list."""
    oldest = time.time() - _KEPT_S
    for points in list(cloudwatch._metrics.values()):
        old = 0
        while old < len(points) and points[old]["Timestamp"] < oldest:
            old += 1
        del points[:old]


# --------------------------------------------------------------------------------------------------- functions' logs --


def _with_embedded_metrics(emit: Any) -> Any:
    def emit_and_count(func: Any, request_id: str, log_text: str, *rest: Any, **options: Any) -> None:
        emit(func, request_id, log_text, *rest, **options)
        for line in (log_text or "").splitlines():
            for datum in embedded_metrics.data(line):
                put(datum.namespace, datum.name, datum.values, datum.unit, datum.dimensions, datum.at)

    return emit_and_count


# ------------------------------------------------------------------------------------------------------- AWS/Lambda --

_running: Counter[str] = Counter()
_running_lock = threading.Lock()


def _emit_throttle(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:  # noqa: ARG001, FBT001
    if throttle:
        put("AWS/Lambda", "Throttles", (1.0,), "Count", {"FunctionName": function_name})


def _with_invocations(execute: Any) -> Any:
    def execute_and_count(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        function = config.get("FunctionName", "unknown")
        of_function = {"FunctionName": function}
        with _running_lock:
            _running[function] += 1
            own, total = _running[function], _running.total()
        for dimensions, running in ((of_function, own), ({}, total)):
            put("AWS/Lambda", "ConcurrentExecutions", (float(running),), "Count", dimensions)
        began = time.time()
        try:
            result = execute(func, config, event, request_id, started)
        finally:
            with _running_lock:
                _running[function] -= 1
        said = result if isinstance(result, dict) else {}
        throttled = bool(said.get("throttle"))
        put("AWS/Lambda", "Throttles", (float(throttled),), "Count", of_function)
        if not throttled:
            put("AWS/Lambda", "Invocations", (1.0,), "Count", of_function)
            put("AWS/Lambda", "Errors", (float(bool(said.get("error"))),), "Count", of_function)
            put("AWS/Lambda", "Duration", ((time.time() - began) * 1000,), "Milliseconds", of_function)
        return result

    return execute_and_count


# ---------------------------------------------------------------------------------------------------------- AWS/SQS --

_received: Counter[str] = Counter()
_totals: dict[str, Counter[str]] = {}
_looked_at: dict[str, float] = {}


def _with_received(collect: Any) -> Any:
    def collect_and_count(queue: Any, *rest: Any) -> Any:
        messages = collect(queue, *rest)
        _received[queue["url"]] += len(messages)
        return messages

    return collect_and_count


def look() -> None:
    """Write down how each queue stands, and what went through it since the last look."""
    for queue in list(sqs._queues.values()):
        _look_at(queue)


def _look_at(queue: Any) -> None:
    url, now = queue["url"], time.time()
    with sqs._queues_lock:
        messages, sent = list(queue["messages"]), queue.get("fifo_seq", 0)
    in_flight = [one for one in messages if one["visible_at"] > now and one["receive_count"]]
    visible = sum(one["visible_at"] <= now for one in messages)
    depths = {
        "ApproximateNumberOfMessagesVisible": visible,
        "ApproximateNumberOfMessagesNotVisible": len(in_flight),
        "ApproximateNumberOfMessagesDelayed": len(messages) - visible - len(in_flight),
        "ApproximateNumberOfGroupsWithInflightMessages": len({one.get("group_id") for one in in_flight}),
    }
    # What is numbered was sent, and what was sent and is not there has left: no more of its code needs to be touched.
    totals = {
        "NumberOfMessagesSent": sent,
        "NumberOfMessagesReceived": _received[url],
        "NumberOfMessagesDeleted": sent - len(messages),
    }
    before = _totals.setdefault(url, Counter())
    counts = {name: max(0, total - before[name]) for name, total in totals.items()}
    before.update(counts)
    if not (any(depths.values()) or any(counts.values())) and now - _looked_at.get(url, 0) < _IDLE_EVERY_S:
        return
    _looked_at[url] = now
    dimensions = {"QueueName": url.rpartition("/")[2]}
    for name, count in {**depths, **counts}.items():
        put("AWS/SQS", name, (float(count),), "Count", dimensions, now)
    age = now - min((one["sent_at"] for one in messages), default=now)
    put("AWS/SQS", "ApproximateAgeOfOldestMessage", (float(int(age)),), "Seconds", dimensions, now)


# -------------------------------------------------------------------------------------- AWS/ApiGateway, AWS/DynamoDB --


def _with_api_metrics(handle: Any) -> Any:
    async def handle_and_count(api_id: str, stage: str, *rest: Any, **options: Any) -> Any:
        began = time.time()
        answer = await handle(api_id, stage, *rest, **options)
        took_ms, status = (time.time() - began) * 1000, int(answer[0])
        for dimensions in ({"ApiId": api_id}, {"ApiId": api_id, "Stage": stage}):
            put("AWS/ApiGateway", "Count", (1.0,), "Count", dimensions)
            put("AWS/ApiGateway", "4xx", (float(400 <= status < 500),), "Count", dimensions)
            put("AWS/ApiGateway", "5xx", (float(status >= 500),), "Count", dimensions)
            put("AWS/ApiGateway", "Latency", (took_ms,), "Milliseconds", dimensions)
            put("AWS/ApiGateway", "IntegrationLatency", (took_ms,), "Milliseconds", dimensions)
        return answer

    return handle_and_count


def _with_table_metrics(handle: Any) -> Any:
    async def handle_and_count(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        began = time.time()
        answer = await handle(method, path, headers, body, query_params)
        lowered = {str(name).lower(): value for name, value in headers.items()}
        operation = str(lowered.get("x-amz-target", "")).rpartition(".")[2]
        if operation in _UNITS and (answer[0] == 200 or operation.endswith("Item")):
            for table, items in _touched(operation, body).items():
                kind, units = _UNITS[operation]
                name = f"Consumed{kind}CapacityUnits"
                put("AWS/DynamoDB", name, (units * items,), "Count", {"TableName": table})
                if answer[0] == 200:
                    took_ms = (time.time() - began) * 1000
                    dimensions = {"TableName": table, "Operation": operation}
                    put("AWS/DynamoDB", "SuccessfulRequestLatency", (took_ms,), "Milliseconds", dimensions)
        return answer

    return handle_and_count


def _touched(operation: str, body: bytes) -> dict[str, int]:
    """Return how many items of each table a request is about, as far as it says."""
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    if operation == "BatchGetItem":
        return {table: len(keys.get("Keys", [])) for table, keys in asked.get("RequestItems", {}).items()}
    if operation == "TransactWriteItems":
        return Counter(str(next(iter(one.values()))["TableName"]) for one in asked.get("TransactItems", []))
    return {str(asked["TableName"]): 1} if "TableName" in asked else {}
