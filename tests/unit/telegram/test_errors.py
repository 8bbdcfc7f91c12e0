"""What Telegram's errors mean for an update."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TimedOut

from floodgate.telegram.errors import token_refused, told_to_wait_s

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
