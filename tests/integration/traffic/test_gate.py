"""What comes in passes its gate once, is charged once, and costs one write when all is calm."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from floodgate.aws import AwsCalls
from floodgate.traffic.gate import SLOTS, Admitted, Duplicate, Gate, Gates, Later, OverLimit, Ticket
from floodgate.traffic.limits import Limit
from tests.integration.traffic.conftest import FarCalls, gates_of, operations, run_on, ticket
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from floodgate.traffic.gate import Admission
    from tests.integration.worker.cloud import Cloud

ANN, GROUP = 7001, -1001234567890
#: One each two seconds.
LIMIT = Limit(2.0, 10)
WRITE = "UpdateItem"


def admit(gates: Gates, admitted: Ticket, limit: Limit | None = LIMIT, *, chat: int = ANN, **how: Any) -> Admission:
    """Let an update in."""
    return run(gates.admit(chat, admitted, limit, **how))


def flood(gates: Gates, number: int, limit: Limit | None = LIMIT) -> list[Admission]:
    """Let in the updates 1, 2, 3 … all at once."""
    return [admit(gates, ticket(update_id), limit) for update_id in range(1, number + 1)]


def gate(gates: Gates, chat: int = ANN) -> Gate:
    """Return the gate as it is."""
    return run(gates.look(chat))


def lose_and_ask_again(dynamodb: Any) -> None:
    """Have botocore lose the answer of the next write that succeeds, and ask again, as it does by itself."""
    waits_s = [0.0]

    def lose(response: Any, **_: Any) -> float | None:
        return waits_s.pop() if waits_s and response and "Error" not in response[1] else None

    dynamodb.meta.events.register_first("needs-retry.dynamodb.UpdateItem", lose)


def test_a_calm_update_is_one_write(cloud: Cloud, gates: Gates) -> None:
    """And no read; it is charged."""
    admitted = admit(gates, ticket(1))
    assert admitted == Admitted(Gate(in_tat=cloud.clock() + 2))
    assert operations(cloud) == [WRITE]


def test_so_is_the_next_one_after_a_rest(cloud: Cloud, gates: Gates) -> None:
    """By any worker, for nothing needs to be known."""
    admit(gates, ticket(1))
    cloud.clock.advance(2)
    operations(cloud)
    assert admit(gates_of(cloud), ticket(2)) == Admitted(Gate(in_tat=cloud.clock() + 2))
    assert operations(cloud) == [WRITE]


def test_one_within_a_burst_is_two_writes(cloud: Cloud, gates: Gates) -> None:
    """The refused one brings the gate along."""
    admit(gates, ticket(1))
    operations(cloud)
    assert admit(gates, ticket(2)) == Admitted(Gate(in_tat=cloud.clock() + 4))
    assert operations(cloud) == [WRITE, WRITE]


def test_one_over_the_limit_is_one_write_and_named_its_wait(cloud: Cloud, gates: Gates) -> None:
    """Nothing is charged, and after the wait, no earlier, it is admitted."""
    assert [type(admitted) for admitted in flood(gates, 10)] == [Admitted] * 10
    operations(cloud)
    cloud.clock.advance(0.5)
    assert admit(gates, ticket(11)) == OverLimit(Gate(in_tat=cloud.clock() + 19.5), 1.5)
    assert operations(cloud) == [WRITE]
    cloud.clock.advance(1.25)
    assert admit(gates, ticket(11)) == OverLimit(Gate(in_tat=cloud.clock() + 18.25), 0.25)
    cloud.clock.advance(0.25)
    assert admit(gates, ticket(11)) == Admitted(Gate(in_tat=cloud.clock() + 20))


def test_costs_are_charged(cloud: Cloud, gates: Gates) -> None:
    """Three at once leave room for seven."""
    assert admit(gates, ticket(1), cost=3) == Admitted(Gate(in_tat=cloud.clock() + 6))
    assert admit(gates, ticket(2), cost=8) == OverLimit(Gate(in_tat=cloud.clock() + 6), 2.0)
    assert admit(gates, ticket(3), cost=7) == Admitted(Gate(in_tat=cloud.clock() + 20))


def test_without_a_limit_nothing_is_charged(cloud: Cloud, gates: Gates) -> None:
    """One write each, however many."""
    assert flood(gates, 30, None) == [Admitted(Gate())] * 30
    assert operations(cloud) == [WRITE] * 30


def test_a_redelivery_passes_uncharged(cloud: Cloud, gates: Gates) -> None:
    """Whoever gets the message again, however often."""
    tat = cloud.clock() + 2
    admit(gates, ticket(1))
    for worker in (gates, gates_of(cloud)):
        cloud.clock.advance(120)
        operations(cloud)
        assert admit(worker, ticket(1)) == Admitted(Gate(in_tat=tat), again=True)
        assert operations(cloud) == [WRITE]


def test_a_redelivery_passes_whatever_the_limit_says_by_now(cloud: Cloud, gates: Gates) -> None:
    """It was within the limit when it came."""
    flood(gates, 11)
    assert admit(gates, ticket(3)) == Admitted(Gate(in_tat=cloud.clock() + 20), again=True)
    assert isinstance(admit(gates, ticket(12)), OverLimit)


@pytest.mark.parametrize("before", [0, 1, 9])
def test_what_botocore_asks_again_was_admitted(cloud: Cloud, gates: Gates, before: int) -> None:
    """Its first request did its work, on a calm gate and within a burst; only the answer was lost."""
    flood(gates, before)
    lose_and_ask_again(dynamodb := cloud.client("dynamodb"))
    admitted = admit(Gates(dynamodb, "traffic", AwsCalls(), cloud.clock), ticket(20))
    assert admitted == Admitted(Gate(in_tat=cloud.clock() + 2 * (before + 1)), again=True)
    assert gate(gates).in_tat == cloud.clock() + 2 * (before + 1)


def test_what_was_admitted_with_its_answer_lost_passes_again(cloud: Cloud, gates: Gates) -> None:
    """The worker never learned of it, and SQS hands the message out again."""
    cloud.wire.lost.add(WRITE)
    with pytest.raises(ReadTimeoutError):
        admit(gates, ticket(1))
    assert admit(gates, ticket(1)) == Admitted(Gate(in_tat=cloud.clock() + 2), again=True)


def test_another_message_with_the_same_update_is_a_copy(cloud: Cloud, gates: Gates) -> None:
    """At once, within a burst, after a rest, and over the limit; it charges nothing, and costs one write."""
    admit(gates, ticket(1))
    assert admit(gates, ticket(1, "b")) == Duplicate()
    admit(gates, ticket(2))
    assert [admit(gates, ticket(1, "b")), admit(gates, ticket(2, "c"))] == [Duplicate(), Duplicate()]
    cloud.clock.advance(600)
    assert admit(gates, ticket(1, "b")) == Duplicate()
    for update_id in range(3, 13):
        admit(gates, ticket(update_id))
    operations(cloud)
    assert admit(gates, ticket(1, "b")) == Duplicate()
    assert operations(cloud) == [WRITE]
    assert gate(gates).in_tat == cloud.clock() + 20


@pytest.mark.parametrize("before", [0, 3])
def test_of_two_copies_at_the_same_time_one_passes(cloud: Cloud, gates: Gates, before: int) -> None:
    """On a calm gate and within a burst, whatever the order in which their writes arrive."""
    flood(gates, before)

    async def both(seed: int) -> list[Admission]:
        workers = [gates_of(cloud, FarCalls(seed + number)) for number in range(2)]
        update_id = 100 + seed
        first, second = ticket(update_id, "a"), ticket(update_id, "b")
        admitting = [workers[0].admit(ANN, first, LIMIT), workers[1].admit(ANN, second, LIMIT)]
        return list(await asyncio.gather(*admitting))

    for seed in range(5):
        passed = run_on(cloud, both(seed))
        assert sorted(type(one).__name__ for one in passed) == ["Admitted", "Duplicate"]


def test_a_gate_knows_the_copies_of_its_latest_updates(gates: Gates) -> None:
    """Of the latest 32; older ones are forgotten, which SQS's own five minutes must cover."""
    for update_id in range(500, 500 + SLOTS):
        admit(gates, ticket(update_id), None)
    assert {type(admit(gates, ticket(update_id, "b"), None)) for update_id in range(500, 500 + SLOTS)} == {Duplicate}
    admit(gates, ticket(500 + SLOTS), None)
    assert admit(gates, ticket(501, "b"), None) == Duplicate()
    assert admit(gates, ticket(500, "b"), None) == Admitted(Gate())


def test_numbers_that_begin_alike_are_no_copies(gates: Gates) -> None:
    """3, 35 and 355 share a slot, and their first digit."""
    assert [admit(gates, ticket(update_id), None) for update_id in (355, 35, 3)] == [Admitted(Gate())] * 3
    assert admit(gates, ticket(3, "b"), None) == Duplicate()


def test_gates_know_nothing_of_each_other(gates: Gates) -> None:
    """A person's update is admitted at their gate and at the group's, by the same ticket."""
    for name in (ANN, GROUP, "poll:5"):
        assert isinstance(run(gates.admit(name, ticket(1), LIMIT)), Admitted)
        assert run(gates.admit(name, ticket(1, "b"), LIMIT)) == Duplicate()


def test_a_frozen_chat_lets_nothing_in(cloud: Cloud, gates: Gates) -> None:
    """It is told the rest of the freeze, and charged nothing; a redelivery as well, and a copy is still one."""
    admit(gates, ticket(1))
    run(gates.freeze(ANN, 30))
    frozen = Gate(in_tat=cloud.clock() + 2, frozen_until=cloud.clock() + 30)
    cloud.clock.advance(10)
    assert [admit(gates, ticket(2)), admit(gates, ticket(1))] == [Later(20.0), Later(20.0)]
    assert admit(gates, ticket(1, "b")) == Duplicate()
    assert gate(gates) == frozen
    cloud.clock.advance(20)
    assert isinstance(admit(gates, ticket(2)), Admitted)


def test_what_does_not_mind_passes_a_frozen_chat(cloud: Cloud, gates: Gates) -> None:
    """A person's gate is also that of their private chat, and what is about others may go on."""
    run(gates.freeze(ANN, 30))
    assert admit(gates, ticket(1), if_frozen=True) == Admitted(
        Gate(in_tat=cloud.clock() + 2, frozen_until=cloud.clock() + 30)
    )
    assert admit(gates, ticket(1), if_frozen=True) == Admitted(gate(gates), again=True)


def test_a_reply_is_reserved_only_if_it_may_go_out_at_once(cloud: Cloud, gates: Gates) -> None:
    """The fourth of a burst is admitted without; what it sends goes out a second later."""
    admitting = partial(admit, gates, limit=None, reserve_reply=True)
    passed = [admitting(ticket(update_id)) for update_id in range(1, 5)]
    assert [one.reply_reserved for one in passed if isinstance(one, Admitted)] == [True, True, True, False]
    assert operations(cloud) == [WRITE] * 7
    reserved = run(gates.reserve(ANN, gate(gates), is_group=False, within_s=3))
    assert getattr(reserved, "at", None) == cloud.clock() + 1


def test_a_reply_costs_a_calm_update_nothing(cloud: Cloud, gates: Gates) -> None:
    """One write admits it and reserves; one that is refused reserves nothing."""
    first = admit(gates, ticket(1), Limit(2.0, 1), reserve_reply=True)
    assert operations(cloud) == [WRITE]
    assert isinstance(first, Admitted)
    assert first.gate.lane.tat == cloud.clock() + 1
    assert isinstance(admit(gates, ticket(2), Limit(2.0, 1), reserve_reply=True), OverLimit)
    assert isinstance(admit(gates, ticket(1), Limit(2.0, 1), reserve_reply=True), Admitted)
    assert gate(gates) == first.gate


class Meddler(FarCalls):
    """Somebody else is admitted before each of the worker's writes."""

    def __init__(self, cloud: Cloud) -> None:
        """Others have workers of their own."""
        super().__init__()
        self.others = gates_of(cloud)
        self.number = 1000

    async def run(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        """Let them in first."""
        self.number += 1
        await self.others.admit(ANN, ticket(self.number), Limit(0.01, 100), reserve_reply=True)
        return await super().run(call, *args, **kwargs)


def test_who_is_always_overtaken_steps_back(cloud: Cloud) -> None:
    """It comes later, uncharged; it does not write for ever."""
    calls = Meddler(cloud)
    gates = gates_of(cloud, calls)
    assert run_on(cloud, gates.admit(ANN, ticket(1), Limit(0.01, 100))) == Later(1.0)
    assert calls.number == 1009
    assert "s1" not in cloud.items("traffic")[0]


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "InternalServerError"])
def test_a_store_that_refuses_is_an_error(cloud: Cloud, gates: Gates, code: str) -> None:
    """It is no answer about the update."""
    cloud.wire.faults[WRITE] = [code]
    with pytest.raises(ClientError, match=code):
        admit(gates, ticket(1))
    assert admit(gates, ticket(1)) == Admitted(Gate(in_tat=cloud.clock() + 2))
