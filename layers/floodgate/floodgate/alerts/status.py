"""What `/status` shows: the last hour and this moment in a few lines, and the hour as a picture.

Rule: what the lines rest on is asked side by side, for WITHIN_S at most; what fails or does not answer costs its own
line and no other. Hazards: CloudWatch has a figure a minute or two after it was counted; and a call that is not waited
for any more runs on in its thread, whose answer nobody reads.
"""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.alerts.chart import draw
from floodgate.alerts.figures import Figures, figures
from floodgate.alerts.news import logical_id
from floodgate.alerts.status_lines import Depth, NotKnown, Status, panels, text
from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.state.health import read_health

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

#: How long anything is waited for, in seconds: a worker waits for the whole, and has an update's time.
WITHIN_S: Final = 3.0
_MOST_PAGES: Final = 5


class StatusReport:
    """Reports on one stack; `queues` has the address of each queue by its name."""

    def __init__(
        self,
        *,
        namespace: str,
        stack_name: str,
        state_table: str,
        queues: Mapping[str, str],
        cloudwatch: CloudWatchClient,
        sqs: SQSClient,
        dynamodb: DynamoDBClient,
        clock: Callable[[], float],
    ) -> None:
        self._namespace = namespace
        self._stack_name = stack_name
        self._state_table = state_table
        self._queues = queues
        self._cloudwatch = cloudwatch
        self._sqs = sqs
        self._dynamodb = dynamodb
        self._clock = clock

    def report(self) -> dict[str, str]:
        """Return `{"text"}`, HTML that fits a caption, and `"chart"`, a PNG in base64, if there are figures."""
        status = self.status()
        answer = {"text": text(status)}
        if isinstance(status.figures, Figures) and status.figures.since is not None:
            try:
                answer["chart"] = base64.b64encode(draw(panels(status.figures))).decode()
            except Exception as error:  # noqa: BLE001 - the lines are what matters
                logger.warning("status without picture", error=type(error).__name__)
        return answer

    def status(self) -> Status:
        """Return what is known now, after WITHIN_S at most."""
        now = self._clock()
        asked: dict[str, tuple[str, Callable[[], Any]]] = {
            "figures": ("CloudWatch", partial(figures, self._cloudwatch, self._namespace, now)),
            "queues": ("SQS", self._depths),
            "open_failures": ("DynamoDB", self._open_failures),
            "health": ("DynamoDB", partial(read_health, self._dynamodb, self._state_table)),
            "alarms": ("CloudWatch", partial(ringing, self._cloudwatch, self._stack_name)),
        }
        threads = ThreadPoolExecutor(len(asked), thread_name_prefix="status")
        answers = {name: (service, threads.submit(ask)) for name, (service, ask) in asked.items()}
        threads.shutdown(wait=False)  # who does not answer in time is not waited for
        ends_at = self._clock() + WITHIN_S
        found: dict[str, Any] = {}
        for name, (service, answer) in answers.items():
            try:
                found[name] = answer.result(max(0.0, ends_at - self._clock()))
            except TimeoutError:
                found[name] = NotKnown(f"{service} did not answer")
            except (BotoCoreError, ClientError) as error:
                logger.warning("status not complete", asked=name, error=fault(error))
                found[name] = NotKnown(f"{service}: {fault(error)}")
        return Status(stack_name=self._stack_name, now=now, **found)

    def _depths(self) -> dict[str, Depth]:
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = {}
        for queue, url in self._queues.items():
            attributes: dict[Any, str] = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)[
                "Attributes"
            ]
            found[queue] = Depth(*(int(attributes[name]) for name in names))
        return found

    def _open_failures(self) -> int:
        """Return how many entries the index of open failures has; after some thousands that is enough to know."""
        count, start = 0, dict[str, Any]()
        for _ in range(_MOST_PAGES):
            answer = self._dynamodb.scan(TableName=self._state_table, IndexName="OpenFailures", Select="COUNT", **start)
            count += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return count


def ringing(cloudwatch: CloudWatchClient, stack_name: str) -> list[tuple[str, float]]:
    """Return the stack's alarms that ring, by logical id, and since when; raises what botocore raises."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{stack_name}-", StateValue="ALARM", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms: list[Any] = [
        one for page in pages for one in [*page.get("CompositeAlarms", []), *page.get("MetricAlarms", [])]
    ]
    return [
        # An update that leaves the state as it is moves the other time.
        (name, (alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]).timestamp())
        for alarm in alarms
        if (name := logical_id(alarm["AlarmName"], stack_name))
    ]
