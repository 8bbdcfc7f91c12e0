"""A registrar on an AWS and a Telegram that live in this process, and workers that answer as they do on Lambda."""

from __future__ import annotations

import io
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.response import StreamingBody

import bot
from floodgate.settings import RegistrarSettings
from floodgate.telegram.interface import describe
from floodgate.telegram.registration import Registrar
from tests.integration.worker.conftest import clock, cloud, loops, telegram

if TYPE_CHECKING:
    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire

__all__ = ["clock", "cloud", "loops", "telegram"]

WEBHOOK_URL = "https://bot.example/webhook"


@dataclass(frozen=True)
class _Answered:
    """What botocore needs to know of an HTTP response that has been parsed."""

    status_code: int = 200


@dataclass
class LambdaWire:
    """Functions at the far end of a real client: they describe the bot of this repository, or fail as scripted."""

    asked: list[tuple[str, Any]] = field(default_factory=list)
    answers: deque[dict[str, Any] | Exception] = field(default_factory=deque)
    """A payload with `errorType` stands for a function that failed."""

    def tap(self, client: Any) -> Any:
        """Put this wire below `client`."""
        client.meta.events.register("provide-client-params", self._keep)
        client.meta.events.register("before-call", self._answer)
        return client

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put this wire below every Lambda client that is made from now on."""
        make = boto3.client

        def client(service: str, **options: Any) -> Any:
            made = make(service, **options)  # type: ignore[call-overload] # any service
            return self.tap(made) if service == "lambda" else made

        monkeypatch.setattr(boto3, "client", client)

    def _keep(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append((params["FunctionName"], json.loads(params["Payload"])))

    def _answer(self, **_: Any) -> tuple[_Answered, dict[str, Any]]:
        said = self.answers.popleft() if self.answers else describe(bot.register)
        if isinstance(said, Exception):
            raise said
        payload = json.dumps(said).encode()
        answer = {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(payload), len(payload))}
        return _Answered(), {**answer, **({"FunctionError": "Unhandled"} if "errorType" in said else {})}


@pytest.fixture
def functions() -> LambdaWire:
    """Workers that start."""
    return LambdaWire()


@pytest.fixture
def registrar(
    cloud: Cloud,
    functions: LambdaWire,
    telegram: TelegramWire,  # noqa: ARG001 - the world it lives in
    loops: list[VirtualLoop],  # noqa: ARG001 - likewise
) -> Registrar:
    """The registrar of a stack whose bot was never registered."""
    cloud.dynamodb.delete_item(TableName="state", Key={"pk": {"S": "bot"}, "sk": {"S": "identity"}})
    settings = RegistrarSettings(
        bot=cloud.bot_settings,
        webhook_secret_arn=cloud.webhook_secret_arn,
        webhook_url=WEBHOOK_URL,
        worker_functions=("worker", "tasks"),
        max_connections=40,
        metrics_namespace="Floodgate/garden",
    )
    return Registrar(
        settings,
        dynamodb=cloud.client("dynamodb"),
        secrets=cloud.client("secretsmanager"),
        functions=functions.tap(cloud.client("lambda")),
    )
