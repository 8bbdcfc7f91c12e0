"""The fixture `telegram`, as a bot author has it: a real python-telegram-bot bot that polls."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.conversation import NotHeard, Telegram
from tests.clients.polling import polling


@pytest.fixture
def bot(telegram: Telegram) -> Iterator[None]:
    """The bot, running."""
    with polling(telegram):
        yield


@pytest.mark.usefixtures("bot")
def test_a_person_talks_to_the_bot(telegram: Telegram) -> None:
    """They hear its messages in their order, press a button, and hear the message again that it changes."""
    ann = telegram.person("Ann")
    ann.says("/start")
    assert ann.hears("Hello").text == "Hello, Ann"
    question = ann.hears()
    assert (question.text, question.buttons) == ("Do you agree?", [["Yes", "No"], ["Read"]])
    assert ann.presses("Yes").answer() == "Noted"
    changed = ann.hears()
    assert (changed.id, changed.text, changed.buttons, changed.is_edited) == (question.id, "You said yes.", [], True)


@pytest.mark.usefixtures("bot")
def test_what_stands_above_counts_as_heard(telegram: Telegram) -> None:
    """Whoever waits for the second message does not hear the first afterwards."""
    ann = telegram.person("Ann")
    ann.says("/start")
    ann.hears(re.compile(r"^Do .*\?$"))
    ann.says("tea")
    assert ann.hears().text == "tea!"


@pytest.mark.usefixtures("bot")
def test_people_in_a_group(telegram: Telegram) -> None:
    """Each hears all of it; a press is of the person who pressed; the private chat is another."""
    ann, ben = telegram.person("Ann"), telegram.person("Ben")
    lunch = telegram.group("Lunch", ann, ben)
    ann.says("/start", lunch)
    ben.hears("Hello, Ann", lunch)
    ben.presses("No", lunch)
    ann.hears("You said no.", lunch)
    (pressed,) = [call for call in telegram.calls("editMessageText") if call["status"] == 200]
    assert pressed["parameters"]["chat_id"] == lunch.id
    assert telegram.replies(ben.id) == []


@pytest.mark.usefixtures("bot")
def test_a_reply_keyboard_is_pressed(telegram: Telegram) -> None:
    """Its button says its label."""
    ann = telegram.person("Ann")
    ann.says("/menu")
    assert ann.hears().buttons == [["Tea", "Coffee"]]
    ann.presses("Coffee")
    assert ann.hears().text == "Coffee!"


@pytest.mark.usefixtures("bot")
def test_faults_meet_the_calls_to_one_chat(telegram: Telegram) -> None:
    """The bot's call for Ann fails once, and Ben's does not."""
    ann, ben = telegram.person("Ann"), telegram.person("Ben")
    telegram.fails("sendMessage", error_code=500, chat=ann)
    ben.says("hello")
    ben.hears("hello!")
    ann.says("hello")
    ann.hears("hello, at last!")


def test_who_blocked_the_bot_is_out_of_its_reach(telegram: Telegram) -> None:
    """Until they unblock it."""
    ann = telegram.person("Ann")
    ann.says("hello")

    def send() -> int:
        message = {"chat_id": ann.id, "text": "Hello?"}
        return httpx.post(f"{telegram.base_url}{telegram.token}/sendMessage", json=message, trust_env=False).status_code

    ann.blocks()
    assert send() == 403
    ann.unblocks()
    assert send() == 200


def test_who_is_in_a_group(telegram: Telegram) -> None:
    """Those it was made with, and who joins, until they leave; the bot is told of what it sees."""
    ann, ben, cem = (telegram.person(name) for name in ("Ann", "Ben", "Cem"))
    lunch = telegram.group("Lunch", ann, ben)
    cem.joins(lunch)
    ben.leaves(lunch)

    def ask(method: str, **parameters: object) -> Any:
        url = f"{telegram.base_url}{telegram.token}/{method}"
        return httpx.post(url, json={"chat_id": lunch.id, **parameters}, trust_env=False).json()["result"]

    people = {person.name: ask("getChatMember", user_id=person.id)["status"] for person in (ann, ben, cem)}
    assert people == {"Ann": "creator", "Ben": "left", "Cem": "member"}
    assert ask("getChat")["title"] == "Lunch"
    services = [line["service"] for line in telegram.transcript(lunch.id)]
    assert services == ["new_chat_members", "new_chat_members", "left_chat_member"]


@pytest.mark.usefixtures("bot")
def test_a_button_that_the_bot_is_not_told_of(telegram: Telegram) -> None:
    """To press one that opens a page is a mistake of the test, and said at once."""
    ann = telegram.person("Ann")
    ann.says("/start")
    with pytest.raises(ValueError, match="not told that the button 'Read' is pressed"):
        ann.presses("Read")


@pytest.mark.usefixtures("bot")
def test_what_is_not_heard_shows_the_conversation(telegram: Telegram) -> None:
    """The error has each message with its speaker and buttons, and the calls that failed."""
    ann = telegram.person("Ann")
    telegram.fails("sendMessage", error_code=502)
    ann.says("/start")
    ann.says("tea")
    ann.hears("tea!")
    with pytest.raises(NotHeard) as failure:
        ann.hears("Hello", wait_s=0.05)
    assert str(failure.value) == (
        "Ann did not hear 'Hello' within 0.05 s.\n\n"
        f"In the chat Ann ({ann.id}):\n  Ann: /start\n  Ann: tea\n  bot: tea!\n\n"
        "1 of the bot's calls failed, the last of them:\n  sendMessage: 502 Bad Gateway"
    )


def test_a_bot_that_does_not_run(telegram: Telegram) -> None:
    """The error says so, with what it would need to know."""
    ann = telegram.person("Ann")
    ann.says("/start")
    with pytest.raises(NotHeard, match=f"Is it running, with the address {telegram.url} and the token 123456:local?"):
        ann.hears(wait_s=0.05)


def test_a_button_that_is_not_shown(telegram: Telegram) -> None:
    """The error names it."""
    with pytest.raises(NotHeard, match=r"Ann was not shown the button 'Yes' within 0\.05 s"):
        telegram.person("Ann").presses("Yes", wait_s=0.05)


_BARE = ("-p", "no:cacheprovider", "-p", "no:asyncio")
BOT = """
import pytest
from local.conversation import Telegram
from tests.clients.polling import polling

pytest_plugins = ["local.telegram.pytest_plugin"]

"""


def test_each_test_has_an_emulator_of_its_own(pytester: pytest.Pytester) -> None:
    """What one leaves behind, faults and updates, the next one does not meet."""
    pytester.makepyfile(
        BOT
        + """
seen = []

@pytest.mark.parametrize("run", [1, 2])
def test_once(telegram, run):
    assert telegram.deliveries() == []
    telegram.person("Ann").says("nobody takes this")
    telegram.fails("sendMessage", times=100, error_code=500)
    seen.append(telegram.url)
    assert len(set(seen)) == run
"""
    )
    pytester.runpytest_inprocess(*_BARE).assert_outcomes(passed=2)


def test_one_emulator_for_a_bot_that_takes_long_to_start(pytester: pytest.Pytester) -> None:
    """With telegram_scope a bot runs for the whole session; faults end with their test all the same."""
    pytester.makeini("[pytest]\ntelegram_scope = session")
    pytester.makepyfile(
        BOT
        + """
@pytest.fixture(scope="session")
def bot(telegram_server):
    with Telegram(telegram_server.url, telegram_server.token) as telegram, polling(telegram):
        yield

@pytest.mark.parametrize("run", [1, 2])
def test_talking(telegram, bot, run):
    ann = telegram.person("Ann")
    ann.says("hello")
    assert ann.hears().text == "hello!"
    telegram.fails("sendMessage", times=100, error_code=500)
"""
    )
    pytester.runpytest_inprocess(*_BARE).assert_outcomes(passed=2)


def test_a_failing_test_shows_what_was_said(pytester: pytest.Pytester) -> None:
    """Whatever it failed with; what was not heard shows it by itself."""
    pytester.makepyfile(
        BOT
        + """
def test_failing(telegram):
    with polling(telegram):
        ann = telegram.person("Ann")
        ann.says("hello")
        assert ann.hears().text == "good day"
"""
    )
    result = pytester.runpytest_inprocess(*_BARE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*what was said on Telegram*", "*In the chat Ann*", "  Ann: hello", "  bot: hello!"])


def test_a_scope_that_is_none(pytester: pytest.Pytester) -> None:
    """Is a sentence that lists them."""
    pytester.makeini("[pytest]\ntelegram_scope = ever")
    pytester.makepyfile(BOT + "def test_nothing(telegram): pass\n")
    result = pytester.runpytest_inprocess(*_BARE)
    (result.stdout if "ever" in result.stdout.str() else result.stderr).fnmatch_lines(
        ["*telegram_scope must be one of function, class, module, package, session, not 'ever'*"]
    )
