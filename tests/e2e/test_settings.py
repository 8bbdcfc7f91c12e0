"""Settings, languages and privacy through the deployed template: catalogues are there, and what is chosen stays."""

from local.control import TelegramControl
from tests.e2e.test_pipeline import wait_until


def button(message: dict[str, object], label: str) -> str:
    """Return the data of a message's button."""
    markup = message["reply_markup"]
    assert isinstance(markup, dict)
    buttons = [one for row in markup["inline_keyboard"] for one in row]
    return next(str(one["callback_data"]) for one in buttons if one["text"] == label)


def test_a_choice_is_kept_until_it_is_forgotten(telegram: TelegramControl, chat_id: int) -> None:
    """German is chosen and spoken, is in the file, and is gone after /forget."""
    told = [call["parameters"] for call in telegram.calls("setMyCommands")]
    assert {"command": "help", "description": "Zeigen, was ich kann"} in told[-2]["commands"]

    def press(label: str, shown: str) -> None:
        message = telegram.replies(chat_id)[-1]
        telegram.press(chat_id, message["message_id"], button(message, label))
        wait_until(lambda: telegram.replies(chat_id)[-1]["text"].startswith(shown))

    telegram.say(chat_id, "/settings")
    telegram.wait_for_reply(chat_id, 1)
    press("Language", "Which language")
    press("Deutsch", "Deine Einstellungen")
    telegram.say(chat_id, "/start")
    assert telegram.wait_for_reply(chat_id, 2)[-1]["text"].startswith("Hallo ")
    telegram.say(chat_id, "/mydata")
    assert telegram.wait_for_reply(chat_id, 3)[-1]["media"] == "document"
    telegram.say(chat_id, "/forget")
    telegram.wait_for_reply(chat_id, 4)
    press("Alles löschen", "Gelöscht:")
    telegram.say(chat_id, "/start")
    assert telegram.wait_for_reply(chat_id, 5)[-1]["text"].startswith("Hello ")
