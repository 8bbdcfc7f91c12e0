"""What becomes of an update that was given up: it is kept, and the person who sent it is told once.

Rule: the failure is kept first, under a condition that only the first receive of a letter meets; whoever kept it tells
the user. So a letter handed out twice tells nobody twice, and a crash in between tells nobody at all: at most once.
Hazard: letters also come by SQS's own redrive, and are then the bare update.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from telegram import ReplyParameters
from telegram.error import TelegramError

from floodgate.aws import AwsCalls
from floodgate.cache.cache import Cache
from floodgate.delivery.message import Message
from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.updates import Poison, chat_id, is_command, parse, update_type
from floodgate.monitoring.logger import logger
from floodgate.state.failures import DeadLetter, Failures, reference
from floodgate.telegram.bot import KeptBot
from floodgate.traffic.gate import Gates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from floodgate.settings import DeadletterSettings

#: Something that a person did and waits for an answer to. Of anything else the user need not hear.
_TOLD = frozenset({"message", "callback_query"})


class DeadLetterFunction:
    """Takes batches of letters. What cannot be kept stays in `dead.fifo` and comes again."""

    def __init__(
        self,
        settings: DeadletterSettings,
        *,
        dynamodb: DynamoDBClient,
        secrets: SecretsManagerClient,
        clock: Callable[[], float],
    ) -> None:
        self._failures = Failures(dynamodb, settings.bot.state_table)
        calls = AwsCalls()
        self._bot = KeptBot(
            settings.bot,
            Gates(dynamodb, settings.traffic_table, calls, clock),
            Cache(dynamodb, settings.traffic_table, calls, clock, fresh_s=settings.cache_s),
            dynamodb=dynamodb,
            secrets=secrets,
            clock=clock,
        )
        self._clock = clock
        self._runner = asyncio.Runner()

    def drain(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return Lambda's partial batch response for an SQS event."""
        messages = [Message.from_record(record) for record in event["Records"]]
        failed = self._runner.run(self._drain(messages))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    async def _drain(self, messages: list[Message]) -> list[str]:
        failed: list[str] = []
        for message in messages:
            try:
                await self._receive(message)
            except Exception as error:  # noqa: BLE001 - the record boundary: the letter must not be lost
                logger.error("letter not kept", message_id=message.id, error=type(error).__name__)
                failed.append(message.id)
        return failed

    async def _receive(self, message: Message) -> None:
        letter = read_letter(message)
        # The same failure is the same letter: after a lost answer a worker may have sent it twice.
        name = reference(letter.message_id or letter.sha256)
        if not self._failures.keep(name, letter, self._clock()):
            return
        logger.error(
            "update given up",
            reference=name,
            message_id=letter.message_id,
            reason=letter.reason,
            detail=letter.detail,
            error=letter.error,
            attempts=letter.attempts,
        )
        if letter.reason != "poison" and (addressee := _addressee(letter)) is not None:
            await self._tell(*addressee, name)

    async def _tell(self, chat: int, reply_to: int | None, name: str) -> None:
        # It is kept, so nothing is lost by a word that could not be said, and saying it again might say it twice.
        try:
            async with self._bot.awake() as bot:
                await bot.send_message(
                    chat,
                    _apology(name),
                    reply_parameters=None if reply_to is None else ReplyParameters(reply_to),
                )
        except (TelegramError, BotoCoreError, ClientError) as error:
            logger.warning("user not told", reference=name, error=type(error).__name__)


def read_letter(message: Message) -> DeadLetter:
    """Return the letter in `message`, or one made of a bare update that SQS moved here by itself."""
    try:
        return DeadLetter.model_validate_json(message.body)
    except ValidationError:
        _, letter = dead_letter(
            message.body.encode("utf-8", "surrogatepass"),
            reason="redriven",
            detail="the queue gave it up after its maximum of receives",
            at=message.sent_at,
            group=message.group,
            # CloudFormation names a queue after its logical id.
            queue="tasks" if "TasksQueue" in (message.redriven_from or "") else "updates",
            message_id=message.id,
        )
        return DeadLetter.model_validate(letter)


def _addressee(letter: DeadLetter) -> tuple[int, int | None] | None:
    """Return whom to tell: the chat, and the message to reply to if there is one."""
    try:
        update = parse(letter.update).update
    except Poison:
        return None
    kind = update_type(update)
    chat = chat_id(update)
    if kind not in _TOLD or chat is None:
        return None
    content: Mapping[str, Any] = update[kind]
    if kind == "message" and chat < 0 and not is_command(content):
        return None  # what people say to each other in a group, and that Ann joined, is nothing to apologise for
    return chat, content.get("message_id") if kind == "message" else None


def _apology(name: str) -> str:
    return (
        "Sorry, something went wrong and I could not answer that. It has been kept and will be looked into; "
        f"if you ask about it, mention {name}."
    )
