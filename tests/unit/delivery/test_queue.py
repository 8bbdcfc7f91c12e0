"""The requests that a worker makes to its queue, and what is said of those that fail."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from mypy_boto3_sqs import SQSClient

from floodgate.aws import AwsCalls
from floodgate.delivery.queue import Queue
from tests.unit.delivery.conftest import message
from tests.unit.delivery.virtual_time import run

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/updates.fifo"
MESSAGES = [message("a"), message("b"), message("c")]
RECEIPTS = [
    {"Id": "0", "ReceiptHandle": "receipt of a"},
    {"Id": "1", "ReceiptHandle": "receipt of b"},
    {"Id": "2", "ReceiptHandle": "receipt of c"},
]
SUCCEEDED = [{"Id": "0"}, {"Id": "2"}]
FAILED = [{"Id": "1", "Code": "ReceiptHandleIsInvalid", "SenderFault": True}]


@pytest.fixture
def sqs() -> SQSClient:
    """A real client that gets no further than its stub."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    client: SQSClient = session.client("sqs", config=config)
    return client


@pytest.fixture
def wire(sqs: SQSClient) -> Iterator[Stubber]:
    """The answers to come; at the end every one was asked for."""
    with Stubber(sqs) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def queue(sqs: SQSClient) -> Queue:
    """The queue at that client's far end."""
    return Queue(sqs, URL, AwsCalls())


def test_messages_are_deleted_with_one_request(queue: Queue, wire: Stubber) -> None:
    """Three receipts in one request; nothing is left."""
    answer = {"Successful": [{"Id": "0"}, {"Id": "1"}, {"Id": "2"}], "Failed": []}
    wire.add_response("delete_message_batch", answer, {"QueueUrl": URL, "Entries": RECEIPTS})
    assert run(queue.delete(MESSAGES)) == []


def test_what_was_not_deleted_is_named(queue: Queue, wire: Stubber) -> None:
    """SQS refuses single entries of a batch and answers 200 all the same."""
    wire.add_response("delete_message_batch", {"Successful": SUCCEEDED, "Failed": FAILED})
    assert run(queue.delete(MESSAGES)) == [MESSAGES[1]]


def test_a_failed_delete_may_have_left_everything(queue: Queue, wire: Stubber) -> None:
    """No answer, or a refusal, and every message may still be there."""
    wire.add_client_error("delete_message_batch", "RequestThrottled", http_status_code=400)
    assert run(queue.delete(MESSAGES)) == MESSAGES


@pytest.mark.parametrize(
    ("delay_s", "seconds"), [(0.0, 0), (0.2, 1), (2.0, 2), (10_072.0, 10_072), (99_999.0, 43_000), (-1.0, 0)]
)
def test_messages_are_put_back_with_one_request(queue: Queue, wire: Stubber, delay_s: float, seconds: int) -> None:
    """All of them for the same whole seconds: never less than was said, never more than SQS takes."""
    entries = [{**receipt, "VisibilityTimeout": seconds} for receipt in RECEIPTS]
    answer = {"Successful": [{"Id": "0"}, {"Id": "1"}, {"Id": "2"}], "Failed": []}
    wire.add_response("change_message_visibility_batch", answer, {"QueueUrl": URL, "Entries": entries})
    run(queue.put_back(MESSAGES, delay_s))


def test_a_failed_put_back_is_no_error(queue: Queue, wire: Stubber) -> None:
    """The messages return when their visibility timeout is over; the batch goes on."""
    wire.add_client_error("change_message_visibility_batch", "InternalError", http_status_code=500)
    wire.add_response("change_message_visibility_batch", {"Successful": SUCCEEDED, "Failed": FAILED})
    run(queue.put_back(MESSAGES, 2.0))
    run(queue.put_back(MESSAGES, 2.0))
