"""Before anything is started: is the token a bot's, and are its updates to be had?

Problem: Telegram sends a bot's updates to one place. A webhook that is set keeps them from here, and it may be a
deployed bot's, whose people wait for answers.
Rule: a webhook is named and left alone, unless its owner says that it may go. Removing it drops no update.
Hazard: a program that polls the same bot is not seen here, only later, when both are thrown out in turn (polling.py).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.bridge.account import Account, Refused, TokenUnusable, Unreachable
from local.bridge.polling import webhook_host
from local.errors import LocalError

type Json = dict[str, Any]

#: Asks the owner a question with a yes or no.
type Ask = Callable[[str], bool]


class TelegramUnreachable(LocalError):
    """Telegram did not answer, or not as it should."""


class WebhookInTheWay(LocalError):
    """The token has a webhook, and nobody said that it may go."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A bot at the real Telegram whose updates come here."""

    token: str = field(repr=False)
    api: str
    bot: Json
    #: Where the webhook pointed that was removed for it; "" if there was none.
    removed: str = ""

    @property
    def name(self) -> str:
        """The bot's name, with its @."""
        return f"@{self.bot.get('username', self.bot['id'])}"


def claim(
    token: str,
    api: str,
    *,
    may_remove: bool,
    ask: Ask | None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Claimed:
    """Return the bot once its updates are free to be had here.

    A webhook is removed if `may_remove`, or if `ask` says yes. Raises TokenUnusable, TelegramApiUnusable,
    TelegramUnreachable, WebhookInTheWay.
    """
    account = Account(token, api, transport=transport)
    bot, removed = asyncio.run(_claim(account, may_remove=may_remove, ask=ask))
    return Claimed(token, account.api, bot, removed)


async def _claim(account: Account, *, may_remove: bool, ask: Ask | None) -> tuple[Json, str]:
    """Return the bot, and the host of the webhook that was removed."""
    try:
        bot: Json = await account.call("getMe")
        info: Json = await account.call("getWebhookInfo")
        if info.get("url"):
            situation = _situation(bot, info)
            if not may_remove and (ask is None or not ask(f"{situation}\nRemove it?")):
                raise WebhookInTheWay(
                    f"{situation}\nNothing was started, and nothing changed. To remove it and run the bot here: "
                    "make run TOKEN=… REMOVE_WEBHOOK=1"
                )
            # Without drop_pending_updates: what waits comes here.
            await account.call("deleteWebhook")
    except Refused as error:
        if error.is_of_the_token:
            raise TokenUnusable(
                f"Telegram knows no bot with this token ({error.code}): it is mistyped, or was revoked. Copy it from "
                "@BotFather again."
            ) from None
        raise TelegramUnreachable(f"Telegram at {account.api} answers {error}. Try again in a while.") from None
    except Unreachable as error:
        raise TelegramUnreachable(
            f"Telegram at {account.api} does not answer ({error}). Is this machine online? A proxy is taken from "
            "HTTPS_PROXY, another Bot API server from FLOODGATE_TELEGRAM_API."
        ) from None
    finally:
        await account.close()
    return bot, webhook_host(info)


def _situation(bot: Json, info: Json) -> str:
    waiting = info.get("pending_update_count", 0)
    updates = f"{waiting} update{' waits' if waiting == 1 else 's wait'}" if waiting else "no update waits"
    return (
        f"@{bot.get('username', bot['id'])} has a webhook at {webhook_host(info)}: Telegram sends what people write "
        f"there, and {updates} for it. Only without that webhook do updates come here; those that wait are kept. The "
        "deployed bot is silent then, until it is registered again (make deploy)."
    )
