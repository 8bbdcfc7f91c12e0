"""Faults to order: the next calls of a method fail, hang or vanish.

Problem: what a bot does when Telegram fails can't be seen while Telegram works.
Rule: a fault waits for calls of its method ("*": any), the oldest first, and is used up after `count` of them.
`after_delivery`: the call takes effect, then the fault is answered. `drop`: the connection closes without an answer.
Hazard: a fault counts calls of all chats; with several bots' updates in flight, whose call it meets is anyone's guess.
"""

from dataclasses import dataclass

from local.telegram.errors import BotApiError, too_many_requests

DESCRIPTIONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass(slots=True)
class Fault:
    """What to do to the next `count` calls of a method."""

    method: str
    count: int
    error_code: int | None = None
    description: str | None = None
    retry_after: int | None = None
    delay_s: float = 0.0
    after_delivery: bool = False
    drop: bool = False

    @property
    def error(self) -> BotApiError | None:
        """Return the error to answer, None if the fault only delays or drops."""
        if self.error_code is None:
            return None
        if self.description is None and self.retry_after is not None and self.error_code == 429:
            return too_many_requests(self.retry_after)
        description = self.description or DESCRIPTIONS.get(self.error_code, "Injected fault")
        return BotApiError(self.error_code, description, retry_after=self.retry_after)


class Faults:
    """The faults that wait."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the fault meet the next calls of its method."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        """Return the fault that meets this call and count it."""
        for fault in self._waiting:
            if fault.method in ("*", method):
                fault.count -= 1
                if fault.count == 0:
                    self._waiting.remove(fault)
                return fault
        return None
