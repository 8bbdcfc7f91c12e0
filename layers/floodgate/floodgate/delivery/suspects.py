"""Which messages may have killed a worker.

Problem: a worker that dies writes nothing, and a flood has most messages received several times without anybody dying.
Rule: a dead worker's messages stay hidden until the queue's visibility timeout is over. So a message is a suspect if it
was first received longer ago than that, and its entry in the journal does not say that its last receive ended with its
being put back, which is noted of what comes back that late. Suspects run one at a time, with a mark in the journal that
is taken away with their outcome; found on receive, the mark means that a worker died again, with this very message.

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
        self._visibility_s = visibility_s

    def has(self, message: Message, entry: Entry) -> bool:
        """Tell whether the message, of which the journal has `entry`, is one."""
        is_explained = entry.receives == message.receive_count - 1 and not entry.started
        return self._may_be(message) and not is_explained

    async def ask(self, message: Message) -> bool:
        """Tell whether the message is one, or may be, for the journal cannot be read; raises nothing."""
        if not self._may_be(message):
            return False
        try:
            return self.has(message, await self._journal.read(message.origin))
        except (BotoCoreError, ClientError):
            return True

    async def explain(self, message: Message, delay_s: float) -> None:
        """Note that the message is about to be put back for `delay_s`, if it must be noted; raises nothing."""
        if self._clock() + delay_s - message.first_received_at < self._visibility_s - SKEW_S:
            return
        try:
            await self._journal.explain(message.origin, message.receive_count)
        except (BotoCoreError, ClientError) as trouble:
            logger.warning("a put-back may look like a crash", message_id=message.origin, error=fault(trouble))

    def _may_be(self, message: Message) -> bool:
        hidden_s = self._clock() - message.first_received_at
        return message.receive_count > 1 and hidden_s >= self._visibility_s - SKEW_S
