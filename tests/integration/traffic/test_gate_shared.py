"""Gates that several workers write at the same time, and what an item costs when it holds all that it can.

Their requests take time on virtual time and mix in every order that a seed makes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floodgate.traffic.gate import SLOTS, Admitted, Duplicate, Later, OverLimit, Reserved
from floodgate.traffic.gcra import charge
from floodgate.traffic.limits import Limit
from local.telegram.limits import SendLimits
from tests.integration.traffic.conftest import FarCalls, gates_of, operations, run_on, start_anew, ticket
from tests.unit.delivery.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from floodgate.traffic.gate import Admission, Gates
    from tests.integration.worker.cloud import Cloud

ANN, SUPERGROUP = 7001, -1001234567890
few = partial(settings, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fleet(cloud: Cloud, number: int) -> list[Gates]:
    """Return the gates of several workers, far from the table."""
    return [gates_of(cloud, FarCalls(seed)) for seed in range(number)]


@pytest.mark.parametrize("number", [6, 14])
def test_what_many_groups_bring_of_one_person_is_charged_exactly(cloud: Cloud, number: int) -> None:
    """Each of the admitted once, at whatever worker; who was refused or always overtaken is charged nothing."""
    workers = fleet(cloud, number)
    limit = Limit(2.0, 10)

    async def all_at_once() -> list[Admission]:
        return list(await asyncio.gather(*(w.admit(ANN, ticket(n), limit) for n, w in enumerate(workers))))

    passed = run_on(cloud, all_at_once())
    tats = sorted(one.gate.in_tat for one in passed if isinstance(one, Admitted))
    assert [later - earlier for earlier, later in pairwise(tats)] == pytest.approx([2.0] * (len(tats) - 1))
    assert run(workers[0].look(ANN)).in_tat == tats[-1]
    assert Counter(type(one) for one in passed if not isinstance(one, OverLimit | Later)) == {Admitted: min(number, 10)}


steps = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 1), st.sampled_from(["new", "new", "again", "copy"])), max_size=25
)


@few(max_examples=20)
@given(steps, st.integers(1, 4))
def test_two_workers_admit_what_one_gcra_would(
    cloud: Cloud, gates: Gates, steps: list[tuple[int, int, str]], burst: int
) -> None:
    """One after another, to the microsecond; with redeliveries and copies between, which change nothing."""
    start_anew(cloud)
    workers = [gates, gates_of(cloud)]
    limit = Limit(1.5, burst)
    tat, latest = 0.0, None
    for number, (ticks, worker, kind) in enumerate(steps):
        cloud.clock.advance(ticks / 64)
        now = cloud.clock()
        if kind != "new" and latest is not None:
            passed = run(workers[worker].admit(ANN, ticket(latest, "a" if kind == "again" else "b"), limit))
            assert type(passed) is (Admitted if kind == "again" else Duplicate)
            continue
        expected = charge(tat, now, limit)
        passed = run(workers[worker].admit(ANN, ticket(number), limit))
        assert type(passed) is (OverLimit if expected.wait_s else Admitted)
        assert getattr(passed, "wait_s", 0.0) == pytest.approx(expected.wait_s, abs=1e-5)
        tat = expected.tat
        latest = latest if expected.wait_s else number


rounds = st.lists(st.tuples(st.floats(0, 8), st.integers(1, 3)), max_size=10)


@few(max_examples=12)
@given(rounds, st.integers(1, 4), st.integers(0, 10**6))
def test_never_is_more_admitted_than_the_limit_allows(
    cloud: Cloud, rounds: list[tuple[float, int]], burst: int, seed: int
) -> None:
    """However the requests of two workers mix: in any window at most burst + time / interval."""
    start_anew(cloud)
    workers = [gates_of(cloud, FarCalls(seed + number)) for number in range(2)]
    limit = Limit(1.5, burst)
    counted: list[tuple[float, float, int]] = []

    async def work() -> None:
        update_id = 0
        for gap_s, number in rounds:
            await asyncio.sleep(gap_s)
            begins = cloud.clock()
            update_id += number
            coming = [workers[n % 2].admit(ANN, ticket(update_id - n), limit) for n in range(number)]
            passed = await asyncio.gather(*coming)
            counted.append((begins, cloud.clock(), sum(isinstance(one, Admitted) for one in passed)))

    run_on(cloud, work())
    for first, (begins, _, _) in enumerate(counted):
        for last in range(first, len(counted)):
            admitted = sum(count for _, _, count in counted[first : last + 1])
            assert admitted <= burst + (counted[last][1] - begins) / limit.interval_s


@few(max_examples=8)
@given(st.sampled_from([ANN, SUPERGROUP]), st.lists(st.floats(0, 12), min_size=5, max_size=26), st.integers(0, 10**6))
def test_what_two_workers_send_is_never_refused(cloud: Cloud, chat: int, wishes: list[float], seed: int) -> None:
    """Each send goes out when its reservation says, and arrives up to half a second later."""
    start_anew(cloud)
    workers = [gates_of(cloud, FarCalls(seed + number)) for number in range(2)]
    telegram = SendLimits(cloud.clock)
    answers: list[int] = []

    async def send(gates: Gates, after_s: float) -> None:
        await asyncio.sleep(after_s)
        while not isinstance(found := await gates.reserve(chat, None, is_group=chat < 0, within_s=1000), Reserved):
            assert isinstance(found, Later)
            await asyncio.sleep(found.wait_s)
        await asyncio.sleep(max(0.0, found.at - cloud.clock()) + after_s % 0.5)
        answers.append(telegram.send(chat))

    async def work() -> None:
        await asyncio.gather(*(send(workers[n % 2], after_s) for n, after_s in enumerate(wishes)))

    run_on(cloud, work())
    assert answers == [0] * len(wishes)


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return what DynamoDB takes for the size of an item.

    Its developer guide, "DynamoDB item sizes and formats" (November 2026): the names of the attributes in UTF-8, and of
    the values a string in UTF-8; a number about one byte for each two significant digits, and one more, and one more
    below zero, without the zeros at either end; a list three bytes, one for each element, and the elements.
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    match dict(value):
        case {"S": str(text)}:
            return len(text.encode())
        case {"N": str(number)}:
            digits = len(Decimal(number).normalize().as_tuple().digits)
            return (digits + 1) // 2 + 1 + (Decimal(number) < 0)
        case {"L": list(elements)}:
            return 3 + sum(1 + _value_bytes(element) for element in elements)
        case _:
            raise NotImplementedError(value)


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"pk": {"S": "gate#7001"}}, 2 + 9),
        ({"n": {"N": "123"}}, 1 + 3),
        ({"n": {"N": "-1234"}}, 1 + 4),
        ({"n": {"N": "1200.00"}}, 1 + 2),
        ({"l": {"L": []}}, 1 + 3),
        ({"l": {"L": [{"N": "1"}, {"S": "ab"}]}}, 1 + 3 + (1 + 2) + (1 + 2)),
    ],
)
def test_the_rule_for_sizes_is_the_one_that_is_documented(item: dict[str, Any], size: int) -> None:
    """By hand, for what a gate is made of."""
    assert item_bytes(item) == size


@pytest.mark.parametrize("first", [2_147_483_616, -999_999_999], ids=["updates", "tasks"])
def test_a_full_gate_is_written_for_one_unit(cloud: Cloud, gates: Gates, first: int) -> None:
    """With all that it can hold it is below a kilobyte: 32 long update ids, 20 sends, and every other attribute.

    Those of tasks are no longer.
    """
    cloud.clock.now += 0.654321
    for number in range(SLOTS):
        run(gates.admit(SUPERGROUP, ticket(first + number), Limit(0.123457, 100)))
    for _ in range(20):
        run(gates.reserve(SUPERGROUP, None, is_group=True, within_s=1000))
        cloud.clock.advance(1.234567)
    run(gates.freeze(SUPERGROUP, 1000.0))
    run(gates.may_tell(SUPERGROUP, 300.0))
    run(gates.close(SUPERGROUP))
    run(gates.move(SUPERGROUP, SUPERGROUP - 1))
    item = next(item for item in cloud.items("traffic") if item["pk"]["S"] == f"gate#{SUPERGROUP}")
    others = {
        "pk", "in_tat", "out_tat", "sends", "frozen_until", "closed_at", "told_until", "migrated_to",
        "expires_at",
    }  # fmt: skip
    assert set(item) == others | {f"s{number}" for number in range(SLOTS)}
    assert len(item["sends"]["L"]) == 20
    assert all(len(item[f"s{number}"]["S"]) == 10 + 1 + 8 for number in range(SLOTS))
    assert 900 < item_bytes(item) < 1024


def test_workers_who_reserve_at_once_need_a_write_or_two_each(cloud: Cloud) -> None:
    """Three sends of three workers into one idle chat: one is first, and the others see what it left."""
    workers = fleet(cloud, 3)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(w.reserve(ANN, None, is_group=False, within_s=3) for w in workers))

    found = run_on(cloud, all_at_once())
    tats = sorted(one.gate.lane.tat for one in found)
    assert [later - earlier for earlier, later in pairwise(tats)] == pytest.approx([1.0, 1.0])
    assert operations(cloud).count("UpdateItem") <= 1 + 2 + 3
