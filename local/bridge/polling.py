"""Asks Telegram for updates, again and again, and says in a sentence how that goes.

Problem: a poll that holds nobody up, loses nothing, and is no burden to Telegram while a bot is down.
Rule: one long poll after the other while all that came is settled. While something waits, Telegram would answer at
once, with the same: then it is asked when all is settled, or after a second for what is new. A failure is told, and
tried again after 1, 2, 4 … s, up to 30, or after the 429's own time.
Hazard: two programs that poll one bot throw each other out (409). Neither loses anything by it, but each gets a part.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from local.bridge.account import Account, Refused, Unreachable
from local.bridge.window import Json, Window
from local.telegram.clock import Clock, within
from local.telegram.errors import ControlError
from local.telegram.updates import DAY_S, Pending, UpdateQueue

LONG_POLL_S = 50
#: Telegram shows no more at once, so no more are ever in hand.
LIMIT = 100
LOOK_AGAIN_S = 1.0
LONGEST_PAUSE_S = 30.0
_ANSWERS_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Status:
    """How the bridge is doing: `state` for programs, `sentence` for people."""

    state: str
    sentence: str


class Polling:
    """Brings updates from Telegram into the queue; `say` is told whenever the status is another."""

    def __init__(self, account: Account, updates: UpdateQueue, clock: Clock, say: Callable[[Status], None]) -> None:
        self._account = account
        self._updates = updates
        self._clock = clock
        self._say = say
        self._settled = asyncio.Event()
        self.window = Window()
        #: As getUpdates is to ask for; None: as Telegram was told before.
        self.allowed: list[str] | None = None
        updates.on_settled = self._look

    async def run(self) -> None:
        """Poll until cancelled."""
        # The first is short, as after a failure, to know at once how it goes.
        failures, wait_s = 0, 0
        while True:
            try:
                await self._poll(wait_s)
            except (Refused, Unreachable) as error:
                failures, wait_s = failures + 1, 0
                pause_s, sentence = await self._trouble(error, min(LONGEST_PAUSE_S, 2.0 ** (failures - 1)))
                self._say(Status("trouble", f"{sentence} Trying again in {pause_s:.0f} s."))
                await self._clock.sleep(pause_s)
            else:
                failures, wait_s = 0, LONG_POLL_S
                await self._until_settled()

    async def confirm(self, within_s: float) -> None:
        """Tell Telegram what was delivered, outside of `run`. Raises Refused, Unreachable."""
        if (offset := self.window.offset()) is not None:
            # What the answer shows is not taken, and so not confirmed by the next.
            arguments = {"offset": offset, "limit": 1, "timeout": 0}
            self.window.take(await self._account.call("getUpdates", arguments, within_s))

    async def _poll(self, wait_s: int) -> None:
        arguments: dict[str, Any] = {"limit": LIMIT, "timeout": wait_s if self.window.is_settled else 0}
        if (offset := self.window.offset()) is not None:
            arguments["offset"] = offset
        if self.allowed is not None:
            arguments["allowed_updates"] = self.allowed
        within_s = arguments["timeout"] + _ANSWERS_WITHIN_S
        answer = await self._account.call("getUpdates", arguments, within_s)
        if not isinstance(answer, list):
            raise Unreachable("an answer that is no list of updates")
        self._say(Status("polling", "Telegram is asked for updates."))
        for update in self.window.take(answer):
            self.window.hold(self._file(update))

    async def _trouble(self, error: Refused | Unreachable, pause_s: float) -> tuple[float, str]:
        """Return how long to wait, and what is wrong."""
        if isinstance(error, Unreachable):
            return pause_s, f"Telegram at {self._account.api} does not answer ({error}). Updates wait there meanwhile."
        if error.code == HTTPStatus.TOO_MANY_REQUESTS:
            return max(1.0, error.retry_after_s), "Telegram wants to be asked for updates less often (429)."
        if error.code == HTTPStatus.CONFLICT:
            return pause_s, await self._conflict()
        if error.is_of_the_token:
            return LONGEST_PAUSE_S, (
                f"Telegram takes the token no more ({error.code}): it was revoked, or the bot deleted. Stop this, and "
                "start it with the token that @BotFather has now."
            )
        return pause_s, f"Telegram answers {error} to getUpdates. Updates wait there meanwhile."

    async def _conflict(self) -> str:
        """Return who else gets the updates: a webhook or another program."""
        host = None
        with contextlib.suppress(Refused, Unreachable):
            host = webhook_host(await self._account.call("getWebhookInfo"))
        if host:
            return (
                f"A webhook was set meanwhile, at {host}: Telegram sends the updates there. Stop what set it, or "
                "remove it: Ctrl-C, and make run again."
            )
        return (
            "Another program asks for this bot's updates (getUpdates), and each gets a part of them: stop one of the "
            "two."
        )

    def _file(self, update: Json) -> Pending:
        try:
            return self._updates.add(update)
        except ControlError:
            # Of a form that is not known here: what to make of it is the bot's business.
            now, number = self._clock.now(), update["update_id"]
            pending = Pending(update, "unknown", f"update:{number}", now, now + DAY_S)
            self._updates.file(pending)
            return pending

    async def _until_settled(self) -> None:
        """Return once all that came is settled, or when it is time to look for more."""
        self._settled.clear()
        if not self.window.is_settled:
            with contextlib.suppress(TimeoutError):
                await within(self._clock, LOOK_AGAIN_S, self._settled.wait())

    def _look(self, _settled: Pending) -> None:
        if self.window.is_settled:
            self._settled.set()


def webhook_host(info: Json) -> str:
    """Return the host of the webhook that getWebhookInfo tells of, "" if there is none."""
    url = info.get("url", "")
    return urlsplit(url).hostname or url
