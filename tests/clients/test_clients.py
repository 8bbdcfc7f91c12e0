"""telegraf, grammY and aiogram on the emulator, unchanged, each by long polling and by webhook."""

import pytest

from local.conversation import Telegram


@pytest.mark.usefixtures("bot")
def test_a_bot_in_another_library(telegram: Telegram) -> None:
    """Its commands are known, and formatted text, buttons, edits, an upload and a group in its order work."""
    ann, ben = telegram.person("Ann"), telegram.person("Ben")
    ann.says("/start")
    greeting = ann.hears("Hello, Ann")
    assert greeting.buttons == [["Again"]]
    assert ann.presses("Again").answer() == "Sure"
    assert ann.hears("Hello again, Ann").id == greeting.id
    ann.says("/picture")
    assert ann.hears("A picture").media == "photo"
    lunch = telegram.group("Lunch", ann, ben)
    ann.says("tea", lunch)
    ben.says("coffee", lunch)
    assert ann.hears("said", lunch).text == "Ann said: tea"
    assert ann.hears("said", lunch).text == "Ben said: coffee"
    (commands,) = telegram.calls("setMyCommands")
    assert commands["parameters"]["commands"] == [{"command": "picture", "description": "Show a picture"}]
    assert [call for call in telegram.calls() if call.get("status", 200) != 200] == []
