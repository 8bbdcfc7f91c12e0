"""What people see of the bot: one answer to each command, a hint now and then, and silence where nobody asked."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest

import bot
from floodgate.telegram.interface import describe
from tests.unit.ingress.samples import ANN, CHANNEL, GROUP, PRIVATE, SAMPLES, message

if TYPE_CHECKING:
    from floodgate.telegram import App
    from tests.integration.bot.conftest import People
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers

INTERFACE = describe(bot.register)
COMMANDS = ["help", "id", "start"]  # those that ship; features of your own have tests of their own
HINT = "I do not know what to do with that. /help lists what I can do."
BOB = {"id": 7002, "type": "private"}


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_answered_with_one_message(people: People, command: str, chat: dict[str, Any]) -> None:
    """In the chat where it was asked, also with the bot's name behind it and with words after it."""
    for words in (f"/{command}", f"/{command}@echo_bot", f"/{command} beans"):
        [answer] = people.say(words, chat)
        assert answer != HINT


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_for_another_bot_is_not_ours(people: People, command: str) -> None:
    """In a group with two bots only one answers."""
    assert people.say(f"/{command}@other_bot", GROUP) == []


def test_help_lists_exactly_the_commands(people: People) -> None:
    """Those that Telegram's menu shows, with the same descriptions, in the same order."""
    [answer] = people.say("/help")
    listed = re.findall(r"^/(\w+) - (.+)$", answer, re.MULTILINE)
    assert listed == [(command["command"], command["description"]) for command in INTERFACE["commands"]]
    assert len(answer.splitlines()) == len(listed) + 1


def test_start_greets_by_name(people: People) -> None:
    """The first thing that people see, and where to go from there."""
    [answer] = people.say("/start")
    assert answer == "Hello Ann! I am here and listening. /help lists what I can do."


def test_id_tells_the_ids(people: People) -> None:
    """Of the chat and of the user: what an owner needs for the AdminChatId parameter."""
    assert people.say("/id") == ["This chat's id is 7001.\nYour user id is 7001."]
    assert people.say("/id", GROUP) == ["This chat's id is -1001234567890.\nYour user id is 7001."]


@pytest.mark.parametrize("words", ["How are the beans?", "/water", "/start@other_bot", "/help@"])
def test_the_unknown_gets_a_hint(people: People, words: str) -> None:
    """In a private chat, whatever it was."""
    assert people.say(words) == [HINT]


def test_a_hint_is_given_once_a_minute(people: People, cloud: Cloud) -> None:
    """Whoever floods the bot is not flooded in turn; after a minute there is another."""
    assert [people.say("beans") for _ in range(3)] == [[HINT], [], []]
    cloud.clock.now += 59.9
    assert people.say("beans") == []
    cloud.clock.now += 0.1
    assert people.say("beans") == [HINT]


def test_a_hint_is_given_by_one_worker(people: People, cloud: Cloud, workers: Workers) -> None:
    """Two workers serve a chat in turn; it gets one."""
    assert people.say("beans") == [HINT]
    people.drain = workers.drain(bot.register)
    assert people.say("beans") == []
    assert {item["pk"]["S"] for item in cloud.items("traffic")} == {"gate#7001", "quiet#unknown#7001"}


def test_each_chat_gets_its_own_hint(people: People) -> None:
    """Ann's does not silence Bob's; and commands are answered whatever was hinted."""
    assert people.say("beans") == [HINT]
    assert people.say("beans", BOB) == [HINT]
    assert len(people.say("/start")) == 1


@pytest.mark.parametrize("chat", [GROUP, {**GROUP, "type": "group"}, CHANNEL], ids=lambda chat: chat["type"])
@pytest.mark.parametrize("words", ["How are the beans?", "/water"])
def test_in_groups_the_bot_is_silent(people: People, chat: dict[str, Any], words: str) -> None:
    """People talk to each other there."""
    assert people.say(words, chat) == []


@pytest.mark.parametrize("service", [{"pinned_message": message(PRIVATE)}, {"new_chat_members": [ANN]}], ids=list)
def test_a_service_message_is_no_question(people: People, service: dict[str, Any]) -> None:
    """Somebody pinned something or came in: Telegram says so, not a person."""
    said = {name: value for name, value in message(PRIVATE).items() if name != "text"}
    assert people.send({"update_id": 1, "message": {**said, **service}}) == []


def test_an_edit_is_no_question(people: People) -> None:
    """What was wrong the first time was answered the first time."""
    assert people.send({"update_id": 1, "edited_message": message(PRIVATE, text="beans", edit_date=1)}) == []


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if sample.type != "message"], ids=lambda one: one.type)
def test_any_other_update_is_met_with_silence(people: People, sample: Any) -> None:
    """Nothing that Telegram may deliver makes the bot fail or speak."""
    assert people.send(sample.update) == []


def test_the_bot_asks_telegram_for_what_it_handles() -> None:
    """Messages, edited commands, and what every bot is told of its chats."""

    def register_what_ships(app: App) -> None:
        for feature in ("help", "start", "whoami", "unknown"):
            importlib.import_module(f"bot.{feature}").register(app)

    assert describe(register_what_ships)["allowed_updates"] == [
        "chat_member",
        "edited_message",
        "message",
        "my_chat_member",
    ]
