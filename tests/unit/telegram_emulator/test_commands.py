"""Which commands a person is offered in a chat."""

import pytest

from local.telegram.commands import menu
from tests.unit.telegram_emulator.harness import Harness

GROUP = -1000000000001


async def _set(telegram: Harness, name: str, scope: dict[str, object] | None = None, language: str = "") -> None:
    given = {} if scope is None else {"scope": scope}
    commands = [{"command": name, "description": "x"}] if name else []
    await telegram.result("setMyCommands", commands=commands, language_code=language, **given)


def _menu(telegram: Harness, chat_id: int, user_id: int) -> list[str]:
    world = telegram.emulator.world
    return [command["command"] for command in menu(world, world.known(str(chat_id)), user_id)]


async def test_the_narrowest_scope_wins(telegram: Harness) -> None:
    """Each scope that is set hides those that are wider, in the order that Telegram documents."""
    await telegram.order("members", chat_id=GROUP, user_id=6, status="administrator")
    await telegram.order("members", chat_id=GROUP, user_id=7, status="member")
    scopes: list[tuple[dict[str, object], list[int]]] = [
        ({"type": "default"}, [5, 6, 7]),
        ({"type": "all_group_chats"}, [5, 6, 7]),
        ({"type": "all_chat_administrators"}, [5, 6]),
        ({"type": "chat", "chat_id": GROUP}, [5, 6, 7]),
        ({"type": "chat_administrators", "chat_id": str(GROUP)}, [5, 6]),
        ({"type": "chat_member", "chat_id": GROUP, "user_id": 6}, [6]),
    ]
    seen = dict.fromkeys((5, 6, 7), "")
    for number, (scope, people) in enumerate(scopes):
        await _set(telegram, f"c{number}", scope)
        seen |= dict.fromkeys(people, f"c{number}")
        assert {user_id: _menu(telegram, GROUP, user_id)[0] for user_id in seen} == seen


async def test_a_private_chat_has_its_own(telegram: Harness) -> None:
    """Commands of groups are not offered there."""
    await _set(telegram, "group", {"type": "all_group_chats"})
    assert _menu(telegram, 5, 5) == []
    await _set(telegram, "everywhere")
    await _set(telegram, "private", {"type": "all_private_chats"})
    assert _menu(telegram, 5, 5) == ["private"]
    await _set(telegram, "mine", {"type": "chat", "chat_id": 5})
    assert (_menu(telegram, 5, 5), _menu(telegram, 1, 1)) == (["mine"], ["private"])


@pytest.mark.parametrize(("language", "offered"), [("de", "hallo"), ("de-AT", "hallo"), ("fr", "hello"), ("", "hello")])
async def test_the_persons_language_comes_before_the_one_for_all(
    telegram: Harness, language: str, offered: str
) -> None:
    """A language without commands of its own gets those for every language."""
    await telegram.order("users", user_id=5, language_code=language)
    await _set(telegram, "hello")
    await _set(telegram, "hallo", language="de")
    assert _menu(telegram, 5, 5) == [offered]


async def test_an_empty_list_is_none(telegram: Harness) -> None:
    """What is set to nothing hides nothing."""
    await _set(telegram, "hello")
    await _set(telegram, "", {"type": "all_private_chats"})
    assert _menu(telegram, 5, 5) == ["hello"]
