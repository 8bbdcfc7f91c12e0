"""What `make run` is asked for, and what it says at the start and in between."""

import io
from typing import Any

import httpx
import pytest

from local.bridge.claim import Claimed
from local.ports import Ports
from local.run import Troubles, Wishes, welcome
from local.stack import Stack

TOKEN = "777:real-secret"
BRIDGE = Claimed(TOKEN, "https://api.telegram.org", {"id": 777, "username": "ann_bot"})


def test_no_token_is_left_in_the_environment() -> None:
    """What make hands on, in a variable of its own and in its flags, reaches no program that is started."""
    environ = {"TOKEN": f" {TOKEN}\n", "MAKEFLAGS": f" -- TOKEN={TOKEN}", "MAKEOVERRIDES": "x", "PATH": "/bin"}
    wishes = Wishes.take(environ)
    assert wishes.token == TOKEN
    assert environ == {"PATH": "/bin"}
    assert TOKEN not in repr(wishes)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Wishes()),
        ({"TOKEN": "", "OPEN": "", "REMOVE_WEBHOOK": ""}, Wishes()),
        ({"OPEN": "0"}, Wishes(opens_page=False)),
        ({"REMOVE_WEBHOOK": "1"}, Wishes(removes_webhook=True)),
        ({"REMOVE_WEBHOOK": "0", "OPEN": "1"}, Wishes()),
        ({"FLOODGATE_TELEGRAM_API": "http://127.0.0.1:9"}, Wishes(api="http://127.0.0.1:9")),
    ],
)
def test_wishes_come_from_the_environment(environ: dict[str, str], expected: Wishes) -> None:
    """Empty means nothing, as where make hands on a variable that is not set."""
    assert Wishes.take(environ) == expected


def test_a_bridged_stack_knows_no_real_token() -> None:
    """What is deployed has one of this run; sam, its logs and the local AWS see no other."""
    one, other = (Stack(Ports(9001, 9002), bridge=BRIDGE).parameters for _ in range(2))
    assert one["BotToken"].startswith("777:")
    assert len(one["BotToken"]) > 30
    assert one["BotToken"] != other["BotToken"]
    assert TOKEN not in str(one)


def test_a_bridged_stack_has_no_admin_chat_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chat 1 is the emulator's admin; nobody knows who owns a real bot."""
    assert Stack(Ports(9001, 9002)).parameters["AdminChatId"] == "1"
    assert Stack(Ports(9001, 9002), bridge=BRIDGE).parameters["AdminChatId"] == ""
    monkeypatch.setenv("FLOODGATE_PARAMETERS", "AdminChatId=55")
    assert Stack(Ports(9001, 9002), bridge=BRIDGE).parameters["AdminChatId"] == "55"


def test_a_bridged_stack_says_where_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot's name and link, who is answered, and how to become its admin."""
    said = welcome(Stack(Ports(9001, 9002), bridge=BRIDGE), 12.3)
    assert "Ready after 12 s. @ann_bot is answered from this machine. Write to it from your phone:" in said
    assert "\n  https://t.me/ann_bot\n" in said
    assert "It has no admin chat: send it /id, and start it with FLOODGATE_PARAMETERS='AdminChatId=…'" in said
    assert "/control/" not in said
    assert TOKEN not in said
    monkeypatch.setenv("FLOODGATE_PARAMETERS", "AdminChatId=55")
    assert "Its admin chat is 55." in welcome(Stack(Ports(9001, 9002), bridge=BRIDGE), 12.3)


def test_a_trouble_is_told_once_and_so_is_its_end() -> None:
    """However often it is looked at, and however long the pauses in it are."""
    fine = {"state": "polling", "sentence": "Telegram is asked for updates."}
    trouble = {"state": "trouble", "sentence": "Telegram does not answer (502). Updates wait. Trying again in 1 s."}
    later = {"state": "trouble", "sentence": "Telegram does not answer (502). Updates wait. Trying again in 2 s."}
    statuses: list[dict[str, Any] | None] = [fine, trouble, trouble, None, later, fine, fine]

    def answer(_: httpx.Request) -> httpx.Response:
        status = statuses.pop(0)
        return httpx.Response(502) if status is None else httpx.Response(200, json=status)

    out = io.StringIO()
    troubles = Troubles("http://bridge", out, httpx.MockTransport(answer))
    while statuses:
        troubles.tell()
    assert out.getvalue() == (
        "Telegram does not answer (502). Updates wait. It is tried again until that is over.\n"
        'This is over: "Telegram does not answer (502)."\n'
    )
