"""Rows that the table of outcomes does not have right yet, by what the Bot API and python-telegram-bot raise."""

from __future__ import annotations

import inspect

import pytest
from telegram import error as ptb

from floodgate.delivery.outcomes import FOLLOWS, Follows, Outcome, classify
from tests.unit.delivery.test_outcomes import OWN, TABLE

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.mark.parametrize("sentence", ["Request Entity Too Large (413)", "Payload Too Large (413)"])
def test_a_request_that_is_too_large_is_rejected(sentence: str) -> None:
    """It would be as large twenty times over, with the chat's later messages behind it."""
    assert classify(ptb.NetworkError(sentence), OWN)[0] is Outcome.REJECTED


def test_what_cannot_be_decrypted_is_no_trouble_of_the_network() -> None:
    """Nothing that waiting mends."""
    assert classify(ptb.PassportDecryptionError("x"), OWN)[0] is Outcome.BUG


def test_every_error_of_python_telegram_bot_is_in_the_table() -> None:
    """A new one asks for a decision."""
    theirs = {kind for _, kind in inspect.getmembers(ptb, inspect.isclass) if issubclass(kind, ptb.TelegramError)}
    assert theirs - {type(error) for errors in TABLE.values() for error in errors} == {ptb.PassportDecryptionError}


@pytest.mark.parametrize("over", [Outcome.DROP, Outcome.GONE])
@pytest.mark.parametrize("other", [outcome for outcome in TABLE if FOLLOWS[outcome] is not Follows.FINISHED])
def test_what_is_over_outweighs_nothing_else(over: Outcome, other: Outcome) -> None:
    """Of two calls side by side one is too late and the other had no connection: that is not lost."""
    both = BaseExceptionGroup("tasks", [TABLE[over][0], TABLE[other][0]])
    assert classify(both, OWN)[0] is other
