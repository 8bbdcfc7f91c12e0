"""The shipped bot and people who talk to it, in one process: real handlers, the Telegram emulator, time that is moved.

    def test_weather(chats: Chats) -> None:
        ann = chats.private()
        assert ann.say("/weather York") == ["Sunny."]
        assert ann.press("Tomorrow") == []
        assert ann.shown[-1] == "Rain."

Each message goes the way that it goes on AWS: queue, worker, limits, journal, state; what it leaves for `later` or
for a time runs as well. Every worker is a new one, so nothing that is remembered can be remembered by the process.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import bot
from floodgate.ingress.updates import group
from local.telegram import control, people, speaking
from local.telegram.world import ADMIN_ID
from tests.integration.worker.due import Due
from tests.unit.telegram.wire import TOKEN

if TYPE_CHECKING:
    from floodgate.telegram.application import Register
    from local.telegram.emulator import Emulator
    from local.telegram.members import Json
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers

__all__ = ["TOKEN", "Chat", "Chats"]

ADMIN_CHAT = 9001
_people = itertools.count(42)
_groups = itertools.count(1)


@dataclass(frozen=True)
class MovedClock:
    """The cloud's time, for the emulator."""

    cloud: Cloud

    def now(self) -> float:
        """Return the Unix time in seconds."""
        return self.cloud.clock()

    async def sleep(self, seconds: float) -> None:
        """Return once that many seconds have passed, on the loop that moves the clock."""
        await asyncio.sleep(seconds)


@dataclass
class Chats:
    """The world that the bot is in."""

    cloud: Cloud
    emulator: Emulator
    workers: Workers
    #: The bot that they talk to: the shipped one, or a feature of it.
    register: Register = bot.register
    due: Due = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing scheduled."""
        self.due = Due(self.cloud)

    def private(self, number: int | None = None, **user: Any) -> Chat:
        """Return somebody's chat with the bot; `user` is what Telegram tells of them, such as language_code."""
        number = next(_people) if number is None else number
        if user:
            people.set_user(self.emulator, {"user_id": number, **user})
        return Chat(self, number, number)

    def admin(self) -> Chat:
        """Return the admin's chat."""
        return self.private(ADMIN_CHAT)

    def group(self, **chat: Any) -> Chat:
        """Return a group that the bot is in, as its owner sees it."""
        number = -1_000_000_000_000 - next(_groups)
        if chat:
            people.set_chat(self.emulator, {"chat_id": number, **chat})
        return Chat(self, number, ADMIN_ID)

    def run(self) -> None:
        """Have the bot handle everything that waits for it, and move the time on where that has to wait."""
        for pending in list(self.emulator.updates):
            self.emulator.updates.settle(pending, "delivered")
            self.cloud.queue(pending.update, group(pending.update))
        self.due.hand_out()
        told = {"admin_chat_id": ADMIN_CHAT}
        while left := [url for url in (self.cloud.updates_url, self.cloud.tasks_url) if self.cloud.left(url)]:
            handed_out = False
            for url in left:
                queue = "updates" if url == self.cloud.updates_url else "tasks"
                deadline_s = 10 if queue == "updates" else 280
                drain = self.workers.drain(self.register, queue=queue, deadline_s=deadline_s, **told)
                handed_out |= self.cloud.deliver(drain, url) is not None
            if not handed_out:
                self.cloud.wait()

    def pass_time(self, seconds: float) -> None:
        """Move the time on, and have the bot do what is due by then."""
        self.cloud.clock.advance(seconds)
        self.run()


@dataclass
class Chat:
    """A chat as somebody in it sees it."""

    chats: Chats
    id: int
    user: int
    #: Bot messages that were returned already.
    _read: set[int] = field(default_factory=set)

    def seen_by(self, user: int) -> Chat:
        """Return the same chat as somebody else sees it."""
        return replace(self, user=user, _read=self._read)

    def say(self, words: str) -> list[str]:
        """Write a message, and return what the bot then writes."""
        order = {"chat_id": self.id, "text": words}
        speaking.say(self.chats.emulator, order if self.id > 0 else {**order, "user_id": self.user})
        return self.read()

    def press(self, label: str) -> list[str]:
        """Press the latest button with that label, and return what the bot then writes."""
        for message in reversed(self.messages):
            rows = message.get("reply_markup", {}).get("inline_keyboard", []) if message["from"] == "bot" else []
            for button in itertools.chain.from_iterable(rows):
                if button["text"] == label:
                    return self.press_data(button["callback_data"], message["message_id"])
        raise AssertionError(f"no button {label!r}: {json.dumps(self.messages[-3:], ensure_ascii=False)}")

    def press_data(self, data: str, message_id: int) -> list[str]:
        """Press a button with that data, whether it is there or not."""
        order = {"chat_id": self.id, "message_id": message_id, "data": data}
        control.press(self.chats.emulator, order if self.id > 0 else {**order, "user_id": self.user})
        return self.read()

    def read(self) -> list[str]:
        """Have the bot handle what waits, and return the messages that are new, as they are shown now."""
        self.chats.run()
        new = [message for message in self.replies if message["message_id"] not in self._read]
        self._read.update(message["message_id"] for message in new)
        return [message["text"] for message in new]

    @property
    def messages(self) -> list[Json]:
        """Everybody's messages, oldest first, as they are shown now."""
        chat = self.chats.emulator.world.chats.get(self.id)
        return [] if chat is None else control.transcript(self.chats.emulator, chat)

    @property
    def replies(self) -> list[Json]:
        """The bot's messages, oldest first."""
        return [message for message in self.messages if message["from"] == "bot"]

    @property
    def shown(self) -> list[str]:
        """What the bot's messages say now, oldest first."""
        return [message["text"] for message in self.replies]

    @property
    def buttons(self) -> list[list[str]]:
        """The labels of the latest message's buttons, row by row."""
        rows = self.replies[-1].get("reply_markup", {}).get("inline_keyboard", [])
        return [[button["text"] for button in row] for row in rows]

    @property
    def alerts(self) -> list[str]:
        """What presses were answered with, oldest first."""
        calls = [call for call in self.chats.emulator.calls if call["method"] == "answerCallbackQuery"]
        return [call["parameters"].get("text", "") for call in calls]
