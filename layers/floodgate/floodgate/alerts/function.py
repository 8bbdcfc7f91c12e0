"""The alerts function: what SNS tells of alarms, and every five minutes what nobody told.

Rule: a notification is taken in and shown at once; the sweep reads the state of all of the stack's alarms and takes
that in the same way. What could not be shown fails the invocation, so that Lambda tries again, the sweep after it, and
the errors of this function have an alarm of their own, whose e-mail needs no Telegram.
Hazard: with DynamoDB away nobody knows what was told before. An alarm is then told without buttons or memory, and told
again when DynamoDB is back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from telegram.error import TelegramError

from floodgate.alerts.graphs import Graphs
from floodgate.alerts.messages import AlarmMessages, Links
from floodgate.alerts.news import again, from_description, from_notification, gone, logical_id
from floodgate.alerts.outcry import Outcry
from floodgate.alerts.reconciler import SHOWN_WITHIN_S, Reconciler
from floodgate.aws import AwsCalls, fault
from floodgate.cache.cache import Cache
from floodgate.monitoring.logger import logger
from floodgate.monitoring.metrics import ALERTS_FAILED, count
from floodgate.state.alarms import Alarms, alarm_key
from floodgate.telegram.bot import KeptBot
from floodgate.traffic.gate import Gates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from floodgate.alerts.news import News
    from floodgate.settings import AlertsSettings

#: What must be left of the invocation before another alarm is shown, in seconds.
_NEEDED_S: Final = SHOWN_WITHIN_S + 5.0


class AlertsNotTold(Exception):
    """Something could not be shown in the admin chat; it stays due."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"not told yet: {', '.join(names)}")


class AlertsFunction:
    """Tells the admin chat of alarms."""

    def __init__(
        self,
        settings: AlertsSettings,
        *,
        cloudwatch: CloudWatchClient,
        dynamodb: DynamoDBClient,
        secrets: SecretsManagerClient,
        clock: Callable[[], float],
    ) -> None:
        calls = AwsCalls()
        self._stack = settings.stack_name
        self._cloudwatch = cloudwatch
        self._calls = calls
        self._clock = clock
        self._runner = asyncio.Runner()
        self._alarms = Alarms(dynamodb, settings.bot.state_table, calls)
        self._reconciler: Reconciler | None = None
        if (admin := settings.bot.admin_chat_id) is not None:
            bot = KeptBot(
                settings.bot,
                Gates(dynamodb, settings.traffic_table, calls, clock),
                Cache(dynamodb, settings.traffic_table, calls, clock, fresh_s=settings.cache_s),
                dynamodb=dynamodb,
                secrets=secrets,
                clock=clock,
            )
            messages = AlarmMessages(admin, self._stack, Links(settings.dashboard_url, settings.runbook_url))
            graphs = Graphs(cloudwatch, calls, clock)
            self._reconciler = Reconciler(self._alarms, messages, graphs, bot, clock)
            self._outcry = Outcry(admin, self._stack, settings.bot, secrets)

    def tell(self, event: Mapping[str, Any], remaining_s: Callable[[], float]) -> None:
        """Tell what an SNS event has. Raises AlertsNotTold."""
        news = [from_notification(record["Sns"], self._stack) for record in event["Records"]]
        self._runner.run(self._tell(news, remaining_s))

    def sweep(self, remaining_s: Callable[[], float]) -> None:
        """Tell what was not told yet. Raises AlertsNotTold, and what botocore raises."""
        if self._reconciler is not None:  # whoever has no admin chat need not be told of that each five minutes
            self._runner.run(self._sweep(remaining_s))

    async def _tell(self, news: Sequence[News], remaining_s: Callable[[], float]) -> None:
        if self._reconciler is None:
            for one in news:
                logger.warning("nobody to tell of an alarm", alarm=one.name, state=one.state)
                count(ALERTS_FAILED)
            return
        await self._hear(self._reconciler, news, remaining_s, is_told_now=True)

    async def _sweep(self, remaining_s: Callable[[], float]) -> None:
        if self._reconciler is None:
            return
        listed = await self._calls.run(self._listed)
        known = await self._alarms.all()
        now = self._clock()
        names = {one.name for one in listed}
        news = [one for one in listed if one.state == "ALARM" or alarm_key(one.name) in known]
        for item, alarm in known.items():
            if alarm.name in names:
                continue
            # Of a note, and of an alarm that somebody else has, there is no list to look at.
            is_gone = alarm.state == "ALARM" and logical_id(alarm.name, self._stack) is not None
            news.append(gone(alarm.name, now) if is_gone else again(item, alarm.name))
        await self._hear(self._reconciler, news, remaining_s, is_told_now=False)

    def _listed(self) -> list[News]:
        """Return what CloudWatch says of every alarm of the stack."""
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{self._stack}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return [
            from_description(alarm, self._stack)
            for page in pages
            for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
            if logical_id(alarm["AlarmName"], self._stack) is not None
        ]

    async def _hear(
        self, reconciler: Reconciler, news: Sequence[News], remaining_s: Callable[[], float], *, is_told_now: bool
    ) -> None:
        untold = []
        for one in news:
            if remaining_s() < _NEEDED_S:
                untold.append(one.name)
                continue
            try:
                await reconciler.hear(one)
            except Exception as error:  # noqa: BLE001 - the record boundary: one alarm must not keep others untold
                if is_told_now and await self._cried_out(one, error):
                    continue
                logger.error("alert not told", alarm=one.name, error=_fault(error))
                count(ALERTS_FAILED)
                untold.append(one.name)
        if untold:
            raise AlertsNotTold(untold)

    async def _cried_out(self, news: News, error: Exception) -> bool:
        """Tell an alarm without what DynamoDB knows, if that is what is away, and return whether that went well."""
        if not isinstance(error, (BotoCoreError, ClientError)) or news.state not in {"ALARM", "NOTE"}:
            return False
        logger.error("alert told without its state", alarm=news.name, error=fault(error))
        try:
            await self._outcry.tell(news)
        except (BotoCoreError, ClientError, TelegramError) as trouble:
            logger.error("outcry failed", error=_fault(trouble))
            return False
        return True


def _fault(error: Exception) -> str:
    return fault(error) if isinstance(error, (BotoCoreError, ClientError)) else type(error).__name__
