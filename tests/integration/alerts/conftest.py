"""The alerts function, its items in DynamoDB, its messages on the Telegram emulator; CloudWatch is what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.exceptions import ClientError

from floodgate.alerts.function import AlertsFunction
from floodgate.monitoring.metrics import ALERTS, Metrics
from floodgate.settings import AlertsSettings
from local.telegram import control, people
from local.telegram.app import create_app
from local.telegram.updates import ALL_TYPES
from tests.integration.alerts.reporting import CloudWatchWire, reporting
from tests.integration.bot.chats import TOKEN, Chat, Chats, MovedClock
from tests.integration.worker.conftest import clock, cloud, loops, telegram, workers
from tests.unit.alerts.samples import STACK, WAITING, change, described, sns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from floodgate.alerts.status import StatusReport
    from floodgate.telegram.application import App
    from local.telegram.emulator import Emulator
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.delivery.virtual_time import VirtualLoop

__all__ = ["clock", "cloud", "loops", "telegram", "workers"]

ADMIN = 9001
DASHBOARD, RUNBOOK = "https://dashboard.example", "https://runbook.example/runbook.md"
PICTURE = b"\x89PNG what CloudWatch draws"


@dataclass
class CloudWatch:
    """What CloudWatch answers, with the face of boto3's client."""

    alarms: list[dict[str, Any]] = field(default_factory=list)
    draws: bool = True
    points: list[tuple[float, float]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_paginator(self, operation: str) -> CloudWatch:
        """Return itself; alarms are what is asked for in pages."""
        assert operation == "describe_alarms"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """Return the alarms of that prefix, one a page."""
        assert asked["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm"]
        for alarm in self.alarms:
            if alarm["AlarmName"].startswith(asked["AlarmNamePrefix"]):
                kind = "CompositeAlarms" if "AlarmRule" in alarm else "MetricAlarms"
                yield {kind: [alarm]}

    def get_metric_widget_image(self, **asked: Any) -> dict[str, Any]:
        """Return a picture, or refuse as the local AWS does."""
        self.asked.append(asked)
        if not self.draws:
            raise ClientError({"Error": {"Code": "InvalidAction", "Message": ""}}, "GetMetricWidgetImage")
        return {"MetricWidgetImage": PICTURE}

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        """Return the points that there are."""
        self.asked.append(asked)
        times = [datetime.fromtimestamp(at, UTC) for at, _ in self.points]
        return {"MetricDataResults": [{"Label": "m", "Timestamps": times, "Values": [one for _, one in self.points]}]}


@dataclass
class Alerts:
    """Alarms that turn, the function that hears of it, and the admin who reads."""

    cloud: Cloud
    emulator: Emulator
    workers: Workers
    cloudwatch: CloudWatch
    function: AlertsFunction
    left_s: float = 90.0

    def tell(self, state: str, name: str = WAITING, **more: Any) -> None:
        """Have an alarm turn now, and SNS say so."""
        message = change(state, self.cloud.clock(), name, **more)
        others = [one for one in self.cloudwatch.alarms if one["AlarmName"] != name]
        self.cloudwatch.alarms = [*others, described(state, self.cloud.clock(), name)]
        self.deliver(sns(message))

    def deliver(self, *notifications: dict[str, Any]) -> None:
        """Invoke the function as SNS does."""
        event = {"Records": [{"EventSource": "aws:sns", "Sns": one} for one in notifications]}
        with Metrics(f"Floodgate/{STACK}", ALERTS).measuring():
            self.function.tell(event, lambda: self.left_s)

    def sweep(self) -> None:
        """Invoke the function as the schedule does."""
        with Metrics(f"Floodgate/{STACK}", ALERTS).measuring():
            self.function.sweep(lambda: self.left_s)

    def fail(self, method: str, count: int = 1, **fault: Any) -> None:
        """Have the next calls of a method fail."""
        control.add_fault(self.emulator, {"method": method, "count": count, **fault})

    @property
    def chat(self) -> Chat:
        """The admin's chat, with a bot of no handlers of its own."""

        def register(_app: App) -> None:
            """Nothing but what the library adds."""

        return Chats(self.cloud, self.emulator, self.workers, register).private(ADMIN)

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The kind and the first line of each message in the admin chat."""
        return [(one.get("media", "text"), one["text"].splitlines()[0]) for one in self.chat.replies]

    @property
    def calls(self) -> list[str]:
        """The methods that were called, in order."""
        return [call["method"] for call in self.emulator.calls]

    @property
    def item(self) -> dict[str, Any]:
        """The alarm's item."""
        [found] = [item for item in self.cloud.items("state") if item["pk"] == {"S": "alarm"}]
        return found


def function(cloud: Cloud, cloudwatch: CloudWatch, *, admin: int | None = ADMIN) -> AlertsFunction:
    """Return the function as an execution environment has it."""
    return AlertsFunction(
        AlertsSettings(
            bot=replace(cloud.bot_settings, admin_chat_id=admin),
            traffic_table="traffic",
            cache_s=300,
            metrics_namespace=f"Floodgate/{STACK}",
            stack_name=STACK,
            dashboard_url=DASHBOARD,
            runbook_url=RUNBOOK,
            updates_queue_url=cloud.updates_url,
            tasks_queue_url=cloud.tasks_url,
            dead_queue_url=cloud.dead_url,
        ),
        cloudwatch=cloudwatch,  # type: ignore[arg-type] # as much of it as is asked
        dynamodb=cloud.client("dynamodb"),
        secrets=cloud.client("secretsmanager"),
        clock=cloud.clock,
    )


@pytest.fixture
def alerts(
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    workers: Workers,
    loops: list[VirtualLoop],  # noqa: ARG001 - the world it lives in
) -> Alerts:
    """Nothing rings, and the admin has opened the chat."""
    app = create_app(token=TOKEN, clock=MovedClock(cloud))
    emulated = httpx.ASGITransport(app)

    async def handle(_transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await emulated.handle_async_request(request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    emulator: Emulator = app.state.emulator
    emulator.updates.allow(ALL_TYPES)
    people.set_user(emulator, {"user_id": ADMIN})
    emulator.world.chat(ADMIN, "private", ADMIN)
    cloudwatch = CloudWatch()
    return Alerts(cloud, emulator, workers, cloudwatch, function(cloud, cloudwatch))


@pytest.fixture
def cloudwatch() -> CloudWatchWire:
    """A CloudWatch that has nothing yet."""
    return CloudWatchWire()


@pytest.fixture
def status(cloud: Cloud, cloudwatch: CloudWatchWire) -> StatusReport:
    """What reports on the stack in the cloud."""
    return reporting(cloud, cloudwatch)
