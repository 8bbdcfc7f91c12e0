"""Nobody apologises to a chat that Telegram refuses for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floodgate.delivery.deadletters import QUIET_S
from tests.integration.worker.conftest import text
from tests.unit.telegram.wire import refusal

if TYPE_CHECKING:
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

BOBS = {"id": 7002, "type": "private"}
BLOCKED = refusal(403, "Forbidden: bot was blocked by the user")


def test_an_unreachable_chat_gets_no_apology(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """The letter is kept all the same, and other people are told as ever."""
    cloud.dynamodb.put_item(
        TableName="traffic",
        Item={"pk": {"S": "gate#7001"}, "closed_at": {"N": str(cloud.clock() - 86_400)}},
    )
    letters.bury(text("/start"))
    letters.bury(text("/start", chat=BOBS), group="chat:7002", message_id="message-2")
    assert letters.deliver() == []
    assert ([chat for chat, _ in telegram.sent], len(letters.kept)) == ([7002], 2)


def test_an_apology_that_is_refused_for_good_is_the_last(
    cloud: Cloud, telegram: TelegramWire, letters: Letters
) -> None:
    """What the apology has found out, the next one knows."""
    telegram.faults["sendMessage"] = [BLOCKED]
    for number in range(2):
        letters.bury(text("/start"), message_id=f"message-{number}")
        assert letters.deliver() == []
        cloud.clock.now += QUIET_S
    assert (len(telegram.calls), len(letters.kept)) == (1, 2)


def test_a_refusal_that_is_not_for_good_marks_nothing(cloud: Cloud, telegram: TelegramWire, letters: Letters) -> None:
    """The next apology is sent."""
    telegram.faults["sendMessage"] = [refusal(403, "Forbidden: not enough rights to send text messages to the chat")]
    for number in range(2):
        letters.bury(text("/start"), message_id=f"message-{number}")
        assert letters.deliver() == []
        cloud.clock.now += QUIET_S
    assert len(telegram.calls) == 2
