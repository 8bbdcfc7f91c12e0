"""The last updates: who they are from, and a list that is bounded and stands still."""

from __future__ import annotations

from typing import Any

import pytest

from local.machine.recent import Recent, about
from local.machine.ways import About, Way

ANN = {"id": 5, "first_name": "Ann"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}
GROUP = {"id": -7, "type": "group", "title": "Lunch"}


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("message", {"chat": PRIVATE, "from": ANN, "text": "/start\nnow"}, About("message", "Ann", "/start now")),
        ("message", {"chat": GROUP, "from": ANN, "text": "hi"}, About("message", "Ann in Lunch", "hi")),
        (
            "callback_query",
            {"from": ANN, "message": {"chat": GROUP, "text": "the bot's"}, "data": "go"},
            About("press", "Ann", "go"),
        ),
        ("my_chat_member", {"chat": PRIVATE, "from": ANN}, About("bot's standing", "Ann", "")),
        ("message", {"chat": PRIVATE, "caption": "x" * 50}, About("message", "Ann", "x" * 39 + "…")),
        ("poll", {"id": "1"}, About("poll", "", "")),
        ("message", "nonsense", About("message", "", "")),
        ("message", {"chat": "nonsense", "from": [1]}, About("message", "", "")),
    ],
    ids=["private", "group", "press", "standing", "long caption", "nobody's", "no object", "no chat"],
)
def test_an_update_is_told_by_its_names(kind: str, body: Any, shown: About) -> None:
    """Telegram's name for the chat and the person, and how it begins."""
    assert about(kind, {"update_id": 1, kind: body}) == shown


def test_a_row_keeps_its_place() -> None:
    """The newest is first, and what changes does so where it stands."""
    recent, ways = Recent(3), [Way(update_id) for update_id in range(3)]
    for way in ways:
        recent.touch(way)
    assert [row["id"] for row in recent.changed()] == [2, 1, 0]
    recent.touch(ways[0])
    assert [row["id"] for row in recent.changed()] == [0]
    assert [row["id"] for row in recent.all()] == [2, 1, 0]


def test_what_has_dropped_off_and_moves_is_the_newest() -> None:
    """In a flood the ones that are worked on are those that were accepted long ago."""
    recent, ways = Recent(3), [Way(update_id) for update_id in range(5)]
    for way in ways:
        recent.touch(way)
    recent.touch(ways[0])
    assert [row["id"] for row in recent.all()] == [0, 4, 3]
    assert [row["id"] for row in recent.changed()] == [0, 4, 3]
    assert recent.changed() == []
