"""The table of outcomes: every error has one row, and every row its consequence."""

from __future__ import annotations

import asyncio
import re
import socket
import warnings
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore import exceptions as aws
from hypothesis import given
from hypothesis import strategies as st
from telegram import error as ptb

from floodgate.delivery import outcomes
from floodgate.delivery.outcomes import FOLLOWS, DeadlineOverrun, Follows, Outcome, classify
from floodgate.telegram.errors import ChatFrozen, ChatUnreachable, MustWait, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")

OWN = 7001
URL = "https://aws.example"


def refused(code: str, status: int = 400) -> aws.ClientError:
    """Return what AWS says when it does not do something."""
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return aws.ClientError(answer, "PutItem")


# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
with warnings.catch_warnings(action="ignore"):
    FLOODED, FROZEN = ptb.RetryAfter(30), ChatFrozen(7002, 60)

TABLE: dict[Outcome, list[BaseException]] = {
    Outcome.WAIT: [
        MustWait(5),
        FLOODED,
        ptb.InvalidToken("Unauthorized"),
    ],
    Outcome.RETRY: [
        ptb.NetworkError("Bad Gateway"),
        ptb.TimedOut(),
        ptb.TelegramError("Invalid server response"),
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
        socket.gaierror(-2, "x"),
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("TooManyRequestsException", 429),
        refused("SlowDown", 503),
        refused("InternalServerError", 500),
        aws.EndpointConnectionError(endpoint_url=URL),
        aws.ConnectTimeoutError(endpoint_url=URL),
        aws.ReadTimeoutError(endpoint_url=URL),
        aws.ConnectionClosedError(endpoint_url=URL),
    ],
    Outcome.FROZEN: [FROZEN],
    Outcome.DROP: [
        ptb.BadRequest("Query is too old and response timeout expired or query id is invalid"),
    ],
    Outcome.GONE: [ChatUnreachable(OWN)],
    Outcome.MOVED: [ptb.ChatMigrated(-1001234567890)],
    Outcome.REJECTED: [
        ptb.BadRequest("Chat not found"),
        ptb.Forbidden("Forbidden: not enough rights"),
        ptb.Conflict("Conflict"),
        ptb.EndPointNotFound("x"),
        ChatUnreachable(7002),
        ChatUnreachable("@allotments"),
        OutcomeUnknown("editMessageText"),
    ],
    Outcome.BUG: [
        KeyError("x"),
        AssertionError(),
        RecursionError(),
        MemoryError(),
        PermissionError(),
        asyncio.CancelledError(),
        SystemExit(1),
        KeyboardInterrupt(),
        DeadlineOverrun(10.0),
        httpx.InvalidURL("x"),
        refused("ResourceNotFoundException"),
        refused("AccessDeniedException"),
        refused("ConditionalCheckFailedException"),
        aws.ParamValidationError(report="x"),
        aws.NoCredentialsError(),
    ],
}
ROWS = [(error, outcome) for outcome, errors in TABLE.items() for error in errors]


@pytest.mark.parametrize(("error", "outcome"), ROWS, ids=lambda value: type(value).__name__)
def test_an_error_has_its_row(error: BaseException, outcome: Outcome) -> None:
    """The outcome that the table names, alone and as all that a group holds, and it is this error that decides."""
    assert classify(error, OWN) == (outcome, error)
    assert classify(BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [error])]), OWN) == (outcome, error)


@pytest.mark.parametrize(("error", "outcome"), ROWS, ids=lambda value: type(value).__name__)
def test_an_update_of_no_chat_has_no_chat_to_lose(error: BaseException, outcome: Outcome) -> None:
    """Of a poll nothing can be gone; every other row is the same."""
    assert classify(error, None)[0] is (Outcome.REJECTED if outcome is Outcome.GONE else outcome)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group, whatever it is made of."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


groups = st.recursive(
    st.sampled_from(list(TABLE)).flatmap(lambda outcome: st.sampled_from(TABLE[outcome])),
    lambda inner: st.lists(inner, min_size=1, max_size=4).map(lambda errors: BaseExceptionGroup("tasks", errors)),
    max_leaves=8,
)


@given(groups)
def test_of_several_errors_one_decides(error: BaseException) -> None:
    """It is one of them, in its own row, and none that could be given up is overruled by one that waits."""
    outcome, deciding = classify(error, OWN)
    rows = [classify(one, OWN)[0] for one in leaves(error)]
    assert any(deciding is one for one in leaves(error))
    assert classify(deciding, OWN)[0] is outcome
    if any(FOLLOWS[row] in {Follows.GIVEN_UP, Follows.TRIED_SOME_TIMES} for row in rows):
        assert FOLLOWS[outcome] is not Follows.WAITS


def test_every_outcome_has_a_consequence() -> None:
    """None is left to chance; what the tests' table does not name comes of no error."""
    assert set(FOLLOWS) == set(Outcome)
    assert set(Outcome) - set(TABLE) == {Outcome.DONE, Outcome.POISON, Outcome.KILLED}


def test_the_docstring_is_the_table() -> None:
    """Its rows are the outcomes, in their order."""
    assert re.findall(r"^ {4}([a-z]+)  ", outcomes.__doc__ or "", re.MULTILINE)[1:] == list(Outcome)
