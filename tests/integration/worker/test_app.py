"""The worker function as it is deployed, with the bot that is in the repository."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from telegram import Update

import bot
from floodgate.settings import SettingsInvalid
from floodgate.telegram.interface import describe
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.deployed import Handler, deployed, worker_environ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.worker.cloud import Cloud
    from tests.unit.delivery.virtual_time import VirtualLoop
    from tests.unit.telegram.wire import TelegramWire


@pytest.fixture
def handler(
    cloud: Cloud,
    telegram: TelegramWire,  # noqa: ARG001 - the world it lives in
    loops: list[VirtualLoop],  # noqa: ARG001 - likewise
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Handler]:
    """The function's handler."""
    with deployed("worker", worker_environ(cloud), monkeypatch) as handler:
        yield handler


def context(left_ms: int) -> Any:
    """Return what the worker reads of Lambda's context."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: left_ms)


def test_it_drains_its_queue(cloud: Cloud, telegram: TelegramWire, handler: Handler) -> None:
    """An SQS event in, an answer to the user out, and the message may be deleted."""
    cloud.queue(text("/start"), ANNS_CHAT)
    assert cloud.deliver(lambda event: handler(event, context(20_000))) == []
    assert [chat for chat, _ in telegram.sent] == [7001]


def test_it_starts_nothing_near_its_end(cloud: Cloud, telegram: TelegramWire, handler: Handler) -> None:
    """Lambda's milliseconds are the consumer's seconds."""
    message_id = cloud.queue(text("/start"), ANNS_CHAT)
    assert cloud.deliver(lambda event: handler(event, context(12_999))) == [message_id]
    assert telegram.calls == []


def test_it_describes_the_bot(cloud: Cloud, telegram: TelegramWire, handler: Handler) -> None:
    """The answer for the registrar needs neither token nor network, so it comes before anything is configured."""
    cloud.secrets.delete_secret(SecretId=cloud.token_arn, ForceDeleteWithoutRecovery=True)
    said = handler({"describe": True}, context(20_000))
    assert {"chat_member", "message", "my_chat_member"} <= set(said["allowed_updates"]) <= set(Update.ALL_TYPES)
    assert said == describe(bot.register)
    assert {"help", "start", "id"} <= {command["command"] for command in said["commands"]}
    assert telegram.calls == []


def test_it_does_not_start_with_a_wrong_setting(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment fails with the variable's name, since the registrar asks a worker that cannot start."""
    environ = {**worker_environ(cloud), "UPDATE_DEADLINE_S": "soon"}
    with (
        pytest.raises(SettingsInvalid, match=r"^UPDATE_DEADLINE_S is 'soon'"),
        deployed("worker", environ, monkeypatch),
    ):
        pass
