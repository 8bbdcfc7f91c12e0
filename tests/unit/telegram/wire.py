"""Telegram at the far end of httpx: the real bot, request and client classes, and no network below them."""

import asyncio
import itertools
import json
import ssl
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.unit.ingress.samples import BOT, DATE

TOKEN = "7900:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-pc"
API_URL = "https://telegram.example"

#: Reading the certificates takes longer than most tests, and nothing here is encrypted.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

type Fault = Exception | tuple[int, dict[str, Any] | bytes]


@dataclass(frozen=True)
class Call:
    """One call of a Bot API method, with its parameters as Telegram reads them."""

    method: str
    fields: dict[str, Any]
    at: float = 0.0
    """When it came, by the wire's clock."""


@dataclass
class TelegramWire:
    """What was asked of Telegram, and what it answers: like a bot's server, or the next scripted fault."""

    token: str = TOKEN
    calls: list[Call] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    """By method: an exception of the transport, or a status and a body, as it is or to be written as JSON."""
    slowness_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By method: how long its answer takes."""
    now: Callable[[], float] = lambda: 0.0
    webhook: dict[str, Any] = field(default_factory=dict)
    _message_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Stand in for the network below httpx."""
        _, token, method = request.url.path.split("/")
        fields = _fields(request.headers.get("content-type", ""), await request.aread())
        self.calls.append(Call(method, fields, self.now()))
        await asyncio.sleep(self.slowness_s[method])
        faults = self.faults[method]
        fault = faults.pop(0) if faults else None
        if isinstance(fault, Exception):
            raise fault
        if token != f"bot{self.token}":
            fault = refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        status, said = fault or (200, {"ok": True, "result": self._result(method, fields)})
        return httpx.Response(status, content=said) if isinstance(said, bytes) else httpx.Response(status, json=said)

    def _result(self, method: str, fields: dict[str, Any]) -> Any:
        match method:
            case "getMe":
                return BOT
            case "sendMessage" | "sendPhoto":
                chat = {"id": fields["chat_id"], "type": "private" if fields["chat_id"] > 0 else "supergroup"}
                return {"message_id": next(self._message_ids), "date": DATE, "chat": chat, "text": fields.get("text")}
            case "copyMessage":
                return {"message_id": next(self._message_ids)}
            case "setWebhook":
                self.webhook = dict(fields)
            case "deleteWebhook":
                self.webhook = {}
            case "getWebhookInfo":
                return {
                    "url": self.webhook.get("url", ""),
                    "has_custom_certificate": False,
                    "pending_update_count": 0,
                    "allowed_updates": self.webhook.get("allowed_updates", []),
                }
        return True

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [call.method for call in self.calls]

    @property
    def sent(self) -> list[tuple[int, str]]:
        """Chat and text of every sendMessage, in order, those included that failed."""
        return [
            (call.fields["chat_id"], str(call.fields["text"])) for call in self.calls if call.method == "sendMessage"
        ]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put this wire below every httpx client."""

        async def handle(_transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
            return await self.answer(request)

        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
        monkeypatch.setattr(httpx, "create_ssl_context", lambda: _NO_TLS)


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the parameters; an uploaded file is its bytes."""
    if not content_type.startswith("multipart/"):
        return {name: _read(value) for name, value in parse_qsl(body.decode())}
    found: dict[str, Any] = {}
    for part in message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body).get_payload():
        assert isinstance(part, Message)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        is_file = part.get_filename() is not None
        found[str(part.get_param("name", header="content-disposition"))] = (
            content if is_file else _read(content.decode())
        )
    return found


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def refusal(status: int, description: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
    """Return a Bot API error."""
    return status, {"ok": False, "error_code": status, "description": description, "parameters": parameters}


def flood(seconds: int) -> tuple[int, dict[str, Any]]:
    """Return the 429 that asks to wait."""
    return refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
