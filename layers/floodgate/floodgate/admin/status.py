"""`/status` in the admin chat: how the bot is doing, as a picture and a few lines.

Problem: what draws pictures and asks CloudWatch would load with every worker. Rule: the alerts function makes the
report, and this one sends it; the command belongs to every bot that has an admin chat, and stands in no list of
commands. The report is waited for as long as the update's time lets a reply be sent afterwards; whatever keeps it from
coming is said instead. Hazard: an alerts function that starts for the first time in hours takes some seconds.
"""

from __future__ import annotations

import asyncio
import base64
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from telegram.constants import ParseMode
from telegram.error import BadRequest
from telegram.ext import ApplicationHandlerStop, CommandHandler, filters

from floodgate.admin.desk import FIRST
from floodgate.aws import fault
from floodgate.monitoring.logger import logger
from floodgate.telegram.run import running

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient
    from telegram import Message, Update
    from telegram.ext import ContextTypes

    from floodgate.aws import AwsCalls
    from floodgate.telegram.application import App

#: What is left of an update's time for sending, in seconds.
SENDING_S: Final = 3.0


class ReportMissing(Exception):
    """There is no report; the text says why, to the owner."""


class StatusDesk:
    """Answers `/status` in the chat `chat` with what the function `function` reports."""

    def __init__(self, chat: int, function: str, opened: Callable[[], LambdaClient], calls: AwsCalls) -> None:
        """`opened` is called with the first order, for few workers ever need a client of Lambda."""
        self._chat = chat
        self._function = function
        self._opened = opened
        self._calls = calls

    @cached_property
    def _functions(self) -> LambdaClient:
        return self._opened()

    def register(self, app: App) -> None:
        """Add the handler."""

        async def status(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
            # No docstring: it would be the description of a command that everybody is shown.
            if update.message is not None:
                await self._answer(update.message)
            raise ApplicationHandlerStop

        here = filters.Chat(self._chat) & filters.UpdateType.MESSAGE
        app.add_handler(CommandHandler("status", status, here), group=FIRST)

    async def _answer(self, message: Message) -> None:
        try:
            report = await self._report()
        except ReportMissing as missing:
            await message.reply_text(str(missing))
            return
        if "chart" in report:
            chart = base64.b64decode(report["chart"])
            try:
                await message.reply_photo(chart, report["text"], parse_mode=ParseMode.HTML, filename="status.png")
            except BadRequest as error:  # a group may forbid pictures
                logger.warning("status without picture", error=type(error).__name__)
            else:
                return
        await message.reply_text(report["text"], ParseMode.HTML)

    async def _report(self) -> dict[str, Any]:
        """Return the report; raises ReportMissing."""
        left_s = _time_left_s()
        try:
            failed, said = await self._calls.run_within(left_s, self._ask)
        except ReadTimeoutError:
            raise ReportMissing(
                f"There is no status: the alerts function took longer than {left_s:.0f} s. If it had to start first, "
                "it is faster now: ask again."
            ) from None
        except (BotoCoreError, ClientError) as error:
            raise ReportMissing(f"There is no status: AWS did not run the alerts function, {fault(error)}.") from error
        if failed:
            name = said.get("errorType", "an error")
            raise ReportMissing(f"There is no status: the alerts function failed with {name}. Its log says more.")
        return said

    def _ask(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the function failed, and what it said."""
        answer = self._functions.invoke(FunctionName=self._function, Payload=b'{"status": true}')
        return "FunctionError" in answer, json.loads(answer["Payload"].read())


def _time_left_s() -> float:
    """Return for how long a report may be waited for."""
    run = running.get()
    return 0.0 if run is None else max(0.0, run.deadline - asyncio.get_running_loop().time() - SENDING_S)
