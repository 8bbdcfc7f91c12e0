"""Calls and files, handed on to Telegram and back as they are.

Problem: whatever the bot sends and Telegram answers must arrive untouched, files of 50 MB too, without being kept here.
Rule: the body goes on as it comes in, by query, JSON, form or multipart, and the answer's status, body and headers come
back, Retry-After among them. Only what belongs to the connection itself stays behind.
Hazard: without an answer nobody knows whether a call took effect, and the bot's journal makes a difference of it
(docs/handlers.md). What surely did not go out is a 502 in the Bot API's form; all else is a 504 without one.
"""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from local.bridge.account import Account
from local.telegram.app import DROP

_CONNECTION = frozenset({
    "connection", "expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
#: The server that stands here writes its own.
_SERVER = frozenset({"date", "server"})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_CLIENT_GONE = 499


async def hand_on(account: Account, request: Request, url: httpx.URL, *, is_file: bool = False) -> Response:
    """Return what Telegram answers to the request, which goes to that URL."""
    headers = _without(request.headers, _CONNECTION)
    # Or the client here would ask for encodings that the bot has not asked for.
    headers.setdefault("accept-encoding", "identity")
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    outgoing = account.client.build_request(
        request.method, url, headers=headers, content=request.stream() if has_body else None
    )
    try:
        answer = await account.client.send(outgoing, stream=True)
        if is_file:
            return StreamingResponse(_pieces(answer, request), answer.status_code, _returned(answer))
        try:
            body = b"".join([piece async for piece in answer.aiter_raw()])
        finally:
            await answer.aclose()
    except ClientDisconnect:
        return Response(status_code=_CLIENT_GONE)
    except _NOT_SENT as error:
        code = HTTPStatus.BAD_GATEWAY
        description = f"Bad Gateway: Telegram cannot be reached ({account.reason(error)})"
        return JSONResponse({"ok": False, "error_code": code, "description": description}, code)
    except httpx.HTTPError as error:
        return PlainTextResponse(f"Telegram did not answer ({account.reason(error)})\n", HTTPStatus.GATEWAY_TIMEOUT)
    return Response(body, answer.status_code, _returned(answer))


async def _pieces(answer: httpx.Response, request: Request) -> AsyncIterator[bytes]:
    """Yield the file; where Telegram breaks off, so does the connection here."""
    try:
        async for piece in answer.aiter_raw():
            yield piece
    except httpx.HTTPError:
        drop = request.scope.get(DROP)
        if drop is None:
            raise
        drop()
    finally:
        await answer.aclose()


def _returned(answer: httpx.Response) -> dict[str, str]:
    return _without(answer.headers, _CONNECTION | _SERVER)


def _without(headers: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in names}
