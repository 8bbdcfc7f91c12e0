"""What the admin is shown of a broadcast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from floodgate.announcements.progress import Count, duration, panel, preview
from floodgate.state.broadcasts import Broadcast
from floodgate.traffic.bulk import bulk_groups

DRAFT = Broadcast("0123456789ab", 900, 5, "", 100_000, 0.0, ("bulk",))
UNKNOWN = (
    "Unknown means that Telegram did not answer in time, or that a worker or its connection died just then: "
    "they may have it, or not."
)
HALF = Count(claimed=50_010, sent=49_000, blocked=900, failed=75, unknown=25)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (89, "89 s"), (90, "2 min"), (3509, "58 min"), (5399, "90 min"), (7200, "2.0 h")],
)
def test_a_time_is_as_exact_as_it_is_known(seconds: float, words: str) -> None:
    """Seconds, minutes, hours."""
    assert duration(seconds) == words


def test_the_question_says_how_long_it_takes() -> None:
    """By the pace, and what is to go out before."""
    assert preview(DRAFT, 0)[0] == "This goes to 100000 subscribers. It takes about 58 min."
    paid = replace(DRAFT, groups=bulk_groups(paid=True))
    assert preview(paid, 1)[0] == (
        "This goes to 100000 subscribers. It takes about 2 min.\nIt waits for another broadcast first."
    )


@pytest.mark.parametrize(
    ("changes", "lines", "labels"),
    [
        ({"state": "queued"}, ["📣 Starting"], ["Pause", "Cancel"]),
        (
            {"state": "running"},
            ["📣 Sending", "49000 of 100000 sent · 900 blocked · 75 failed · 25 unknown"],
            ["Pause", "Cancel"],
        ),
        ({"state": "running", "round": 1}, ["📣 Sending to the unknown"], ["Pause", "Cancel"]),
        ({"state": "paused"}, ["📣 Paused"], ["Resume", "Cancel"]),
        ({"state": "paused", "note": "it rains"}, ["📣 Paused", "Stopped: it rains."], ["Resume", "Cancel"]),
        ({"state": "cancelled"}, ["📣 Cancelling"], []),
        (
            {"state": "cancelled", "ended_at": 9.0},
            ["📣 Cancelled", "About 49990 were not sent to."],
            ["Send to the 25 unknown"],
        ),
        ({"state": "finished", "ended_at": 9.0}, ["📣 Done"], ["Send to the 25 unknown"]),
        ({"state": "finished", "ended_at": 9.0, "round": 1}, ["📣 Done", UNKNOWN], []),
    ],
)
def test_each_state_has_its_words_and_buttons(
    changes: dict[str, str | int | float], lines: list[str], labels: list[str]
) -> None:
    """Only what can be done is offered."""
    text, buttons = panel(replace(DRAFT, **changes), HALF)  # type: ignore[arg-type] # whichever they are
    assert [line for line in lines if line not in text.splitlines()] == []
    assert [one.text for row in (buttons.inline_keyboard if buttons else ()) for one in row] == labels


@pytest.mark.parametrize(
    ("claimed", "words"),
    [
        (0, "100000 were not sent to."),
        (99_998, "About 2 were not sent to."),
        (99_999, "About 1 was not sent to."),
    ],
)
def test_those_not_sent_to_are_told_as_well_as_they_are_known(claimed: int, words: str) -> None:
    """Exactly if nobody was sent to; else some of them may have come or gone meanwhile."""
    cancelled = replace(DRAFT, state="cancelled", ended_at=9.0)
    assert panel(cancelled, Count(claimed=claimed, sent=claimed))[0].splitlines()[2:] == [words]
    assert panel(replace(DRAFT, expected=1, state="cancelled"), Count())[0].splitlines()[2:] == ["1 was not sent to."]


def test_one_that_waits_cannot_be_paused() -> None:
    """It does not go out yet."""
    _, buttons = panel(replace(DRAFT, state="queued"), Count(), before=1)
    assert [one.text for row in (buttons.inline_keyboard if buttons else ()) for one in row] == ["Cancel"]


def test_what_is_left_of_a_second_round_can_be_sent_to() -> None:
    """If it was cancelled before all had their turn."""
    cancelled = replace(DRAFT, state="cancelled", ended_at=9.0, round=1)
    _, buttons = panel(cancelled, replace(HALF, rest=1))
    assert buttons is not None
    assert [one.text for row in buttons.inline_keyboard for one in row] == ["Send to the rest of the unknown"]
    assert panel(cancelled, HALF)[1] is None


def test_the_rate_says_when_it_ends() -> None:
    """Of those that are left."""
    text, _ = panel(replace(DRAFT, state="running"), HALF, rate=28.4)
    assert text.splitlines()[-1] == "28.4 a second, about 29 min left"
