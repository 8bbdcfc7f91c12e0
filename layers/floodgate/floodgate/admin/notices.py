"""What the admin chat is told of failures, and the buttons below it. Pure.

Rule: nothing that a person wrote, no id of a chat, no token: classes of errors, names of handlers, counts and times.
A button names its fingerprint (or, of one failure, its reference) and needs nothing else, so it works for as long as
the failure is kept, whichever message it stands below.
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from floodgate.telegram.replay import LATER, ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from floodgate.state.failures import Failure
    from floodgate.state.fingerprints import Fingerprint

#: What the data of the library's own buttons begins with. A bot's buttons must not.
OWN: Final = "floodgate:"
#: Telegram takes 4096 characters; what is longer is cut, names and frames before the rest.
_LONGEST: Final = 4000
_FRAMES: Final = 20
_FRAME: Final = 120
_NAME: Final = 100

#: What each outcome that ends in the dead letters means to somebody who knows the bot, and what SQS gives up by itself.
REASONS: Final = {
    "bug": "its handler failed each time",
    "retry": "Telegram or AWS kept failing",
    "moved": "a chat became a supergroup, again and again",
    "frozen": "Telegram kept a chat frozen that it writes to",
    "rejected": "what its handler asks for is refused, or rests on a call of which nobody knows whether it arrived",
    "poison": "it can never be handled",
    "killed": "it killed its worker twice",
    "redriven": "its queue gave it up",
}


def notice(kind: Fingerprint, open_now: int | None = None) -> tuple[str, InlineKeyboardMarkup]:
    """Return the message of a fingerprint, and its buttons; `open_now` of its failures are open, if that is known."""
    lines = [
        f"⚠️ {_title(kind)}",
        f"{kind.reason}: {REASONS.get(kind.reason, 'given up')}",
        f"{times(kind.count)}, first {moment(kind.first_at)}, last {moment(kind.last_at)}",
    ]
    if kind.retried or kind.discarded:
        lines.append(f"{kind.retried} sent again, {kind.discarded} discarded")
    if open_now is not None:
        lines.append(f"{open_now} open" if open_now else "None is open")
    lines.append(f"Latest: {kind.latest}")
    return "\n".join(lines), _buttons(
        [("Retry", "retry"), ("Retry all", "retry_all")], [("Discard", "discard"), ("Details", "details")], of=kind.name
    )


def details(failure: Failure, others: Sequence[str] = ()) -> tuple[str, InlineKeyboardMarkup]:
    """Return what is known of one failure, and its own buttons; `others` are open failures with its fingerprint."""
    letter = failure.letter
    lines = [
        f"{failure.name}: {(letter.error or letter.reason)[:_NAME]}",
        f"State: {failure.state}" + (f", sent again {times(failure.retries)}" if failure.retries else ""),
        f"Reason: {letter.reason}, {REASONS.get(letter.reason, 'given up')}",
        f"Update: {letter.kind}, of the queue {letter.queue}",
        f"Handler: {(letter.handler or 'unknown')[:_NAME]}",
        f"Attempts: {letter.attempts}, from {moment(letter.first_at)} to {moment(letter.last_at)}",
        f"Calls that had reached Telegram: {_calls(failure)}",
        f"SQS message: {letter.message_id or 'none'}",
        f"Trace: {letter.trace_id or 'none'}",
    ]
    if others:
        lines.append(f"Also: {', '.join(others)}")
    if letter.stack:
        # The last frames are where it failed.
        lines += ["", *(frame[-_FRAME:] for frame in letter.stack[-_FRAMES:])]
    return "\n".join(lines)[:_LONGEST], _buttons(
        [("Retry this", "retry_one"), ("Discard this", "discard_one")], of=failure.name
    )


def listing(kinds: Sequence[tuple[Fingerprint, int]], *, more: bool) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return the list of fingerprints with so many open failures each, and a button an entry; `more` are not shown."""
    if not kinds:
        return "No failures are open.", None
    lines, rows = ["Open failures, the latest first:"], []
    for number, (kind, open_now) in enumerate(kinds, 1):
        title = f"{number}. {_title(kind)}"
        lines.append(f"{title}: {open_now} open of {kind.count}, last {moment(kind.last_at)}, {kind.latest}")
        rows.append([InlineKeyboardButton(title[:60], callback_data=f"{OWN}show:{kind.name}")])
    if more:
        lines.append("There are more.")
    return "\n".join(lines)[:_LONGEST], InlineKeyboardMarkup(rows)


def _title(kind: Fingerprint) -> str:
    return f"{(kind.error or kind.reason)[:_NAME]} in {(kind.handler or kind.kind)[:_NAME]}"


def times(count: int) -> str:
    """Return a count in words."""
    return "once" if count == 1 else f"{count} times"


def moment(at: float) -> str:
    """Return a time to the second, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _calls(failure: Failure) -> str:
    """Return how many calls the journal has that Telegram has answered, whichever deployment has packed it."""
    if failure.letter.reason == "killed":
        return "unknown, for its workers died"
    journal = failure.journal
    calls = json.loads(zlib.decompress(journal)) if journal else []
    return str(sum(call[0] not in {ONCE, LATER} and call[3] is not None for call in calls) or "none")


def _buttons(*rows: Sequence[tuple[str, str]], of: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=f"{OWN}{order}:{of}") for label, order in row] for row in rows]
    )
