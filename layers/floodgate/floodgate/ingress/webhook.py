"""Telegram's request becomes one message in a queue, or a refusal that costs nothing.

Problem: Telegram holds at most 2 x max_connections updates and keeps those that fail, so some 80 answers other than 2xx
stop the whole bot; and anybody may find the address.
Rule: without the secret 403 and nothing else happens. With it the body goes to `updates.fifo`, or, if it can never be
processed, to `dead.fifo`, and is answered 200. Only when neither can be had, 503 with Retry-After: Telegram keeps it.
With early acknowledgement, the 200 for a callback query that is in its queue is also the call of answerCallbackQuery
that stops the button's waiting: Telegram carries out what a webhook's answer asks for, and tells nobody how that went.
Hazard: whatever SQS says about this one message must not become a 503, which Telegram would repeat until the update
expires. `InvalidParameterValue` counts as such, so a queue that is set up wrongly fills `dead.fifo`: its alarm tells.

Nothing of a body, a header or the secret is ever logged.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.trace import carried, current, trace_id, tracing
from floodgate.ingress.updates import Poison, parse
from floodgate.monitoring.light import cold_start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from floodgate.ingress.updates import IncomingUpdate
    from floodgate.settings import WebhookSettings

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - a name; HTTP APIs write them in lower case
SECRET_REREAD_S: Final = 60.0

# What SQS answers when it is this message that it will not take, now or later.
_MESSAGE_REFUSED: Final = frozenset(
    {"InvalidMessageContents", "InvalidParameterValue", "InvalidParameterValueException"}
)

_logger = logging.getLogger(__name__)


class Unavailable(Exception):
    """AWS did not do what was asked; asking again later may help."""

    def __init__(self, service: str, error: BaseException | None = None) -> None:
        super().__init__(f"{service} is unavailable")
        self.service = service
        self.error = type(error).__name__ if error else None
        self.code = _code(error)


class Webhook:
    """Takes the requests of one bot.

    Args:
        settings: the queues, the secret's ARN, whether to answer callback queries at once, and the seconds that
            Telegram is asked to wait when AWS fails.
        sqs: a client for both queues.
        secrets: a client for the secret, which is read once and kept.
        clock: Unix time in seconds.
    """

    def __init__(
        self, settings: WebhookSettings, sqs: SQSClient, secrets: SecretsManagerClient, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._sqs = sqs
        self._clock = clock
        self._secret = _KeptSecret(settings.webhook_secret_arn, secrets, clock)
        self._is_new = True

    def handle(self, event: Mapping[str, Any], trace: str | None = None) -> dict[str, Any]:
        """Return the answer to one API Gateway event (payload format 2.0).

        The id in `trace`, an X-Ray header, goes with the update, into every log line about it and into a dead letter.
        """
        if self._is_new:
            self._is_new = False
            sys.stdout.write(cold_start(self._settings.metrics_namespace, self._clock()) + "\n")
        with tracing(trace_id(trace)):
            return self._handle(event)

    def _handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            presented = (event.get("headers") or {}).get(SECRET_HEADER)
            if not isinstance(presented, str) or not self._secret.matches(presented):
                _logger.warning("request refused", extra={"secret": "missing" if presented is None else "wrong"})
                return _answer(HTTPStatus.FORBIDDEN)
            call = self._take(event)
        except Unavailable as cause:
            _logger.error(  # noqa: TRY400 - the error's text may quote the request
                "request put off", extra={"service": cause.service, "error": cause.error, "code": cause.code}
            )
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": str(self._settings.retry_after_s)})
        return _answer(HTTPStatus.OK, call=call)

    def _take(self, event: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Return the Bot API call to answer with, None if there is none."""
        body = event.get("body") or ""
        try:
            if event.get("isBase64Encoded"):
                body = _decoded(body)
            update = parse(body)
            self._send(self._settings.updates_queue_url, update.text, update.group, str(update.update_id))
        except Poison as poison:
            self._bury(body, poison.detail)
            return None
        _logger.info("update queued", extra={"update_id": update.update_id})
        return _acknowledgement(update) if self._settings.early_acknowledgement else None

    def _bury(self, body: bytes | str, detail: str) -> None:
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        text, letter = dead_letter(raw, reason="poison", detail=detail, at=self._clock(), trace_id=current())
        try:
            self._send(self._settings.dead_queue_url, text, letter["group"], letter["sha256"])
        except Poison as refusal:  # our own message: the fault is the queue's, not the sender's
            raise Unavailable("sqs", refusal.__cause__) from refusal
        _logger.warning(
            "poison buried", extra={"reason": detail, "length": letter["length"], "sha256": letter["sha256"]}
        )

    def _send(self, queue_url: str, text: str, group: str, deduplication_id: str) -> None:
        try:
            self._sqs.send_message(
                QueueUrl=queue_url,
                MessageBody=text,
                MessageGroupId=group,
                MessageDeduplicationId=deduplication_id,
                **carried(),
            )
        except ClientError as error:
            if _code(error) in _MESSAGE_REFUSED:
                raise Poison(f"the queue refuses the body: {_code(error)}") from error
            raise Unavailable("sqs", error) from error
        except BotoCoreError as error:
            raise Unavailable("sqs", error) from error


class _KeptSecret:
    """The secret, read when first needed, and again when it may have been rotated."""

    def __init__(self, arn: str, client: SecretsManagerClient, clock: Callable[[], float]) -> None:
        self._arn = arn
        self._client = client
        self._clock = clock
        self._value = b""
        self._read_at = 0.0

    def matches(self, presented: str) -> bool:
        """Tell whether `presented` is the secret; Unavailable if it cannot be read.

        Somebody who guesses can make it be read once per SECRET_REREAD_S, no more often.
        """
        candidate = presented.encode("utf-8", "surrogatepass")  # compare_digest refuses text beyond ASCII
        if self._value and hmac.compare_digest(candidate, self._value):
            return True
        if self._value and self._clock() - self._read_at < SECRET_REREAD_S:
            return False
        self._read()
        return hmac.compare_digest(candidate, self._value)

    def _read(self) -> None:
        self._read_at = self._clock()  # before the call: a failing one counts as well
        try:
            value = self._client.get_secret_value(SecretId=self._arn).get("SecretString", "").encode()
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("secretsmanager", error) from error
        if not value:  # an empty header would match it
            raise Unavailable("secretsmanager")
        self._value = value


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as error:
        raise Poison("body is not JSON") from error


def _acknowledgement(update: IncomingUpdate) -> dict[str, str] | None:
    """Return the call that answers a callback query; None for any other update, and for a query without a usable id."""
    query = update.update["callback_query"] if update.type == "callback_query" else None
    query_id = query.get("id") if isinstance(query, dict) else None
    if not isinstance(query_id, str) or not query_id:
        return None
    return {"method": "answerCallbackQuery", "callback_query_id": query_id}


def _answer(
    status: HTTPStatus, headers: Mapping[str, str] | None = None, call: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": int(status),
        "headers": {"content-type": "application/json", **(headers or {})},
        "body": "{}" if call is None else json.dumps(call),
    }


def _code(error: BaseException | None) -> str | None:
    return error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
