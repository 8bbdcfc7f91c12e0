"""What Telegram's errors mean for an update."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TimedOut

from floodgate.telegram.errors import is_for_good, token_refused, told_to_wait_s

OTHERS = [TimedOut(), BadRequest("x"), Forbidden("x"), TimeoutError(), KeyError("x")]

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@given(st.integers(0, 10**9))
def test_telegram_is_given_the_time_that_it_asks_for(seconds: int) -> None:
    """A 429 names its seconds, hours of them if need be."""
    assert told_to_wait_s(RetryAfter(seconds)) == seconds


def test_telegrams_time_may_be_a_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    """With PTB_TIMEDELTA python-telegram-bot names the same time in another type."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    assert told_to_wait_s(RetryAfter(10_072)) == 10_072.0


@pytest.mark.parametrize("error", [*OTHERS, InvalidToken()])
def test_no_other_error_names_a_time(error: Exception) -> None:
    """Only a 429 is a wait that is not the update's fault."""
    assert told_to_wait_s(error) is None


@pytest.mark.parametrize("error", OTHERS)
def test_only_a_refused_token_is_one(error: Exception) -> None:
    """Other errors say nothing of the token."""
    assert token_refused(InvalidToken())
    assert not token_refused(error)


PERSON, PLACES = 7001, (-1001234567890, "@allotments")
OF_PERSONS = [
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation with a user",
    "bot can't send messages to bots",
    "bots can't send messages to bots",
]
OF_GROUPS = [
    "bot was kicked from the group chat",
    "bot was kicked from the supergroup chat",
    "bot was kicked from the channel chat",
    "bot is not a member of the group chat",
    "bot is not a member of the supergroup chat",
    "bot is not a member of the channel chat",
    "the group chat was deleted",
]


@pytest.mark.parametrize(
    ("words", "chat"),
    [*((words, PERSON) for words in OF_PERSONS), *((words, place) for words in OF_GROUPS for place in PLACES)],
)
def test_a_chat_that_is_lost_is_told_by_telegrams_words(words: str, chat: int | str) -> None:
    """As tdlib/telegram-bot-api writes them (Client.cpp, check_chat_access and fail_query_with_error)."""
    assert is_for_good(Forbidden(f"Forbidden: {words}"), chat)
    assert is_for_good(Forbidden(f"Forbidden: {words.capitalize()}"), chat)


@pytest.mark.parametrize(
    ("words", "chat"),
    [*((words, place) for words in OF_PERSONS for place in PLACES), *((words, PERSON) for words in OF_GROUPS)],
)
def test_words_about_another_lose_no_chat(words: str, chat: int | str) -> None:
    """That a user is deactivated may be said of one who was to be promoted, and the group is still there."""
    assert not is_for_good(Forbidden(f"Forbidden: {words}"), chat)


@pytest.mark.parametrize(
    "words",
    [
        "not enough rights to send text messages to the chat",
        "bot has no rights to send a message",
        "user not found",
        "bot can't send messages to the user in this topic",
        "message can't be deleted",
        "something that Telegram has not said yet",
        "",
    ],
)
def test_what_is_about_one_request_loses_no_chat(words: str) -> None:
    """The next message may well pass; and unknown words decide nothing."""
    assert [is_for_good(Forbidden(f"Forbidden: {words}"), chat) for chat in (PERSON, *PLACES)] == [False] * 3
