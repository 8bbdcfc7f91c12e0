"""What goes wrong, as Telegram words it.

    Exception
    ├── BotApiError         the answer to a Bot API call; bad_request(), forbidden(), too_many_requests() make them
    ├── ControlError        the answer to an order under /control
    └── ConnectionDropped   no answer at all (an injected fault)

Hazard: bots and libraries match on these descriptions, so each text is Telegram's own, to the letter, wherever
Telegram has one. What only the emulator refuses says so in words.
"""

from typing import Any


class BotApiError(Exception):
    """A Bot API call failed; carries the code and the description that Telegram answers."""

    def __init__(
        self, code: int, description: str, *, retry_after: int | None = None, migrate_to_chat_id: int | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        if self.migrate_to_chat_id is not None:
            body["parameters"] = {"migrate_to_chat_id": self.migrate_to_chat_id}
        return body


def bad_request(sentence: str) -> BotApiError:
    """Return the 400 that says it."""
    return BotApiError(400, f"Bad Request: {sentence}")


def forbidden(sentence: str) -> BotApiError:
    """Return the 403 that says it."""
    return BotApiError(403, f"Forbidden: {sentence}")


def too_many_requests(retry_after_s: int) -> BotApiError:
    """Return the 429 that names the seconds to wait."""
    return BotApiError(429, f"Too Many Requests: retry after {retry_after_s}", retry_after=retry_after_s)


class ControlError(Exception):
    """An order under /control can't be carried out; the sentence says what to send instead."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


class ConnectionDropped(Exception):
    """The connection closes without an answer."""
