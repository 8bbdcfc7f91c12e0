"""The methods by which a bot gets its updates: setWebhook, deleteWebhook, getWebhookInfo, getUpdates.

Rule: as in tdlib/telegram-bot-api, Client.cpp. A repeat of the same setWebhook is a no-op; a changed one is taken at
most once a second. `allowed_updates` left out keeps the list, whichever of the methods set it.
Hazard: unlike at Telegram a repeat within the second isn't answered 429, and http and any port are allowed: the webhook
is on loopback.
"""

import asyncio
import re
from typing import Any

from local.telegram.emulator import Emulator
from local.telegram.errors import BotApiError, bad_request, too_many_requests
from local.telegram.members import Json
from local.telegram.parameters import Parameters
from local.telegram.updates import DEFAULT_TYPES
from local.telegram.webhook import Webhook, WebhookSender, check_url

MAX_POLL_S = 50
MAX_SECRET = 256
CHANGE_INTERVAL_S = 1.0
_SECRET = re.compile(r"[A-Za-z0-9_-]*")


class Described:
    """A result with a sentence beside it."""

    def __init__(self, result: Any, description: str) -> None:
        self.result = result
        self.description = description


async def set_webhook(emulator: Emulator, parameters: Parameters) -> Described:
    """Have updates delivered to a URL; an empty URL is deleteWebhook."""
    if not parameters.text("url"):
        return await delete_webhook(emulator, parameters)
    webhook = webhook_of(parameters)
    now = emulator.clock.now()
    is_same = emulator.sender.webhook == webhook
    if not is_same and now < emulator.webhook_changed_at + CHANGE_INTERVAL_S:
        raise too_many_requests(1)
    _take_allowed(emulator, parameters)
    if parameters.boolean("drop_pending_updates"):
        emulator.updates.clear()
        emulator.sender.wake()
    if is_same:
        return Described(result=True, description="Webhook is already set")
    _end_long_poll(emulator, "Conflict: terminated by setWebhook request")
    emulator.webhook_changed_at = now
    await emulator.sender.open(webhook)
    return Described(result=True, description="Webhook was set")


def webhook_of(parameters: Parameters) -> Webhook:
    """Return the webhook that a call of setWebhook asks for; raise BotApiError if it can't be one."""
    webhook = Webhook(
        url=parameters.text("url"),
        secret_token=parameters.text("secret_token"),
        max_connections=parameters.integer("max_connections", 40, 1, 100),
        ip_address=parameters.text("ip_address"),
    )
    check_url(webhook.url, webhook.ip_address)
    if len(webhook.secret_token) > MAX_SECRET:
        raise bad_request("secret token is too long")
    if not _SECRET.fullmatch(webhook.secret_token):
        raise bad_request("secret token contains unallowed characters")
    return webhook


async def delete_webhook(emulator: Emulator, parameters: Parameters) -> Described:
    """Stop delivering; what is pending stays unless drop_pending_updates says otherwise."""
    was_set = emulator.sender.webhook is not None
    if was_set:
        await emulator.sender.close()
    if parameters.boolean("drop_pending_updates"):
        emulator.updates.clear()
    return Described(result=True, description="Webhook was deleted" if was_set else "Webhook is already deleted")


async def get_webhook_info(emulator: Emulator, parameters: Parameters) -> Json:  # noqa: ARG001 - all methods take both
    """Return the webhook, how many updates are pending and the last error."""
    emulator.updates.expire()
    info = info_of(emulator.sender, len(emulator.updates))
    if emulator.updates.allowed != DEFAULT_TYPES:
        info["allowed_updates"] = sorted(emulator.updates.allowed)
    return info


def info_of(sender: WebhookSender, pending: int) -> Json:
    """Return what getWebhookInfo says of the webhook while so many updates are pending."""
    info: Json = {
        "url": sender.webhook.url if sender.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": pending,
    }
    if sender.webhook:
        info |= {"max_connections": sender.webhook.max_connections, "ip_address": "127.0.0.1"}
    if sender.last_error_date is not None:
        info |= {"last_error_date": sender.last_error_date, "last_error_message": sender.last_error_message}
    return info


async def get_updates(emulator: Emulator, parameters: Parameters) -> list[Json]:
    """Return pending updates from the offset on, waiting up to the timeout for the first; those before it are done."""
    if emulator.sender.webhook is not None:
        sentence = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        raise BotApiError(409, f"Conflict: {sentence}")
    _take_allowed(emulator, parameters)
    other = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    _end_long_poll(emulator, other)
    offset, limit = parameters.integer("offset"), parameters.integer("limit", 100, 1, 100)
    _confirm(emulator, offset)
    until = emulator.clock.now() + parameters.integer("timeout", 0, 0, MAX_POLL_S)
    found = _from(emulator, offset, limit)
    if not found and emulator.clock.now() < until:
        await _wait_until(emulator, until)
        found = _from(emulator, offset, limit)
    return found


def _confirm(emulator: Emulator, offset: int) -> None:
    emulator.updates.expire()
    pending = list(emulator.updates)
    if offset > 0:
        done = [item for item in pending if item.update["update_id"] < offset]
    else:
        done = pending[:offset] if offset < 0 else []
    for item in done:
        emulator.updates.settle(item, "confirmed")


def _from(emulator: Emulator, offset: int, limit: int) -> list[Json]:
    found = [item.update for item in emulator.updates if item.update["update_id"] >= offset]
    return sorted(found, key=lambda update: int(update["update_id"]))[:limit]


async def _wait_until(emulator: Emulator, until: float) -> None:
    """Return when an update arrives or the time is over; raise BotApiError when another call ends the wait."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    emulator.long_poll = ended
    emulator.arrived.clear()
    alarm = asyncio.ensure_future(emulator.clock.sleep(until - emulator.clock.now()))
    arrival = asyncio.ensure_future(emulator.arrived.wait())
    try:
        waits: set[asyncio.Future[Any]] = {ended, alarm, arrival}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise BotApiError(409, ended.result())
    finally:
        alarm.cancel()
        arrival.cancel()
        if emulator.long_poll is ended:
            emulator.long_poll = None


def _end_long_poll(emulator: Emulator, reason: str) -> None:
    if emulator.long_poll is not None and not emulator.long_poll.done():
        emulator.long_poll.set_result(reason)


def _take_allowed(emulator: Emulator, parameters: Parameters) -> None:
    if (names := allowed_of(parameters)) is not None:
        emulator.updates.allow(names)


def allowed_of(parameters: Parameters) -> list[str] | None:
    """Return the types of updates that a call asks for, None if it leaves them as they are; raise BotApiError."""
    if "allowed_updates" not in parameters.arguments:
        return None
    try:
        names = parameters.decoded("allowed_updates")
    except ValueError:
        raise bad_request("can't parse allowed_updates JSON object") from None
    if not isinstance(names, list):
        raise bad_request("expected an Array of allowed update types")
    return [str(name) for name in names]
