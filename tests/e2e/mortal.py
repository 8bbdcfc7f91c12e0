"""A feature that the deployed bot has while workers are killed: it takes its time, and one command of its is deadly."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING

from telegram.ext import CommandHandler, ContextTypes

if TYPE_CHECKING:
    from telegram import Update

    from floodgate.telegram import App

_LONGEST_PAUSE_S = 0.3


async def slowly(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Repeat the words, with time before and after it, so that a kill finds it before its send as well as behind it."""
    await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE_S))  # noqa: S311 - no secret
    if update.effective_message:
        await update.effective_message.reply_text(" ".join(context.args or []))
    await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE_S))  # noqa: S311 - no secret


async def die(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say so, and end the process as nothing in it can prevent."""
    if update.effective_message:
        await update.effective_message.reply_text("dying")
    os.kill(os.getpid(), signal.SIGKILL)


def register(app: App) -> None:
    """Add /slowly and /die."""
    app.add_handler(CommandHandler("slowly", slowly))
    app.add_handler(CommandHandler("die", die))
