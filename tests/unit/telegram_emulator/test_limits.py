"""The limits on sending, driven without the emulator."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from local.telegram.limits import SendLimits

GROUP = -100


class Time:
    """A time that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


def test_a_burst_passes_and_then_one_a_second() -> None:
    """Five sends to an idle chat pass at once, the sixth must wait a second, and then passes."""
    time = Time()
    limits = SendLimits(time)
    assert [limits.send(1) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    time.now += 1
    assert [limits.send(1), limits.send(1)] == [0, 1]


def test_chats_do_not_share_their_second() -> None:
    """A chat that used up its burst leaves another's alone."""
    limits = SendLimits(Time())
    assert [limits.send(1) for _ in range(6)][-1] == 1
    assert limits.send(2) == 0


def test_a_group_takes_twenty_a_minute() -> None:
    """After 20 sends in 20 s a group refuses until the first is a minute old."""
    time = Time()
    limits = SendLimits(time)
    for _ in range(20):
        assert limits.send(GROUP) == 0
        time.now += 1
    assert limits.send(GROUP) == 40
    time.now += 40
    assert limits.send(GROUP) == 0


def test_bulk_sends_stop_at_thirty_a_second() -> None:
    """The 31st chat written to in a second, unasked, must wait; paid for, it passes."""
    time = Time()
    limits = SendLimits(time)
    assert [limits.send(chat_id) for chat_id in range(1, 32)] == [0] * 30 + [1]
    assert limits.send(32, paid=True) == 0
    time.now += 1
    assert limits.send(31) == 0


def test_replies_are_not_counted_as_bulk() -> None:
    """A hundred chats that spoke all get their reply in the same second, late as it may be, and a second message."""
    time = Time()
    limits = SendLimits(time)
    for chat_id in range(1, 101):
        limits.heard(chat_id)
    time.now += 500
    assert {limits.send(chat_id) for chat_id in range(1, 101) for _ in range(2)} == {0}


def test_an_answered_chat_is_bulk_again() -> None:
    """Some seconds after its reply a chat counts as bulk."""
    time = Time()
    limits = SendLimits(time)
    for chat_id in range(1, 32):
        limits.heard(chat_id)
        limits.send(chat_id)
    time.now += 4
    assert [limits.send(chat_id) for chat_id in range(1, 32)] == [0] * 30 + [1]


def test_an_edit_takes_its_place_in_the_chat() -> None:
    """Edits and sends share a chat's burst, its second and a group's minute."""
    time = Time()
    limits = SendLimits(time)
    assert [limits.send(1), limits.edit(1), limits.send(1), limits.edit(1), limits.edit(1)] == [0] * 5
    assert [limits.edit(1), limits.send(1)] == [1, 1]
    for _ in range(10):
        assert [limits.send(GROUP), limits.edit(GROUP)] == [0, 0]
        time.now += 2
    assert [limits.edit(GROUP), limits.send(GROUP)] == [40, 40]


def test_edits_are_not_bulk() -> None:
    """A hundred chats can be edited in a second, and thirty others still be written to."""
    limits = SendLimits(Time())
    assert {limits.edit(chat_id) for chat_id in range(1, 101)} == {0}
    assert [limits.send(chat_id) for chat_id in range(101, 132)] == [0] * 30 + [1]


def test_an_edit_is_the_reply_to_what_was_heard() -> None:
    """After an edit answered a chat its sends are replies for some seconds, and bulk again later."""
    time = Time()
    limits = SendLimits(time)
    for chat_id in range(1, 32):
        limits.heard(chat_id)
        limits.edit(chat_id)
    assert {limits.send(chat_id) for chat_id in range(1, 32)} == {0}
    time.now += 4
    assert [limits.send(chat_id) for chat_id in range(1, 32)] == [0] * 30 + [1]


def test_an_album_is_admitted_whole_and_paid_afterwards() -> None:
    """Ten messages at once pass on an idle chat, and the next send waits for them."""
    limits = SendLimits(Time())
    assert [limits.send(1, 10), limits.send(1)] == [0, 6]


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=80))
def test_no_pause_pattern_beats_the_limits(pauses: list[tuple[float, bool]]) -> None:
    """Whatever the pauses, sends and edits in a group are at most 20 in any 60 s and 5 + t in any t seconds."""
    time = Time()
    limits = SendLimits(time)
    sent = []
    for pause, is_edit in pauses:
        time.now += pause
        if (limits.edit if is_edit else limits.send)(GROUP) == 0:
            sent.append(time.now)
    for first, last in itertools.combinations(range(len(sent)), 2):
        span, count = sent[last] - sent[first], last - first + 1
        assert count <= 5 + span + 1e-6
        assert count <= 20 or span >= 60 - 1e-6


@given(st.lists(st.floats(0, 2), max_size=60), st.sampled_from([1, GROUP]))
def test_who_waits_as_told_is_admitted(pauses: list[float], chat_id: int) -> None:
    """A send refused with retry_after n passes n seconds later."""
    time = Time()
    limits = SendLimits(time)
    for pause in pauses:
        time.now += pause
        if wait_s := limits.send(chat_id):
            time.now += wait_s
            assert limits.send(chat_id) == 0
