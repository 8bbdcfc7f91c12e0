"""The model of a FIFO queue keeps SQS's rules, and is fast where the simulations are large."""

from __future__ import annotations

import json
from time import process_time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from floodgate.delivery.message import Message
from tests.integration.worker.cloud import Clock
from tests.simulation.faults import Fault
from tests.simulation.queue import BATCH, FifoQueue, record

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> FifoQueue:
    """An empty queue."""
    return FifoQueue(clock)


def send(queue: FifoQueue, *bodies: str) -> None:
    """Send messages, each of the group that its first letter names."""
    for body in bodies:
        queue.send(body, body[0], body)


def bodies(messages: Sequence[Message]) -> list[str]:
    """Return what the messages say."""
    return [message.body for message in messages]


def hide(queue: FifoQueue, *messages: Message, seconds: int = 0) -> list[str | None]:
    """Put messages back; return what is wrong with each."""
    return [queue.hide(message.receipt_handle, seconds) for message in messages]


def delete(queue: FifoQueue, *messages: Message) -> list[str | None]:
    """Delete messages; return what is wrong with each."""
    return [queue.delete(message.receipt_handle) for message in messages]


def test_a_group_comes_in_order_and_alone(queue: FifoQueue) -> None:
    """Nothing of a group is handed out while another message of it is in flight."""
    send(queue, "a1", "b1", "a2", "a3")
    first = queue.receive(2)
    assert bodies(first) == ["a1", "a2"]
    assert bodies(queue.receive()) == ["b1"]
    assert queue.receive() == []
    delete(queue, first[0])
    assert queue.receive() == []
    delete(queue, first[1])
    assert bodies(queue.receive()) == ["a3"]


def test_what_is_put_back_blocks_its_group(queue: FifoQueue, clock: Clock) -> None:
    """Until it is visible, and then it comes first."""
    send(queue, "a1", "a2", "b1")
    a1, a2, b1 = queue.receive()
    assert hide(queue, a1, seconds=5) == hide(queue, a2) == hide(queue, b1, seconds=5) == [None]
    send(queue, "a3")
    clock.now += 4.9
    assert queue.receive() == []
    clock.now += 0.1
    again = queue.receive()
    assert bodies(again) == ["a1", "a2", "a3", "b1"]
    assert [message.receive_count for message in again] == [2, 2, 1, 2]


def test_a_message_comes_back_when_its_time_is_over(queue: FifoQueue, clock: Clock) -> None:
    """The queue's visibility timeout hides it as long as nobody says otherwise."""
    send(queue, "a1")
    queue.receive()
    clock.now += 119.9
    assert queue.receive() == []
    assert queue.next_change_at() == pytest.approx(clock.now + 0.1)
    clock.now += 0.1
    assert bodies(queue.receive()) == ["a1"]


def test_a_receipt_is_good_only_for_its_flight(queue: FifoQueue, clock: Clock) -> None:
    """One that expired deletes nothing, whether the message was received again or not; one that deleted may again."""
    send(queue, "a1")
    (late,) = queue.receive()
    clock.now += 120
    assert delete(queue, late) == hide(queue, late) == ["ReceiptHandleIsInvalid"]
    (again,) = queue.receive()
    assert delete(queue, late) == hide(queue, late) == ["ReceiptHandleIsInvalid"]
    assert queue.left == 1
    assert delete(queue, again, again) == [None, None]
    assert hide(queue, again) == ["InvalidParameterValue"]
    assert queue.delete("nonsense") == "ReceiptHandleIsInvalid"
    assert queue.left == 0


def test_twelve_hours_count_from_the_receipt(queue: FifoQueue, clock: Clock) -> None:
    """However long ago it was sent."""
    send(queue, "a1")
    clock.now += 86_400
    (message,) = queue.receive()
    clock.now += 100
    assert hide(queue, message, seconds=43_101) == ["InvalidParameterValue"]
    assert hide(queue, message, seconds=43_100) == [None]
    clock.now += 43_100
    assert bodies(queue.receive()) == ["a1"]


def test_a_message_is_taken_once_in_five_minutes(queue: FifoQueue, clock: Clock) -> None:
    """By group and deduplication id, even when it was deleted meanwhile."""
    first = queue.send("one", "a", "1")
    delete(queue, *queue.receive())
    clock.now += 299
    assert queue.send("two", "a", "1") == first
    assert queue.send("two", "b", "1") != first
    assert bodies(queue.receive()) == ["two"]
    clock.now += 1
    assert queue.send("three", "a", "1") != first
    assert bodies(queue.receive()) == ["three"]


def test_every_group_has_its_turn(queue: FifoQueue) -> None:
    """A group with a long backlog does not come twice before one with a single message."""
    send(queue, *(f"a{n}" for n in range(100)), "b1", "c1")
    turns = []
    for _ in range(4):
        messages = queue.receive()
        turns.append({message.group for message in messages})
        delete(queue, *messages)
    assert turns == [{"a"}, {"b", "c", "a"}, {"a"}, {"a"}]


def test_sqs_looks_no_further_than_its_horizon(clock: Clock) -> None:
    """A backlog of one group hides those that were sent after it, in flight or not."""
    queue = FifoQueue(clock, horizon=12)
    send(queue, *(f"a{n:02}" for n in range(12)), "b1", "b2")
    messages = queue.receive()
    assert bodies(queue.receive()) == []
    delete(queue, *messages[:1])
    assert bodies(queue.receive()) == ["b1"]
    assert queue.left == 13


def test_a_record_is_what_lambda_hands_over(queue: FifoQueue) -> None:
    """A worker reads the same message from it."""
    send(queue, "a1")
    (message,) = queue.receive()
    assert Message.from_record(json.loads(json.dumps(record(message)))) == message


def test_a_client_gets_what_boto3_gives(queue: FifoQueue) -> None:
    """Batches are answered by entry, and what is wrong with the whole is raised."""
    told = {"QueueUrl": queue.url}
    sent = queue.send_message(**told, MessageBody="a1", MessageGroupId="a", MessageDeduplicationId="1")
    (message,) = queue.receive()
    assert sent == {"MessageId": message.id}
    entries = [{"Id": "0", "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": 43_201}]
    answer = queue.change_message_visibility_batch(**told, Entries=entries)
    assert [failed["Code"] for failed in answer["Failed"]] == ["InvalidParameterValue"]
    entries = [{"Id": str(n), "ReceiptHandle": f"{message.id}#{n}"} for n in range(2)]
    answer = queue.delete_message_batch(**told, Entries=entries)
    assert answer["Successful"] == [{"Id": "1"}]
    assert [failed["Id"] for failed in answer["Failed"]] == ["0"]
    for wrong in ([], entries * 2, entries * 6):
        with pytest.raises(ClientError):
            queue.delete_message_batch(**told, Entries=wrong)
    with pytest.raises(ClientError, match="NonExistentQueue"):
        queue.delete_message(QueueUrl="https://sqs.invalid/other.fifo", ReceiptHandle=message.receipt_handle)


def test_a_delete_whose_answer_is_lost_deletes(queue: FifoQueue) -> None:
    """A fault hook is asked with the method and the queue's URL."""
    send(queue, "a1")
    (message,) = queue.receive()
    queue.fault = lambda operation, url: Fault.LOST if (operation, url) == ("delete_message", queue.url) else None
    with pytest.raises(ReadTimeoutError):
        queue.delete_message(QueueUrl=queue.url, ReceiptHandle=message.receipt_handle)
    assert queue.left == 0


@pytest.mark.parametrize("groups", [100, 50_000])
def test_it_is_fast_with_many_messages_and_groups(clock: Clock, groups: int) -> None:
    """A message is sent, received and deleted in some ten microseconds, however many there are."""
    queue = FifoQueue(clock)
    began = process_time()
    for number in range(50_000):
        queue.send("{}", str(number % groups), str(number))
    while queue.left:
        messages = queue.receive()
        assert len(messages) == BATCH
        delete(queue, *messages)
    assert process_time() - began < 4
