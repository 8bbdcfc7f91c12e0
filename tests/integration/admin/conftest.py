"""A bot whose owner has an admin chat: failures that were given up, the buttons below them, and what retries do."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from telegram.ext import MessageHandler, filters

from tests.integration.deadletter.conftest import ADMIN, BUG, letters, of_the_bug, shown
from tests.integration.worker.conftest import Workers, clock, cloud, loops, telegram, text, workers
from tests.integration.worker.scenes import settle
from tests.unit.ingress.samples import BOT, DATE

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from floodgate.telegram.application import Register
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.scenes import Drain
    from tests.unit.telegram.wire import Call, TelegramWire

__all__ = ["BUG", "clock", "cloud", "letters", "loops", "owner", "shown", "telegram", "workers"]

OTHER = "ba9876543210"
OWNER = {"id": ADMIN, "is_bot": False, "first_name": "Olga"}
HOME = {"id": ADMIN, "type": "private", "first_name": "Olga"}


def person(number: int) -> dict[str, Any]:
    """Return somebody's private chat."""
    return {"id": 8000 + number, "type": "private"}


@dataclass
class Owner:
    """What the bot's owner does, and what comes of it."""

    cloud: Cloud
    telegram: TelegramWire
    letters: Letters
    workers: Workers
    register: Register
    drain: Drain
    handled: list[str] = field(default_factory=list)
    """What the bot's own handler was given, in order."""
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def give_up(self, number: int, *, run: str | None = None, **changes: Any) -> str:
        """Have an update given up whose handler has the bug; return the reference of its failure."""
        told = of_the_bug(number, **changes)
        update = text(f"words {number}", 600_000 + number, chat=person(number))
        self.letters.bury(told.pop("update", update), run=run, **told)
        before = {item["sk"]["S"] for item in self.letters.kept}
        self.letters.deliver()
        kept = {item["sk"]["S"]: item for item in self.letters.kept}
        return next(iter(kept.keys() - before), "")

    def press(self, order: str, name: str, *, chat: dict[str, Any] = HOME, query: str | None = None) -> list[Call]:
        """Press a button, and return the bot's calls until every queue is empty."""
        content = {
            "id": query or f"query-{next(self.ids)}",
            "from": {**OWNER, "id": abs(chat["id"])},
            "chat_instance": "-55",
            "data": name if order == "raw" else f"floodgate:{order}:{name}",
            "message": {"message_id": 77, "date": DATE, "chat": chat, "from": BOT, "text": "a failure"},
        }
        return self.send({"update_id": 700_000 + next(self.ids), "callback_query": content}, chat)

    def say(self, words: str, chat: dict[str, Any] = HOME) -> list[Call]:
        """Write to the bot, and return its calls."""
        update = text(words, chat=chat)
        update["message"]["from"] = {**OWNER, "id": abs(chat["id"])}
        return self.send(update, chat)

    def send(self, update: dict[str, Any], chat: dict[str, Any]) -> list[Call]:
        """Deliver an update and what follows from it; return the bot's calls."""
        self.cloud.clock.now += 2  # people take their time, and Telegram a message a second
        before = len(self.telegram.calls)
        self.cloud.queue(update, f"chat:{chat['id']}")
        settle(self.cloud, self.drain)
        return self.telegram.calls[before:]

    def restart(self) -> None:
        """Begin a new execution environment."""
        self.drain = self.workers.drain(self.register, admin_chat_id=ADMIN)

    def failure(self, name: str) -> dict[str, Any]:
        """Return the item of a failure."""
        return next(item for item in self.letters.kept if item["sk"] == {"S": name})

    def state(self, name: str) -> tuple[str, int]:
        """Return a failure's state and how often it was sent again."""
        item = self.failure(name)
        return item["state"]["S"], int(item["retries"]["N"])

    def sent_again(self) -> list[dict[str, Any]]:
        """Return the entries of every SendMessageBatch that was asked for."""
        return [entry for asked in self.cloud.wire.asked("SendMessageBatch") for entry in asked["Entries"]]


@pytest.fixture
def owner(cloud: Cloud, telegram: TelegramWire, shown: Letters, workers: Workers) -> Owner:
    """A bot that says "done" to every message, and its owner."""
    found: Owner

    async def done(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        assert message is not None
        found.handled.append(message.text or "")
        await message.reply_text("done")

    def register(app: App) -> None:
        app.add_handler(MessageHandler(filters.ALL, done))

    found = Owner(cloud, telegram, shown, workers, register, workers.drain(register, admin_chat_id=ADMIN))
    return found


def answers(calls: list[Call]) -> list[str]:
    """Return what the owner's presses were answered."""
    return [str(call.fields.get("text", "")) for call in calls if call.method == "answerCallbackQuery"]


def buttons(call: Call) -> list[str]:
    """Return the data of a message's buttons."""
    keyboard = call.fields["reply_markup"]
    rows = (json.loads(keyboard) if isinstance(keyboard, str) else keyboard)["inline_keyboard"]
    return [one["callback_data"] for row in rows for one in row]
