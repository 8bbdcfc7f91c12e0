"""What may become of an update, and what follows from it: the one table.

    outcome    comes of                                                        and follows
    done       its handlers ran to their end                                   it is deleted
    wait       a 429, a limit of ours, a token that Telegram refuses           it is put back, uncounted
    retry      the network, Telegram's own failures or AWS's, and what it
               remembers being changed by others all the time                  tried again, up to its attempts
    frozen     a 429 of another chat than its own, which must not wait for it  tried again, three times in all
    drop       it came too late: stale, or its answer is no longer taken       it is deleted
    gone       Telegram refuses its chat for good                              it is deleted
    moved      its group became a supergroup while it ran                      tried again, up to its attempts
    rejected   Telegram says that a request of ours is wrong, or nobody knows
               what became of one                                              it is given up at once
    bug        any other error, or it took too long                            tried again, three times in all
    poison     nobody can read it                                              it is given up at once
    killed     two workers died with it                                        it is given up at once

Rule: every exception belongs to exactly one row, the first below that takes it; `bug` takes the rest. Of several at
once, a TaskGroup's, the one that stands lowest counts.
"""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final

import httpx
from botocore import exceptions as aws
from telegram.error import BadRequest, ChatMigrated, Conflict, EndPointNotFound, Forbidden, NetworkError, TelegramError

from floodgate.state.records import StateChanged
from floodgate.telegram.errors import (
    ChatFrozen,
    ChatUnreachable,
    MustWait,
    OutcomeUnknown,
    is_client_error,
    is_too_late,
    token_refused,
    told_to_wait_s,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Outcome(StrEnum):
    """The rows of the table."""

    DONE = "done"
    WAIT = "wait"
    RETRY = "retry"
    FROZEN = "frozen"
    DROP = "drop"
    GONE = "gone"
    MOVED = "moved"
    REJECTED = "rejected"
    BUG = "bug"
    POISON = "poison"
    KILLED = "killed"


class Follows(Enum):
    """What is done with the message."""

    FINISHED = "it is deleted"
    WAITS = "it is put back, and nothing is counted"
    TRIED_OFTEN = "it is put back and counted, and given up after `attempts`"
    TRIED_SOME_TIMES = "it is put back and counted, and given up after `bug_attempts`"
    GIVEN_UP = "it goes to the dead letters, and is deleted"


FOLLOWS: Final = {
    Outcome.DONE: Follows.FINISHED,
    Outcome.WAIT: Follows.WAITS,
    Outcome.RETRY: Follows.TRIED_OFTEN,
    Outcome.FROZEN: Follows.TRIED_SOME_TIMES,
    Outcome.DROP: Follows.FINISHED,
    Outcome.GONE: Follows.FINISHED,
    Outcome.MOVED: Follows.TRIED_OFTEN,
    Outcome.REJECTED: Follows.GIVEN_UP,
    Outcome.BUG: Follows.TRIED_SOME_TIMES,
    Outcome.POISON: Follows.GIVEN_UP,
    Outcome.KILLED: Follows.GIVEN_UP,
}

_REQUEST_WRONG: Final = (BadRequest, Forbidden, Conflict, EndPointNotFound, OutcomeUnknown)
_NETWORK: Final = (
    NetworkError,
    httpx.NetworkError,
    httpx.TimeoutException,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    ssl.SSLError,
    aws.ConnectionError,
    aws.HTTPClientError,
    aws.IncompleteReadError,
)
_NO_WAY: Final = frozenset({errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH})
#: AWS's codes for what it may do when asked again; with these and any status from 500 on.
_AWS_BUSY: Final = frozenset(
    {
        "ConflictException", "LimitExceededException", "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "RequestTimeout", "SlowDown",
        "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
        "TransactionConflictException", "TransactionInProgressException",
    }
)  # fmt: skip


class DeadlineOverrun(Exception):
    """Its handlers took longer than an update may."""

    def __init__(self, deadline_s: float) -> None:
        super().__init__(f"not done after {deadline_s} s")


class CallsDiverged(Exception):
    """It had to wait, and has sent other messages than in its last attempt: so it would do each time."""


class WorkerDied(Exception):
    """A worker ended with the update in hand; nobody raises it."""


# By exception, from the top: whether `error`, raised in an update of the chat `own`, belongs to the row.
_ROWS: Final[tuple[tuple[Outcome, Callable[[BaseException, int | None], bool]], ...]] = (
    (Outcome.GONE, lambda error, own: isinstance(error, ChatUnreachable) and error.chat == own),
    (Outcome.WAIT, lambda error, _: isinstance(error, MustWait) or token_refused(error)),
    (Outcome.FROZEN, lambda error, _: isinstance(error, ChatFrozen)),
    (Outcome.WAIT, lambda error, _: told_to_wait_s(error) is not None),
    (Outcome.MOVED, lambda error, _: isinstance(error, ChatMigrated)),
    (Outcome.DROP, lambda error, _: is_too_late(error)),
    (Outcome.REJECTED, lambda error, _: isinstance(error, _REQUEST_WRONG)),
    (Outcome.REJECTED, lambda error, _: is_client_error(error)),
    (Outcome.RETRY, lambda error, _: isinstance(error, _NETWORK) or _is_trouble_of_aws(error)),
    (Outcome.RETRY, lambda error, _: isinstance(error, StateChanged)),
    # A success of Telegram's that cannot be read, and a machine without a network.
    (Outcome.RETRY, lambda error, _: type(error) is TelegramError),
    (Outcome.RETRY, lambda error, _: isinstance(error, OSError) and error.errno in _NO_WAY),
    (Outcome.BUG, lambda _, __: True),
)

#: Of several errors at once the one whose outcome comes last here is the update's: with anything left to be done about
#: one of them, it is not over.
_GRAVITY: Final = sorted(Outcome, key=lambda outcome: FOLLOWS[outcome] is not Follows.FINISHED)


def classify(error: BaseException, own: int | None) -> tuple[Outcome, BaseException]:
    """Return the row that `error` belongs to, and the error itself or the one inside it that decides.

    `own` is the chat that the update is about, which alone can be gone.
    """
    found = [(next(row for row, takes in _ROWS if takes(one, own)), one) for one in _each(error)]
    return max(found, key=lambda pair: _GRAVITY.index(pair[0]))


def gravest(names: Iterable[str]) -> Outcome:
    """Return the outcome that stands lowest, of those with these names."""
    return max(map(Outcome, names), key=_GRAVITY.index)


def _each(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _each(inner)
    else:
        yield error


def _is_trouble_of_aws(error: BaseException) -> bool:
    if not isinstance(error, aws.ClientError):
        return False
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error.response.get("Error", {}).get("Code") in _AWS_BUSY


@dataclass(frozen=True, slots=True)
class Done:
    """The message is finished and may be deleted: handled, or given up and safely in the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """It returns to its queue and is handed out again after `delay_s` seconds, and the rest of its group behind it."""

    delay_s: float
    #: False if a worker is known to have died with it, and that could not be acted upon yet.
    is_innocent: bool = True


#: What a worker does with a message.
type Disposition = Done | PutBack

DONE = Done()
