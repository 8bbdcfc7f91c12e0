"""A handler that fails, its user told, the admin asked; the bug mended and Retry pressed: nothing is sent twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from telegram.ext import MessageHandler, filters

from floodgate.delivery.apologies import apology
from tests.integration.admin.conftest import Owner, answers, buttons
from tests.integration.deadletter.conftest import ADMIN
from tests.integration.worker.conftest import ANNS_CHAT, text
from tests.integration.worker.scenes import said, settle

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire


class BedMissing(Exception):
    """What the bug raises; its text would be somebody's words."""


@dataclass
class Bug:
    """A bug, until it is mended."""

    is_there: bool = True

    async def water(self, update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        """Send two messages, and fail between them."""
        assert update.effective_message
        await update.effective_message.reply_text("first")
        if self.is_there:
            raise BedMissing(update.effective_message.text)
        await update.effective_message.reply_text("second")

    def register(self, app: App) -> None:
        """Handle every message."""
        app.add_handler(MessageHandler(filters.ALL, self.water))


@pytest.fixture
def bug() -> Bug:
    """The bug of the bot."""
    return Bug()


@pytest.fixture
def gardener(cloud: Cloud, telegram: TelegramWire, shown: Letters, workers: Workers, bug: Bug) -> Owner:
    """The owner of the bot that has it."""
    drain = workers.drain(bug.register, admin_chat_id=ADMIN)
    return Owner(cloud, telegram, shown, workers, bug.register, drain)


def fail(gardener: Owner) -> list[str]:
    """Have Ann write what the bot fails at, for good; return the buttons that the admin gets."""
    gardener.cloud.queue(text("secret words"), ANNS_CHAT)
    settle(gardener.cloud, gardener.drain)
    gardener.letters.settle()
    [message] = [call for call in gardener.telegram.calls if call.fields["chat_id"] == ADMIN]
    assert message.fields["text"].startswith(f"⚠️ BedMissing in {__name__}.Bug.water\nbug: ")
    return buttons(message)


def press(gardener: Owner, data: str) -> list[str]:
    """Press that button; return what it was answered."""
    return answers(gardener.press("raw", data))


def test_what_was_sent_is_not_sent_again(gardener: Owner, telegram: TelegramWire, bug: Bug) -> None:
    """Neither by three attempts nor by the admin's retry, which goes on where the failure was."""
    retry = fail(gardener)[0]
    [failure] = gardener.letters.kept
    assert said(telegram, 7001) == ["first", apology(failure["sk"]["S"], "pt-br")]
    bug.is_there = False
    assert press(gardener, retry) == ["1 sent again."]
    assert said(telegram, 7001) == ["first", apology(failure["sk"]["S"], "pt-br"), "second"]


def test_a_retry_that_fails_again_comes_back(gardener: Owner, telegram: TelegramWire, bug: Bug) -> None:
    """Counted again, shown in the same message, told to nobody; and the next retry, after the bug is mended, works."""
    retry = fail(gardener)[0]
    gardener.cloud.clock.now += 60
    press(gardener, retry)
    gardener.letters.settle()
    [failure] = gardener.letters.kept
    assert gardener.state(failure["sk"]["S"]) == ("open", 1)
    assert "2 times" in telegram.calls[-1].fields["text"]
    assert telegram.calls[-1].method == "editMessageText"
    assert len(said(telegram, 7001)) == 2
    bug.is_there = False
    press(gardener, retry)
    assert said(telegram, 7001)[2:] == ["second"]
    assert gardener.state(failure["sk"]["S"]) == ("retried", 2)


def test_the_details_name_the_place_and_no_words(gardener: Owner, telegram: TelegramWire) -> None:
    """The frame that raised, and that one call had been made."""
    press(gardener, fail(gardener)[3])
    shown = telegram.sent[-1][1]
    assert "Calls that had reached Telegram: 1" in shown
    assert "test_whole_way.py:" in shown
    assert "secret words" not in str([call.fields for call in telegram.calls if call.fields.get("chat_id") == ADMIN])


def test_a_chats_failures_are_retried_in_their_order(gardener: Owner, telegram: TelegramWire, bug: Bug) -> None:
    """Five updates of one chat: after Retry all their answers come in the order in which they were written."""
    for number in range(5):
        gardener.cloud.queue(text(f"words {number}"), ANNS_CHAT)
    settle(gardener.cloud, gardener.drain)
    gardener.letters.settle()
    bug.is_there = False
    [message] = [call for call in telegram.calls if call.method == "sendMessage" and call.fields["chat_id"] == ADMIN]
    assert press(gardener, buttons(message)[1]) == ["5 sent again."]
    sent = [asked["Entries"] for asked in gardener.cloud.wire.asked("SendMessageBatch")]
    ids = [int(entry["MessageDeduplicationId"].partition("-")[0]) for entries in sent for entry in entries]
    assert ids == sorted(ids)
    assert said(telegram, 7001).count("second") == 5
    assert said(telegram, 7001).count("first") == 5
