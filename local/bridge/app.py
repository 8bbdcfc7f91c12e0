"""The bridge as a web application, in the emulator's place.

Rule: `/bot<token>/<method>` and `/file/bot<token>/<path>` are handed on to Telegram, but for the methods that say where
updates go. `/bridge/status` says how it goes, `/bridge/stop` has it ask for no more updates, and `/control/health` is
the emulator's: whether the local webhook can be reached.
Hazard: the token in the path is the local stack's, made for this run; the real one is not taken.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.bridge.account import API, API_VARIABLE, TOKEN_VARIABLE, Account, Refused, Unreachable
from local.bridge.bridge import Bridge
from local.bridge.passing import hand_on
from local.telegram import parameters
from local.telegram.errors import BotApiError
from local.telegram.parameters import Parameters
from local.telegram.receiving import Described

_POLLED_HERE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


def create_app(bridge: Bridge) -> Starlette:
    """Return the application; the bridge, at `app.state.bridge`, starts and is closed with the lifespan."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await bridge.start()
        try:
            yield
        finally:
            await bridge.close()

    app = Starlette(
        routes=[
            Route("/bot{token:path}/{method}", _call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", _file, methods=["GET"]),
            Route("/bridge/status", _status, methods=["GET"]),
            Route("/bridge/stop", _stop, methods=["POST"]),
            Route("/control/health", _health, methods=["GET"]),
        ],
        exception_handlers={BotApiError: _bot_api_error},
        lifespan=lifespan,
    )
    app.state.bridge = bridge
    return app


def from_env(environ: Mapping[str, str], token: str) -> Bridge | None:
    """Return the bridge to the bot whose token the environment has, None if it has none. Raises LocalError.

    `token` is what the local stack takes for it.
    """
    if not (real := environ.get(TOKEN_VARIABLE)):
        return None
    return Bridge(Account(real, environ.get(API_VARIABLE) or API), token)


async def _call(request: Request) -> Response:
    bridge, method = _known(request), request.path_params["method"]
    match method.lower():
        case "setwebhook":
            return await _answered(bridge.set_webhook, request)
        case "deletewebhook":
            return await _answered(bridge.delete_webhook, request)
        case "getwebhookinfo":
            return await _webhook_info(bridge)
        case "getupdates" if bridge.sender.webhook is not None:
            # Handed on, it would throw the bridge's own poll out, and confirm what was not delivered.
            raise BotApiError(HTTPStatus.CONFLICT, f"Conflict: {_POLLED_HERE}")
    answer = await hand_on(bridge.account, request, bridge.account.url(method, query=request.url.query))
    bridge.called(method, answer.status_code)
    return answer


async def _file(request: Request) -> Response:
    bridge = _known(request)
    url = bridge.account.url(request.path_params["path"], folder="/file", query=request.url.query)
    return await hand_on(bridge.account, request, url, is_file=True)


async def _answered(method: Callable[[Parameters], Awaitable[Described]], request: Request) -> Response:
    try:
        given = await parameters.read(request)
    except ClientDisconnect:
        return Response(status_code=499)
    answer = await method(given)
    return JSONResponse({"ok": True, "result": answer.result, "description": answer.description})


async def _webhook_info(bridge: Bridge) -> Response:
    try:
        return JSONResponse({"ok": True, "result": await bridge.webhook_info()})
    except Refused as error:
        raise BotApiError(error.code, error.description, retry_after=error.retry_after_s or None) from error
    except Unreachable as error:
        raise BotApiError(HTTPStatus.BAD_GATEWAY, f"Bad Gateway: Telegram does not answer ({error})") from error


async def _status(request: Request) -> Response:
    return JSONResponse(_bridge(request).status())


async def _stop(request: Request) -> Response:
    await _bridge(request).stop()
    return JSONResponse(_bridge(request).status())


async def _health(request: Request) -> Response:
    reason = await _bridge(request).sender.unreachable_because()
    body = {"status": "ok"} if reason is None else {"status": "unavailable", "reason": reason}
    return JSONResponse(body, 200 if reason is None else 503)


async def _bot_api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, BotApiError)  # noqa: S101 - Starlette calls this for no other
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return JSONResponse(error.body(), error.code, headers)


def _bridge(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


def _known(request: Request) -> Bridge:
    """Return the bridge; raise BotApiError unless the token is the local stack's."""
    bridge = _bridge(request)
    if not secrets.compare_digest(request.path_params["token"].encode(), bridge.token.encode()):
        raise BotApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized")
    return bridge
