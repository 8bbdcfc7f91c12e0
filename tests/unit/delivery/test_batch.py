"""Whatever a batch's messages take and become: order is kept, nothing is lost, and nobody waits without need."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.delivery.batch import MARGIN_S, BatchConsumer
from floodgate.delivery.message import Message
from floodgate.delivery.outcomes import DONE, Disposition, PutBack
from tests.unit.delivery.conftest import message
from tests.unit.delivery.virtual_time import run

DEADLINE_S = 10.0
NEEDED_S = DEADLINE_S + MARGIN_S


@dataclass(frozen=True)
class Request:
    """One request to the queue, from when to when it was under way."""

    ids: list[str]
    began_at: float
    ended_at: float
    delay_s: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How one message of a batch fares."""

    group: int
    takes_s: float
    #: None is done; a number is put back for so long.
    put_back_s: float | None
    undeletable: bool

    @property
    def outcome(self) -> Disposition:
        """What the handler says."""
        return DONE if self.put_back_s is None else PutBack(self.put_back_s)


@dataclass
class Batch:
    """A batch on a virtual loop: handler, queue and journal in one, with everything that was asked of them."""

    plans: Sequence[Plan]
    request_s: float = 0.5
    left_s: float = 1000.0
    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    deletes: list[Request] = field(default_factory=list)
    put_backs: list[Request] = field(default_factory=list)
    told_undeleted: list[str] = field(default_factory=list)
    told_returned: list[tuple[str, float]] = field(default_factory=list)
    suspects: frozenset[str] = frozenset()
    reported: list[str] = field(default_factory=list)
    finished_at: float = -1.0

    def consume(self) -> "Batch":
        """Run the whole batch and return self."""
        run(self._consume())
        return self

    async def _consume(self) -> None:
        self.messages = [message(str(number), f"chat:{plan.group}") for number, plan in enumerate(self.plans)]
        consumer = BatchConsumer(self, self, deadline_s=DEADLINE_S)
        self.reported = await consumer.consume(self.messages, lambda: self.left_s - self.now)
        self.finished_at = self.now

    @property
    def now(self) -> float:
        """Seconds since the batch began."""
        return asyncio.get_running_loop().time()

    async def handle(self, one: Message, _suspected_at: float | None) -> Disposition:
        """Do as planned."""
        self.began[one.id] = self.now
        await asyncio.sleep(self.plans[int(one.id)].takes_s)
        self.ended[one.id] = self.now
        return self.plans[int(one.id)].outcome

    async def suspected_at(self, one: Message) -> float | None:
        """Tell whether a worker may have died with it."""
        return self.now if one.id in self.suspects else None

    async def going_back(self, one: Message, delay_s: float) -> None:
        """Note who hears of what was put back."""
        self.told_returned.append((one.id, delay_s))

    async def undeleted(self, one: Message) -> None:
        """Note whom the journal was told of."""
        self.told_undeleted.append(one.id)

    async def delete(self, messages: Sequence[Message]) -> list[Message]:
        """Delete but what is planned to resist."""
        began_at = self.now
        await asyncio.sleep(self.request_s)
        self.deletes.append(Request([one.id for one in messages], began_at, self.now))
        return [one for one in messages if self.plans[int(one.id)].undeletable]

    async def put_back(self, messages: Sequence[Message], delay_s: float) -> None:
        """Put back."""
        began_at = self.now
        await asyncio.sleep(self.request_s)
        self.put_backs.append(Request([one.id for one in messages], began_at, self.now, delay_s))

    @property
    def groups(self) -> dict[int, list[str]]:
        """The ids of each group, in order."""
        grouped: dict[int, list[str]] = defaultdict(list)
        for number, plan in enumerate(self.plans):
            grouped[plan.group].append(str(number))
        return grouped

    @property
    def deleted(self) -> list[str]:
        """Ids in delete requests."""
        return [one for request in self.deletes for one in request.ids]

    @property
    def returned(self) -> list[str]:
        """Ids that were put back."""
        return [one for request in self.put_backs for one in request.ids]


plans = st.builds(
    Plan,
    group=st.integers(0, 3),
    takes_s=st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]),
    put_back_s=st.none() | st.none() | st.none() | st.sampled_from([0.0, 2.0, 43_000.0]),
    undeletable=st.booleans(),
)
any_batch = given(
    st.builds(
        Batch,
        plans=st.lists(plans, min_size=1, max_size=10),
        request_s=st.sampled_from([0.0, 0.3, 2.0]),
        left_s=st.sampled_from([1000.0, NEEDED_S + 1.0, NEEDED_S, NEEDED_S - 0.1]),
    ).map(Batch.consume)
)


@any_batch
def test_every_message_ends_in_exactly_one_way(batch: Batch) -> None:
    """It is deleted by us, or done and left to Lambda, or put back and reported; never two of these, never none."""
    done = {one for one in batch.ended if batch.plans[int(one)].put_back_s is None}
    left_to_lambda = done - set(batch.deleted) - set(batch.reported)
    ends = [*batch.deleted, *left_to_lambda, *batch.returned]
    assert sorted(ends, key=int) == [one.id for one in batch.messages]
    assert sorted(batch.reported) == sorted(batch.returned)
    assert set(batch.deleted) <= done


@any_batch
def test_a_group_is_handled_in_order_and_one_at_a_time(batch: Batch) -> None:
    """Each message starts the moment its predecessor ended: not before, and no delete is waited for."""
    for group in batch.groups.values():
        tried = [one for one in group if one in batch.began]
        assert tried == group[: len(tried)]
        assert [batch.began[one] for one in tried] == [0.0, *(batch.ended[one] for one in tried[:-1])][: len(tried)]


@any_batch
def test_what_is_put_back_takes_the_rest_of_its_group_with_it(batch: Batch) -> None:
    """One request per group, from the message that must wait to the group's end; the rest of it was not tried."""
    for request in batch.put_backs:
        group = batch.groups[batch.plans[int(request.ids[0])].group]
        assert request.ids == group[group.index(request.ids[0]) :]
        assert set(request.ids[1:]).isdisjoint(batch.began)
    assert len(batch.put_backs) == len({batch.plans[int(request.ids[0])].group for request in batch.put_backs})


@any_batch
def test_a_put_back_waits_as_long_as_was_said(batch: Batch) -> None:
    """The first message names the time; one that was not even started returns at once."""
    for request in batch.put_backs:
        planned = batch.plans[int(request.ids[0])].put_back_s
        assert request.delay_s == (planned if request.ids[0] in batch.began else 0.0)


@any_batch
def test_nothing_starts_that_could_not_end(batch: Batch) -> None:
    """A message is started exactly if a deadline and the margin are left when its turn comes."""
    assert all(batch.left_s - at >= NEEDED_S for at in batch.began.values())
    for request in batch.put_backs:
        if request.ids[0] not in batch.began:
            assert batch.left_s - request.began_at < NEEDED_S


@any_batch
def test_at_most_one_delete_is_in_flight(batch: Batch) -> None:
    """The next request starts when the one before it has ended, with what was done meanwhile."""
    assert all(before.ended_at <= after.began_at for before, after in pairwise(batch.deletes))


@any_batch
def test_what_is_done_is_deleted_without_waiting(batch: Batch) -> None:
    """A delete starts when its first message is done, or else when the delete before it ends."""
    free_at = 0.0
    for request in batch.deletes:
        assert request.began_at == max(free_at, min(batch.ended[one] for one in request.ids))
        free_at = request.ended_at


@any_batch
def test_what_ends_last_is_left_to_lambda(batch: Batch) -> None:
    """No delete starts once no message is in work any more: Lambda deletes the rest at no cost."""
    assert all(request.began_at <= max(batch.ended.values()) for request in batch.deletes)
    if not batch.returned:
        ends_last = {one for one, at in batch.ended.items() if at == max(batch.ended.values())}
        assert ends_last - set(batch.deleted)


@any_batch
def test_the_journal_is_told_of_what_could_not_be_deleted(batch: Batch) -> None:
    """Exactly those messages of a delete request that may still be there, each once."""
    assert batch.told_undeleted == [one for one in batch.deleted if batch.plans[int(one)].undeletable]


@any_batch
def test_a_batch_ends_when_its_last_work_does(batch: Batch) -> None:
    """Groups run side by side: the batch takes as long as its slowest group or the request still under way."""
    requests = [request.ended_at for request in (*batch.deletes, *batch.put_backs)]
    assert batch.finished_at == max([0.0, *batch.ended.values(), *requests])


@given(plans, st.sampled_from([1000.0, NEEDED_S - 0.1]))
def test_a_batch_of_one_makes_no_delete_request(plan: Plan, left_s: float) -> None:
    """One message is deleted by Lambda, whatever it takes."""
    assert Batch([plan], left_s=left_s).consume().deletes == []


def test_the_journal_knows_before_the_batch_is_reported() -> None:
    """A message that resists is noted while the worker still runs, not after Lambda has frozen it."""
    quick, slow = Plan(0, 0.0, None, undeletable=True), Plan(1, 0.1, None, undeletable=False)
    batch = Batch([quick, slow], request_s=5.0).consume()
    assert (batch.told_undeleted, batch.finished_at) == (["0"], 5.0)


def test_ten_chats_take_as_long_as_one() -> None:
    """Ten groups of three seconds each are through after three seconds."""
    batch = Batch([Plan(number, 3.0, None, undeletable=False) for number in range(10)]).consume()
    assert batch.finished_at == 3.0


@pytest.mark.parametrize("position", range(4))
def test_a_waiting_message_never_touches_another_group(position: int) -> None:
    """What one chat must wait for is no business of the others."""
    waits = [Plan(0, 0.0, 60.0 if number == position else None, undeletable=False) for number in range(4)]
    batch = Batch([*waits, Plan(1, 1.0, None, undeletable=False), Plan(1, 1.0, None, undeletable=False)]).consume()
    assert batch.returned == [str(number) for number in range(position, 4)]
    assert {"4", "5"} <= set(batch.ended)


def test_an_empty_batch_is_nothing_to_do() -> None:
    """No message, no request."""
    batch = Batch([]).consume()
    assert (batch.deletes, batch.put_backs, batch.reported) == ([], [], [])
