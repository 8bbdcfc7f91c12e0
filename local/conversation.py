"""People who talk to a bot on the local Telegram, as a test tells it.

    ann = telegram.person("Ann")
    ann.says("/start")
    ann.hears("Hello, Ann")
    ann.presses("Yes")

Problem: a bot answers when it is ready, in one message or in three, and changes what it has said.
Rule: a person hears each message of the bot once, and again when it was edited, from the top of the chat to its end;
what stands above the one that was waited for counts as heard. Waits are bounded, and what did not come is a NotHeard
that shows the conversation and what is known of why.
Hazard: silence can't be waited for. Say something that the bot answers, and see that this is the next that is heard.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.control import Json, TelegramControl

#: Far from the ids that people pick by hand.
_people = itertools.count(700_000_001)
_groups = itertools.count(1)
_SUPERGROUPS = -1_000_700_000_000
_POLL_S = 0.02
_SHOWN_CALLS = 5


class NotHeard(AssertionError):
    """The bot did not say, show or answer in time what was waited for; the text shows the conversation."""


@dataclass(frozen=True)
class Message:
    """A message of the bot as it is shown."""

    id: int
    text: str
    #: The labels of the buttons under it, or of its reply keyboard, row by row.
    buttons: list[list[str]]
    #: photo, document or None.
    media: str | None
    is_edited: bool
    #: The transcript's own words for it.
    json: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, json: Json) -> "Message":
        """Return the message that the transcript describes so."""
        rows = [[_label(button) for button in row] for row in _rows(json)]
        return cls(json["message_id"], json["text"], rows, json.get("media"), json.get("edited", False), json)


class Telegram(TelegramControl):
    """The local Telegram for one test: its people, its faults, and what the bot did.

    `url` and `token` are what a bot needs; `base_url` and `base_file_url` are the same in python-telegram-bot's form.
    """

    def __init__(self, url: str, token: str, wait_s: float = 10.0) -> None:
        super().__init__(url)
        self.token = token
        self.base_url = f"{url}/bot"
        self.base_file_url = f"{url}/file/bot"
        self.wait_s = wait_s
        self._speakers: dict[tuple[int, int], str] = {}
        self._chats: dict[int, str] = {}

    def person(self, first_name: str = "Ann", **user: Any) -> "Person":
        """Return somebody new; `user` is what else Telegram tells of them, such as language_code."""
        person = Person(self, next(_people), first_name)
        self.change_user(person.id, first_name=first_name, **user)
        return person

    def group(self, title: str, owner: "Person", *others: "Person") -> "Group":
        """Return a new supergroup, to which its owner has just added the bot."""
        group = Group(_SUPERGROUPS - next(_groups), title)
        people = [person.id for person in (owner, *others)]
        self.make_group(title, people, chat_id=group.id, chat_type="supergroup")
        return group

    def fails(self, method: str, times: int = 1, *, chat: "Person | Group | None" = None, **fault: Any) -> None:
        """Have the bot's next calls of the method fail, those to one chat or all.

        `retry_after=2`, `error_code=500`, `drop=True`: docs/emulator.md has the faults. What is left of them ends with
        the test.
        """
        of_chat = {} if chat is None else {"chat_id": chat.id}
        self.fault(method, times, **of_chat, **fault)

    def has_said(self, name: str, chat: "Person | Group", message_id: int) -> None:
        """Know whose message it is, to tell of it."""
        self._speakers[chat.id, message_id] = name
        self._chats[chat.id] = chat.name

    def wait_for[Found](
        self, find: Callable[[], Found | None], wanted: str, chat: "Person | Group", wait_s: float | None
    ) -> Found:
        """Return what is found, as soon as something is. Raises NotHeard, which says what was wanted."""
        __tracebackhide__ = True
        wait_s = self.wait_s if wait_s is None else wait_s
        deadline = time.monotonic() + wait_s
        while (found := find()) is None:
            if time.monotonic() > deadline:
                self._chats[chat.id] = chat.name
                raise NotHeard(f"{wanted} within {wait_s:g} s.\n\n{self.conversation(chat)}\n\n{self.diagnosis()}")
            time.sleep(_POLL_S)
        return found

    def conversation(self, chat: "Person | Group") -> str:
        """Return what was said in the chat, a line for each message."""
        lines = [f"  {self._speaker(chat.id, line)}: {_shown(line)}" for line in self.transcript(chat.id)]
        return "\n".join([f"In the chat {chat.name} ({chat.id}):", *(lines or ["  nothing was said."])])

    def conversations(self) -> str:
        """Return what was said in each chat of this test, and what is known of the bot's calls."""
        chats = [self.conversation(Group(number, name)) for number, name in self._chats.items()]
        return "\n\n".join([*chats, self.diagnosis()])

    def diagnosis(self) -> str:
        """Return what may be wrong with the bot: calls that failed, updates that it did not take."""
        calls = self.calls()
        if not calls:
            return f"The bot has called nothing. Is it running, with the address {self.url} and the token {self.token}?"
        refused = [call for call in calls if call.get("status") != 200 and call["method"] != "getUpdates"]
        lines = [
            f"  {call['method']}: {call.get('status') or 'no answer'} {call.get('description', '')}".rstrip()
            for call in refused
        ]
        found = (
            [f"{len(refused)} of the bot's calls failed, the last of them:", *lines[-_SHOWN_CALLS:]] if lines else []
        )
        waiting = [delivery for delivery in self.deliveries() if delivery["outcome"] == "pending"]
        if waiting:
            found.append(
                f"{len(waiting)} updates wait for the bot, the first of them for its attempts: {waiting[0]['attempts']}"
            )
        return "\n".join(found) or "The bot has taken every update, and none of its calls failed."

    def _speaker(self, chat_id: int, line: Json) -> str:
        return "bot" if line["from"] == "bot" else self._speakers.get((chat_id, line["message_id"]), "somebody")


@dataclass(frozen=True)
class Group:
    """A group that the bot is in."""

    id: int
    name: str


@dataclass(eq=False)
class Person:
    """Somebody with a private chat with the bot; `where` in what they do names a group instead."""

    telegram: Telegram = field(repr=False)
    id: int
    name: str
    _heard: dict[int, dict[int, object]] = field(default_factory=dict, repr=False)

    def says(self, text: str, where: Group | None = None, *, reply_to: Message | int | None = None) -> int:
        """Write a message, and return its id."""
        chat = where or self
        order: Json = {} if where is None else {"user_id": self.id}
        if reply_to is not None:
            order["reply_to_message_id"] = reply_to.id if isinstance(reply_to, Message) else reply_to
        message_id: int = self.telegram.say(chat.id, text, **order)["message_id"]
        self.telegram.has_said(self.name, chat, message_id)
        return message_id

    def hears(
        self, words: str | re.Pattern[str] = "", where: Group | None = None, *, wait_s: float | None = None
    ) -> Message:
        """Return the bot's next message, new or edited, that has the words in it, or matches. Raises NotHeard."""
        __tracebackhide__ = True
        pattern = re.compile(re.escape(words)) if isinstance(words, str) else words
        heard = self._heard.setdefault((where or self).id, {})

        def next_heard() -> Message | None:
            above: dict[int, object] = {}
            for json in self.telegram.replies((where or self).id):
                above[json["message_id"]] = looks = (json["text"], json.get("media"), json.get("reply_markup"))
                if heard.get(json["message_id"]) != looks and pattern.search(json["text"]):
                    heard.update(above)
                    return Message.of(json)
            return None

        wanted = f"{self.name} did not hear {pattern.pattern if words else 'anything'!r}"
        return self.telegram.wait_for(next_heard, wanted, where or self, wait_s)

    def presses(self, label: str, where: Group | None = None, *, wait_s: float | None = None) -> "Press":
        """Press the latest button with the label, under a message or of a reply keyboard. Raises NotHeard."""
        __tracebackhide__ = True
        chat = where or self

        def find() -> tuple[Json, Json] | None:
            shown = reversed(self.telegram.replies(chat.id))
            return next(
                ((json, button) for json in shown for button in _buttons(json) if _label(button) == label), None
            )

        message, button = self.telegram.wait_for(find, f"{self.name} was not shown the button {label!r}", chat, wait_s)
        if "keyboard" in message["reply_markup"]:
            if isinstance(button, dict) and any(name.startswith("request_") for name in button):
                raise ValueError(f"the button {label!r} asks for more than a text: send the update with send_update")
            self.says(label, where)
            return Press(self, chat, None)
        if "callback_data" not in button:
            raise ValueError(f"the bot is not told that the button {label!r} is pressed: it has {sorted(button)}")
        order: Json = {} if where is None else {"user_id": self.id}
        answer = self.telegram.press(chat.id, message["message_id"], button["callback_data"], **order)
        return Press(self, chat, answer["callback_query_id"])

    def blocks(self) -> None:
        """Block the bot."""
        self.telegram.block(self.id)

    def unblocks(self) -> None:
        """Unblock the bot."""
        self.telegram.block(self.id, blocked=False)

    def joins(self, group: Group) -> None:
        """Come into a group."""
        self.telegram.change_member(group.id, "member", user_id=self.id)

    def leaves(self, group: Group) -> None:
        """Go from a group."""
        self.telegram.change_member(group.id, "left", user_id=self.id)


@dataclass(frozen=True)
class Press:
    """A button that was pressed."""

    person: Person
    chat: Person | Group
    query_id: str | None

    def answer(self, *, wait_s: float | None = None) -> str:
        """Return what the bot answered the press with, "" if without words. Raises NotHeard."""
        __tracebackhide__ = True
        telegram = self.person.telegram

        def find() -> str | None:
            for call in telegram.calls("answerCallbackQuery"):
                given = call["parameters"]
                if str(given.get("callback_query_id")) == self.query_id and call.get("status") == 200:
                    return str(given.get("text", ""))
            return None

        wanted = f"{self.person.name}'s press was not answered, so the button still shows that it is busy,"
        return telegram.wait_for(find, wanted, self.chat, wait_s)


def _rows(json: Json) -> list[list[Any]]:
    markup = json.get("reply_markup", {})
    rows: list[list[Any]] = markup.get("inline_keyboard") or markup.get("keyboard") or []
    return rows


def _buttons(json: Json) -> Iterator[Any]:
    return itertools.chain.from_iterable(_rows(json))


def _label(button: Any) -> str:
    return button if isinstance(button, str) else str(button["text"])


def _shown(json: Json) -> str:
    media, service = json.get("media"), json.get("service")
    words = [f"({media})" if media else "", f"({service})" if service else "", json["text"]]
    buttons = [f"[{_label(button)}]" for button in _buttons(json)]
    return " ".join(filter(None, [*words, *buttons, "(edited)" if json.get("edited") else ""]))
