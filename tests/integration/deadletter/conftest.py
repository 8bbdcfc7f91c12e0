"""The dead-letter function on an AWS and a Telegram that live in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from floodgate.delivery.deadletters import DeadLetterFunction
from floodgate.ingress.dead_letter import dead_letter
from floodgate.settings import DeadletterSettings
from tests.integration.worker.conftest import clock, cloud, loops, telegram

if TYPE_CHECKING:
    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire

__all__ = ["clock", "cloud", "loops", "telegram"]


@dataclass
class Letters:
    """Puts letters into `dead.fifo` and hands them to the function."""

    cloud: Cloud
    function: DeadLetterFunction

    def bury(self, update: dict[str, Any] | str, **changes: Any) -> str:
        """Queue the letter of an update that its worker gave up; return the letter's own message id."""
        raw = update if isinstance(update, str) else json.dumps(update)
        fields: dict[str, Any] = {
            "reason": "failed",
            "detail": "its handler failed 3 times",
            "at": self.cloud.clock.now,
            "group": "chat:7001",
            "error": "GardenFlooded",
            "attempts": 3,
            "first_at": self.cloud.clock.now - 8.5,
            "message_id": "message-1",
        }
        body, letter = dead_letter(raw.encode(), **{**fields, **changes})
        return self.cloud.queue(body, letter["group"], self.cloud.dead_url)

    def deliver(self) -> list[str] | None:
        """Hand out what is in the queue; return the ids that come again."""
        return self.cloud.deliver(self.function.drain, self.cloud.dead_url)

    @property
    def kept(self) -> list[dict[str, Any]]:
        """The failures in the state table."""
        return [item for item in self.cloud.items("state") if item["pk"] == {"S": "failure"}]


@pytest.fixture
def letters(
    cloud: Cloud,
    telegram: TelegramWire,  # noqa: ARG001 - the world it lives in
    loops: list[VirtualLoop],  # noqa: ARG001 - likewise
) -> Letters:
    """An empty `dead.fifo` and the function behind it."""
    function = DeadLetterFunction(
        DeadletterSettings(bot=cloud.bot_settings, traffic_table="traffic", cache_s=300),
        dynamodb=cloud.client("dynamodb"),
        secrets=cloud.client("secretsmanager"),
        clock=cloud.clock,
    )
    return Letters(cloud, function)
