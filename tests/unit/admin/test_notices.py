"""What the admin reads fits into a message, and there are words for everything."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.admin.notices import REASONS, details, listing, notice
from floodgate.delivery.outcomes import FOLLOWS, Follows, Outcome
from floodgate.ingress.dead_letter import dead_letter
from floodgate.state.dead_letter import DeadLetter
from floodgate.state.failures import Failure
from floodgate.state.fingerprints import Fingerprint

LONGEST = 4096
#: Telegram takes so many bytes with a button.
LONGEST_DATA = 64
long_text = st.text(max_size=5000)


def kind(**changes: Any) -> Fingerprint:
    """Return a fingerprint."""
    fields: dict[str, Any] = {
        "name": "0123456789ab",
        "reason": "bug",
        "error": "KeyError",
        "handler": "start",
        "kind": "message",
        "count": 3,
        "first_at": 1_781_136_000.0,
        "last_at": 1_781_136_060.5,
        "latest": "K7QM2-XWD3A",
    }
    return Fingerprint(**{**fields, **changes})


def failure(**changes: Any) -> Failure:
    """Return a failure."""
    _, letter = dead_letter(b"{}", **{"reason": "bug", "detail": "it failed", "at": 1_781_136_000.0, **changes})
    return Failure("K7QM2-XWD3A", DeadLetter.model_validate(letter), b"", "open", 0)


def test_there_are_words_for_each_reason() -> None:
    """Every outcome that can end in the dead letters, and SQS's own redrive."""
    given_up = {str(one) for one in Outcome if FOLLOWS[one] not in {Follows.FINISHED, Follows.WAITS}}
    assert set(REASONS) == given_up | {"redriven"}


@pytest.mark.parametrize("reason", ["failed", "beans"])
def test_a_reason_of_another_deployment_is_shown_as_it_is(reason: str) -> None:
    """Letters may be older, or newer, than the code that shows them."""
    assert f"{reason}: given up" in notice(kind(reason=reason))[0]
    assert f"Reason: {reason}, given up" in details(failure(reason=reason))[0]


@given(error=long_text, handler=long_text, count=st.integers(1, 10**9))
def test_a_notice_fits(error: str, handler: str, count: int) -> None:
    """Whatever a class or a handler is called."""
    text, buttons = notice(kind(error=error, handler=handler, count=count), 7)
    assert 0 < len(text) <= LONGEST
    assert all(len(str(one.callback_data).encode()) <= LONGEST_DATA for row in buttons.inline_keyboard for one in row)


@given(stack=st.lists(long_text, max_size=60), error=st.none() | long_text, detail=long_text)
def test_details_fit(stack: list[str], error: str | None, detail: str) -> None:
    """However deep the stack; and every button can be sent."""
    text, buttons = details(failure(stack=stack, error=error, detail=detail), ["AAAAA-22222"] * 5)
    assert 0 < len(text) <= LONGEST
    assert all(len(str(one.callback_data).encode()) <= LONGEST_DATA for row in buttons.inline_keyboard for one in row)


@given(kinds=st.lists(st.builds(kind, error=long_text), min_size=1, max_size=10))
def test_a_list_fits(kinds: list[Fingerprint]) -> None:
    """Ten entries, each with its button."""
    text, buttons = listing([(one, 1) for one in kinds], more=True)
    assert 0 < len(text) <= LONGEST
    assert buttons is not None
    assert len(buttons.inline_keyboard) == len(kinds)
    assert all(1 <= len(row[0].text) <= LONGEST_DATA for row in buttons.inline_keyboard)


def test_the_innermost_frames_are_shown() -> None:
    """They are where it failed."""
    text, _ = details(failure(stack=[f"file.py:{number} f" for number in range(100)]))
    assert text.endswith("file.py:99 f")
    assert "file.py:1 f" not in text


def test_what_is_not_known_is_said_so() -> None:
    """A redriven update has no error, no handler, no trace."""
    text, _ = details(failure(reason="redriven", message_id=None))
    assert {"Handler: unknown", "SQS message: none", "Trace: none", "Calls that had reached Telegram: none"} <= set(
        text.splitlines()
    )
