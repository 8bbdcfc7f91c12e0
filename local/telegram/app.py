"""The emulator as a web application.

Rule: `/bot<token>/<method>` is the Bot API, `/file/bot<token>/<path>` the files, `/control/...` the orders.
Hazard: a dropped connection needs the server's help. The server puts a function under DROP into the scope; without one,
as in process, ConnectionDropped leaves the application, and httpx.ASGITransport hands it to the caller.
"""

import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.telegram import api, control, parameters
from local.telegram.clock import Clock, SystemClock
from local.telegram.emulator import Emulator, create
from local.telegram.errors import BotApiError, ConnectionDropped, ControlError

DEFAULT_TOKEN = "123456:local"  # noqa: S105 - opens nothing but the emulator
DROP = "floodgate.drop"


def create_app(
    *,
    token: str = DEFAULT_TOKEN,
    clock: Clock | None = None,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """Return the application; its parts are at `app.state.emulator`, an Emulator, which is closed with the lifespan.

    `webhook_transport` takes the webhook deliveries in place of the network.
    """
    emulator = create(token, clock or SystemClock(), api.execute_answer, webhook_transport)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await emulator.close()

    app = Starlette(
        routes=[
            Route("/bot{token:path}/{method}", _call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", _file, methods=["GET"]),
            *control.ROUTES,
        ],
        exception_handlers={BotApiError: _bot_api_error, ControlError: _control_error, HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.state.emulator = emulator
    return app


async def _call(request: Request) -> Response:
    emulator: Emulator = request.app.state.emulator
    api.check_token(emulator, request.path_params["token"])
    try:
        given = await parameters.read(request)
    except ClientDisconnect:
        return Response(status_code=499)
    try:
        answer = await api.call(emulator, request.path_params["method"], given)
    except ConnectionDropped:
        drop = request.scope.get(DROP)
        if drop is None:
            raise
        drop()
        return Response(status_code=499)
    return _answer(answer)


def _answer(answer: api.Answer) -> Response:
    retry_after = answer.body.get("parameters", {}).get("retry_after")
    return JSONResponse(answer.body, answer.status, headers={"Retry-After": str(retry_after)} if retry_after else None)


async def _file(request: Request) -> Response:
    emulator: Emulator = request.app.state.emulator
    api.check_token(emulator, request.path_params["token"])
    for file in emulator.world.files.values():
        if file.path == request.path_params["path"]:
            return Response(file.data, media_type=file.content_type or "application/octet-stream")
    raise BotApiError(404, "Not Found")


async def _bot_api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, BotApiError)  # noqa: S101 - Starlette calls this for no other
    return _answer(api.Answer(error.code, error.body()))


async def _control_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)  # noqa: S101 - likewise
    return JSONResponse({"error": error.sentence}, error.status)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer what no route takes, in the words of the side that was asked."""
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    status, phrase = error.status_code, HTTPStatus(error.status_code).phrase
    if not request.url.path.startswith("/control"):
        return JSONResponse({"ok": False, "error_code": status, "description": phrase}, status)
    sentence = f"{phrase}: {request.method} {request.url.path} is no order; docs/emulator.md lists them"
    return JSONResponse({"error": sentence}, status)
