"""Failures sent again, or discarded, by the admin.

Rule: the journal is restored first, then the update sent to the queue that it came from, under a deduplication id that
names the retry, then the failure marked. Whoever dies in between has lost nothing: the failure is still open, and doing
it again restores the same, and sends what SQS takes for the same message. The mark holds only for the retry that it was
made for, so one that has failed again meanwhile stays open.
Hazard: SQS's memory is five minutes. Whoever dies between sending and marking is an update itself, and is handed out
again before that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from floodgate.delivery.journal import forget_unknown
from floodgate.ingress.tasks import read
from floodgate.ingress.trace import carried
from floodgate.ingress.updates import QUEUE_LIMIT_BYTES, Poison
from floodgate.monitoring.logger import logger
from floodgate.state.failures import TOGETHER
from floodgate.telegram.errors import OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

    from floodgate.aws import AwsCalls
    from floodgate.delivery.journal import Journal
    from floodgate.state.failures import Failure, Failures

#: How many failures one press handles at most.
A_PRESS: Final = 100
#: What the attribute `origin` adds to a message.
_ATTRIBUTE_BYTES: Final = 256


@dataclass(slots=True)
class Done:
    """What a press came to."""

    #: The failures that were retried or discarded.
    names: list[str] = field(default_factory=list)
    #: What cannot be sent again, and why.
    refused: dict[str, str] = field(default_factory=dict)
    #: What SQS did not take this time.
    failed: list[str] = field(default_factory=list)


class Retries:
    """Sends failures again to `queues`, which are URLs by name. Each method raises what botocore raises."""

    def __init__(
        self, failures: Failures, journal: Journal, sqs: SQSClient, queues: Mapping[str, str], calls: AwsCalls
    ) -> None:
        self._failures = failures
        self._journal = journal
        self._sqs = sqs
        self._queues = queues
        self._calls = calls

    async def retry(self, names: Sequence[str], *, has_time: Callable[[], bool], most: int = A_PRESS) -> Done:
        """Send up to `most` of the failures again, as far as there is time."""
        done = Done()
        for some in batched(names, min(TOGETHER, most), strict=False):
            sendable = []
            for failure in await self._open(some):
                if (why := refusal(failure, self._queues)) is None:
                    sendable.append(failure)
                else:
                    done.refused[failure.name] = why
            await self._send(sendable, done)
            if len(done.names) + TOGETHER > most or not has_time():
                break
        return done

    async def discard(self, names: Sequence[str], *, has_time: Callable[[], bool], most: int = A_PRESS) -> Done:
        """Close up to `most` of the failures, as far as there is time. They stay to be seen until they expire."""
        done = Done()
        for some in batched(names, TOGETHER, strict=False):
            failures = await self._open(some)
            if failures and await self._failures.close(failures, failures[0].letter.error_name, "discarded"):
                done.names += [failure.name for failure in failures]
                logger.info("failures discarded", references=[failure.name for failure in failures])
            if len(done.names) + TOGETHER > most or not has_time():
                break
        return done

    async def _open(self, names: Sequence[str]) -> list[Failure]:
        found = await asyncio.gather(*map(self._failures.find, names))
        return [failure for failure in found if failure is not None and failure.is_open]

    async def _send(self, failures: Sequence[Failure], done: Done) -> None:
        await asyncio.gather(*map(self._restore, failures))
        sent: list[Failure] = []
        for queue, several in _requests(failures):
            answer = await self._calls.run(
                self._sqs.send_message_batch,
                QueueUrl=self._queues[queue],
                Entries=[_entry(number, failure) for number, failure in enumerate(several)],  # type: ignore[misc]
            )
            refused = {int(one["Id"]): one["Code"] for one in answer.get("Failed", [])}
            if refused:
                logger.error("retries not queued", count=len(refused), codes=sorted(set(refused.values())))
            done.failed += [several[number].name for number in refused]
            sent += [failure for number, failure in enumerate(several) if number not in refused]
        if sent:
            await self._failures.close(sent, sent[0].letter.error_name, "retried", retries=1)
            done.names += [failure.name for failure in sent]
            logger.info("failures sent again", references=[failure.name for failure in sent])

    async def _restore(self, failure: Failure) -> None:
        journal = failure.journal
        if failure.letter.error == OutcomeUnknown.__name__:
            journal = forget_unknown(journal)  # it cannot go on without, and somebody has decided that it is to
        await self._journal.restore(_origin(failure), journal, failure.retries + 1)


def refusal(failure: Failure, queues: Mapping[str, str]) -> str | None:
    """Return why a failure cannot be sent again; None if it can."""
    letter = failure.letter
    if letter.reason == "poison":
        return "it is no update that a bot can handle, and would fail again"
    if not letter.is_whole:
        return "it was too large to be kept whole, so only a part of it is left"
    if letter.message_id is None or letter.queue not in queues:
        return "it does not say where it came from"
    try:
        read(letter.update, letter.queue)
    except Poison:
        return "it is no update that a bot can handle, and would fail again"
    if letter.length + _ATTRIBUTE_BYTES > QUEUE_LIMIT_BYTES:
        return "it fills its queue's largest message, and a retry is a little larger"
    return None


def _origin(failure: Failure) -> str:
    if failure.letter.message_id is None:  # refused before
        raise ValueError(failure.name)
    return failure.letter.message_id


def _requests(failures: Sequence[Failure]) -> list[tuple[str, list[Failure]]]:
    """Return the failures by queue, in order, in requests that SQS takes: no larger than one message may be."""
    requests: list[tuple[str, list[Failure]]] = []
    size = 0
    for failure in sorted(failures, key=lambda one: one.letter.queue):
        added = failure.letter.length + _ATTRIBUTE_BYTES
        if not requests or requests[-1][0] != failure.letter.queue or size + added > QUEUE_LIMIT_BYTES:
            requests.append((failure.letter.queue, []))
            size = 0
        requests[-1][1].append(failure)
        size += added
    return requests


def _entry(number: int, failure: Failure) -> dict[str, Any]:
    letter = failure.letter
    return {
        "Id": str(number),
        "MessageBody": letter.update,
        "MessageGroupId": letter.group,
        "MessageDeduplicationId": f"{read(letter.update, letter.queue).update_id}-r{failure.retries + 1}",
        "MessageAttributes": {"origin": {"DataType": "String", "StringValue": _origin(failure)}},
        **carried(letter.trace_id),
    }
