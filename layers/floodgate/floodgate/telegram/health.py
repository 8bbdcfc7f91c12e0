"""What Telegram says of the webhook, every few minutes: counted, kept for `/status`, and mended where it may be.

Problem: a bot whose webhook somebody else has taken, or that Telegram cannot deliver to, fails nowhere: it hears
nothing. Rule: an empty webhook, and one that delivers other update types than were asked for, are set again. One with
another address is told of and left alone, for two stacks with one token would take it from each other for ever. A
Telegram that does not answer is no finding: nothing is counted then. Hazard: somebody who polls for updates with the
same token has to remove the webhook first, and finds it set again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from telegram.error import TelegramError

from floodgate.monitoring.logger import logger, redact
from floodgate.monitoring.metrics import UPDATES_PENDING, WEBHOOK_DRIFTED, WEBHOOK_ERRORS, WEBHOOK_FOREIGN, count
from floodgate.state.health import Health, note_check, read_health
from floodgate.telegram.registration import RegistrationFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient
    from telegram import WebhookInfo

    from floodgate.settings import RegistrarSettings
    from floodgate.state.health import Webhook
    from floodgate.telegram.registration import Registrar

#: As template.yaml has it, in seconds: an error before the first check counts if it is as young.
EVERY_S: Final = 300
#: Of what Telegram says about an error, in characters.
_LONGEST: Final = 200


class WebhookCheck:
    """Checks the webhook of one bot."""

    def __init__(
        self,
        settings: RegistrarSettings,
        registrar: Registrar,
        *,
        dynamodb: DynamoDBClient,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._registrar = registrar
        self._dynamodb = dynamodb
        self._clock = clock

    async def check(self) -> dict[str, Any]:
        """Return `{"webhook", "pending", "last_error"}`, or `{"error": <sentence>}` if nothing could be found out.

        Raises what botocore raises.
        """
        table = self._settings.bot.state_table
        before = read_health(self._dynamodb, table)
        if before is None:  # it is being removed, or no deployment has set it yet
            logger.info("webhook not checked: the bot is not registered")
            return {"error": 'The bot is not registered: deploy, or invoke the registrar with {"register": true}.'}
        try:
            info = await self._registrar.webhook_info()
        except TelegramError as error:
            # Of the error's class alone: the text of a refused token quotes it.
            logger.warning("webhook not checked", error=type(error).__name__)
            return {"error": f"Telegram did not say what it has: {type(error).__name__}"}
        found = Health(
            allowed_updates=before.allowed_updates,
            checked_at=self._clock(),
            pending=info.pending_update_count,
            last_error_at=None if info.last_error_date is None else int(info.last_error_date.timestamp()),
            last_error=redact(info.last_error_message)[:_LONGEST] if info.last_error_message else None,
            webhook=await self._mended(info, before),
        )
        self._tell(found, before)
        note_check(self._dynamodb, table, found)
        return {"webhook": found.webhook, "pending": found.pending, "last_error": found.last_error}

    async def _mended(self, info: WebhookInfo, before: Health) -> Webhook:
        """Return what the webhook is, after it was set again if it is to be."""
        if info.url and info.url != self._settings.webhook_url:
            return "foreign"
        if info.url and set(info.allowed_updates or ()) == before.allowed_updates:
            return "ours"
        try:
            await self._registrar.register()
        except RegistrationFailed as error:
            logger.error("webhook not repaired", reason=str(error))
            return "unrepaired"
        return "repaired"

    def _tell(self, found: Health, before: Health) -> None:
        """Write the line of a check, and count in the invocation in hand."""
        is_mended = found.webhook in {"repaired", "unrepaired"}
        write = logger.info if found.webhook == "ours" else logger.warning
        write(
            "webhook checked",
            webhook=found.webhook,
            pending=found.pending,
            last_error=found.last_error,
            last_error_at=found.last_error_at,
        )
        count(UPDATES_PENDING, found.pending)
        count(WEBHOOK_ERRORS, int(_failed_since(found, before, self._clock())))
        count(WEBHOOK_DRIFTED, int(is_mended))
        count(WEBHOOK_FOREIGN, int(found.webhook == "foreign"))


def _failed_since(found: Health, before: Health, now: float) -> bool:
    """Tell whether a delivery failed since the check before."""
    if found.last_error_at is None:
        return False
    # Telegram's times are whole seconds, so it is with the error before that this one is compared, if there was one.
    return found.last_error_at > (before.last_error_at or (before.checked_at or now) - EVERY_S)
