"""Where each update is: at one station, whatever is heard, in whatever order, and whatever is not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.machine.ways import About, Station, Told, Ways, told_by

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = Told("done")
BUG = Told("bug", is_retried=True)
DEAD = Told("bug", reference="K7QM2-XWD3A")
LIMITED = Told("drop", reason="user_limit")
COPY = Told("drop", reason="duplicate")


def _station(ways: Ways, update_id: int = 1) -> Station:
    way = ways.get(update_id)
    assert way is not None
    return way.station


def _accepted(ways: Ways, update_id: int = 1) -> None:
    ways.arrived(update_id, 10, About())
    ways.accepted(update_id, 11)


def _tried(ways: Ways, told: Told | None = DONE, *, put_back: bool = False, failed: bool = False) -> None:
    """Have a worker take update 1 in hand, and tell of it."""
    ways.began("a", 12, {"m1": 1})
    assert _station(ways) is Station.WORK
    ways.ended("a", 13, told={1: told} if told else {}, put_back=["m1"] if put_back else [], has_failed=failed)


def test_an_update_goes_its_way() -> None:
    """It arises, is accepted, worked on and answered, and its times say when."""
    ways = Ways()
    ways.arrived(1, 10, About("message", "Ann", "/start"))
    assert _station(ways) is Station.TELEGRAM
    ways.accepted(1, 11)
    assert _station(ways) is Station.WAITING
    _tried(ways, Told("done", took_s=0.5))
    way = ways.get(1)
    assert way is not None
    assert way.station is Station.ANSWERED
    assert (way.arrived_at, way.accepted_at, way.began_at, way.ended_at) == (10, 11, 12, 13)
    assert (way.about.who, way.tries, way.worked_s) == ("Ann", 1, 0.5)


@pytest.mark.parametrize(
    ("told", "put_back", "station"),
    [
        (DONE, False, Station.ANSWERED),
        (None, False, Station.ANSWERED),
        (BUG, True, Station.BACK),
        (None, True, Station.BACK),
        (LIMITED, False, Station.DROPPED),
        (DEAD, False, Station.DEAD),
    ],
    ids=["done", "done, as a worker found", "failed", "not tried", "limited", "given up"],
)
def test_what_a_worker_says_is_where_it_is(told: Told | None, *, put_back: bool, station: Station) -> None:
    """The line `update` and the ids that were put back decide."""
    ways = Ways()
    _accepted(ways)
    _tried(ways, told, put_back=put_back)
    assert _station(ways) is station


def test_a_killed_workers_updates_are_back() -> None:
    """All that a failed invocation had in hand goes back, whatever it had said."""
    ways = Ways()
    _accepted(ways)
    _tried(ways, None, failed=True)
    assert _station(ways) is Station.BACK
    _tried(ways)
    assert _station(ways) is Station.ANSWERED


def test_a_worker_that_never_ends_is_overtaken() -> None:
    """Another invocation that has the update in hand is the one whose end counts."""
    ways = Ways()
    _accepted(ways)
    ways.began("dead", 12, {"m1": 1})
    ways.began("living", 50, {"m1": 1})
    ways.ended("dead", 51, told={}, put_back=[], has_failed=True)
    assert _station(ways) is Station.WORK
    ways.ended("living", 52, told={1: DONE}, put_back=[], has_failed=False)
    assert _station(ways) is Station.ANSWERED


def test_a_copy_leaves_the_answer_an_answer() -> None:
    """An answered update that comes a second time is answered still, and not dropped."""
    ways = Ways()
    _accepted(ways)
    _tried(ways)
    _tried(ways, COPY)
    assert _station(ways) is Station.ANSWERED


def test_an_update_that_an_admin_retries_is_answered_in_the_end() -> None:
    """What was dead is in work again, and then what came of it."""
    ways = Ways()
    _accepted(ways)
    _tried(ways, DEAD)
    _tried(ways, DONE)
    assert _station(ways) is Station.ANSWERED


def test_what_is_heard_late_moves_nothing_back() -> None:
    """A worker may be faster than the webhook's answer, and the feed than Telegram."""
    ways = Ways()
    ways.began("a", 12, {"m1": 1})
    ways.arrived(1, 10, About("message", "Ann"))
    ways.accepted(1, 13)
    way = ways.get(1)
    assert way is not None
    assert (way.station, way.arrived_at, way.accepted_at, way.about.who) == (Station.WORK, 10, 13, "Ann")


def test_an_end_without_a_beginning_is_believed() -> None:
    """What is read from the middle of a feed ends the updates that its lines name."""
    ways = Ways()
    _accepted(ways)
    ways.ended("unknown", 13, told={1: DONE, 99: DONE}, put_back=["m9"], has_failed=False)
    assert _station(ways) is Station.ANSWERED
    assert ways.get(99) is None


def test_an_id_that_is_used_again_is_another_update() -> None:
    """A new Telegram may count from the same number, or somebody send the same update twice."""
    ways = Ways()
    _accepted(ways)
    _tried(ways)
    ways.arrived(1, 100, About("message", "Bob"))
    way = ways.get(1)
    assert way is not None
    assert (way.station, way.arrived_at, way.tries, way.about.who) == (Station.TELEGRAM, 100, 0, "Bob")
    assert sum(ways.now_at().values()) == 1


def test_an_empty_queue_loses_what_it_should_hold() -> None:
    """What nobody was heard of since before the queue was seen empty is lost; what Telegram holds is not."""
    ways = Ways()
    _accepted(ways, 1)
    ways.arrived(2, 11, About())
    ways.arrived(3, 12, About())
    ways.accepted(3, 21)
    assert ways.expects_a_queue
    assert [way.update_id for way in ways.settle(20)] == [1]
    assert [_station(ways, update_id) for update_id in (1, 2, 3)] == [Station.LOST, Station.TELEGRAM, Station.WAITING]


def test_what_telegram_gives_up_is_dropped() -> None:
    """An update that expires undelivered is dropped; one that a worker has is not."""
    ways = Ways()
    ways.arrived(1, 10, About())
    ways.arrived(2, 10, About())
    ways.began("a", 11, {"m2": 2})
    for update_id in (1, 2):
        ways.given_up_by_telegram(update_id, 12, "expired")
    assert [_station(ways, update_id) for update_id in (1, 2)] == [Station.DROPPED, Station.WORK]


def test_lines_tell_of_updates() -> None:
    """Only lines `update` count, and an update's last one."""
    lines: list[dict[str, Any]] = [
        {"message": "update", "update_id": 1, "outcome": "retry", "attempts": 1, "took_s": 0.5, "error": "TimedOut"},
        {"message": "update", "update_id": 1, "outcome": "done", "attempts": 1, "took_s": 1, "handler": "bot.start"},
        {"message": "update", "update_id": 2, "outcome": "bug", "reference": "K7QM2-XWD3A"},
        {"message": "chat frozen by Telegram", "update_id": 3},
        {"message": "update", "outcome": "poison"},
    ]
    told = told_by(lines)
    assert {update_id: one.leads_to for update_id, one in told.items()} == {1: Station.ANSWERED, 2: Station.DEAD}
    assert (told[1].handler, told[1].attempts, told[1].took_s) == ("bot.start", 1, 1.0)


_IDS = st.integers(1, 4)
_INVOCATIONS = st.sampled_from("abc")
_TOLD = st.sampled_from([DONE, BUG, DEAD, LIMITED, COPY, Told("wait", is_retried=True)])
_MESSAGES = st.dictionaries(st.sampled_from(["m1", "m2", "m3"]), _IDS)


def _event(name: str, **arguments: Any) -> Callable[[Ways], object]:
    def happen(ways: Ways) -> object:
        return getattr(ways, name)(**arguments)

    return happen


_AT = st.floats(0, 100)
_EVENTS = st.one_of(
    st.builds(_event, st.just("arrived"), update_id=_IDS, at=_AT, about=st.just(About())),
    st.builds(_event, st.just("accepted"), update_id=_IDS, at=_AT),
    st.builds(_event, st.just("refused"), update_id=_IDS, at=_AT, why=st.just("500")),
    st.builds(_event, st.just("given_up_by_telegram"), update_id=_IDS, at=_AT, why=st.just("expired")),
    st.builds(_event, st.just("began"), invocation=_INVOCATIONS, at=_AT, messages=_MESSAGES),
    st.builds(
        _event, st.just("ended"), invocation=_INVOCATIONS, at=_AT, told=st.dictionaries(_IDS, _TOLD),
        put_back=st.lists(st.sampled_from(["m1", "m2", "m9"])), has_failed=st.booleans(),
    ),
    st.builds(_event, st.just("settle"), emptied_at=_AT),
)  # fmt: skip


@given(st.lists(_EVENTS, max_size=60))
def test_an_update_is_at_exactly_one_station(events: list[Callable[[Ways], object]]) -> None:
    """Whatever is heard in whatever order, the stations' numbers are those of the updates, and none is negative."""
    ways = Ways(unfinished=3, finished=2)
    for happen in events:
        happen(ways)
        remembered = [way for update_id in range(1, 5) if (way := ways.get(update_id)) is not None]
        numbers = {station: number for station, number in ways.now_at().items() if number}
        assert numbers == Counter(way.station for way in remembered)
        assert len(remembered) <= 5


@given(st.lists(_EVENTS, max_size=40))
def test_nothing_stays_in_a_queue_that_is_empty(events: list[Callable[[Ways], object]]) -> None:
    """Whatever was lost, once a queue is seen empty nothing is thought to be in it."""
    ways = Ways()
    for happen in events:
        happen(ways)
    ways.settle(1_000)
    assert not ways.expects_a_queue


def test_memory_is_bounded() -> None:
    """Updates, and invocations that never end, are forgotten, the oldest first."""
    ways = Ways(unfinished=100, finished=10)
    for update_id in range(5_000):
        ways.arrived(update_id, update_id, About())
        ways.began(f"i{update_id}", update_id, {f"m{update_id}": update_id})
        if update_id % 2:
            ways.ended(f"i{update_id}", update_id, told={update_id: DONE}, put_back=[], has_failed=False)
    remembered = [update_id for update_id in range(5_000) if ways.get(update_id)]
    assert len(remembered) == 109
    # The last but one was the hundred and first when the last came, before it was answered.
    assert ways.now_at() == {**dict.fromkeys(Station, 0), Station.WORK: 99, Station.ANSWERED: 10}
