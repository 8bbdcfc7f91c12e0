"""A python-telegram-bot bot that asks for its updates in a thread, with a little of all that a bot can show."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup, Update
from telegram.error import TelegramError
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters
from telegram.request import HTTPXRequest

from local.conversation import Telegram

type Context = ContextTypes.DEFAULT_TYPE

BUTTONS = InlineKeyboardMarkup([
    [InlineKeyboardButton("Yes", callback_data="yes"), InlineKeyboardButton("No", callback_data="no")],
    [InlineKeyboardButton("Read", url="https://example.com")],
])  # fmt: skip
MENU = ReplyKeyboardMarkup.from_row(["Tea", "Coffee"])


async def start(update: Update, _: Context) -> None:
    """Greet, and ask something."""
    assert update.message
    assert update.effective_user
    await update.message.reply_text(f"Hello, {update.effective_user.first_name}")
    await update.message.reply_text("Do you agree?", reply_markup=BUTTONS)


async def menu(update: Update, _: Context) -> None:
    """Show a reply keyboard."""
    assert update.message
    await update.message.reply_text("What will it be?", reply_markup=MENU)


async def echo(update: Update, _: Context) -> None:
    """Say it again; what Telegram does not take is tried once more."""
    assert update.message
    try:
        await update.message.reply_text(f"{update.message.text}!")
    except TelegramError:
        await update.message.reply_text(f"{update.message.text}, at last!")


async def agree(update: Update, _: Context) -> None:
    """Take the answer, and change the question."""
    query = update.callback_query
    assert query
    await query.answer("Noted")
    await query.edit_message_text(f"You said {query.data}.")


async def ignore(_: object, __: Context) -> None:
    """Say nothing of what failed: the chat shows it."""


def _application(url: str, token: str) -> Application[Any, Any, Any, Any, Any, Any]:
    direct: dict[str, Any] = {"httpx_kwargs": {"trust_env": False}}
    built = (
        Application.builder()
        .token(token)
        .base_url(f"{url}/bot")
        .base_file_url(f"{url}/file/bot")
        .request(HTTPXRequest(**direct))
        .get_updates_request(HTTPXRequest(**direct))
        .build()
    )
    built.add_handlers([CommandHandler("start", start), CommandHandler("menu", menu), CallbackQueryHandler(agree)])
    built.add_handler(MessageHandler(filters.TEXT, echo))
    built.add_error_handler(ignore)
    return built


@contextlib.contextmanager
def polling(telegram: Telegram) -> Iterator[None]:
    """Have the bot run."""
    stop = threading.Event()

    async def run() -> None:
        async with _application(telegram.url, telegram.token) as bot:
            assert bot.updater
            await bot.start()
            await bot.updater.start_polling(timeout=10)
            await asyncio.to_thread(stop.wait)
            await bot.updater.stop()
            await bot.stop()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    _application(os.environ["TELEGRAM_URL"], os.environ["TELEGRAM_TOKEN"]).run_polling()
