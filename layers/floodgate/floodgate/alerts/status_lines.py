"""The lines and the panels of `/status`, from what is known. Pure.

Rule: every line stands by itself, and one whose source failed or did not answer says so. Nobody who wrote to the bot is
in it, and no text of theirs.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from floodgate.alerts.chart import Panel, Series
from floodgate.alerts.figures import Figures
from floodgate.alerts.quantities import words
from floodgate.monitoring import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from floodgate.state.health import Health

#: Telegram's limit of a caption, in characters.
LONGEST: Final = 1024
_NAMED_ALARMS: Final = 5
_SHOWN_ERROR: Final = 120
#: A check of the webhook that is older was not the last one that there should have been.
_CHECKED_WITHIN_S: Final = 900


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Stands for what could not be had; `why` is for the owner."""

    why: str


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages of one queue: those that wait, and those in hand or put back until later."""

    waiting: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the lines are written from."""

    stack_name: str
    now: float
    figures: Figures | NotKnown
    #: By the queue's name, in order.
    queues: Mapping[str, Depth] | NotKnown
    open_failures: int | NotKnown
    #: None: the bot is not registered.
    health: Health | NotKnown | None
    #: The alarms that ring, and since when.
    alarms: Sequence[tuple[str, float]] | NotKnown


def panels(of: Figures) -> list[Panel]:
    """Return the three panels of the hour."""
    return [
        Panel(
            "Updates",
            [
                Series("handled", of.by_minute(metrics.UPDATES_HANDLED)),
                Series("limited", of.by_minute(metrics.UPDATES_LIMITED)),
            ],
            "per minute",
        ),
        Panel(
            "Answer time",
            [Series(one, of.seconds_by_minute(metrics.ANSWER_TIME, one)) for one in ("p50", "p99")],
            "seconds",
        ),
        Panel(
            "Errors",
            [
                Series("failed", of.by_minute(metrics.ATTEMPTS_FAILED)),
                Series("given up", of.by_minute(metrics.UPDATES_GIVEN_UP)),
                Series("429s", of.by_minute(metrics.TELEGRAM_CALLS_LIMITED)),
            ],
            "per minute",
        ),
    ]


def text(status: Status) -> str:
    """Return the lines, as HTML of LONGEST characters at most."""
    lines = [f"<b>{html.escape(status.stack_name)}</b>, the hour to {_hour(status.now)}", *_lines(status)]
    written = "\n".join(lines)
    # A name or an error of unforeseen length costs the last lines, and never the whole.
    while len(written) > LONGEST:
        lines.pop()
        written = "\n".join(lines)
    return written


def _lines(status: Status) -> Iterator[str]:
    yield from _counted(status.figures)
    yield f"Queues now: {_queues(status.queues)}"
    yield f"Failures open: {_failures(status.open_failures)}"
    yield f"Alarms: {_alarms(status.alarms)}"
    yield f"At Telegram: {_telegram(status.health, status.now)}"
    if isinstance(status.figures, Figures):
        yield _since(status.figures)


def _counted(found: Figures | NotKnown) -> Iterator[str]:
    """Yield the lines that rest on CloudWatch's figures."""
    if isinstance(found, NotKnown):
        for what in ("Updates", "Answer time", "Queue wait", "Telegram", "Cache"):
            yield f"{what}: {_unknown(found)}"
        return
    count = {name: _thousands(found.total(name)) for name in found.counts}
    zero = "0"
    yield (
        f"Updates: <b>{count.get(metrics.UPDATES_HANDLED, zero)}</b> handled, "
        f"{count.get(metrics.UPDATES_LIMITED, zero)} limited; "
        f"{count.get(metrics.ATTEMPTS_FAILED, zero)} attempts failed, "
        f"{count.get(metrics.UPDATES_GIVEN_UP, zero)} given up"
    )
    half, most = (found.worst_s(metrics.ANSWER_TIME, one) for one in ("p50", "p99"))
    yield "Answer time: " + (
        "none measured" if half is None or most is None else f"p50 <b>{half:.2f} s</b>, p99 <b>{most:.2f} s</b>"
    )
    wait = found.worst_s(metrics.QUEUE_WAIT, "p99")
    yield "Queue wait: " + ("none measured" if wait is None else f"p99 {wait:.2f} s")
    yield (
        f"Telegram: {count.get(metrics.TELEGRAM_CALLS, zero)} calls, "
        f"{count.get(metrics.TELEGRAM_CALLS_FAILED, zero)} failed, "
        f"{count.get(metrics.TELEGRAM_CALLS_LIMITED, zero)} answered 429"
    )
    hits, misses = found.total(metrics.CACHE_HITS), found.total(metrics.CACHE_MISSES)
    yield "Cache: " + (
        f"{hits * 100 // (hits + misses)} % of {_thousands(hits + misses)} reads" if hits + misses else "no reads"
    )


def _thousands(count: int) -> str:
    return f"{count:,}".replace(",", "\u00a0")


def _since(found: Figures) -> str:
    if found.since is None:
        return "Nothing was counted in this hour. What happens now is here in two minutes."
    return f"Counted since {_hour(found.since)}, up to {_hour(found.end)}"


def _queues(found: Mapping[str, Depth] | NotKnown) -> str:
    if isinstance(found, NotKnown):
        return _unknown(found)
    return ", ".join(
        f"{name} {depth.waiting}" + (f" + {depth.held} in hand" if depth.held else "") for name, depth in found.items()
    )


def _failures(found: int | NotKnown) -> str:
    if isinstance(found, NotKnown):
        return _unknown(found)
    return f"<b>{found}</b> (/failures)" if found else "none"


def _alarms(found: Sequence[tuple[str, float]] | NotKnown) -> str:
    if isinstance(found, NotKnown):
        return _unknown(found)
    named = [
        f"<b>{words(name.removesuffix('Alarm'))}</b> since {_hour(since)}" for name, since in found[:_NAMED_ALARMS]
    ]
    more = [f"{len(found) - _NAMED_ALARMS} more"] if len(found) > _NAMED_ALARMS else []
    return ", ".join(named + more) or "none"


def _telegram(found: Health | NotKnown | None, now: float) -> str:
    if isinstance(found, NotKnown):
        return _unknown(found)
    if found is None:
        return "<b>the bot is not registered</b>"
    if found.checked_at is None:
        return "not looked at yet"
    said = [f"{found.pending} pending"]
    if now - found.checked_at > _CHECKED_WITHIN_S:
        said[0] += f" {_ago(now - found.checked_at)}, <b>not checked since</b>"
    match found.webhook:
        case "foreign":
            said.append("<b>the webhook is somebody else's</b>")
        case "unrepaired":
            said.append("<b>the webhook is not set</b>")
        case "repaired":
            said.append("the webhook was set again")
    if found.last_error_at is None:
        said.append("no error")
    else:
        words_of_it = html.escape((found.last_error or "no reason given")[:_SHOWN_ERROR])
        said.append(f"last error {_ago(now - found.last_error_at)}: {words_of_it}")
    return ", ".join(said)


def _unknown(found: NotKnown) -> str:
    return f"not known, {html.escape(found.why)}"


def _hour(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M UTC")


def _ago(seconds: float) -> str:
    """Return how long ago that is, in the largest unit of which it has two, or in seconds."""
    for size_s, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size_s:
            return f"{int(seconds // size_s)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"
