"""The page as a web application, around the emulator or whatever else stands in Telegram's place.

Rule: `/` is the page, `/page/static/…` its files, `/page/events` the stream, `/page/levers/<name>` the levers; all else
is the wrapped application's.
Hazard: orders act without a login, the local token is no secret, and a browser lets any site send requests to this
machine. So one that says where it comes from must come from this page, and outside of the Bot API, which containers
call too, a request must name this machine as its host.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from local.errors import LocalError
from local.page.levers import Lever, Levers
from local.page.stream import Source, Stream

STATIC = Path(__file__).parent / "static"
_OF_THIS_MACHINE = {"127.0.0.1", "localhost", "[::1]"}
#: What bots call, also from containers, which know this machine by other names.
_BOT_API = ("/bot", "/file/")
#: What the page may load, itself and nothing else, and no script but its files: what bots send must never run here.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Read anew at each load: files change with the project.
    "Cache-Control": "no-cache",
}

type Job = Callable[[], Coroutine[Any, Any, None]]

_LOG = logging.getLogger(__name__)


def create_app(
    telegram: Starlette,
    sources: Sequence[Source] = (),
    levers: Sequence[Lever] = (),
    routes: Sequence[BaseRoute] = (),
    jobs: Sequence[Job] = (),
) -> Starlette:
    """Return the page around `telegram`, whose lifespan it takes over.

    `routes` are what sources answer besides; `jobs` run as long as the page does.
    """
    handles = Levers(levers)
    stream = Stream([*sources, handles])

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with telegram.router.lifespan_context(telegram):
            running = [asyncio.create_task(_run(job)) for job in (stream.run, *jobs)]
            try:
                yield
            finally:
                for job in running:
                    job.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def events(_: Request) -> Response:
        return EventSourceResponse(stream.events())

    async def lever(request: Request) -> Response:
        try:
            order = json.loads(await request.body())
        except ValueError:
            order = None
        if not isinstance(order, dict) or not isinstance(order.get("on"), bool):
            return JSONResponse({"error": 'send {"on": true} to pull the lever, {"on": false} to undo it'}, 400)
        try:
            return JSONResponse(await handles.order(request.path_params["name"], order))
        except LocalError as error:
            return JSONResponse({"error": str(error)}, 409)

    return Starlette(
        routes=[
            Route("/", _index, methods=["GET"]),
            Route("/page/events", events, methods=["GET"]),
            Route("/page/levers/{name}", lever, methods=["POST"]),
            Mount("/page/static", Files(directory=STATIC)),
            *routes,
            Mount("/", telegram),
        ],
        middleware=[Middleware(OfThisPage)],
        lifespan=lifespan,
    )


async def _run(job: Job) -> None:
    """Run the job, and have the log tell if it fails, for nobody waits for it."""
    try:
        await job()
    except Exception:  # noqa: BLE001 - whatever it was, all else goes on
        _LOG.exception("A part of the page stands still until it is started anew")


async def _index(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers=_HEADERS)


class Files(StaticFiles):
    """The page's files, with its headers."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, or what there is instead."""
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


class OfThisPage:
    """Refuses what another site has a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http" and not _is_ours(Request(scope)):
            refusal = JSONResponse({"error": "only this page, on 127.0.0.1, may ask for that"}, 403)
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_ours(request: Request) -> bool:
    host = request.headers.get("host", "")
    if request.headers.get("origin", f"http://{host}") != f"http://{host}":
        return False
    # What a site embeds has no origin, but browsers say of it, to this machine, whose it is.
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not _is_a_link(request):
        return False
    return request.url.path.startswith(_BOT_API) or host.rpartition(":")[0] in _OF_THIS_MACHINE


def _is_a_link(request: Request) -> bool:
    """Return whether somebody follows a link to this page; of the Bot API's methods a GET does as much as a POST."""
    is_of_the_bot_api = request.url.path.startswith(_BOT_API)
    return request.method == "GET" and request.headers.get("sec-fetch-mode") == "navigate" and not is_of_the_bot_api
