"""Which messages may have killed a worker.

Problem: a worker that dies writes nothing, and a flood has most messages received several times without anybody dying.
Rule: a dead worker's messages stay hidden until the queue's visibility timeout is over. So a message is a suspect if it
was first received longer ago than that, and its entry in the journal does not say that its last receive ended with its
being put back, which is noted of what comes back that late. Suspects run one at a time, with a mark in the journal that
is taken away with their outcome; found after the visibility timeout, it means that a worker died again, with this very
message.

Hazard: a put-back that could not be noted makes a suspect of an innocent: it runs alone, and nothing worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from floodgate.delivery.journal import Entry, Journal
    from floodgate.delivery.message import Message

#: How far the clocks of a worker and of SQS may be apart, in seconds.
SKEW_S: Final = 5.0


class Suspects:
    """Tells them by the journal; `visibility_s` is how long the queue hides a message that was received."""

    def __init__(self, journal: Journal, clock: Callable[[], float], *, visibility_s: float) -> None:
        self._journal = journal
        self._clock = clock
        #: For how long a message stays hidden at least that was in a dead worker's hand.
        self._hidden_s = visibility_s - SKEW_S

    async def since(self, message: Message) -> float | None:
        """Return the time that it is, if the message is one or may be, for the journal cannot be read; else None.

        To be asked as soon as the message is received; raises nothing.
        """
        now = self._clock()
        if message.receive_count == 1 or now - message.first_received_at < self._hidden_s:
            return None
        try:
            entry = await self._journal.read(message.origin)
        except Exception as trouble:  # noqa: BLE001 - the record boundary: nine others are received with it
            logger.warning("suspect not looked up", message_id=message.origin, error=type(trouble).__name__)
            return now
        is_explained = entry.receives == message.receive_count - 1 and entry.started_at is None
        return None if is_explained else now

    def has_killed(self, entry: Entry, since: float | None) -> bool:
        """Tell whether a worker died with a message that was a suspect already; it is received again at `since`.

        A mark that could not be taken away stands as well, but its message comes back sooner.
        """
        return since is not None and entry.started_at is not None and since - entry.started_at >= self._hidden_s

    async def explain(self, message: Message, delay_s: float) -> None:
        """Note that the message is about to be put back for `delay_s`, if it must be noted; raises nothing.

        It must if it may come back as late as from a dead worker; what waited long once may do so again.
        """
        if self._clock() + delay_s - message.sent_at < self._hidden_s:
            return
        try:
            await self._journal.explain(message.origin, message.receive_count)
        except (BotoCoreError, ClientError) as trouble:
            logger.warning("a put-back may look like a crash", message_id=message.origin, error=fault(trouble))
