"""An aiogram bot on the local Telegram: polling or webhook, as its argument says. It runs in this environment."""

import asyncio
import base64
import os
import sys

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

SECRET = "only-Telegram-knows"  # noqa: S105 - opens nothing but this bot
PICTURE = base64.b64decode(  # one dot
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
AGAIN = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Again", callback_data="again")]])

dispatcher = Dispatcher()


@dispatcher.message(CommandStart())
async def start(message: Message) -> None:
    """Greet."""
    await message.answer(f"Hello, <b>{message.from_user.first_name}</b>", parse_mode="HTML", reply_markup=AGAIN)


@dispatcher.message(Command("picture"))
async def picture(message: Message) -> None:
    """Upload a photo."""
    await message.answer_photo(BufferedInputFile(PICTURE, "dot.png"), caption="A picture")


@dispatcher.callback_query(F.data == "again")
async def again(query: CallbackQuery) -> None:
    """Answer the press, and change the message."""
    await query.answer("Sure")
    await query.message.edit_text(f"Hello again, {query.from_user.first_name}")


@dispatcher.message(F.text)
async def echo(message: Message) -> None:
    """Say it again."""
    await message.answer(f"{message.from_user.first_name} said: {message.text}")


async def main() -> None:
    """Run until stopped."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(os.environ["TELEGRAM_URL"]))
    async with Bot(os.environ["TELEGRAM_TOKEN"], session=session) as bot:
        await bot.set_my_commands([BotCommand(command="picture", description="Show a picture")])
        if sys.argv[1] == "webhook":
            app = web.Application()
            SimpleRequestHandler(dispatcher, bot, secret_token=SECRET).register(app, "/bot")
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/bot", secret_token=SECRET)
            await asyncio.Event().wait()
        else:
            await dispatcher.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main())
