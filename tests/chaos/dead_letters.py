"""What becomes of dead letters in a chaos run: the real function keeps them, tells their users and the admin.

Rule: the state table is moto's, for the function needs transactions and an index of it, and there are few letters; it
fails as the model of the other table does. It is made with the first letter, as most small runs have none. Hazard: a
user whose function was killed in the moment of telling is told nothing: at most once.
"""

from __future__ import annotations

import itertools
import json
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, override

import boto3
from moto import mock_aws

from floodgate.delivery import deadletters
from floodgate.settings import DeadletterSettings
from floodgate.state.dead_letter import DeadLetter
from tests.chaos.environments import Environments
from tests.chaos.workers import BOT_SETTINGS
from tests.simulation.faults import answered
from tests.simulation.queue import FifoQueue, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from floodgate.delivery.message import Message
    from tests.chaos.aws import WatchedTables
    from tests.chaos.environments import Work
    from tests.chaos.faults import Faults
    from tests.chaos.ledger import Ledger
    from tests.chaos.world import Chaos

_VISIBILITY_S = 180.0
#: As the template has them.
_TIMEOUT_S = 90.0
_FUNCTIONS = 2
#: The one item of the state table that workers read.
_IDENTITY = {"S": "bot"}
_THROTTLED = "ProvisionedThroughputExceededException"
_numbers = itertools.count(1)


class DeadLettersQueue(FifoQueue):
    """The queue of dead letters; it remembers each one's deduplication id."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float], faults: Faults) -> None:
        super().__init__(clock, url="https://sqs.invalid/dead.fifo", visibility_s=_VISIBILITY_S, fault=faults.of_queue)
        self._ledger = ledger
        self.deduplication_ids: dict[str, str] = {}

    @override
    def send(self, body: str, group: str, deduplication_id: str) -> str:
        message_id = super().send(body, group, deduplication_id)
        self.deduplication_ids[message_id] = deduplication_id
        letter = DeadLetter.model_validate_json(body)
        self._ledger.given_up(json.loads(letter.update)["update_id"], letter.name)
        return message_id

    def record(self, message: Message) -> dict[str, Any]:
        """Return the record of Lambda's SQS event for a letter that was handed out."""
        handed_out = record(message)
        handed_out["attributes"]["MessageDeduplicationId"] = self.deduplication_ids[message.id]
        return handed_out


class Dynamodb:
    """boto3's client: the model's for the traffic table and for who the bot is, moto's for the state table."""

    def __init__(self, tables: WatchedTables, faults: Faults) -> None:
        self._tables = tables
        self._faults = faults
        self._name = f"state{next(_numbers)}"
        self._mock = ExitStack()
        self._is_made = False

    @cached_property
    def _state(self) -> Any:
        self._is_made = True
        self._mock.enter_context(mock_aws())
        client: Any = boto3.Session("test", "test", region_name="eu-central-1").client("dynamodb")
        keys = {"pk": "HASH", "sk": "RANGE"}
        index = {"open_fingerprint": "HASH", "last_at": "RANGE"}
        kinds = {**dict.fromkeys((*keys, "open_fingerprint"), "S"), "last_at": "N"}
        client.create_table(
            TableName=self._name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "OpenFailures",
                    "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in index.items()],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        return client

    def failures(self) -> list[dict[str, Any]]:
        """Return the failures that are kept."""
        if not self._is_made:
            return []
        pages = self._state.get_paginator("scan").paginate(TableName=self._name)
        return [item for page in pages for item in page["Items"] if item["pk"] == {"S": "failure"}]

    def close(self) -> None:
        """Forget it all."""
        self._mock.close()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**how: Any) -> Any:
            if how.get("TableName") == "traffic" or how.get("Key", {}).get("pk") == _IDENTITY:
                return getattr(self._tables, operation)(**how)
            if "TransactItems" in how:
                how["TransactItems"] = [
                    {kind: {**what, "TableName": self._name} for kind, what in item.items()}
                    for item in how["TransactItems"]
                ]
            else:
                how["TableName"] = self._name
            act = getattr(self._state, operation)
            return answered(self._faults.of_table, _THROTTLED, operation, None, lambda: act(**how))

        return ask


def dead_letter_functions(world: Chaos) -> Environments:
    """Return the functions that empty the queue of dead letters."""
    settings = DeadletterSettings(BOT_SETTINGS, world.dead.url, "traffic", 300, "Floodgate/chaos")

    def make(clock: Callable[[], float]) -> Work:
        function = deadletters.DeadLetterFunction(
            settings,
            sqs=cast("SQSClient", world.queues),
            dynamodb=cast("DynamoDBClient", world.dynamodb),
            secrets=cast("SecretsManagerClient", world.secrets),
            clock=clock,
        )

        async def work(messages: Any, remaining_s: Callable[[], float]) -> list[str]:
            received = [deadletters._received(world.dead.record(message)) for message in messages]
            return await function._drain(received, remaining_s)

        return work

    return Environments(
        world.faults, world.clock, make, lambda _: None, skews_s=[0.0] * _FUNCTIONS, timeout_s=_TIMEOUT_S
    )
