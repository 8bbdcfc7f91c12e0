"""The one log line that tells of an update: what it was, who had it in hand, what became of it, and how long it took.

Rule: one line when an update is finished or given up, and one for each attempt that failed; waiting is told at DEBUG
only, for in a flood most lines would be about that. Chats and people are hashed, what somebody wrote is nowhere, and of
an error there is its class and its place. What was given up has the reference that its user was told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from floodgate.delivery.outcomes import FOLLOWS, Follows, Outcome
from floodgate.ingress.updates import chat_id, user_id
from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed

if TYPE_CHECKING:
    from floodgate.delivery.failure import Failure
    from floodgate.delivery.message import Message
    from floodgate.ingress.updates import IncomingUpdate

_WRITE = {
    Follows.FINISHED: logger.info,
    Follows.WAITS: logger.debug,
    Follows.TRIED_OFTEN: logger.warning,
    Follows.TRIED_SOME_TIMES: logger.warning,
}


@dataclass(slots=True)
class CanonicalLine:
    """What is to be told of one message; `write` tells it. `queued_s` is how long it was in its queue, all in all."""

    message: Message
    queued_s: float
    began_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    update: IncomingUpdate | None = None
    #: The callback that had it in hand.
    handler: str | None = None
    #: Failed attempts, this one included.
    attempts: int = 0
    #: Given up, it is known to its user under this name.
    reference: str | None = None
    #: Whether this attempt failed; None if it was none.
    failed: bool | None = None
    #: What came of it, once that is told.
    outcome: Outcome | None = None

    def write(self, outcome: Outcome, *, failure: Failure | None = None, **more: Any) -> None:
        """Tell what came of it this time; `more` is told as well."""
        self.outcome = outcome
        write = logger.error if self.reference else _WRITE.get(FOLLOWS[outcome], logger.error)
        update, message = self.update, self.message
        told: dict[str, Any] = {
            "outcome": outcome.value,
            "update_id": update.update_id if update else None,
            "update_type": update.type if update else None,
            "chat": hashed(chat_id(update.update)) if update else None,
            "user": hashed(user_id(update.update)) if update else None,
            "handler": self.handler,
            "attempts": self.attempts,
            "receives": message.receive_count,
            "queued_s": round(self.queued_s, 3),
            "took_s": round(asyncio.get_running_loop().time() - self.began_at, 3),
            "message_id": message.origin,
            "reference": self.reference,
            **more,
        }
        if failure is not None:
            told |= {name: value for name, value in failure.kept().items() if name != "handler"}
        write("update", **{name: value for name, value in told.items() if value is not None})
