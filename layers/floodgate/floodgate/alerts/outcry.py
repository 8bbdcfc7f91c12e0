"""An alarm told with nothing but Telegram, for when DynamoDB is what has failed.

Rule: no gate, no memory, no stored identity: the token, one call, plain words. Hazard: nobody knows that it was told,
so it is told again once DynamoDB is back, and twice if SNS delivers twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from floodgate.alerts.episodes import after
from floodgate.alerts.wording import message
from floodgate.telegram.bot import make_bot, read_token
from floodgate.telegram.limiter import Limiter

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from floodgate.alerts.news import News
    from floodgate.settings import BotSettings


class Outcry:
    """Speaks to the chat `chat`."""

    def __init__(self, chat: int, stack: str, settings: BotSettings, secrets: SecretsManagerClient) -> None:
        self._chat = chat
        self._stack = stack
        self._settings = settings
        self._secrets = secrets

    async def tell(self, news: News) -> None:
        """Send it. Raises what botocore raises, and TelegramError."""
        alarm = after(None, news)
        if alarm is None:
            return
        token = read_token(self._secrets, self._settings)
        async with make_bot(token, self._settings.telegram_api_url, Limiter(None)) as bot:
            await bot.send_message(self._chat, message(alarm, self._stack))
