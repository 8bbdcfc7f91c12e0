"""Orders to the local Telegram, for tests: be the people in the chats, read what they see, make calls fail.

docs/emulator.md says what each order does. Waiting is bounded: what does not come in time is a TimeoutError that shows
the chat as it is.
"""

import time
from typing import Any, Self

import httpx

_POLL_S = 0.05
_REPLY_WITHIN_S = 30.0

type Json = dict[str, Any]


class TelegramControl:
    """A client of the emulator's /control, to be used as a context manager. Raises httpx.HTTPStatusError if refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/control", trust_env=False, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def say(self, chat_id: int, text: str, **order: Any) -> Json:
        """Write a message as a person, and return its `update_id` and `message_id`."""
        return self._post("messages", chat_id=chat_id, text=text, **order)

    def press(self, chat_id: int, message_id: int, data: str, **order: Any) -> Json:
        """Press a button of the bot's message, and return `update_id` and `callback_query_id`."""
        return self._post("callbacks", chat_id=chat_id, message_id=message_id, data=data, **order)

    def send_update(self, update: Json) -> int:
        """Send any update on its way, and return its id."""
        sent: int = self._post("updates", **update)["update_id"]
        return sent

    def block(self, chat_id: int, *, blocked: bool = True) -> Json:
        """Have a person block the bot, or unblock it, in their private chat."""
        return self.change_member(chat_id, "kicked" if blocked else "member")

    def change_user(self, user_id: int, **order: Any) -> Json:
        """Change what Telegram tells of a person, who is made if new, and return them as a User."""
        return self._post("users", user_id=user_id, **order)

    def make_group(self, title: str, user_ids: list[int], **order: Any) -> Json:
        """Make a group of these people, the first its owner, with the bot, and return `chat_id` and `update_ids`."""
        return self._post("groups", title=title, user_ids=user_ids, **order)

    def change_member(self, chat_id: int, status: str, **order: Any) -> Json:
        """Give somebody, by default the bot, a standing in a chat, and return the `update_ids` that tell of it."""
        return self._post("members", chat_id=chat_id, status=status, **order)

    def migrate(self, chat_id: int) -> Json:
        """Make a supergroup of a group, and return the order's answer with its new id."""
        return self._post("migrations", chat_id=chat_id)

    def fault(self, method: str, count: int = 1, **fault: Any) -> Json:
        """Let the next `count` calls of the method fail, and return the fault as taken."""
        return self._post("faults", method=method, count=count, **fault)

    def clear_faults(self) -> None:
        """Let no call fail any more."""
        self._client.delete("/faults").raise_for_status()

    def transcript(self, chat_id: int) -> list[Json]:
        """Return the chat's messages, oldest first; none if nobody has spoken there."""
        response = self._client.get(f"/chats/{chat_id}/messages")
        return [] if response.status_code == httpx.codes.NOT_FOUND else self._list(response)

    def replies(self, chat_id: int) -> list[Json]:
        """Return the bot's messages in the chat, oldest first."""
        return [message for message in self.transcript(chat_id) if message["from"] == "bot"]

    def calls(self, method: str | None = None) -> list[Json]:
        """Return the bot's calls, oldest first, of one method or of all."""
        return self._list(self._client.get("/calls", params={} if method is None else {"method": method}))

    def deliveries(self) -> list[Json]:
        """Return each update with its attempts and its outcome, oldest first."""
        return self._list(self._client.get("/deliveries"))

    def wait_for_reply(self, chat_id: int, count: int = 1, timeout_s: float = _REPLY_WITHIN_S) -> list[Json]:
        """Return the bot's messages in the chat once there are `count`. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while len(replies := self.replies(chat_id)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the bot said {len(replies)} of {count} messages within {timeout_s:.0f} s, in chat {chat_id}: "
                    f"{self.transcript(chat_id)}"
                )
            time.sleep(_POLL_S)
        return replies

    def _post(self, path: str, **order: Any) -> Json:
        answer: Json = self._client.post(f"/{path}", json=order).raise_for_status().json()
        return answer

    @staticmethod
    def _list(response: httpx.Response) -> list[Json]:
        answer: list[Json] = response.raise_for_status().json()
        return answer
