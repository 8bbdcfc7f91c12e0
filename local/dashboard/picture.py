"""The picture of a running local stack's dashboard."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from local.aws import LocalAws, StackUnusable
from local.dashboard.body import widgets
from local.dashboard.drawing import draw
from local.dashboard.figures import read

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_LOGICAL_ID = "Dashboard"


def picture(aws: LocalAws, start: datetime, end: datetime, file: Path) -> None:
    """Write the deployed dashboard, with what it shows of that time, to a PNG. Raises StackUnusable."""
    aws.outputs()
    name = aws.physical_ids("AWS::CloudWatch::Dashboard").get(_LOGICAL_ID)
    if name is None:
        raise StackUnusable("The stack has no dashboard: template.yaml calls it Dashboard.")
    client: CloudWatchClient = aws.client("cloudwatch")
    shown = widgets(client.get_dashboard(DashboardName=name)["DashboardBody"])
    points = [read(client, widget.rows, start, end) for widget in shown]
    draw(shown, points, _states(client), (start, end), file)


def _states(client: "CloudWatchClient") -> dict[str, str]:
    """Return each alarm's state by its ARN."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {
        alarm["AlarmArn"]: alarm["StateValue"]
        for page in pages
        for alarm in [*page["MetricAlarms"], *page.get("CompositeAlarms", [])]
    }
