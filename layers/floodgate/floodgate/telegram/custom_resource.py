"""CloudFormation's custom resource protocol: a request comes as an event, the answer goes to a signed URL.

Rule: every request is answered, or CloudFormation waits until its timeout and the owner learns nothing. Deletion is
answered with SUCCESS whatever happens, or the stack could not be deleted. Another bot's token leaves the old bot's
webhook behind, which is removed as well. Hazard: the physical id never changes; with a
new one CloudFormation would ask to delete "the old" registration, which is the one just made.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import TYPE_CHECKING, Any

from floodgate.monitoring.logger import logger, redact
from floodgate.telegram.registration import RegistrationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from floodgate.telegram.registration import Registrar

PHYSICAL_ID = "telegram-registration"
_ANSWER_TIMEOUT_S = 10
#: An answer may have 4096 bytes in all, and the ids in it take up to 1000.
_REASON_BYTES = 2500


def answer_request(event: Mapping[str, Any], registrar: Registrar) -> None:
    """Do what CloudFormation asks and tell it how it went. Raises OSError if its URL cannot be reached."""
    failure: str | None = None
    if event["RequestType"] == "Delete":
        _remove(registrar.unregister)
    else:
        failure = _register(registrar)
        if _bot_id(event, "OldResourceProperties") not in {None, _bot_id(event, "ResourceProperties")}:
            _remove(registrar.unregister_previous)
    body = {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": _cut(failure or "registered"),
        "PhysicalResourceId": PHYSICAL_ID,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = urllib.request.Request(  # noqa: S310 - the URL is CloudFormation's
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_TIMEOUT_S):  # noqa: S310
        logger.info("request answered", request=event["RequestType"], status=body["Status"])


def _cut(reason: str) -> str:
    """Return as much of `reason` as an answer holds; JSON makes up to 12 bytes of a character."""
    while len(json.dumps(reason)) > _REASON_BYTES:
        reason = reason[: len(reason) * 9 // 10]
    return reason


def _register(registrar: Registrar) -> str | None:
    """Return None, or why the bot is not registered."""
    try:
        asyncio.run(registrar.register())
    except RegistrationFailed as error:
        logger.error("not registered", reason=str(error))
        return str(error)
    except Exception as error:  # noqa: BLE001 - unanswered, CloudFormation would wait and say nothing
        logger.error("not registered", error=type(error).__name__)
        return f"The registrar failed with {type(error).__name__}: {redact(str(error))}"
    return None


def _remove(unregister: Callable[[], Coroutine[None, None, bool]]) -> None:
    """Remove a webhook, and let nothing of it stop CloudFormation."""
    try:
        removed = asyncio.run(unregister())
    except Exception as error:  # noqa: BLE001 - see the module's rule
        logger.error("webhook not removed", error=type(error).__name__)
    else:
        logger.info("webhook removed" if removed else "webhook left alone: it is not ours")


def _bot_id(event: Mapping[str, Any], properties: str) -> str | None:
    bot_id: str | None = event.get(properties, {}).get("BotId")
    return bot_id
