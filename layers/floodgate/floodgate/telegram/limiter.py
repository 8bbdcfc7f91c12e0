"""What stands between the bot object and Telegram: python-telegram-bot's rate limiter hook.

Every call of the bot passes `process_request`. It answers getMe from what the registrar stored, so that a cold start
asks Telegram nothing, and notices when Telegram no longer takes the token, so that it is read anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, override

from telegram.error import TelegramError
from telegram.ext import BaseRateLimiter

from floodgate.telegram.application import note_sent
from floodgate.telegram.errors import token_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from telegram._utils.types import JSONDict


class Limiter(BaseRateLimiter[None]):
    """Hook of a bot whose getMe answer is `identity`; None has Telegram asked, as for a bot not yet registered."""

    def __init__(self, identity: Mapping[str, Any] | None) -> None:
        self._identity = identity
        #: Telegram has refused the token that this bot was made with.
        self.token_is_refused = False

    @override
    async def initialize(self) -> None:
        """Nothing to do."""

    @override
    async def shutdown(self) -> None:
        """Nothing to do."""

    @override
    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, bool | JSONDict | list[JSONDict]]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> bool | JSONDict | list[JSONDict]:
        """Return Telegram's answer, or the stored one."""
        if endpoint == "getMe" and self._identity is not None:
            return dict(self._identity)
        try:
            answer = await callback(*args, **kwargs)
        except TelegramError as error:
            self.token_is_refused |= token_refused(error)
            raise
        if not endpoint.startswith("get"):
            note_sent()
        return answer
