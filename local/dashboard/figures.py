"""What a dashboard's rows show: datapoints by time, of CloudWatch or of an expression over other rows.

Rule: a widget's metrics are asked for with one `GetMetricData`. Expressions are computed here, because the local AWS
does not: sums, differences, products and quotients of rows by their ids, and `FILL(row, number)`. Where a row has no
datapoint, or is divided by zero, the result has none, as on AWS.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.dashboard.body import Row
from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

type Points = dict[datetime, float]

_OPERATORS: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class NotComputed(LocalError):
    """An expression of the dashboard is not understood here."""


def read(client: "CloudWatchClient", rows: Sequence[Row], start: datetime, end: datetime) -> dict[str, Points]:
    """Return the datapoints of a widget's rows between the two times, by their ids.

    Raises what botocore raises, and NotComputed.
    """
    metrics = [row for row in rows if not row.expression]
    points: dict[str, Points] = {}
    if metrics:
        queries = [_query(f"q{number}", row) for number, row in enumerate(metrics)]
        answer = client.get_metric_data(MetricDataQueries=queries, StartTime=start, EndTime=end)
        found = {
            result["Id"]: dict(zip(result["Timestamps"], result["Values"], strict=True))
            for result in answer["MetricDataResults"]
        }
        points = {row.id: found.get(f"q{number}", {}) for number, row in enumerate(metrics)}
    times = sorted({at for each in points.values() for at in each})
    for row in rows:
        if row.expression:
            values = ((at, evaluate(row.expression, points, at)) for at in times)
            points[row.id] = {at: value for at, value in values if value is not None}
    return points


def evaluate(expression: str, points: Mapping[str, Points], at: datetime) -> float | None:
    """Return the expression's value at a time; None if it has none then. Raises NotComputed."""
    try:
        return _value(ast.parse(expression, mode="eval").body, points, at)
    except ZeroDivisionError:
        return None
    except (KeyError, SyntaxError) as error:
        raise NotComputed(f"The dashboard's expression {expression!r} is not understood: {error}") from error


def _value(node: ast.AST, points: Mapping[str, Points], at: datetime) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return points[name].get(at)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _value(left, points, at), _value(right, points, at)
            return None if one is None or other is None else _OPERATORS[type(op)](one, other)
        case ast.Call(func=ast.Name(id="FILL"), args=[row, filler]):
            value = _value(row, points, at)
            return _value(filler, points, at) if value is None else value
        case _:
            raise KeyError(ast.unparse(node))


def _query(name: str, row: Row) -> "MetricDataQueryTypeDef":
    dimensions: Any = [{"Name": key, "Value": value} for key, value in row.dimensions.items()]
    metric: Any = {"Namespace": row.namespace, "MetricName": row.name, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": row.period_s, "Stat": row.stat}}
