"""What is written down of an attempt, and the letter of what is given up.

Rule: the journal first, the letter then, and only then the message counts as done. So a letter that could not be sent
is sent when the message comes again, without another attempt.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.aws import fault
from floodgate.delivery.failure import Failure
from floodgate.delivery.journal import Verdict
from floodgate.delivery.outcomes import DONE, Outcome
from floodgate.ingress.dead_letter import reference
from floodgate.ingress.updates import Poison
from floodgate.monitoring import metrics
from floodgate.monitoring.logger import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from floodgate.delivery.canonical_line import CanonicalLine
    from floodgate.delivery.dead_queue import DeadQueue
    from floodgate.delivery.journal import Entry, Journal
    from floodgate.delivery.message import Message
    from floodgate.delivery.outcomes import Disposition
    from floodgate.ingress.updates import IncomingUpdate

#: How long a journal that refused an entry is left alone before it is asked again, in seconds, at most; the last again
#: and again.
_PAUSES_S: Final = (0.2, 0.5, 1.0)


class Bookkeeping:
    """Writes to `journal` and `dead`. Each method raises what botocore raises."""

    def __init__(
        self,
        journal: Journal,
        dead: DeadQueue,
        clock: Callable[[], float],
        *,
        deadline_s: float,
        read: Callable[[str], IncomingUpdate],
    ) -> None:
        self._read = read
        self._journal = journal
        self._dead = dead
        self._clock = clock
        self._deadline_s = deadline_s

    def failed(self, entry: Entry, outcome: Outcome, failure: Failure) -> Entry:
        """Return the entry with one more attempt counted."""
        failures = {**entry.failures, outcome.value: entry.failures.get(outcome.value, 0) + 1}
        return replace(entry, failures=failures, failure=failure.kept(), first_at=entry.first_at or self._clock())

    async def keep(self, message: Message, entry: Entry, line: CanonicalLine, *, is_urgent: bool = False) -> None:
        """Write the entry.

        That is worth all the time that the update has where the next attempt would repeat what was done already, or the
        mark of a suspect would stay (`is_urgent`), which looks like a crash.
        """
        deadline = line.began_at + self._deadline_s
        for pause_s in chain(_PAUSES_S, repeat(_PAUSES_S[-1])) if entry.calls or is_urgent else ():
            if asyncio.get_running_loop().time() > deadline:
                break
            try:
                return await self._journal.write(message.origin, entry)
            except (BotoCoreError, ClientError) as trouble:
                logger.warning("journal not written", message_id=message.origin, error=fault(trouble))
            await asyncio.sleep(random.uniform(0.0, pause_s))  # noqa: S311 - no secret
        return await self._journal.write(message.origin, entry)

    async def give_up(
        self, message: Message, entry: Entry, verdict: Verdict, line: CanonicalLine, *, is_urgent: bool = False
    ) -> Disposition:
        """Note that it is given up, and what it has done, and send its letter."""
        entry = replace(entry, verdict=verdict, receives=message.receive_count, started_at=None)
        await self.keep(message, entry, line, is_urgent=is_urgent)
        return await self.bury(message, entry, line)

    async def bury(self, message: Message, entry: Entry, line: CanonicalLine) -> Disposition:
        """Send the letter of an update that was given up, once more if it has to be; it is then done."""
        verdict = entry.verdict or Verdict(Outcome.BUG, "")
        if line.update is None:
            with suppress(Poison):
                line.update = self._read(message.body)
        failure = None if entry.failure is None else Failure.from_kept(entry.failure)
        await self._dead.send(message, entry, verdict, failure, self._clock())
        metrics.count(metrics.UPDATES_GIVEN_UP)
        line.attempts, line.reference = entry.attempts, reference(message.origin)
        line.write(Outcome(verdict.reason), failure=failure, detail=verdict.detail)
        return DONE
