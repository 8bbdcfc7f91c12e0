"""Where the keyboard's user is, when what they are at changes or goes."""

import json
from typing import Any

import httpx
from playwright.sync_api import expect

from local.conversation import Telegram
from tests.browser.visitor import ANN, open_chat, said
from tests.chromium import Browse


def call(telegram: Telegram, method: str, **parameters: Any) -> Any:
    """Have the bot do something in Ann's chat of itself."""
    url = f"{telegram.base_url}{telegram.token}/{method}"
    answer = httpx.post(url, json={"chat_id": ANN, **parameters}, trust_env=False)
    return answer.raise_for_status().json()["result"]


def test_at_a_reply_keyboard_that_changes(url: str, browse: Browse, telegram: Telegram) -> None:
    """One is at its next keyboard, and at the message box when it is gone."""
    telegram.say(ANN, "/menu")
    page = browse(url)
    open_chat(page, "Ann Lee")
    page.get_by_role("button", name="Tea").focus()
    call(telegram, "sendMessage", text="Or milk?", reply_markup={"keyboard": [[{"text": "Milk"}]]})
    expect(page.get_by_role("button", name="Milk", exact=True)).to_be_focused()
    call(telegram, "sendMessage", text="So be it.", reply_markup={"remove_keyboard": True})
    said(page, "So be it.")
    expect(page.get_by_role("textbox", name="Message from")).to_be_focused()


def test_at_a_message_that_is_deleted(url: str, browse: Browse, telegram: Telegram) -> None:
    """One is still in the messages, and goes on by the arrow keys."""
    telegram.say(ANN, "hello")
    page = browse(url)
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    sent = call(telegram, "sendMessage", text="Never mind.")
    page.get_by_role("article").filter(has_text="Never mind.").focus()
    call(telegram, "deleteMessage", message_id=sent["message_id"])
    expect(page.get_by_role("log", name="Messages")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("article").filter(has_text="You said: hello")).to_be_focused()


def test_at_a_hidden_text_that_is_shown(url: str, browse: Browse, telegram: Telegram) -> None:
    """One is at its message."""
    telegram.say(ANN, "hello")
    page = browse(url)
    open_chat(page, "Ann Lee")
    said(page, "You said: hello")
    entities = json.dumps([{"type": "spoiler", "offset": 0, "length": 6}])
    call(telegram, "sendMessage", text="secret", entities=entities)
    page.get_by_role("button", name="Hidden text: show").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("article").filter(has_text="secret")).to_be_focused()
