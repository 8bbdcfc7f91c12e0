"""The dead-letter function on an AWS and a Telegram that live in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
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

#: The admin chat.
ADMIN = 9001

__all__ = ["clock", "cloud", "loops", "telegram"]


BUG = "0123456789ab"


def of_the_bug(number: int, **changes: Any) -> dict[str, Any]:
    """Return what a letter says of the number-th person's update, whose handler has the bug."""
    return {
        "message_id": f"message-{number}",
        "group": f"chat:{8000 + number}",
        "fingerprint": BUG,
        "handler": "start",
        "stack": ["bot/start.py:7 start"],
        **changes,
    }


@dataclass
class Letters:
    """Puts letters into `dead.fifo` and hands them to the function."""

    cloud: Cloud
    function: DeadLetterFunction
    left_s: float = 90.0
    """What each invocation has left, in seconds."""

    def bury(self, update: dict[str, Any] | str, *, run: str | None = None, **changes: Any) -> str:
        """Queue the letter of an update that its worker gave up in that run; return the letter's own message id."""
        raw = update if isinstance(update, str) else json.dumps(update)
        fields: dict[str, Any] = {
            "reason": "bug",
            "detail": "its handler failed 3 times",
            "at": self.cloud.clock.now,
            "group": "chat:7001",
            "error": "GardenFlooded",
            "attempts": 3,
            "first_at": self.cloud.clock.now - 8.5,
            "message_id": "message-1",
        }
        body, letter = dead_letter(raw.encode(), **{**fields, **changes})
        return self.cloud.queue(body, letter["group"], self.cloud.dead_url, deduplication_id=run)

    def deliver(self) -> list[str] | None:
        """Hand out what is in the queue; return the ids that come again."""
        return self.cloud.deliver(lambda event: self.function.drain(event, lambda: self.left_s), self.cloud.dead_url)

    def settle(self, *, within_s: float = 600.0) -> None:
        """Deliver until nothing is left, moving on while all that is left is hidden."""
        ends_at = self.cloud.clock.now + within_s
        while self.cloud.left(self.cloud.dead_url):
            assert self.cloud.clock.now < ends_at, "a letter is still waiting"
            if self.deliver() is None:
                self.cloud.wait()

    @property
    def kept(self) -> list[dict[str, Any]]:
        """The failures in the state table."""
        return [item for item in self.cloud.items("state") if item["pk"] == {"S": "failure"}]


def function(cloud: Cloud, *, admin: int | None) -> DeadLetterFunction:
    """Return the function as an execution environment has it."""
    return DeadLetterFunction(
        DeadletterSettings(
            bot=replace(cloud.bot_settings, admin_chat_id=admin),
            dead_queue_url=cloud.dead_url,
            traffic_table="traffic",
            cache_s=300,
            metrics_namespace="Floodgate/garden",
        ),
        sqs=cloud.client("sqs"),
        dynamodb=cloud.client("dynamodb"),
        secrets=cloud.client("secretsmanager"),
        clock=cloud.clock,
    )


@pytest.fixture
def letters(
    cloud: Cloud,
    telegram: TelegramWire,  # noqa: ARG001 - the world it lives in
    loops: list[VirtualLoop],  # noqa: ARG001 - likewise
) -> Letters:
    """An empty `dead.fifo` and the function behind it, of a bot without an admin chat."""
    return Letters(cloud, function(cloud, admin=None))


@pytest.fixture
def shown(letters: Letters, cloud: Cloud) -> Letters:
    """The same of a bot with an admin chat."""
    letters.function = function(cloud, admin=ADMIN)
    return letters
