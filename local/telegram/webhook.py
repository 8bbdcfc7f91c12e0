"""Webhook delivery, as tdlib/telegram-bot-api does it (WebhookActor.cpp).

Problem: a bot's endpoint meets Telegram's pace, order and stubbornness, not one POST per update.
Rule: updates of one queue go one at a time, different queues side by side, at most max_connections at once. At most
2 x max_connections updates are loaded; those that fail stay loaded. 2xx within 60 s is success; after anything else the
update is sent again at once, then after 2, 4, 8 ... s up to a random 60 to 120 s, or after the answer's Retry-After (at
most an hour), until that would be past its expiry. The body of a success may be a Bot API call, which is carried out.
Hazard: enough updates that always fail fill the loaded ones, and nothing else is delivered. That is Telegram's way.
Only loopback is delivered to; a name under .localhost goes to 127.0.0.1 with its Host header kept (RFC 6761).
"""

import asyncio
import contextlib
import ipaddress
import json
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from local.telegram.clock import Clock, within
from local.telegram.errors import bad_request
from local.telegram.updates import Pending, UpdateQueue

ANSWER_WITHIN_S = 60
MAX_RETRY_AFTER_S = 3600
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
PROBE_S = 10

Execute = Callable[[str, bytes], Awaitable[None]]


def _retry_ceiling() -> int:
    return random.randint(60, 120)  # noqa: S311 - spreads retries, guards nothing


@dataclass(frozen=True, slots=True)
class Webhook:
    """What setWebhook was told."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""


def check_url(url: str, ip_address: str) -> None:
    """Raise BotApiError unless the emulator may deliver to it: http or https, to loopback."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise bad_request("invalid webhook URL specified") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise bad_request("invalid webhook URL specified")
    for host in (parsed.host, ip_address or "localhost"):
        if not _is_loopback(host):
            loopback = "127.0.0.1, ::1, localhost or a name under .localhost"
            raise bad_request(f"bad webhook: this emulator delivers to loopback only, {loopback}, not to {host}")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(eq=False, slots=True)
class _Loaded:
    pending: Pending
    wakeup_at: float
    delay_s: int = 1
    failures: int = 0
    is_in_flight: bool = False


class WebhookSender:
    """Delivers the queue's updates to the webhook while one is set."""

    def __init__(
        self,
        clock: Clock,
        updates: UpdateQueue,
        execute: Execute,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        retry_ceiling: Callable[[], int] = _retry_ceiling,
    ) -> None:
        self._clock = clock
        self._updates = updates
        self._execute = execute
        self._transport = transport
        self._retry_ceiling = retry_ceiling
        self._lanes: dict[str, deque[_Loaded]] = {}
        self._loaded: set[Pending] = set()
        self._in_flight = 0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivering: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None
        self.webhook: Webhook | None = None
        self.last_error_date: int | None = None
        self.last_error_message = ""

    def wake(self) -> None:
        """Look at the queue again: something arrived."""
        self._changed.set()

    async def open(self, webhook: Webhook) -> None:
        """Deliver to this webhook from now on, in place of any other."""
        await self.close()
        self.webhook = webhook
        self._client = httpx.AsyncClient(
            transport=self._transport,
            verify=False,  # noqa: S501 - loopback only, and nobody has a certificate for it
            trust_env=False,
            timeout=None,  # noqa: S113 - the injected clock measures the 60 s
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=webhook.max_connections),
        )
        self._delivering = self._spawn(self._deliver(webhook, self._client))

    async def finish(self, within_s: float) -> None:
        """Start no delivery any more, and return once those under way have ended, or after that time without them."""
        if self._delivering is None:
            return
        self._delivering.cancel()
        with contextlib.suppress(TimeoutError):
            await within(self._clock, within_s, _end_of(self._tasks - {self._delivering}))

    async def close(self) -> None:
        """Stop delivering; what was in flight or failing waits in the queue again."""
        self.webhook, client, self._client = None, self._client, None
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if client is not None:
            await client.aclose()
        self._lanes.clear()
        self._loaded.clear()
        self._in_flight = 0
        self.last_error_date, self.last_error_message = None, ""

    async def unreachable_because(self) -> str | None:
        """Return None if the endpoint answers, or a sentence that says why it can't be reached; delivers nothing.

        With a secret, an empty POST without it must be refused with 401 or 403. Without one, a POST might be taken for
        an update, so a GET must get any answer below 500.
        """
        webhook, client = self.webhook, self._client
        if webhook is None or client is None:
            return "no webhook is set: call setWebhook"
        url, headers = _address(webhook)
        method, expected = ("POST", "401 or 403") if webhook.secret_token else ("GET", "an answer below 500")
        try:
            request = client.request(method, url, headers=headers, json={} if webhook.secret_token else None)
            status = (await within(self._clock, PROBE_S, request)).status_code
        except (httpx.HTTPError, TimeoutError) as error:
            return f"the webhook doesn't answer: {_describe(error)}"
        if status in (401, 403) if webhook.secret_token else status < 500:
            return None
        return f"the webhook answered {status} to a {method} without the secret token, not {expected}"

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, webhook: Webhook, client: httpx.AsyncClient) -> None:
        while True:
            self._changed.clear()
            self._load(2 * webhook.max_connections)
            wakeup_at = self._start_ready(webhook, client)
            if wakeup_at is None:
                await self._changed.wait()
            else:
                try:
                    await within(self._clock, max(0.0, wakeup_at - self._clock.now()), self._changed.wait())
                except TimeoutError:
                    continue

    def _load(self, most: int) -> None:
        now = self._clock.now()
        expired = []
        for pending in self._updates:
            if len(self._loaded) >= most:
                break
            if pending in self._loaded:
                continue
            if pending.expires_at <= now:
                expired.append(pending)
                continue
            self._loaded.add(pending)
            self._lanes.setdefault(pending.queue, deque()).append(_Loaded(pending, now))
        for pending in expired:
            self._updates.settle(pending, "expired")

    def _start_ready(self, webhook: Webhook, client: httpx.AsyncClient) -> float | None:
        """Send every queue's first update that is due and return when the next will be, None if none waits for time."""
        now = self._clock.now()
        waiting = sorted(
            (lane[0] for lane in self._lanes.values() if not lane[0].is_in_flight), key=lambda i: i.wakeup_at
        )
        for item in waiting:
            if item.wakeup_at > now:
                return item.wakeup_at
            if self._in_flight >= webhook.max_connections:
                return None
            if item.pending not in self._updates:  # drop_pending_updates took it
                self._unload(item)
                self._changed.set()
                continue
            item.is_in_flight = True
            self._in_flight += 1
            self._spawn(self._attempt(webhook, client, item))
        return None

    async def _attempt(self, webhook: Webhook, client: httpx.AsyncClient, item: _Loaded) -> None:
        url, headers = _address(webhook)
        if webhook.secret_token:
            headers[SECRET_HEADER] = webhook.secret_token
        content = json.dumps(item.pending.update).encode()
        started_at = self._clock.now()
        attempt: dict[str, object] = {"at": started_at, "status": None}
        item.pending.attempts.append(attempt)
        for watcher in self._updates.watchers:
            watcher.delivering(item.pending)
        response = None
        try:
            request = client.post(url, content=content, headers=headers | {"Content-Type": "application/json"})
            response = await within(self._clock, ANSWER_WITHIN_S, request)
            attempt["status"] = response.status_code
            error = "" if response.is_success else _wrong(response)
        except (httpx.HTTPError, TimeoutError) as failure:
            error = _describe(failure)
        attempt["latency_ms"] = round((self._clock.now() - started_at) * 1000, 1)
        self._in_flight -= 1
        item.is_in_flight = False
        if error:
            attempt["error"] = error
        for watcher in self._updates.watchers:
            watcher.attempted(item.pending)
        if error:
            self._failed(item, error, _retry_after(response))
        else:
            self._updates.settle(item.pending, "delivered")
            self._unload(item)
        self._changed.set()
        if response is not None and not error:
            await self._execute(response.headers.get("content-type", ""), response.content)

    def _failed(self, item: _Loaded, error: str, retry_after_s: int) -> None:
        now = self._clock.now()
        self.last_error_date, self.last_error_message = int(now), error
        wait_s = retry_after_s
        if wait_s == 0 and item.failures > 0:
            item.delay_s = wait_s = min(self._retry_ceiling(), item.delay_s * 2)
        if now + wait_s > item.pending.expires_at:
            self._updates.settle(item.pending, "expired")
            self._unload(item)
        item.wakeup_at = now + wait_s
        item.failures += 1

    def _unload(self, item: _Loaded) -> None:
        self._loaded.discard(item.pending)
        lane = self._lanes[item.pending.queue]
        lane.popleft()
        if not lane:
            del self._lanes[item.pending.queue]


async def _end_of(tasks: set[asyncio.Task[None]]) -> None:
    """Return once all have ended; to be cancelled cancels them."""
    await asyncio.gather(*tasks, return_exceptions=True)


def _address(webhook: Webhook) -> tuple[httpx.URL, dict[str, str]]:
    """Return where to connect and the Host header to keep: names under localhost mean 127.0.0.1."""
    url = httpx.URL(webhook.url)
    headers = {"Host": url.netloc.decode()}
    if webhook.ip_address:
        return url.copy_with(host=webhook.ip_address), headers
    is_name = url.host == "localhost" or url.host.endswith(".localhost")
    return url.copy_with(host="127.0.0.1") if is_name else url, headers


def _wrong(response: httpx.Response) -> str:
    try:
        reason = response.reason_phrase or HTTPStatus(response.status_code).phrase
    except ValueError:
        reason = ""
    return f"Wrong response from the webhook: {response.status_code} {reason}".rstrip()


def _describe(error: Exception) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "Read timeout expired"
    return "Connection refused" if isinstance(error, httpx.ConnectError) else "Connection closed"


def _retry_after(response: httpx.Response | None) -> int:
    try:
        seconds = float(response.headers.get("retry-after", "0")) if response is not None else 0.0
    except ValueError:
        return 0
    return math.ceil(min(max(seconds, 0.0), MAX_RETRY_AFTER_S)) if math.isfinite(seconds) else 0
