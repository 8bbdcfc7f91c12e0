"""The stack's queues, tables and secrets on an AWS that lives in this process and whose time is moved by hand."""

from __future__ import annotations

import json
import math
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from moto.core import responses
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.sqs import models
from moto.sqs.models import Queue, sqs_backends

from floodgate.settings import BotSettings, ScheduleSettings
from floodgate.state.codec import dumps, loads
from floodgate.state.identity import store_identity
from tests.unit.ingress.samples import BOT
from tests.unit.telegram.wire import API_URL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

FIFO: Mapping[QueueAttributeNameType, str] = {
    "FifoQueue": "true",
    "DeduplicationScope": "messageGroup",
    "FifoThroughputLimit": "perMessageGroupId",
    "MaximumMessageSize": "1048576",
}
#: One attempt: botocore's own retries would sleep.
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 1})


# moto 5.2 works the same names out anew for each request, in a good part of the time that one takes.
for _module, _name in (
    (responses, "method_names_from_class"),
    (responses, "camelcase_to_underscores"),
    (models, "camelcase_to_underscores"),
):
    vars(_module)[_name] = cache(vars(_module)[_name])

# One session for every test: it reads botocore's descriptions of the services once.
_SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")


@cache
def _own(service: str) -> Any:
    """Return a client for the tests themselves; making one costs more than most tests."""
    return _SESSION.client(service)  # type: ignore[call-overload] # any service


@dataclass
class Clock:
    """Unix time in seconds, for the functions and for SQS."""

    now: float = 1_781_136_000.0

    def __call__(self) -> float:
        """Return the time that it is now."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds


@dataclass(frozen=True)
class _Refused:
    """What botocore needs to know of an HTTP response that has been parsed."""

    status_code: int = 400


@dataclass
class Wire:
    """Between the functions' clients and AWS: keeps every request, and has the next scripted ones fail."""

    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    faults: dict[str, list[Exception | str]] = field(default_factory=lambda: defaultdict(list))
    """By operation: an exception of the transport, or an error code of the service; AWS never sees the request.

    Of DynamoDB's, `UpdateItem gate` is about the items whose keys begin with `gate#` alone, and `UpdateItem gate#bot`
    about that item.
    """
    lost: set[str] = field(default_factory=set)
    """Operations whose next answer does not arrive, though AWS did what was asked."""

    def tap(self, client: Any) -> Any:
        """Put this wire below `client`."""
        client.meta.events.register("provide-client-params", self._keep)
        client.meta.events.register("before-call", self._fail)
        client.meta.events.register("after-call", self._lose)
        return client

    def asked(self, *operations: str) -> list[dict[str, Any]]:
        """Return the parameters of the requests for these operations, in order."""
        return [params for operation, params in self.requests if operation in operations]

    def _keep(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.requests.append((model.name, params))

    def _fail(self, model: Any, **_: Any) -> tuple[_Refused, dict[str, Any]] | None:
        key = _key(self.requests[-1][1])
        names = (model.name, f"{model.name} {key.partition('#')[0]}", f"{model.name} {key}")
        if not (faults := next(filter(None, map(self.faults.get, names)), None)):
            return None
        fault = faults.pop(0)
        if isinstance(fault, Exception):
            raise fault
        return _Refused(), {"Error": {"Code": fault, "Message": "scripted"}, "ResponseMetadata": {}}

    def _lose(self, model: Any, **_: Any) -> None:
        if model.name in self.lost:
            self.lost.remove(model.name)
            raise ReadTimeoutError(endpoint_url="https://aws.example")


def _key(params: Mapping[str, Any]) -> str:
    """Return the key of the item that a request to DynamoDB is about; of others nothing."""
    keys: Mapping[str, Any] = params.get("Key") or params.get("Item") or {}
    return str(keys.get("pk", {}).get("S", ""))


def remember_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have moto's FIFO queues swallow a repeated message as SQS does: for 5 minutes, in its group, even once deleted.

    moto 5.2 forgets what was deleted, and swallows what another group has.
    """
    sent: dict[tuple[int, str | None, str], float] = {}
    add = Queue.add_message

    def add_once(queue: Queue, message: Any) -> None:
        name = (id(queue), message.group_id, message.deduplication_id)
        if message.sent_timestamp - sent.get(name, -math.inf) < 300_000:
            return
        sent[name] = message.sent_timestamp
        kept, queue._messages = queue._messages, []
        add(queue, message)
        queue._messages[:0] = kept

    monkeypatch.setattr(Queue, "add_message", add_once)


@dataclass
class Cloud:
    """What the template makes. `sqs`, `dynamodb` and `secrets` are the test's own; `client` makes a function's."""

    clock: Clock
    wire: Wire = field(default_factory=Wire)
    _clients: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make it all."""
        self.updates_url, self.tasks_url, self.dead_url = (
            self.sqs.create_queue(QueueName=f"{name}.fifo", Attributes={**FIFO, "VisibilityTimeout": hidden_s})[
                "QueueUrl"
            ]
            for name, hidden_s in (("updates", "120"), ("tasks", "1000"), ("dead", "180"))
        )
        self.token_arn = self.secrets.create_secret(Name="token", SecretString=TOKEN)["ARN"]
        self.webhook_secret_arn = self.secrets.create_secret(Name="webhook", SecretString="hook-secret")["ARN"]
        self.dynamodb.create_table(
            TableName="traffic",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        self.dynamodb.create_table(
            TableName="state",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "open_fingerprint", "AttributeType": "S"},
                {"AttributeName": "last_at", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "OpenFailures",
                    "KeySchema": [
                        {"AttributeName": "open_fingerprint", "KeyType": "HASH"},
                        {"AttributeName": "last_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )

    @cached_property
    def sqs(self) -> SQSClient:
        """Queues, for the test's own use."""
        return _own("sqs")  # type: ignore[no-any-return] # what it is called

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Tables, for the test's own use."""
        return _own("dynamodb")  # type: ignore[no-any-return] # what it is called

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Secrets, for the test's own use."""
        return _own("secretsmanager")  # type: ignore[no-any-return] # what it is called

    def client(self, service: str) -> Any:
        """Return the functions' client of a service, on the wire."""
        if service not in self._clients:
            made = _SESSION.client(service, config=CONFIG)  # type: ignore[call-overload] # any service
            self._clients[service] = self.wire.tap(made)
        return self._clients[service]

    @property
    def bot_settings(self) -> BotSettings:
        """What every function that speaks to Telegram is told."""
        return BotSettings(TOKEN.partition(":")[0], self.token_arn, API_URL, "state", admin_chat_id=None)

    @cached_property
    def scheduler(self) -> EventBridgeSchedulerClient:
        """Schedules, for the test's own use; what is due is handed out by `tests.integration.worker.due`."""
        return _own("scheduler")  # type: ignore[no-any-return] # what it is called

    @cached_property
    def schedule_settings(self) -> ScheduleSettings:
        """What a worker is told of schedules, and a group for them."""
        self.scheduler.create_schedule_group(Name="schedules")
        arn = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:tasks.fifo"
        return ScheduleSettings("schedules", f"arn:aws:iam::{ACCOUNT}:role/scheduler", arn)

    def register_bot(self) -> None:
        """Store the bot's identity as the registrar does, so that nobody asks Telegram."""
        store_identity(self.dynamodb, "state", BOT)

    def queue(
        self,
        update: Mapping[str, Any] | str,
        group: str,
        url: str | None = None,
        *,
        deduplication_id: str | None = None,
    ) -> str:
        """Queue an update as the webhook does; return the message's id."""
        body = update if isinstance(update, str) else json.dumps(update)
        return self.sqs.send_message(
            QueueUrl=url or self.updates_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id or str(uuid.uuid4()),
        )["MessageId"]

    def records(self, url: str | None = None) -> list[dict[str, Any]]:
        """Receive up to ten messages as Lambda's event source does."""
        for queue in sqs_backends[ACCOUNT]["eu-central-1"].queues.values():
            # moto 5.2 looks at what became visible again one by one, and so hands out a group's last message first.
            queue.pending_messages.difference_update([one for one in queue.pending_messages if one.visible])
        received = self.sqs.receive_message(
            QueueUrl=url or self.updates_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {
                    name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                "eventSource": "aws:sqs",
            }
            for message in received.get("Messages", [])
        ]

    def deliver(self, drain: Callable[[dict[str, Any]], dict[str, Any]], url: str | None = None) -> list[str] | None:
        """Hand what is in a queue to a function, and delete what it does not report; return what it reports.

        None if there was nothing to hand out.
        """
        if not (records := self.records(url)):
            return None
        answer = drain({"Records": records})
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        for record in records:
            if record["messageId"] not in failed:
                self.sqs.delete_message(QueueUrl=url or self.updates_url, ReceiptHandle=record["receiptHandle"])
        return failed

    def letters(self) -> list[dict[str, Any]]:
        """Take every letter out of `dead.fifo`."""
        letters = []
        while records := self.records(self.dead_url):
            for record in records:
                letters.append({**json.loads(record["body"]), "_group": record["attributes"]["MessageGroupId"]})
                self.sqs.delete_message(QueueUrl=self.dead_url, ReceiptHandle=record["receiptHandle"])
        return letters

    def left(self, url: str | None = None) -> int:
        """Return how many messages a queue holds, hidden ones included."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.sqs.get_queue_attributes(QueueUrl=url or self.updates_url, AttributeNames=names)["Attributes"]
        return sum(int(count) for count in counts.values())

    def wait(self) -> None:
        """Move on until the next message that is hidden in a queue appears."""
        queues = sqs_backends[ACCOUNT]["eu-central-1"].queues.values()
        appear_at = min(one.visible_at for queue in queues for one in queue._messages if not one.visible)
        self.clock.now = appear_at / 1000 + 0.001

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return everything in a table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def state(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the records of what the bot remembers, by their keys."""
        records = (item for item in self.items("state") if "saved_by" in item)
        return {(record["pk"]["S"], record["sk"]["S"]): record for record in records}

    def remembered(self, pk: str, sk: str) -> Any:
        """Return what a record holds; None if there is none, or nothing in it."""
        data = self.state().get((pk, sk), {}).get("data")
        return None if data is None else loads(data["S"])

    def remember(self, pk: str, sk: str, content: Any, by: str = "somebody") -> None:
        """Have a record hold this."""
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "data": {"S": dumps(content, sk)}, "saved_by": {"S": by}}
        self.dynamodb.put_item(TableName="state", Item=item)
