"""What goes out reserves its time first, for one write; and what Telegram said of a chat holds for every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from floodgate.traffic.gate import (
    UNREACHABLE_S,
    Admitted,
    Gate,
    Gates,
    Later,
    Moved,
    OverLimit,
    Reservation,
    Reserved,
    Unreachable,
)
from floodgate.traffic.lane import Lane
from floodgate.traffic.limits import Limit
from tests.integration.traffic.conftest import gates_of, operations, start_anew, ticket
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.integration.worker.cloud import Cloud

ANN, GROUP, SUPERGROUP = 7001, -100200, -1001234567890
WRITE, READ = "UpdateItem", "GetItem"
LONG_S = 1000.0


def reserve(
    gates: Gates, seen: Gate | None = None, *, chat: int = ANN, count: int = 1, within_s: float = LONG_S
) -> Reservation:
    """Reserve a send."""
    return run(gates.reserve(chat, seen, count, is_group=chat < 0, within_s=within_s))


def look(gates: Gates, chat: int = ANN) -> Gate:
    """Return the gate as it is."""
    return run(gates.look(chat))


def reserved(reservation: Reservation) -> Reserved:
    """Return what must be a reserved send."""
    assert isinstance(reservation, Reserved)
    return reservation


@pytest.mark.parametrize("chat", [ANN, GROUP])
def test_a_send_into_an_idle_chat_is_one_write(cloud: Cloud, gates: Gates, chat: int) -> None:
    """Nothing need be known of it, and it goes out at once."""
    now = cloud.clock()
    sends = () if chat > 0 else (now,)
    assert reserve(gates, chat=chat) == Reserved(now, Gate(lane=Lane(now + 1, sends)))
    assert operations(cloud) == [WRITE]
    assert look(gates, chat) == Gate(lane=Lane(now + 1, sends))
    cloud.clock.advance(125)
    operations(cloud)
    assert reserved(reserve(gates_of(cloud), chat=chat)).at == cloud.clock()
    assert operations(cloud) == [WRITE]


@pytest.mark.parametrize("chat", [ANN, GROUP])
def test_with_the_gate_as_it_is_each_send_is_one_write(cloud: Cloud, gates: Gates, chat: int) -> None:
    """Its times are those of a lane that nobody shares, fractions and all."""
    cloud.clock.now += 0.123456
    lane, seen = Lane(), None
    for _ in range(25):
        at, lane = lane.reserve(cloud.clock(), is_group=chat < 0)
        found = reserved(reserve(gates, seen, chat=chat))
        seen = found.gate
        assert found.at == pytest.approx(at, abs=0.02)
        assert found.at >= at - 1e-6
    assert operations(cloud) == [WRITE] * 25


@pytest.mark.parametrize("chat", [ANN, GROUP])
def test_a_wrong_guess_is_two_writes(cloud: Cloud, gates: Gates, chat: int) -> None:
    """Nothing known of a busy chat, or something that is no longer so: the refused write brings the gate along."""
    first = reserved(reserve(gates, chat=chat))
    second = reserved(reserve(gates, first.gate, chat=chat))
    for guess in (None, Gate(), first.gate, Gate(lane=Lane(1.0))):
        operations(cloud)
        assert reserved(reserve(gates, guess, chat=chat)).at > second.at - 1
        assert operations(cloud) == [WRITE, WRITE]
    assert look(gates, chat).lane.tat == second.gate.lane.tat + 4


def test_a_gate_that_was_deleted_is_an_idle_one(cloud: Cloud, gates: Gates) -> None:
    """The table may lose it; what was seen of it then is a wrong guess."""
    seen = reserved(reserve(gates)).gate
    start_anew(cloud)
    assert reserve(gates, seen) == Reserved(cloud.clock(), Gate(lane=Lane(cloud.clock() + 1)))
    assert operations(cloud) == [WRITE, WRITE]


def test_what_would_go_out_too_late_reserves_nothing(cloud: Cloud, gates: Gates) -> None:
    """It is told when; with the gate as it is, for no request at all."""
    seen = reserved(reserve(gates, count=10)).gate
    operations(cloud)
    assert reserve(gates, seen, within_s=7.9) == Later(8.0)
    assert operations(cloud) == []
    assert reserve(gates, None, within_s=7.9) == Later(8.0)
    assert operations(cloud) == [WRITE]
    assert reserved(reserve(gates, seen, within_s=8.0)).at == cloud.clock() + 8


def test_a_group_is_written_to_twenty_times_a_minute(cloud: Cloud, gates: Gates) -> None:
    """The twenty-first waits for the first to be 61 s old, whatever worker it is at."""
    for _ in range(20):
        seen = reserved(reserve(gates, chat=GROUP)).gate
        cloud.clock.advance(1)
    assert reserve(gates, seen, chat=GROUP, within_s=3) == Later(41.0)
    assert reserve(gates_of(cloud), chat=GROUP, within_s=3) == Later(41.0)
    cloud.clock.advance(41)
    assert reserved(reserve(gates_of(cloud), chat=GROUP, within_s=0)).at == cloud.clock()


def test_sends_are_remembered_to_the_hundredth_and_never_earlier(cloud: Cloud, gates: Gates) -> None:
    """However often they are read and written again."""
    cloud.clock.now += 0.001
    for _ in range(20):
        reserve(gates, chat=GROUP)
    assert look(gates, GROUP).lane.sends[0] == cloud.clock() + 0.009


@pytest.mark.parametrize("guess", [None, Gate()])
def test_a_frozen_chat_is_sent_to_after_its_freeze(cloud: Cloud, gates: Gates, guess: Gate | None) -> None:
    """If that is soon; else it is told when."""
    run(gates.freeze(ANN, 2.5))
    assert reserve(gates, guess, within_s=2) == Later(2.5)
    assert reserved(reserve(gates, guess, within_s=3)).at == cloud.clock() + 2.5


def test_a_freeze_only_ever_extends(cloud: Cloud, gates: Gates) -> None:
    """A shorter one changes nothing; and the gate is kept until the longest is over."""
    now = cloud.clock()
    for seconds, until in ((60, 60), (10, 60), (61, 61), (10**7, 10**7)):
        run(gates.freeze(ANN, seconds))
        assert look(gates) == Gate(frozen_until=now + until)
    assert int(cloud.items("traffic")[0]["expires_at"]["N"]) > now + 10**7


def test_a_closed_chat_is_not_written_to(cloud: Cloud, gates: Gates) -> None:
    """By no worker, guess right or wrong, until it says that it is back."""
    seen = reserved(reserve(gates)).gate
    run(gates.close(ANN))
    for guess in (None, seen, look(gates)):
        assert reserve(gates_of(cloud), guess) == Unreachable()
    back = run(gates.admit(ANN, ticket(1), None, closed_at=0))
    assert isinstance(back, Admitted)
    assert back.gate.closed_at == 0
    assert isinstance(reserve(gates), Reserved)


def test_an_update_can_close_its_chat(cloud: Cloud, gates: Gates) -> None:
    """Somebody has blocked the bot; other updates say nothing of that, and a month later it may be tried again."""
    run(gates.admit(ANN, ticket(1), None, closed_at=cloud.clock()))
    assert reserve(gates) == Unreachable()
    assert isinstance(run(gates.admit(ANN, ticket(2), None)), Admitted)
    assert reserve(gates) == Unreachable()
    cloud.clock.advance(UNREACHABLE_S)
    assert isinstance(reserve(gates, look(gates)), Reserved)
    assert isinstance(reserve(gates), Reserved)


def test_one_is_told_once_a_period(cloud: Cloud, gates: Gates) -> None:
    """Whichever worker asks; one write each."""
    other = gates_of(cloud)
    assert [run(worker.may_tell(ANN, 300)) for worker in (gates, other, gates)] == [True, False, False]
    cloud.clock.advance(299.5)
    assert not run(other.may_tell(ANN, 300))
    cloud.clock.advance(0.5)
    assert [run(worker.may_tell(ANN, 300)) for worker in (other, gates)] == [True, False]
    assert operations(cloud) == [WRITE] * 6


def full(gates: Gates, chat: int) -> Gate:
    """Have somebody flood the group and the bot write to it; return its gate."""
    for update_id in range(3):
        run(gates.admit(chat, ticket(update_id), Limit(2.0, 3)))
    for _ in range(4):
        reserve(gates, chat=chat)
    run(gates.freeze(chat, 30))
    run(gates.may_tell(chat, 300))
    return look(gates, chat)


def test_a_supergroup_goes_on_where_its_group_stood(cloud: Cloud, gates: Gates) -> None:
    """What is for the group goes there, and the group's limits, freeze and quiet hold there."""
    before = full(gates, GROUP)
    run(gates.move(GROUP, SUPERGROUP))
    assert look(gates, SUPERGROUP) == before
    for guess in (None, before, look(gates, GROUP)):
        assert reserve(gates_of(cloud), guess, chat=GROUP) == Moved(SUPERGROUP)


def test_its_limit_is_not_new(gates: Gates) -> None:
    """Who was over it in the group is over it in the supergroup."""
    full(gates, GROUP)
    run(gates.move(GROUP, SUPERGROUP))
    assert isinstance(run(gates.admit(SUPERGROUP, ticket(9), Limit(2.0, 3), if_frozen=True)), OverLimit)


def test_moving_again_changes_nothing(cloud: Cloud, gates: Gates) -> None:
    """Whoever learns of it says so; it costs a read, and what the supergroup did meanwhile stays."""
    full(gates, GROUP)
    run(gates.move(GROUP, SUPERGROUP))
    cloud.clock.advance(100)
    reserve(gates, chat=SUPERGROUP)
    meanwhile = look(gates, SUPERGROUP)
    operations(cloud)
    run(gates_of(cloud).move(GROUP, SUPERGROUP))
    assert operations(cloud) == [READ]
    assert look(gates, SUPERGROUP) == meanwhile


def test_what_the_supergroup_has_already_is_kept(cloud: Cloud, gates: Gates) -> None:
    """Somebody wrote there before anybody learned that it had moved."""
    full(gates, GROUP)
    cloud.clock.advance(5)
    run(gates.admit(SUPERGROUP, ticket(50), Limit(2.0, 3)))
    reserve(gates, chat=SUPERGROUP)
    own = look(gates, SUPERGROUP)
    run(gates.move(GROUP, SUPERGROUP))
    moved = look(gates, SUPERGROUP)
    assert (moved.in_tat, moved.lane) == (own.in_tat, own.lane)
    assert moved.frozen_until == look(gates, GROUP).frozen_until


def test_half_a_move_is_finished_by_the_next(cloud: Cloud, gates: Gates) -> None:
    """The old gate is written last, so that nobody is sent to one that knows nothing."""
    before = full(gates, GROUP)
    cloud.wire.lost.add(WRITE)
    with pytest.raises(ReadTimeoutError):
        run(gates.move(GROUP, SUPERGROUP))
    assert look(gates, GROUP) == before
    run(gates.move(GROUP, SUPERGROUP))
    assert look(gates, SUPERGROUP) == before
    assert look(gates, GROUP).migrated_to == SUPERGROUP


@pytest.mark.parametrize("operation", [WRITE, READ])
def test_a_store_that_refuses_is_an_error(cloud: Cloud, gates: Gates, operation: str) -> None:
    """Nobody sends because nobody could say no."""
    writing: list[Callable[[], Coroutine[Any, Any, Any]]] = [
        lambda: gates.freeze(ANN, 1),
        lambda: gates.close(ANN),
        lambda: gates.may_tell(ANN, 1),
        lambda: gates.reserve(ANN, None, is_group=False, within_s=3),
    ]
    for ask in (lambda: gates.move(ANN, GROUP), *(writing if operation == WRITE else [lambda: gates.look(ANN)])):
        cloud.wire.faults[operation] = ["ProvisionedThroughputExceededException"]
        with pytest.raises(ClientError, match="ProvisionedThroughput"):
            run(ask())
