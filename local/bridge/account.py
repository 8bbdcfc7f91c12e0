"""The bot's account at the real Telegram: what is asked there, and not a word of its token.

Problem: whoever reads the token is the bot, and it stands in the URL of every call, which clients like to log.
Rule: the token is kept here, and everybody else on this machine gets by with another one (`local_token`), which the
bridge alone takes. What goes wrong is Refused, Telegram's own no, or Unreachable; the texts of both hold no token.
Hazard: to be Unreachable says nothing of whether the call took effect.
"""

import json
import logging
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from local.errors import LocalError
from local.telegram.clock import Clock, SystemClock, within

API = "https://api.telegram.org"
#: What the bridge's own program is started with, and nothing else gets to see.
TOKEN_VARIABLE = "FLOODGATE_BRIDGE_TOKEN"  # noqa: S105 - the variable's name
API_VARIABLE = "FLOODGATE_TELEGRAM_API"
TOKEN_FORM = r"[1-9]\d{0,15}:[\w-]{1,60}"  # noqa: S105 - what one looks like
#: As long as the functions wait for Telegram and longer: it is they who give up.
_TIMEOUTS = httpx.Timeout(connect=10, read=120, write=120, pool=None)
_ANSWERS_WITHIN_S = 20.0

type Json = dict[str, Any]


class TokenUnusable(LocalError):
    """What was given as the token can't be one, or Telegram does not take it."""


class Refused(Exception):
    """Telegram answered, and not with a result."""

    def __init__(self, code: int, description: str, retry_after_s: int = 0) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.retry_after_s = retry_after_s

    @property
    def is_of_the_token(self) -> bool:
        """Whether Telegram knows no such bot; it answers 404 to tokens that can't be any."""
        return self.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)


class Unreachable(Exception):
    """No answer of Telegram's came; the text says why, as part of a sentence."""


class Account:
    """One bot at the real Telegram. `close` is due."""

    def __init__(
        self,
        token: str,
        api: str = API,
        *,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        check_token(token)
        for name in ("httpx", "httpcore"):  # which log URLs
            logging.getLogger(name).setLevel(logging.WARNING)
        self.api = _address(api)
        self.bot_id = int(token.partition(":")[0])
        self._token = token
        self._clock = clock or SystemClock()
        # It follows the proxies and certificates that this machine's environment names, and no redirection.
        self.client = httpx.AsyncClient(
            transport=transport, timeout=_TIMEOUTS, limits=httpx.Limits(max_connections=None)
        )

    def url(self, name: str, *, folder: str = "", query: str = "") -> httpx.URL:
        """Return where a method of the bot's is, or, in the folder `/file`, a file."""
        return httpx.URL(f"{self.api}{folder}/bot{self._token}/{quote(name)}{'?' if query else ''}{query}")

    async def call(
        self, method: str, arguments: Mapping[str, Any] | None = None, within_s: float = _ANSWERS_WITHIN_S
    ) -> Any:
        """Return the method's result. Raises Refused, Unreachable."""
        try:
            response = await within(self._clock, within_s, self.client.post(self.url(method), json=arguments or {}))
        except TimeoutError:
            raise Unreachable(f"no answer within {within_s:.0f} s") from None
        except httpx.HTTPError as error:
            raise Unreachable(self.reason(error)) from None
        return self._result(response)

    def reason(self, error: Exception) -> str:
        """Return what went wrong, without the token."""
        return f"{type(error).__name__}: {error}".replace(self._token, "<token>").removesuffix(": ")

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    def _result(self, response: httpx.Response) -> Any:
        try:
            body: Json = response.json()
            if body["ok"]:
                return body["result"]
            description = str(body["description"]).replace(self._token, "<token>")
            retry_after_s = int(body.get("parameters", {}).get("retry_after", 0))
        except (ValueError, KeyError, TypeError, AttributeError):
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                raise Refused(response.status_code, response.reason_phrase) from None
            raise Unreachable(f"an answer {response.status_code} that is not Telegram's") from None
        raise Refused(response.status_code, description, retry_after_s)


def check_token(token: str) -> None:
    """Raise TokenUnusable unless it looks like a bot's token."""
    if not re.fullmatch(TOKEN_FORM, token, re.ASCII):
        raise TokenUnusable(
            "TOKEN is not a bot's token: a number, a colon, and letters, digits, _ and -, as @BotFather gives it. "
            "If a variable of that name means something else to you: make run TOKEN="
        )


def local_token(bot_id: int) -> str:
    """Return what the local stack takes for the bot's token: the bot's number, and a secret of this run alone."""
    return f"{bot_id}:{secrets.token_urlsafe(24)}"


def _address(api: str) -> str:
    try:
        url = httpx.URL(api)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query:
        raise TelegramApiUnusable(f"FLOODGATE_TELEGRAM_API must be an address such as {API}, not {json.dumps(api)}.")
    return str(url).rstrip("/")


class TelegramApiUnusable(LocalError):
    """What was given as Telegram's address can't be one."""
