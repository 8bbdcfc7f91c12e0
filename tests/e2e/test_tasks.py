"""A task in the deployed tasks.fifo is read by the tasks' function, and by nobody as an update."""

from __future__ import annotations

import uuid
import zlib
from typing import TYPE_CHECKING, Any

from floodgate.ingress.tasks import Place, TaskBody
from tests.e2e.test_pipeline import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient

    from local.control import TelegramControl


def test_a_task_that_the_bot_does_not_have_is_kept(
    telegram: TelegramControl,
    chat_id: int,
    outputs: dict[str, str],
    sqs: SQSClient,
    failures: Callable[[], dict[str, Any]],
) -> None:
    """Sent twice it runs once; it is given up after its attempts, and its person told, under its reference."""
    telegram.say(chat_id, "/id")  # Telegram lets a bot write to those who have written to it
    telegram.wait_for_reply(chat_id)
    before = failures().keys()
    body = TaskBody(f"task-{chat_id}", "prune", Place(chat_id, chat_id, "en"), {"what": "beans"}).written()
    for _ in range(2):
        sqs.send_message(
            QueueUrl=outputs["TasksQueue"],
            MessageBody=body,
            MessageGroupId=f"chat:{chat_id}",
            MessageDeduplicationId=str(uuid.uuid4()),
        )
    wait_until(lambda: failures().keys() - before)
    (_, reply) = telegram.wait_for_reply(chat_id, 2)
    ((reference, item),) = ((name, one) for name, one in failures().items() if name not in before)
    assert reply["text"].endswith(f"mention {reference}.")
    assert (item["error"]["S"], item["handler"]["S"], item["queue"]["S"]) == ("UnknownTask", "prune", "tasks")
    assert item["attempts"]["N"] == "3"
    assert zlib.decompress(item["update"]["B"]).decode() == body
