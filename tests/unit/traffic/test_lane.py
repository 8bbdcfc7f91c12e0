"""What goes out when the lane says so is never refused, held against the limits that the emulator enforces.

The emulator knows the lane's constants no more than Telegram does: it counts what arrives, when it arrives, which is up
to 0.9 s after the lane's time, each message by a delay of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.traffic.lane import Lane
from floodgate.traffic.limits import GROUP_MESSAGES, GROUP_WINDOW_S
from local.telegram.limits import CHAT_BURST, SendLimits

BASE = 1_781_136_000.0
PRIVATE, GROUP = 7001, -100


@dataclass(frozen=True)
class Wish:
    """Somebody wants to send so many messages, so long after the wish before it; perhaps the chat is frozen first."""

    gap_s: float
    count: int
    frozen_s: float
    delay_s: float


def wishes(counts: st.SearchStrategy[int]) -> st.SearchStrategy[list[Wish]]:
    """Return any pattern: floods, rests, and everything between."""
    gaps = st.just(0.0) | st.floats(0, 3) | st.floats(0, 130)
    freezes = st.just(0.0) | st.floats(0, 100)
    one = st.builds(Wish, gap_s=gaps, count=counts, frozen_s=freezes, delay_s=st.floats(0, 0.9))
    return st.lists(one, max_size=70)


singles = st.just(1)
albums = st.just(1) | st.integers(1, 10)
chats = st.sampled_from([PRIVATE, GROUP])


def reserved(pattern: list[Wish], chat: int) -> list[float]:
    """Return the lane's time for each of the wishes."""
    lane, now, frozen_until, times = Lane(), BASE, 0.0, []
    for wish in pattern:
        now += wish.gap_s
        if wish.frozen_s:
            frozen_until = max(frozen_until, now + wish.frozen_s)
        at, lane = lane.reserve(max(now, frozen_until), wish.count, is_group=chat < 0)
        assert at >= now
        times.append(at)
    return times


def refusals(pattern: list[Wish], chat: int, *, paid: bool = False) -> list[int]:
    """Send it all, and return how long Telegram says to wait where it refuses."""
    arrivals = sorted(
        (at + wish.delay_s, wish.count) for at, wish in zip(reserved(pattern, chat), pattern, strict=True)
    )
    now = BASE
    limits = SendLimits(lambda: now, chat_burst=CHAT_BURST - 1)  # stricter than it is, for nobody knows Telegram's
    answers = []
    for now, count in arrivals:  # noqa: B007 - the clock reads it
        answers.append(limits.send(chat, count, paid=paid))
    return [wait_s for wait_s in answers if wait_s]


@given(wishes(singles), chats)
def test_no_message_is_ever_refused(pattern: list[Wish], chat: int) -> None:
    """Whatever is wanted when, in a private chat and in a group, and though the messages arrive late and unordered."""
    assert refusals(pattern, chat) == []


@given(wishes(albums), chats)
def test_no_album_is_ever_refused(pattern: list[Wish], chat: int) -> None:
    """An album counts as many messages, and nothing that follows it comes too early."""
    assert refusals(pattern, chat) == []


@given(wishes(st.integers(1, 100)), chats)
def test_no_hundred_forwarded_at_once_are_refused(pattern: list[Wish], chat: int) -> None:
    """As many as one call may forward or copy; paid for, as 30 a second in bulk are another limit's business."""
    assert refusals(pattern, chat, paid=True) == []


@given(wishes(albums), chats)
def test_reservations_never_overtake(pattern: list[Wish], chat: int) -> None:
    """Who comes later goes out later, or at the same time."""
    times = reserved(pattern, chat)
    assert times == sorted(times)


@given(wishes(albums))
def test_a_group_is_never_written_to_more_often_than_its_window_allows(pattern: list[Wish]) -> None:
    """By the lane's own times: at most 20 messages in any 61 s, or one album that is larger."""
    sends = list(zip(reserved(pattern, GROUP), pattern, strict=True))
    for begins, _ in sends:
        within = sum(wish.count for at, wish in sends if begins <= at < begins + GROUP_WINDOW_S)
        assert within <= GROUP_MESSAGES


@given(wishes(albums))
def test_a_group_remembers_no_more_than_it_needs(pattern: list[Wish]) -> None:
    """Twenty times at most, oldest first, and a private chat none."""
    for chat in (PRIVATE, GROUP):
        lane, now = Lane(), BASE
        for wish in pattern:
            now += wish.gap_s
            _, lane = lane.reserve(now, wish.count, is_group=chat < 0)
            assert list(lane.sends) == sorted(lane.sends)
            assert len(lane.sends) <= (GROUP_MESSAGES if chat < 0 else 0)


@given(st.floats(0, 200), st.integers(1, 10), chats)
def test_a_time_is_never_before_the_wish(later_s: float, count: int, chat: int) -> None:
    """An idle lane gives the time that it is, however long it was idle."""
    _, lane = Lane().reserve(BASE, count, is_group=chat < 0)
    at, _ = lane.reserve(BASE + 200 + later_s, count, is_group=chat < 0)
    assert at == BASE + 200 + later_s


@pytest.mark.parametrize(("chat", "least_per_s"), [(PRIVATE, 0.95), (GROUP, 0.95 * 20 / 60)])
def test_what_is_allowed_is_used(chat: int, least_per_s: float) -> None:
    """With more to say than fits, a chat is written to at 95 % of what Telegram allows, or more."""
    number = 2000
    times = reserved([Wish(0.0, 1, 0.0, 0.0)] * number, chat)
    assert number / (times[-1] - times[0]) >= least_per_s


def test_three_go_out_at_once_and_then_one_a_second() -> None:
    """In a private chat, after a rest."""
    times = reserved([Wish(0.0, 1, 0.0, 0.0)] * 6, PRIVATE)
    assert [at - BASE for at in times] == [0, 0, 0, 1, 2, 3]


def test_a_group_waits_for_its_window() -> None:
    """Twenty at the pace of any chat; the next when the first is 61 s old, and so on."""
    times = [at - BASE for at in reserved([Wish(0.0, 1, 0.0, 0.0)] * 42, GROUP)]
    first = [0, 0, *range(18)]
    assert times == [*first, *(61 + at for at in first), 122, 122]


def test_an_album_goes_out_when_there_is_room_for_all_of_it() -> None:
    """Two beside one, but not three: arriving first, they would leave no room for the one."""
    for count, later_s in ((2, 0), (3, 1), (10, 1)):
        assert reserved([Wish(0.0, 1, 0.0, 0.0), Wish(0.0, count, 0.0, 0.0)], PRIVATE)[-1] - BASE == later_s


def test_an_album_holds_up_what_comes_after_it() -> None:
    """Ten messages take ten seconds, of which the burst is let off."""
    times = reserved([Wish(0.0, 10, 0.0, 0.0), Wish(0.0, 1, 0.0, 0.0)], PRIVATE)
    assert [at - BASE for at in times] == [0, 8]


def test_an_album_waits_until_all_of_it_fits_into_the_window() -> None:
    """After fifteen messages ten more wait for the five oldest of them."""
    pattern = [Wish(1.0, 1, 0.0, 0.0)] * 15 + [Wish(0.0, 10, 0.0, 0.0)]
    assert reserved(pattern, GROUP)[-1] == BASE + 5 + GROUP_WINDOW_S


def test_nothing_goes_out_before_a_freeze_is_over() -> None:
    """What was wanted meanwhile goes out after it, at the pace of any chat."""
    pattern = [Wish(0.0, 1, 30.0, 0.0)] + [Wish(1.0, 1, 0.0, 0.0)] * 4
    assert [at - BASE for at in reserved(pattern, PRIVATE)] == [30, 30, 30, 31, 32]
