"""The AWS around the functions: the template's own queues, tables and secrets on the local AWS, and nothing else of it.

Functions are run by the Lambda runtime beside it, not by the local AWS, so what hands messages to them is `hand_out`:
it does with a queue what Lambda's event source mapping does.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from local import environment
from local.aws import STACK_NAME
from tests.runtime.building import sync
from tests.template.reading import ROOT, Template, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from local.ports import Ports
    from local.processes import Programs

MINISTACK = ROOT / "tools" / "ministack"
WEBHOOK_SECRET = "local-webhook-secret"
"""What the events present."""
_READY_WITHIN_S = 30


def start(ports: Ports, folder: Path, programs: Programs) -> str:
    """Start a local AWS and return its address once it answers."""
    sync(MINISTACK, folder, programs)
    (folder / "tmp").mkdir()
    programs.start(
        "the local AWS",
        [MINISTACK / ".venv" / "bin" / "ministack"],
        env={
            **environment.for_aws(os.environ, ports, folder=folder),
            "SERVICES": "cloudwatch,dynamodb,secretsmanager,sqs",
        },
        folder=folder,
        log=folder / "aws.log",
    )
    address = environment.endpoint(ports)
    wait_for(f"{address}/_ministack/ready", programs)
    return address


def wait_for(url: str, programs: Programs) -> None:
    """Return when this URL answers; raise if a program has ended or it takes too long."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        programs.check()
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError(url)


class Cloud:
    """What the template stores and queues in, and `known`: the names that its references resolve to."""

    def __init__(self, template: Template, address: str, known: Mapping[str, str]) -> None:
        self.address = address
        session = boto3.Session("test", "test", region_name=environment.REGION)
        self.sqs: SQSClient = session.client("sqs", endpoint_url=address)
        self.dynamodb: DynamoDBClient = session.client("dynamodb", endpoint_url=address)
        self.secrets: SecretsManagerClient = session.client("secretsmanager", endpoint_url=address)
        self.queues: dict[str, str] = {}
        given = {name: f"local-{name}" for name in template.parameters}
        pseudo = {"AWS::StackName": STACK_NAME, "AWS::Region": environment.REGION}
        self.known = {**pseudo, **given, **template.defaults, **known}
        for name, queue in template.of_type("AWS::SQS::Queue").items():
            self.known[name] = self.queues[name] = self._queue(name, queue)
            self.known[f"{name}.Arn"] = f"arn:aws:sqs:{environment.REGION}:000000000000:{name}.fifo"
        for name in template.of_type("AWS::Scheduler::ScheduleGroup"):
            self.known[name] = name  # nothing is scheduled here
        for name in template.of_type("AWS::IAM::Role"):
            self.known[f"{name}.Arn"] = f"arn:aws:iam::000000000000:role/{name}"
        for name, table in template.of_type("AWS::DynamoDB::Table").items():
            self.known[name] = self._table(name, table)
        for name, secret in template.of_type("AWS::SecretsManager::Secret").items():
            text = resolve(secret.get("SecretString", WEBHOOK_SECRET), self.known)
            self.known[f"{name}.Id"] = self.secrets.create_secret(Name=name, SecretString=text)["ARN"]

    def _queue(self, name: str, properties: Mapping[str, Any]) -> str:
        own = resolve({key: value for key, value in properties.items() if key != "RedrivePolicy"}, self.known)
        attributes = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in own.items()}
        return self.sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"]

    def _table(self, name: str, properties: Mapping[str, Any]) -> str:
        needed = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        taken = {key: properties[key] for key in needed if key in properties}
        self.dynamodb.create_table(TableName=name, **taken)
        return name

    def clear(self) -> None:
        """Leave every queue and table empty."""
        for url in self.queues.values():
            self.sqs.purge_queue(QueueUrl=url)
        for table in ("TrafficTable", "StateTable"):
            names = {
                key["AttributeName"] for key in self.dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
            }
            for item in self.items(table):
                key = {name: value for name, value in item.items() if name in names}
                self.dynamodb.delete_item(TableName=table, Key=key)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return what is in a table, as DynamoDB writes it."""
        return self.dynamodb.scan(TableName=table)["Items"]

    def waiting(self, queue: str) -> int:
        """Return how many messages the queue holds, hidden ones included."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.queues[queue], AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])

    def receive(self, queue: str) -> list[tuple[str, str, str]]:
        """Take what is in the queue and not hidden: body, group and deduplication id of each message."""
        taken = []
        while messages := self._received(queue):
            for message in messages:
                attributes = message["Attributes"]
                taken.append((message["Body"], attributes["MessageGroupId"], attributes["MessageDeduplicationId"]))
                self.sqs.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"])
        return taken

    def _received(self, queue: str) -> list[Any]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queues[queue], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))

    def hand_out(self, event: Mapping[str, Any], queue: str, invoke: Callable[[Mapping[str, Any]], Any]) -> Any:
        """Invoke with an SQS event whose messages lie in the queue, then delete what was not reported as failed.

        The event stays as it is but for what the queue itself decides: receipt handles, and when a message was sent.
        """
        for record in event["Records"]:
            self.sqs.send_message(
                QueueUrl=self.queues[queue],
                MessageBody=record["body"],
                MessageGroupId=record["attributes"]["MessageGroupId"],
                MessageDeduplicationId=str(uuid.uuid4()),
            )
        received = {message["Body"]: message for message in self._received(queue)}
        records = [_as_received(record, received[record["body"]]) for record in event["Records"]]
        answer = invoke({"Records": records})
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in failed:
                with contextlib.suppress(self.sqs.exceptions.ReceiptHandleIsInvalid):  # the function deleted it
                    self.sqs.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=record["receiptHandle"])
        return answer


def _as_received(record: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: message["Attributes"][name] for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp")}
    return {
        **record,
        "receiptHandle": message["ReceiptHandle"],
        "attributes": {**record["attributes"], **times},
    }


def plain(item: Mapping[str, Any]) -> dict[str, str]:
    """Return an item's texts and numbers without DynamoDB's type letters."""
    return {name: next(iter(value.values())) for name, value in item.items() if value.keys() & {"S", "N"}}
