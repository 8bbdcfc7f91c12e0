"""Telegram at the far end of httpx: the emulator, its limits, and what can happen to a call on its way.

Problem: what a bot may repeat hangs on how exactly a call failed. Rule: the real bot, request and httpx classes are
used, and below them each fault is raised as the network would: PTB makes its own errors of that. Hazard: a freeze binds
from when it is known. A call that began before another worker had noted it is under way and cannot be held back; so is
one that a worker's fast clock lets begin some seconds before the end.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import contextmanager, nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
from starlette.requests import Request

from floodgate.telegram.bot import READ_TIMEOUT_S
from floodgate.telegram.calls import shows_twice
from local.telegram import api, parameters
from local.telegram.app import create_app
from local.telegram.errors import too_many_requests
from tests.chaos.aws import AWS_S, Killed, life
from tests.chaos.faults import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.telegram.emulator import Emulator
    from local.telegram.parameters import Parameters
    from tests.chaos.aws import WatchedTables
    from tests.chaos.faults import CallFault, Faults
    from tests.chaos.ledger import Ledger
    from tests.simulation.fleet import LoopClock

#: Where the admin is told of failures.
ADMIN = 1
#: What a call takes, in seconds.
TELEGRAM_S = 0.08
#: Reading the certificates takes longer than a run, and nothing here is encrypted.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_BROKEN: Mapping[Call, type[httpx.TransportError]] = {
    Call.REFUSED: httpx.ConnectError,
    Call.RESET: httpx.ReadError,
    Call.RESET_AFTER: httpx.RemoteProtocolError,
    Call.TIMED_OUT: httpx.ReadTimeout,
    Call.TIMED_OUT_AFTER: httpx.ReadTimeout,
}
#: So long before a call begins its gate may have been asked, in seconds.
_ASKED_S = 2 * AWS_S
_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_ANSWERS: Mapping[Call, tuple[int, bytes]] = {
    Call.FAILED: (500, b'{"ok":false,"error_code":500,"description":"Internal Server Error"}'),
    Call.BAD_GATEWAY: (502, _HTML),
    Call.BAD_GATEWAY_AFTER: (502, _HTML),
    Call.UNREADABLE: (200, _HTML),
}


class EmulatorClock:
    """The loop's time, as the emulator asks for it."""

    def __init__(self, clock: LoopClock) -> None:
        self.now = clock

    async def sleep(self, seconds: float) -> None:
        """Return once that many seconds have passed."""
        await asyncio.sleep(seconds)


class Telegram:
    """All of Telegram that the workers meet; `deliver` takes the updates that it sends."""

    def __init__(
        self,
        token: str,
        clock: LoopClock,
        faults: Faults,
        ledger: Ledger,
        tables: WatchedTables,
        deliver: httpx.AsyncBaseTransport,
        *,
        skew_s: float,
    ) -> None:
        self.emulator: Emulator = create_app(
            token=token, clock=EmulatorClock(clock), webhook_transport=deliver
        ).state.emulator
        self._clock = clock
        self._faults = faults
        self._ledger = ledger
        self._tables = tables
        self._skew_s = skew_s
        #: By chat: from when to when it is frozen.
        self._frozen: dict[int, tuple[float, float]] = {}

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Be below every httpx client that does not say otherwise."""

        async def handle(_transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
            return await self.answer(request)

        with (
            mock.patch.object(httpx.AsyncHTTPTransport, "handle_async_request", handle),
            mock.patch.object(httpx, "create_ssl_context", return_value=_NO_TLS),
        ):
            yield

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of the bot's, or let it fail; a dead worker's call never ends."""
        method = request.url.path.rpartition("/")[2]
        given = await _read(request)
        text = " ".join(given.arguments.values())
        mine, began_at = life.get(), self._clock()
        fault = self._faults.call()
        kind = None if fault is None else fault.kind
        if kind is Call.REFUSED:
            raise httpx.ConnectError("connection refused")
        arrived = False
        try:
            await asyncio.sleep(TELEGRAM_S / 2)
            with nullcontext() if mine is None else mine.call():
                status, body = await self._carry_out(method, given, fault, began_at)
                arrived = status == HTTPStatus.OK
                if arrived:
                    self._ledger.delivered(text, shows_twice=shows_twice(method))
                    if (chat := given.integer("chat_id")) != ADMIN:
                        self._ledger.told(chat, text, self._clock())
                elif b"query is too old" in body:
                    self._ledger.refused_as_too_old(text)
            await asyncio.sleep(READ_TIMEOUT_S if kind in {Call.TIMED_OUT, Call.TIMED_OUT_AFTER} else TELEGRAM_S / 2)
        except Killed:
            assert mine is not None
            return await mine.beyond()
        except asyncio.CancelledError:  # the update's deadline: its journal cannot know either
            self._ledger.unheard(text, arrived=arrived, is_unknown=True)
            raise
        if mine is not None and mine.is_over:
            return await mine.beyond()
        if fault is None or kind is Call.FLOODED:
            return httpx.Response(status, content=body)
        self._ledger.unheard(text, arrived=arrived, is_unknown=fault.kind.is_unknown)
        if error := _BROKEN.get(fault.kind):
            raise error(fault.kind.value)
        status, body = _ANSWERS[fault.kind]
        return httpx.Response(status, content=body)

    async def _carry_out(
        self, method: str, given: Parameters, fault: CallFault | None, began_at: float
    ) -> tuple[int, bytes]:
        """Return Telegram's own answer, of which the bot may never hear."""
        chat = given.integer("chat_id")
        self._look_whether_frozen(chat, began_at)
        if fault is not None and fault.kind is Call.FLOODED:
            status, said = HTTPStatus.TOO_MANY_REQUESTS, too_many_requests(fault.seconds).body()
        elif fault is not None and not fault.kind.delivers:
            return 0, b""
        else:
            answer = await api.call(self.emulator, method, given)
            status, said = HTTPStatus(answer.status), answer.body
        if chat and status == HTTPStatus.TOO_MANY_REQUESTS and (fault is None or fault.kind is Call.FLOODED):
            now = self._clock()
            self._frozen[chat] = now, now + said["parameters"]["retry_after"]
        return status, json.dumps(said).encode()

    def _look_whether_frozen(self, chat: int, began_at: float) -> None:
        """Count a call into a frozen chat, as one of which the bot could have known, or one of which it could not."""
        since, until = self._frozen.get(chat, (0.0, 0.0))
        if not since < self._clock() < until:
            return
        if began_at <= since:
            self._ledger.frozen_calls["under way"] += 1
            return
        noted_until, noted_at = self._tables.noted.get(f"gate#{chat}", (0.0, 0.0))
        mine = life.get()
        if noted_until > began_at + (0.0 if mine is None else mine.skew_s):
            self._ledger.frozen_calls["known" if began_at > noted_at + _ASKED_S else "under way"] += 1
        else:
            is_noted = noted_until > until - 1 - self._skew_s
            self._ledger.frozen_calls["by a fast clock" if is_noted else "not noted"] += 1


async def _read(request: httpx.Request) -> Parameters:
    """Return a call's parameters, uploads included."""
    body = await request.aread()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": request.url.path,
        "query_string": b"",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }
    return await parameters.read(Request(scope, receive))
