"""The bot object: one per execution environment, kept with its connections between invocations.

Problem: building an HTTP client costs 20 ms and a new TLS connection a round trip or two, but a connection that slept
through a freeze may be dead without anybody having said so. Rule: keep the bot; at the start of an invocation close
what has been idle for over IDLE_S of wall time. Hazard: `repr(bot)` shows the token; never log it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
from telegram.error import InvalidToken
from telegram.ext import Defaults, ExtBot
from telegram.request import HTTPXRequest

from floodgate.state.identity import read_identity
from floodgate.telegram.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from telegram.request import BaseRequest

    from floodgate.cache.cache import Cache
    from floodgate.settings import BotSettings
    from floodgate.traffic.gate import Gates

IDLE_S = 5.0
#: Each of a batch's ten chats may have two calls under way.
CONNECTIONS = 20
#: What one Bot API call may take, in seconds, before it counts as unanswered: below an update's deadline.
READ_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 3.0


class TokenOfAnotherBot(InvalidToken):
    """The secret holds the token of another bot than this deployment's: a deployment is under way."""


def read_token(secrets: SecretsManagerClient, settings: BotSettings) -> str:
    """Return the bot's token; raises TokenOfAnotherBot, and what botocore raises."""
    token = secrets.get_secret_value(SecretId=settings.bot_token_secret_arn)["SecretString"]
    if token.partition(":")[0] != settings.bot_id:
        raise TokenOfAnotherBot
    return token


class KeptBot:
    """The bot of one execution environment; made with the first `awake`, for the event loop that it runs on.

    Made anew, with the token as it is then, once Telegram has refused the old one.
    """

    def __init__(
        self,
        settings: BotSettings,
        gates: Gates,
        cache: Cache,
        *,
        dynamodb: DynamoDBClient,
        secrets: SecretsManagerClient,
        clock: Callable[[], float],
        repeat_unknown: bool = False,
    ) -> None:
        self._repeat_unknown = repeat_unknown
        self._settings = settings
        self._gates = gates
        self._cache = cache
        self._dynamodb = dynamodb
        self._secrets = secrets
        self._clock = clock
        self._bot: ExtBot[None] | None = None
        self._limiter = Limiter(None)
        self._request = HTTPXRequest(
            connection_pool_size=CONNECTIONS,
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            httpx_kwargs={"verify": httpx.create_ssl_context()},  # once: it is most of what a client costs
        )
        self._used_at = clock()

    @asynccontextmanager
    async def awake(self) -> AsyncIterator[ExtBot[None]]:
        """Lend the bot, with no connection that has been idle for over IDLE_S of wall time.

        Raises what botocore raises when the token or the identity cannot be read, and TelegramError when the token is
        another bot's, or the bot is not registered yet and Telegram does not say who it is.
        """
        if self._bot is None or self._limiter.token_is_refused:
            token = read_token(self._secrets, self._settings)
            identity = read_identity(self._dynamodb, self._settings.state_table)
            self._limiter = Limiter(identity, self._gates, self._cache, repeat_unknown=self._repeat_unknown)
            self._bot = make_bot(token, self._settings.telegram_api_url, self._limiter, self._request)
        elif self._clock() - self._used_at > IDLE_S:
            await self._request.shutdown()
            await self._request.initialize()
        await self._bot.initialize()
        try:
            yield self._bot
        finally:
            self._used_at = self._clock()


def make_bot(token: str, api_url: str, limiter: Limiter, request: BaseRequest | None = None) -> ExtBot[None]:
    """Return a bot; nothing is sent until it is initialized, and then only if `limiter` does not know who it is."""
    request = request or HTTPXRequest()
    return ExtBot(
        token,
        base_url=f"{api_url}/bot",
        base_file_url=f"{api_url}/file/bot",
        request=request,
        get_updates_request=request,
        rate_limiter=limiter,
        # In groups a reply quotes its message, and that may be gone before a busy bot gets to it.
        defaults=Defaults(allow_sending_without_reply=True),
    )
