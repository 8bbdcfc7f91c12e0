"""The bridge's parts in one object: the account at Telegram, what waits here, and the local webhook.

Problem: a bot that runs on this machine has no address that Telegram could deliver to.
Rule: setWebhook, deleteWebhook and getWebhookInfo are answered here, as at Telegram. While a webhook is set, Telegram
is polled, and what comes is delivered by Telegram's own rules (local/telegram/webhook.py). An update is confirmed at
Telegram once the webhook took it or it has expired, and not before. Nothing is ever dropped.
Hazard: what the webhook took is in the local queues only, and those end with the stack: `stop` comes first.
"""

import asyncio
import contextlib
from http import HTTPStatus
from typing import Any

import httpx

from local.bridge.account import Account, Refused, Unreachable
from local.bridge.polling import Polling, Status
from local.telegram.api import is_for_answers
from local.telegram.clock import Clock, SystemClock
from local.telegram.errors import BotApiError, bad_request, too_many_requests
from local.telegram.parameters import Parameters, from_body
from local.telegram.receiving import CHANGE_INTERVAL_S, Described, allowed_of, info_of, webhook_of
from local.telegram.updates import ALL_TYPES, UpdateQueue
from local.telegram.watching import Watcher
from local.telegram.webhook import Webhook, WebhookSender

type Json = dict[str, Any]

#: Deliveries under way may take that long to end when the bridge stops; a process has 5 s to end in.
FINISH_WITHIN_S = 3.0
_CONFIRM_WITHIN_S = 1.5
#: What became of the last updates; people's messages are kept no longer than needed.
_HISTORY = 100


class Bridge:
    """Between one bot's account at Telegram and the webhook on this machine. `close` is due."""

    def __init__(
        self,
        account: Account,
        token: str,
        *,
        clock: Clock | None = None,
        webhook_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.account = account
        #: What the local stack takes for the bot's token.
        self.token = token
        self.bot: Json | None = None
        self._clock = clock or SystemClock()
        self._updates = UpdateQueue(self._clock.now, history=_HISTORY)
        # Telegram has chosen already.
        self._updates.allowed = ALL_TYPES
        self.sender = WebhookSender(self._clock, self._updates, self._carry_out, transport=webhook_transport)
        self._updates.on_arrival = self.sender.wake
        self._status = Status("waiting", "Telegram is asked for updates as soon as the stack has set its webhook.")
        self._polling = Polling(account, self._updates, self._clock, self._say)
        self._poller: asyncio.Task[None] | None = None
        self._changed_at = float("-inf")
        self._has_stopped = False
        # Whoever sets, deletes or stops waits for whoever does so already: each would undo half of the other's.
        self._one_at_a_time = asyncio.Lock()

    # ------------------------------------------------------------------------------------- what the bot asks it for --

    async def set_webhook(self, parameters: Parameters) -> Described:
        """Have updates delivered to a URL on this machine; an empty URL is deleteWebhook. Raises BotApiError."""
        if not parameters.text("url"):
            return await self.delete_webhook(parameters)
        _keep_pending(parameters)
        webhook, allowed = webhook_of(parameters), allowed_of(parameters)
        async with self._one_at_a_time:
            return await self._set(webhook, allowed)

    async def _set(self, webhook: Webhook, allowed: list[str] | None) -> Described:
        if self._has_stopped:
            raise BotApiError(503, "Service Unavailable: the bridge to Telegram stops")
        is_same = self.sender.webhook == webhook
        if not is_same and self._clock.now() < self._changed_at + CHANGE_INTERVAL_S:
            raise too_many_requests(1)
        asks_for_more = allowed not in (None, self._polling.allowed)
        if asks_for_more:
            self._polling.allowed = allowed
        if not is_same:
            self._changed_at = self._clock.now()
            await self.sender.open(webhook)
        if asks_for_more or self._poller is None:
            await self._stop_polling()
            self._poller = asyncio.create_task(self._polling.run())
        return Described(result=True, description="Webhook is already set" if is_same else "Webhook was set")

    async def delete_webhook(self, parameters: Parameters) -> Described:
        """Deliver no more, and ask Telegram for no more. Raises BotApiError."""
        _keep_pending(parameters)
        async with self._one_at_a_time:
            if self.sender.webhook is None:
                return Described(result=True, description="Webhook is already deleted")
            await self._stop_polling()
            await self.sender.close()
            await self._confirm()
            self._say(Status("waiting", "The local webhook was removed; updates wait at Telegram."))
            return Described(result=True, description="Webhook was deleted")

    async def webhook_info(self) -> Json:
        """Return the local webhook, and how many updates wait here and at Telegram. Raises Refused, Unreachable."""
        there = await self.account.call("getWebhookInfo")
        window = self._polling.window
        waiting = max(len(self._updates), there.get("pending_update_count", 0) - window.unconfirmed)
        info = info_of(self.sender, waiting)
        allowed = there.get("allowed_updates") if self._polling.allowed is None else self._polling.allowed
        return info | ({"allowed_updates": sorted(allowed)} if allowed else {})

    # ------------------------------------------------------------------------------------------- from start to stop --

    async def start(self) -> None:
        """Know who the bot is, if Telegram says so now."""
        with contextlib.suppress(Refused, Unreachable):
            self.bot = await self.account.call("getMe")

    async def stop(self) -> None:
        """Ask for no more updates, let deliveries end, and confirm what was delivered. Calls are still handed on."""
        async with self._one_at_a_time:
            if self._has_stopped:
                return
            self._has_stopped = True
            await self._stop_polling()
            await self.sender.finish(FINISH_WITHIN_S)
            self._say(Status("stopped", await self._confirm()))

    async def close(self) -> None:
        """Stop, and close every connection."""
        await self.stop()
        await self.sender.close()
        await self.account.close()

    def watch(self, watcher: Watcher) -> None:
        """Have somebody be told of updates, their deliveries and the bot's calls."""
        self._updates.watchers.append(watcher)

    def called(self, method: str, status: int) -> None:
        """Tell who watches that a call was handed on, and with which status it was answered."""
        call = {"at": self._clock.now(), "method": method, "status": status}
        for watcher in self._updates.watchers:
            watcher.called(call)

    def status(self) -> Json:
        """Return `bot` (None until Telegram has said), `state`, `sentence` for people, and what is in hand."""
        status = self._status
        if self._poller is not None and self._poller.done():
            status = Status("trouble", "The bridge itself has failed, and asks for no more updates: start it anew.")
        elif status.state == "polling" and (error := self._refusal()):
            status = Status("trouble", f"The webhook on this machine does not take an update, which is kept. {error}.")
        return {
            "bot": self.bot,
            "state": status.state,
            "sentence": status.sentence,
            "waiting": self._polling.window.waiting,
        }

    def _refusal(self) -> str:
        """Return why the webhook does not take an update that it was sent more than once, "" if there is none."""
        for pending in self._updates:
            errors = [attempt["error"] for attempt in pending.attempts if "error" in attempt]
            if len(errors) > 1:
                return str(errors[-1])
        return ""

    def _say(self, status: Status) -> None:
        self._status = status

    async def _stop_polling(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
            self._poller = None

    async def _confirm(self) -> str:
        """Confirm what was delivered, if Telegram lets us, and return what is left."""
        window = self._polling.window
        try:
            await self._polling.confirm(_CONFIRM_WITHIN_S)
        except (Refused, Unreachable) as error:
            left = window.unconfirmed
            count = "1 update was delivered" if left == 1 else f"{left} updates were delivered"
            return f"Telegram could not be told that {count} ({error}): what was comes again."
        if not (left := window.waiting):
            return ""
        count = "1 update was not delivered: it waits" if left == 1 else f"{left} updates were not delivered: they wait"
        return f"{count} at Telegram."

    async def _carry_out(self, content_type: str, body: bytes) -> None:
        """Carry out the call that the webhook's answer holds, if any, at Telegram; nobody hears what becomes of it."""
        try:
            arguments = from_body(content_type, body)
        except BotApiError:
            return
        method = arguments.pop("method", "")
        if is_for_answers(method):
            status = int(HTTPStatus.OK)
            try:
                await self.account.call(method, arguments)
            except Refused as error:
                status = error.code
            except Unreachable:
                status = HTTPStatus.GATEWAY_TIMEOUT
            self.called(method, status)


def _keep_pending(parameters: Parameters) -> None:
    """Raise BotApiError if the call asks to drop what real people have written."""
    if parameters.boolean("drop_pending_updates"):
        raise bad_request("the bridge to Telegram drops no updates: leave out drop_pending_updates")
