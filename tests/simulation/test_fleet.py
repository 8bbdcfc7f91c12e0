"""The fleet runs workers as Lambda's event source does, and time passes only where something takes time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError

from floodgate.aws import CALL_S
from floodgate.delivery.batch import BatchConsumer
from floodgate.delivery.outcomes import DONE, PutBack
from floodgate.delivery.queue import Queue
from tests.simulation.dynamodb import Tables
from tests.simulation.faults import Fault
from tests.simulation.fleet import BASE, HAND_OUT_S, Crashed, Fleet, LoopClock, SimulatedCalls
from tests.simulation.queue import FifoQueue
from tests.unit.delivery.virtual_time import Stuck, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sqs import SQSClient

    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Disposition

KEY: dict[str, Any] = {"TableName": "traffic", "Key": {"pk": {"S": "a"}}}


class World:
    """A queue, and a drain that notes when each worker had what; made on a running loop."""

    def __init__(self, *, takes_s: float = 1.0) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = LoopClock(self.loop)
        self.queue = FifoQueue(self.clock)
        self.seen: list[tuple[float, str]] = []
        self.workers: set[int] = set()
        self.takes_s = takes_s

    async def drain(self, worker: int, messages: list[Message]) -> Sequence[str]:
        """Take some time for a batch."""
        self.workers.add(worker)
        self.seen += [(round(self.loop.time(), 1), message.body) for message in messages]
        await asyncio.sleep(self.takes_s)
        return []

    def send(self, *bodies: str) -> None:
        """Send messages, each of the group that its first letter names."""
        for body in bodies:
            self.queue.send(body, body[0], body)


def test_workers_run_side_by_side() -> None:
    """Groups that come one by one go to one worker each, and a group's next message waits for its first."""

    async def main() -> None:
        world = World(takes_s=10)

        async def feed() -> None:
            for body in ("a1", "b1", "c1", "a2"):
                world.send(body)
                await asyncio.sleep(1)

        await Fleet(world.queue, world.drain, workers=3).run(feed())
        assert world.seen == [(0.0, "a1"), (1.0, "b1"), (2.0, "c1"), (10.0, "a2")]
        assert world.workers == {0, 1, 2}
        assert world.loop.time() == pytest.approx(20 + 2 * HAND_OUT_S)
        assert world.queue.left == 0

    run(main())


def test_a_run_ends_when_it_is_told_to() -> None:
    """What is left then is left, and a further run goes on with it."""

    async def main() -> None:
        world = World()
        world.send(*(f"a{n:02}" for n in range(25)))
        fleet = Fleet(world.queue, world.drain, workers=2)
        await fleet.run(until_s=1.5)
        assert world.loop.time() == 1.5
        assert world.queue.left == 15
        await fleet.run()
        assert world.queue.left == 0
        assert world.loop.time() > 120  # a batch was cut off, and came back when it was visible
        assert fleet.invocations == 4

    run(main())


def test_nothing_to_do_ends_at_once_or_waits_for_the_end() -> None:
    """An empty queue ends a run; while feeds may still send, the workers sleep."""

    async def main() -> None:
        world = World()
        await Fleet(world.queue, world.drain, workers=2).run()
        assert world.loop.time() == 0
        await Fleet(world.queue, world.drain, workers=2).run(asyncio.sleep(1000), until_s=600)
        assert world.loop.time() == 600

    run(main())


def test_a_run_waits_for_the_drains() -> None:
    """One that has deleted the last message still has something to do."""

    async def main() -> None:
        world = World()

        async def drain(worker: int, messages: list[Message]) -> Sequence[str]:
            for message in messages:
                assert world.queue.delete(message.receipt_handle) is None
            return await world.drain(worker, messages)

        world.send("a1")
        await Fleet(world.queue, drain, workers=2).run()
        assert world.loop.time() == pytest.approx(1 + HAND_OUT_S)

    run(main())


def test_what_is_reported_comes_back() -> None:
    """What a drain put back comes when it is visible, and sleeping workers wake for it."""

    async def main() -> None:
        world = World()

        async def drain(worker: int, messages: list[Message]) -> list[str]:
            await world.drain(worker, messages)
            back = [message for message in messages if message.receive_count == 1 and message.group == "b"]
            for message in back:
                assert world.queue.hide(message.receipt_handle, 30) is None
            return [message.id for message in back]

        world.send("a1", "b1")
        await Fleet(world.queue, drain, workers=5).run()
        assert world.seen == [(0.0, "a1"), (0.0, "b1"), (31.0, "b1")]

    run(main())


@pytest.mark.parametrize("trouble", ["crash", "unknown id"])
def test_a_batch_that_ends_badly_comes_back(trouble: str) -> None:
    """Nothing of it is deleted, and it is visible when the queue's visibility timeout is over."""

    async def main() -> None:
        world = World()

        async def drain(worker: int, messages: list[Message]) -> Sequence[str]:
            await world.drain(worker, messages)
            if messages[0].receive_count > 1:
                return []
            if trouble == "crash":
                raise Crashed
            return ["nobody's"]

        world.send("a1")
        await Fleet(world.queue, drain, workers=5).run()
        assert world.seen == [(0.0, "a1"), (120.0, "a1")]

    run(main())


def test_a_bug_in_a_drain_ends_the_run() -> None:
    """It is raised."""

    async def main() -> None:
        world = World()

        async def drain(*_: object) -> list[str]:
            raise ZeroDivisionError

        world.send("a1")
        await Fleet(world.queue, drain, workers=2).run(asyncio.sleep(10))

    with pytest.raises(ExceptionGroup) as caught:
        run(main())
    assert caught.group_contains(ZeroDivisionError)


def test_what_waits_for_ever_is_stuck() -> None:
    """A drain that nothing will end raises."""

    async def main() -> None:
        world = World()

        async def drain(*_: object) -> list[str]:
            await asyncio.Event().wait()
            return []

        world.send("a1")
        fleet = Fleet(world.queue, drain, workers=1)
        await fleet.run()

    with pytest.raises(Stuck):
        run(main())


def test_calls_take_time_before_and_after() -> None:
    """AWS acts in the middle of a call, and several calls overlap."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        acted = []
        calls = SimulatedCalls(0.02)
        await asyncio.gather(*(calls.run(lambda: acted.append(loop.time())) for _ in range(3)))
        assert acted == [0.01] * 3
        assert loop.time() == 0.02
        assert LoopClock(loop)() == BASE + 0.02

    run(main())


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_lost_answer_is_waited_for(attempts: int) -> None:
    """For as long as anybody waits for a call; botocore's second attempt comes later and meets what the first did."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        faults = [Fault.LOST]
        tables = Tables(LoopClock(loop), fault=lambda *_: faults.pop() if faults else None)
        calls = SimulatedCalls(0.02, attempts=attempts)
        with pytest.raises(ReadTimeoutError):
            await calls.run(
                tables.put_item, TableName="traffic", Item=KEY["Key"], ConditionExpression="attribute_not_exists(pk)"
            )
        assert tables.writes == 1
        assert loop.time() == pytest.approx(CALL_S)
        await asyncio.sleep(CALL_S)
        assert (tables.writes, len(tables.tables["traffic"].items)) == (attempts, 1)

    run(main())


def test_the_real_consumer_drains_the_queue() -> None:
    """Fifty workers with floodgate's own code handle a thousand messages of forty chats, each chat in order."""

    async def main() -> None:
        world = World()
        tables = Tables(world.clock)
        calls = SimulatedCalls(0.01)
        queue = Queue(cast("SQSClient", world.queue), world.queue.url, calls)
        order: dict[str, list[int]] = {}

        class Handling:
            async def handle(self, message: Message, _suspected_at: float | None) -> Disposition:
                await calls.run(
                    tables.update_item,
                    TableName="traffic",
                    Key={"pk": {"S": f"gate#{message.group}"}},
                    UpdateExpression="ADD receives :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
                if int(message.body) % 7 == 0 and message.receive_count == 1:
                    return PutBack(2)
                order.setdefault(message.group, []).append(int(message.body))
                return DONE

            async def suspected_at(self, _message: Message) -> float | None:
                return None

            async def going_back(self, _message: Message, delay_s: float) -> None:
                assert delay_s == 2

            async def undeleted(self, message: Message) -> None:
                raise AssertionError(message)

        async def drain(_: int, messages: list[Message]) -> list[str]:
            return await BatchConsumer(queue, Handling(), deadline_s=10).consume(messages, lambda: 100.0)

        async def feed() -> None:
            for number in range(1000):
                world.queue.send(str(number), f"chat:{number % 40}", str(number))
                await asyncio.sleep(0.001)

        await Fleet(world.queue, drain, workers=50).run(feed())
        assert order == {f"chat:{chat}": list(range(chat, 1000, 40)) for chat in range(40)}
        assert tables.writes >= 1000 + 1000 // 7
        assert world.queue.left == world.queue.in_flight == 0

    run(main())
