"""Faults to order: the next calls of a method fail, hang or vanish.

Problem: what a bot does when Telegram fails can't be seen while Telegram works.
Rule: a fault waits for calls of its method ("*": any), the oldest first, and is used up after `count` of them;
without a count it lasts until it is removed. If it names a chat, it meets that chat's calls alone, and if it spares
one, all others. `after_delivery`: the call takes effect, then the fault is answered. `drop`: the connection closes
without an answer.
Hazard: with several updates in flight, whose call a fault without a chat meets is anyone's guess.
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
    """What to do to the next `count` calls of a method, or to all."""

    method: str
    count: int | None
    error_code: int | None = None
    description: str | None = None
    retry_after: int | None = None
    delay_s: float = 0.0
    after_delivery: bool = False
    drop: bool = False
    chat_id: int | None = None
    spares_chat_id: int | None = None

    def meets(self, method: str, chat_id: str) -> bool:
        """Return whether the fault is for a call of that method, to that chat (empty: to none)."""
        if self.method not in ("*", method):
            return False
        if self.chat_id is not None:
            return chat_id == str(self.chat_id)
        return self.spares_chat_id is None or chat_id != str(self.spares_chat_id)

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

    def remove(self, fault: Fault) -> None:
        """Forget this fault, if it still waits."""
        self._waiting = [one for one in self._waiting if one is not fault]

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def __contains__(self, fault: Fault) -> bool:
        return any(one is fault for one in self._waiting)

    def take(self, method: str, chat_id: str = "") -> Fault | None:
        """Return the fault that meets this call and count it; `chat_id` is the call's parameter."""
        for fault in self._waiting:
            if fault.meets(method, chat_id):
                if fault.count is not None:
                    fault.count -= 1
                if fault.count == 0:
                    self._waiting.remove(fault)
                return fault
        return None
