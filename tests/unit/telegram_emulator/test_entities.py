"""Entities in what users write."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.telegram.entities import detect


def cut(text: str, entity: dict[str, Any]) -> str:
    """Return the part of the text that the entity names, in UTF-16 as Telegram counts."""
    units = text.encode("utf-16-le")
    start = 2 * entity["offset"]
    return units[start : start + 2 * entity["length"]].decode("utf-16-le")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start", [("bot_command", "/start")]),
        ("/start@some_bot now", [("bot_command", "/start@some_bot")]),
        ("see @alice.", [("mention", "@alice")]),
        ("mail alice@example.net", []),
        ("1/2 and </b>", []),
        ("go to https://a.example/x?y=1.", [("url", "https://a.example/x?y=1")]),
        ("(core.telegram.org/bots)", [("url", "core.telegram.org/bots")]),
        ("😀 /help @bob", [("bot_command", "/help"), ("mention", "@bob")]),
        ("https://t.me/@alice", [("url", "https://t.me/@alice")]),
        ("file.txt and e.g. this", []),
    ],
)
def test_entities_are_found_as_telegram_finds_them(text: str, expected: list[tuple[str, str]]) -> None:
    """Each text has exactly these entities."""
    assert [(entity["type"], cut(text, entity)) for entity in detect(text)] == expected


words = st.sampled_from(["/start", "/help@some_bot", "@alice", "https://example.org/a?b=1", "word", "😀", "ß", "中文"])


@given(st.lists(words, max_size=12), st.sampled_from([" ", "\n", " 😀 "]))
def test_every_command_mention_and_link_is_found(parts: list[str], separator: str) -> None:
    """In words joined by white space, exactly those that are commands, mentions or links are entities, in order."""
    text = separator.join(parts)
    kinds = {"/": "bot_command", "@": "mention", "h": "url"}
    expected = [(kinds[part[0]], part) for part in parts if part[0] in kinds and part != "word"]
    assert [(entity["type"], cut(text, entity)) for entity in detect(text)] == expected


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from("/@.:ahttps ")))
def test_entities_never_overlap_and_stay_inside(text: str) -> None:
    """In any text the entities follow each other without overlapping and cut whole characters."""
    end = 0
    for entity in detect(text):
        assert entity["offset"] >= end
        assert cut(text, entity)
        end = entity["offset"] + entity["length"]
    assert end <= len(text.encode("utf-16-le")) // 2
