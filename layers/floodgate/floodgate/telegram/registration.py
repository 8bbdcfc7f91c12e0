"""Telegram is told where to deliver, what to deliver, and which commands the bot has.

Problem: a deployment that is green while the bot is deaf. Rule: ask the workers what they handle (so a bot that does
not import fails here), ask Telegram who the bot is (so a wrong token does), store that before anything can arrive,
set commands and webhook, and look at what Telegram made of it. Whatever fails ends in one sentence that says what to
do. Hazard: PTB's own text for a refused token quotes the token; nothing of it is passed on.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from telegram import BotCommand
from telegram.error import InvalidToken, RetryAfter, TelegramError

from floodgate.aws import fault
from floodgate.monitoring.logger import logger, redact
from floodgate.state.health import forget_registration, note_registration
from floodgate.state.identity import store_identity
from floodgate.telegram.bot import make_bot, read_token
from floodgate.telegram.errors import told_to_wait_s
from floodgate.telegram.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from telegram import WebhookInfo
    from telegram.ext import ExtBot

    from floodgate.settings import RegistrarSettings

#: Telegram takes one setWebhook a second; two stacks in a hurry meet this limit.
_LONGEST_WAIT_S = 10.0
_TRIES = 3


class RegistrationFailed(Exception):
    """The bot is not registered; the text is for its owner, says what to do, and holds no secret."""


class Registrar:
    """Registers one bot at Telegram, and undoes it. `invoke` is how the workers are asked."""

    def __init__(
        self,
        settings: RegistrarSettings,
        *,
        dynamodb: DynamoDBClient,
        secrets: SecretsManagerClient,
        functions: LambdaClient,
    ) -> None:
        self._settings = settings
        self._dynamodb = dynamodb
        self._secrets = secrets
        self._functions = functions

    async def register(self) -> dict[str, Any]:
        """Return `{"bot", "webhook_url", "allowed_updates", "commands"}`, as Telegram has them now.

        Raises RegistrationFailed; what was set until then stays set, and registering again mends it.
        """
        # Both are asked, though they run the same code: the settings of either may be what does not work.
        names = self._settings.worker_functions
        interface, *_ = await asyncio.gather(*(asyncio.to_thread(self._ask, name) for name in names))
        try:
            async with self._bot() as bot:
                return await self._register(bot, interface)
        except InvalidToken:
            raise RegistrationFailed(
                "Telegram does not accept the bot token: copy it from @BotFather again and deploy with it as the "
                "parameter BotToken."
            ) from None
        except TelegramError as error:
            raise RegistrationFailed(
                f"Telegram at {self._settings.bot.telegram_api_url} refused or did not answer: {redact(error.message)}"
            ) from None
        except (BotoCoreError, ClientError) as error:
            raise RegistrationFailed(f"AWS refused or did not answer: {error}") from error

    async def webhook_info(self) -> WebhookInfo:
        """Return what Telegram has; raises TelegramError, and what botocore raises."""
        async with self._bot() as bot:
            return await bot.get_webhook_info()

    async def unregister(self) -> bool:
        """Remove the webhook if it is this stack's; return whether it was. Raises what Telegram and AWS raise."""
        try:  # first, or a check that runs meanwhile would set it again
            forget_registration(self._dynamodb, self._settings.bot.state_table)
        except (BotoCoreError, ClientError) as error:
            logger.warning("registration not forgotten", error=fault(error))
        return await self._release(self._bot())

    async def unregister_previous(self) -> bool:
        """Do the same for the bot whose token the secret held before: its updates are no longer ours to answer."""
        settings = self._settings.bot
        before = self._secrets.get_secret_value(SecretId=settings.bot_token_secret_arn, VersionStage="AWSPREVIOUS")
        return await self._release(make_bot(before["SecretString"], settings.telegram_api_url, Limiter(None)))

    async def _release(self, bot: ExtBot[None]) -> bool:
        async with bot:
            if (await bot.get_webhook_info()).url != self._settings.webhook_url:
                return False
            await _patiently(bot.delete_webhook)
            return True

    async def _register(self, bot: ExtBot[None], interface: dict[str, Any]) -> dict[str, Any]:
        settings = self._settings
        store_identity(self._dynamodb, settings.bot.state_table, bot.bot.to_dict())
        secret = self._secrets.get_secret_value(SecretId=settings.webhook_secret_arn)["SecretString"]
        # The menu for everybody else comes last.
        for language, shown in [*interface.get("translations", {}).items(), (None, interface["commands"])]:
            commands = [BotCommand(one["command"], one["description"]) for one in shown]
            await _patiently(partial(bot.set_my_commands, commands, language_code=language))
        await _patiently(
            lambda: bot.set_webhook(
                settings.webhook_url,
                secret_token=secret,
                allowed_updates=interface["allowed_updates"],
                max_connections=settings.max_connections,
            )
        )
        info = await bot.get_webhook_info()
        if info.url != settings.webhook_url:
            raise RegistrationFailed(
                f"Telegram was told to deliver to {settings.webhook_url} and has {info.url or 'no webhook'} instead: "
                "is something else using this bot token? Stop it and deploy again."
            )
        if set(info.allowed_updates or ()) != set(interface["allowed_updates"]):
            raise RegistrationFailed(
                f"Telegram was asked for {', '.join(interface['allowed_updates'])} and delivers "
                f"{', '.join(info.allowed_updates or ['its default'])} instead: deploy again, and see whether "
                "something else uses this bot token."
            )
        note_registration(self._dynamodb, settings.bot.state_table, interface["allowed_updates"])
        return {
            "bot": bot.username,
            "webhook_url": info.url,
            "allowed_updates": sorted(info.allowed_updates or ()),
            "commands": [command.command for command in commands],
        }

    def _bot(self) -> ExtBot[None]:
        settings = self._settings.bot
        return make_bot(read_token(self._secrets, settings), settings.telegram_api_url, Limiter(None))

    def _ask(self, function: str) -> dict[str, Any]:
        """Return what a worker says that it handles (see telegram/interface.py)."""
        try:
            answer = self._functions.invoke(FunctionName=function, Payload=b'{"describe": true}')
            said: dict[str, Any] = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            raise RegistrationFailed(f"{function} could not be asked what the bot handles: {error}") from error
        if "FunctionError" in answer:
            raise RegistrationFailed(
                f"The bot does not start. {said.get('errorType', 'Error')}: {redact(str(said.get('errorMessage')))}"
            )
        return said


async def _patiently(call: Callable[[], Awaitable[object]]) -> None:
    """Make a call that Telegram may answer with a short 429."""
    for attempt in range(1, _TRIES + 1):
        try:
            await call()
        except RetryAfter as error:
            wait_s = told_to_wait_s(error) or 0.0
            if attempt == _TRIES or wait_s > _LONGEST_WAIT_S:
                raise
            logger.info("registration waits for Telegram", wait_s=wait_s)
            await asyncio.sleep(wait_s)
        else:
            return
