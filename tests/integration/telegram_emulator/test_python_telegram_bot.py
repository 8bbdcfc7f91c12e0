"""python-telegram-bot's own Bot on the emulator, unchanged."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
import telegram
from telegram import error


async def test_the_bot_knows_itself(bot: telegram.Bot) -> None:
    """The getMe that initialize() calls gives the bot its id and name."""
    assert (bot.id, bot.username) == (123456, "floodgate_local_bot")


async def test_a_message_with_entities_and_keyboard(bot: telegram.Bot) -> None:
    """A sent message comes back as a Message with its entities and its keyboard."""
    markup = telegram.InlineKeyboardMarkup.from_button(telegram.InlineKeyboardButton("Go", callback_data="go"))
    message = await bot.send_message(5, "<b>Hi</b> 😀 /help", parse_mode="HTML", reply_markup=markup)
    assert message.text == "Hi 😀 /help"
    assert message.parse_entities() == dict(zip(message.entities, ["Hi", "/help"], strict=True))
    assert message.reply_markup == markup
    assert message.chat.type == "private"


async def test_replying_editing_copying_and_deleting(bot: telegram.Bot) -> None:
    """A reply holds what it replies to; an edit and a copy come back; deletion is True."""
    first = await bot.send_message(5, "one")
    reply = await first.reply_text("two", do_quote=True)
    assert reply.reply_to_message is not None
    assert reply.reply_to_message.message_id == first.message_id
    edited = await reply.edit_text("three")
    assert isinstance(edited, telegram.Message)
    assert (edited.text, edited.edit_date is not None) == ("three", True)
    copied = await bot.copy_message(5, 5, first.message_id)
    assert copied.message_id == reply.message_id + 1
    assert await first.delete() is True


async def test_photo_document_and_download(bot: telegram.Bot) -> None:
    """Bytes go up as photo and document and come down the same."""
    photo = await bot.send_photo(5, b"photo bytes", caption="c")
    assert (photo.caption, photo.photo[0].file_size) == ("c", len(b"photo bytes"))
    document = await bot.send_document(5, b"document bytes", filename="d.txt")
    assert document.document is not None
    assert document.document.file_name == "d.txt"
    file = await document.document.get_file()
    assert await file.download_as_bytearray() == b"document bytes"


async def test_a_media_group(bot: telegram.Bot) -> None:
    """An album of two photos comes back as two messages of one group."""
    media = [telegram.InputMediaPhoto(b"1", caption="first"), telegram.InputMediaPhoto(b"2")]
    messages = await bot.send_media_group(5, media)
    assert [message.caption for message in messages] == ["first", None]
    assert messages[0].media_group_id == messages[1].media_group_id


async def test_chats_and_members(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """Chat, members and commands parse into the library's types."""
    await client.post("/control/messages", json={"chat_id": -1009, "text": "x", "user_id": 5})
    assert (await bot.get_chat(5)).username == "user5"
    assert (await bot.get_chat(-1009)).type == "group"
    assert isinstance(await bot.get_chat_member(-1009, 5), telegram.ChatMemberOwner)
    assert [member.user.id for member in await bot.get_chat_administrators(-1009)] == [5]
    assert await bot.get_chat_member_count(-1009) == 2
    assert (await bot.get_user_profile_photos(5)).total_count == 0
    await bot.set_my_commands([("start", "Begin")])
    assert await bot.get_my_commands() == (telegram.BotCommand("start", "Begin"),)
    assert await bot.send_chat_action(5, "typing") is True


async def test_updates_parse(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """A message and a button's press come through get_updates as the library's objects, and can be answered."""
    sent = await bot.send_message(5, "x")
    order = {"chat_id": 5, "message_id": sent.message_id, "data": "go"}
    await client.post("/control/callbacks", json=order)
    message, press = await bot.get_updates(timeout=1)
    assert message.message is not None
    assert message.message.text == "hello"
    assert press.callback_query is not None
    assert press.callback_query.message == sent
    assert await bot.answer_callback_query(press.callback_query.id, "done") is True


async def test_webhook_info(bot: telegram.Bot) -> None:
    """What set_webhook set, get_webhook_info tells, and delete_webhook takes back."""
    await bot.set_webhook("http://127.0.0.1:1/hook", max_connections=7, allowed_updates=["message"])
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections, info.allowed_updates) == ("http://127.0.0.1:1/hook", 7, ("message",))
    assert await bot.delete_webhook() is True
    assert (await bot.get_webhook_info()).url == ""


async def test_errors_are_the_librarys_exceptions(
    bot: telegram.Bot,
    make_bot: Callable[[str], telegram.Bot],
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each refusal is the exception that a bot would catch in production."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # retry_after's type to come, or the library warns
    with pytest.raises(error.BadRequest, match="Chat not found"):
        await bot.send_message(404, "x")
    with pytest.raises(error.BadRequest, match="not modified"):
        await (await bot.send_message(5, "same")).edit_text("same")
    stranger = make_bot("123456:wrong")
    with pytest.raises(error.InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()
    for _ in range(4):
        await bot.send_message(5, "x")
    with pytest.raises(error.RetryAfter):
        await bot.send_message(5, "x")
    blocked = {"chat": {"id": 5, "type": "private"}, "new_chat_member": {"status": "kicked", "user": bot.bot.to_dict()}}
    await client.post("/control/updates", json={"my_chat_member": blocked})
    with pytest.raises(error.Forbidden, match="bot was blocked by the user"):
        await bot.send_message(5, "x")
    await bot.set_webhook("http://127.0.0.1:1/hook")
    with pytest.raises(error.Conflict):
        await bot.get_updates()


async def test_a_dropped_connection_is_a_network_error(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """With after_delivery and drop the client sees a broken connection, and the message is there, once."""
    fault = {"method": "sendMessage", "count": 1, "after_delivery": True, "drop": True}
    await client.post("/control/faults", json=fault)
    with pytest.raises(error.NetworkError) as raised:
        await bot.send_message(5, "there")
    assert isinstance(raised.value.__cause__, httpx.RemoteProtocolError)
    transcript = (await client.get("/control/chats/5/messages")).json()
    assert [line["text"] for line in transcript] == ["hello", "there"]
    await bot.send_message(5, "after")


async def test_a_slow_answer_is_a_timeout(bot: telegram.Bot, client: httpx.AsyncClient) -> None:
    """With delay_s a client that doesn't wait that long times out."""
    await client.post("/control/faults", json={"method": "sendMessage", "count": 1, "delay_s": 1})
    with pytest.raises(error.TimedOut):
        await bot.send_message(5, "late", read_timeout=0.1)
    await asyncio.sleep(0)
