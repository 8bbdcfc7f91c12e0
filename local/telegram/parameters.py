"""A call's parameters, from wherever a client put them.

Problem: Telegram takes parameters in the query string, in JSON, in forms and in multipart bodies.
Rule: as in Telegram's own server, all become strings by name (an object in JSON its JSON text) plus uploaded files; the
body's value wins over the query's. Numbers that can't be read count as missing, numbers out of range are clamped.
Hazard: "true", "True", "yes" and "1" are all true; anything else is false.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from local.telegram.errors import BotApiError, bad_request

MAX_BODY_BYTES = (
    52 * 1024 * 1024
)  # 50 MB for a document and room for its fields (core.telegram.org/bots/api#sending-files)
_TRUE = frozenset({"true", "yes", "1"})
_FREE_TEXT = frozenset({"text", "caption"})
_INTEGERS = frozenset(
    {"cache_time", "chat_id", "from_chat_id", "limit", "max_connections", "message_id", "message_thread_id", "offset"}
    | {"timeout", "user_id"}
)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that came with a call."""

    file_name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a call brought, by name."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, UploadedFile] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the value, "" if missing."""
        return self.arguments.get(name, "")

    def integer(self, name: str, default: int = 0, low: int = -(2**63), high: int = 2**63 - 1) -> int:
        """Return the value clamped to the range; the default if missing or no number."""
        try:
            value = int(self.arguments.get(name, ""))
        except ValueError:
            return default
        return min(max(value, low), high)

    def boolean(self, name: str) -> bool:
        """Return whether the value is one of Telegram's words for true."""
        return self.arguments.get(name, "").lower() in _TRUE

    def decoded(self, name: str) -> Any:
        """Return the value read as JSON, None if missing; raise ValueError if it is no JSON."""
        value = self.arguments.get(name, "")
        return json.loads(value) if value else None

    def record(self, token: str) -> dict[str, Any]:
        """Return the parameters as values to read in a log: numbers and JSON decoded, files described, no token."""
        values = {name: _readable(name, value.replace(token, "<token>")) for name, value in self.arguments.items()}
        files = {name: {"file_name": file.file_name, "size_bytes": len(file.data)} for name, file in self.files.items()}
        return values | files


async def read(request: Request) -> Parameters:
    """Return the request's parameters; raise BotApiError if its body can't be read."""
    if int(request.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise BotApiError(413, "Request Entity Too Large")
    arguments = dict(request.query_params)
    files: dict[str, UploadedFile] = {}
    content_type = request.headers.get("content-type", "")
    if content_type.lower().startswith("multipart/form-data"):
        try:
            async with request.form(max_part_size=MAX_BODY_BYTES) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        data = await value.read()
                        files[name] = UploadedFile(value.filename or "", value.content_type or "", data)
                    else:
                        arguments[name] = value
        except HTTPException as error:
            raise bad_request("can't parse multipart/form-data body") from error
    else:
        arguments |= from_body(content_type, await request.body())
    _check_utf8(arguments)
    return Parameters(arguments, files)


def from_body(content_type: str, body: bytes) -> dict[str, str]:
    """Return the arguments in a JSON or form body; a body of another kind has none."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/json" and body.strip():
            value = json.loads(body)
            if not isinstance(value, dict):
                raise bad_request("can't parse JSON object: an object expected")
            return {name: _as_argument(item) for name, item in value.items() if item is not None}
        if kind == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error
    except ValueError as error:
        raise bad_request("can't parse JSON object") from error
    return {}


def _as_argument(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check_utf8(arguments: Mapping[str, str]) -> None:
    try:
        for name, value in arguments.items():
            (name + value).encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair, written as \ud83d in JSON
        raise bad_request("strings must be encoded in UTF-8") from error


def _readable(name: str, value: str) -> Any:
    if name in _FREE_TEXT:
        return value
    if name in _INTEGERS:
        with contextlib.suppress(ValueError):
            return int(value)
    with contextlib.suppress(ValueError):
        decoded = json.loads(value)
        if isinstance(decoded, bool | list | dict):
            return decoded
    return value
