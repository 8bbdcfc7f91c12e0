"""What becomes of an update that was given up: it is kept, the person who sent it is told once, and the admin asked.

Rule: the failure is kept first, and counted with it. Then its user is told, by whoever marks the failure as told before
saying it: at most once per update, and at most once per chat and minute. Then the admin chat's one message of this kind
of failure is brought up to date by whoever claims that; who finds it claimed, and something not yet shown, puts one
letter back to see to it later. Nothing of this loses a failure, and a letter that comes again does what is left.
Hazard: letters also come by SQS's own redrive, and are then the bare update.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from telegram import ReplyParameters
from telegram.error import BadRequest, Forbidden, TelegramError

from floodgate.admin.admin_chat import AdminChat
from floodgate.aws import AwsCalls
from floodgate.cache.cache import Cache
from floodgate.delivery.apologies import apology, language
from floodgate.delivery.journal import Journal
from floodgate.delivery.message import Message
from floodgate.delivery.queue import Queue
from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.facts import is_plain_use, thread_id
from floodgate.ingress.tasks import is_scheduled, read
from floodgate.ingress.trace import tracing
from floodgate.ingress.updates import Poison, chat_id, is_command, is_task, user_id, user_language
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger
from floodgate.state.dead_letter import DeadLetter
from floodgate.state.failures import Failures
from floodgate.state.fingerprints import Fingerprints
from floodgate.telegram.bot import KeptBot
from floodgate.telegram.errors import Arrival, ChatUnreachable, arrival, told_to_wait_s
from floodgate.traffic.gate import Gates
from floodgate.traffic.quiet import QuietPeriods

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.settings import DeadletterSettings

#: Something that a person did and waits for an answer to. Of anything else the user need not hear.
_TOLD: Final = frozenset({"message", "callback_query"})
#: Service messages that are a person's answer to the bot.
_ANSWERS: Final = frozenset({"successful_payment", "users_shared", "chat_shared", "web_app_data"})
#: A chat is told of a failure at most once in so many seconds.
QUIET_S: Final = 60
#: How long after it was given up a user is told of an update, in seconds, if Telegram could not be reached at once.
#: What is heard of later, after an outage of this function say, is told all the same: late is better than never.
WORD_WITHIN_S: Final = 86_400.0
#: What must be left of the invocation before another person or the admin is told, in seconds: a call's worth.
_NEEDED_S: Final = 15.0
#: How long a letter waits for Telegram or AWS, in seconds, if nobody says how long: so much after its first receive,
#: and so much more after each further one, up to half an hour.
_PATIENCE_S: Final = 30.0
_LONGEST_PATIENCE_S: Final = 1800.0


class NotSaid(Exception):
    """Nothing was said, and surely so: it may be said in `wait_s` seconds, if Telegram has named a time."""

    def __init__(self, wait_s: float | None = None) -> None:
        super().__init__(f"may be said in {wait_s} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Received:
    """A letter in hand."""

    message: Message
    letter: DeadLetter
    #: The id of what was given up: it is what a letter is sent under, and no two runs of an update share it.
    run: str

    @property
    def trace(self) -> str | None:
        """The trace of what was given up."""
        return self.letter.trace_id or self.message.trace_id

    @property
    def patience_s(self) -> float:
        """How long it waits for what does not answer, in seconds."""
        return min(_LONGEST_PATIENCE_S, _PATIENCE_S * self.message.receive_count)


@dataclass(frozen=True, slots=True)
class _Addressee:
    """Who is told of a failure, and where."""

    chat: int
    language: str | None
    reply_to: int | None = None
    thread: int | None = None


class DeadLetterFunction:
    """Takes batches of letters. What is not done with stays in `dead.fifo` and comes again."""

    def __init__(
        self,
        settings: DeadletterSettings,
        *,
        sqs: SQSClient,
        dynamodb: DynamoDBClient,
        secrets: SecretsManagerClient,
        clock: Callable[[], float],
    ) -> None:
        calls = AwsCalls()
        self._failures = Failures(dynamodb, settings.bot.state_table, calls, clock)
        self._journal = Journal(dynamodb, settings.traffic_table, calls, clock)
        self._queue = Queue(sqs, settings.dead_queue_url, calls)
        self._quiet = QuietPeriods(dynamodb, settings.traffic_table, calls, clock)
        self._bot = KeptBot(
            settings.bot,
            Gates(dynamodb, settings.traffic_table, calls, clock),
            Cache(dynamodb, settings.traffic_table, calls, clock, fresh_s=settings.cache_s),
            dynamodb=dynamodb,
            secrets=secrets,
            clock=clock,
        )
        self._admin: AdminChat | None = None
        if settings.bot.admin_chat_id is not None:
            fingerprints = Fingerprints(dynamodb, settings.bot.state_table, calls)
            self._admin = AdminChat(settings.bot.admin_chat_id, fingerprints, clock)
        self._clock = clock
        self._metrics = metrics.Metrics(settings.metrics_namespace, metrics.DEADLETTER)
        self._runner = asyncio.Runner()

    def drain(self, event: Mapping[str, Any], remaining_s: Callable[[], float]) -> dict[str, Any]:
        """Return Lambda's partial batch response for an SQS event; `remaining_s` is what the invocation has left."""
        received = [_received(record) for record in event["Records"]]
        again = self._runner.run(self._drain(received, remaining_s))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}

    async def _drain(self, received: list[_Received], remaining_s: Callable[[], float]) -> list[str]:
        """Return the ids of the letters that come again."""
        with self._metrics.measuring():
            return await self._drained(received, remaining_s)

    async def _drained(self, received: list[_Received], remaining_s: Callable[[], float]) -> list[str]:
        kept = [one for one in received if await self._is_kept(one)]
        again = {one.message.id for one in received if one not in kept}
        for one in kept:
            if remaining_s() < _NEEDED_S:
                await self._put_back(one, 0, again)
            elif (wait_s := await self._see_to_user(one)) is not None:
                await self._put_back(one, wait_s, again)
        await self._see_to_admin(kept, again, remaining_s)
        return [one.message.id for one in received if one.message.id in again]

    async def _is_kept(self, one: _Received) -> bool:
        with tracing(one.trace):
            return await self._keep(one)

    async def _keep(self, one: _Received) -> bool:
        letter = one.letter
        try:
            journal = await self._journal.packed(letter.message_id) if letter.message_id else b""
            is_new = await self._failures.keep(letter, journal, one.run, self._clock())
        except Exception as error:  # noqa: BLE001 - the record boundary: the letter must not be lost
            metrics.count(metrics.LETTERS_UNKEPT)
            logger.error("letter not kept", message_id=one.message.id, error=type(error).__name__)
            return False
        if is_new:
            metrics.count(metrics.FAILURES_KEPT)
            logger.error(
                "update given up",
                reference=letter.name,
                message_id=letter.message_id,
                reason=letter.reason,
                detail=letter.detail,
                error=letter.error,
                handler=letter.handler,
                attempts=letter.attempts,
                fingerprint=letter.error_name,
            )
        return True

    async def _see_to_user(self, one: _Received) -> float | None:
        """Tell the user, if that is due; return after how many seconds it is to be tried again, None for never."""
        with tracing(one.trace):
            return await self._tell_user(one)

    async def _tell_user(self, one: _Received) -> float | None:
        if (addressee := _addressee(one.letter)) is None:
            return None
        name, owner = one.letter.name, uuid.uuid4().hex
        try:
            if not await self._failures.begin_telling(name, owner):
                return None
        except (BotoCoreError, ClientError) as error:
            logger.warning("user not yet told", reference=name, error=type(error).__name__)
            return one.patience_s
        try:
            await self._tell(addressee, name)
        except NotSaid as unsaid:
            wait_s = unsaid.wait_s or one.patience_s
            if self._clock() + wait_s - one.letter.last_at > WORD_WITHIN_S:
                logger.warning("user not told", reference=name, error="too late")
                return None
            return wait_s if await self._took_back(name, owner) else None
        return None

    async def _tell(self, whom: _Addressee, name: str) -> None:
        """Say it, unless the chat was told of a failure within the minute. Raises NotSaid, and nothing else."""
        try:
            if not await self._quiet.begins(f"failure#{whom.chat}", QUIET_S, name):
                logger.info("user not told, but of another failure within the minute", reference=name)
                return
            async with self._bot.awake() as bot:
                await bot.send_message(
                    whom.chat,
                    apology(name, whom.language),
                    reply_parameters=None if whom.reply_to is None else ReplyParameters(whom.reply_to),
                    message_thread_id=whom.thread,
                )
            metrics.count(metrics.NOTICES_SENT)
        except ChatUnreachable:
            logger.info("nobody to tell", reference=name)
        except TelegramError as error:
            logger.warning("user not told", reference=name, error=type(error).__name__)
            if arrival(error) is Arrival.NEVER and not isinstance(error, (BadRequest, Forbidden)):
                raise NotSaid(told_to_wait_s(error)) from error
        except (BotoCoreError, ClientError) as error:  # raised before anything is sent
            logger.warning("user not told", reference=name, error=type(error).__name__)
            raise NotSaid from error

    async def _took_back(self, name: str, owner: str) -> bool:
        try:
            await self._failures.not_told(name, owner)
        except (BotoCoreError, ClientError) as error:
            logger.warning("user not told", reference=name, error=type(error).__name__)
            return False
        return True

    async def _see_to_admin(self, kept: list[_Received], again: set[str], remaining_s: Callable[[], float]) -> None:
        """Bring the admin chat up to date; one letter of each kind that it could not be stays for that."""
        if self._admin is None:
            return
        for name, one in {one.letter.error_name: one for one in kept}.items():
            wait_s: float | None = 0.0
            if remaining_s() >= _NEEDED_S:
                try:
                    with tracing(one.trace):
                        wait_s = await self._admin.refresh(self._bot, name, one.patience_s)
                except Exception as error:  # noqa: BLE001 - the record boundary: the failure is kept, and not yet shown
                    logger.warning("admin not told", fingerprint=name, error=type(error).__name__)
                    wait_s = one.patience_s
            if wait_s is not None and one.message.id not in again:
                await self._put_back(one, wait_s, again)

    async def _put_back(self, one: _Received, wait_s: float, again: set[str]) -> None:
        again.add(one.message.id)
        await self._queue.put_back([one.message], wait_s)


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
            trace_id=message.trace_id,
            message_id=message.origin or message.id,
        )
        return DeadLetter.model_validate(letter)


def _received(record: Mapping[str, Any]) -> _Received:
    message = Message.from_record(record)
    return _Received(message, read_letter(message), record["attributes"].get("MessageDeduplicationId", message.id))


def _addressee(letter: DeadLetter) -> _Addressee | None:
    """Return whom to tell of it; None if nobody waits for it."""
    try:
        update = read(letter.update, letter.queue)
    except Poison:
        return None
    chat = chat_id(update.update)
    if letter.reason == "poison" or chat is None:
        return None
    if is_task(update.update):
        # A schedule, or somebody, wanted it there; but not if it is a step of what is sent to many.
        is_asked = is_scheduled(update) or user_id(update.update) is not None
        is_asked = is_asked and letter.group == update.group
        return _Addressee(chat, user_language(update.update), thread=thread_id(update)) if is_asked else None
    return _writer(update, chat) if update.type in _TOLD else None


def _writer(update: IncomingUpdate, chat: int) -> _Addressee | None:
    content: Mapping[str, Any] = update.update[update.type]
    if update.type == "callback_query":
        return _Addressee(chat, language(content))
    # What people say to each other in a group is nothing to apologise for, and that a message is pinned Telegram says.
    is_asked = is_command(content) if chat < 0 else is_plain_use(update) or not _ANSWERS.isdisjoint(content)
    reply_to = content.get("message_id")
    if not is_asked:
        return None
    return _Addressee(chat, language(content), reply_to if isinstance(reply_to, int) else None)
