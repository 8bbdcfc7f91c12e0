"""An answer is contradicted by what an update shows, and by what it doesn't, but never twice by the same."""

from typing import Any

import pytest
from telegram.error import BadRequest, Forbidden

from floodgate.cache.entry import Entry, contradictions
from tests.unit.ingress.samples import ANN, GROUP, PRIVATE

FULL = {**GROUP, "username": "allotments", "accent_color_id": 3}
PRIVATE_FULL = {**PRIVATE, "bio": "digs", "accent_color_id": 3}
MEMBER = {"status": "member", "user": {**ANN, "is_premium": True}}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (FULL, {}),
        (FULL, {7001: ANN}),
        (FULL, {GROUP["id"]: {**GROUP, "username": "allotments"}}),
        (FULL, {GROUP["id"]: {**GROUP, "username": "allotments", "is_forum": False}}),
        (PRIVATE_FULL, {7001: PRIVATE}),
        (PRIVATE_FULL, {7001: ANN}),
        (MEMBER, {7001: ANN}),
        (MEMBER, {7001: PRIVATE}),
        ([MEMBER], {7001: ANN}),
        ({"status": "left"}, {7001: ANN}),
        (True, {7001: ANN}),
    ],
)
def test_what_is_the_same_or_not_shown_contradicts_nothing(value: Any, shown: dict[int, Any]) -> None:
    """Only names are compared: an answer has more fields than an update shows."""
    assert contradictions(value, shown) == {}


@pytest.mark.parametrize("change", [{"title": "Beds"}, {"username": "beds"}, {"type": "group"}, {"is_forum": True}])
def test_a_chat_with_another_name_contradicts(change: dict[str, Any]) -> None:
    """Whichever of them it is."""
    chat = {**GROUP, "username": "allotments", **change}
    assert contradictions(FULL, {GROUP["id"]: chat}) == {
        str(GROUP["id"]): {name: value for name, value in chat.items() if name != "id"}
    }


def test_a_name_that_is_gone_contradicts() -> None:
    """A chat that is shown without a username has none any more; likewise a person."""
    assert list(contradictions(FULL, {GROUP["id"]: GROUP})) == [str(GROUP["id"])]
    named = {"status": "member", "user": {**ANN, "last_name": "Lee"}}
    assert contradictions(named, {7001: ANN}) == {"7001": {"first_name": "Ann"}}


def test_a_person_with_another_name_contradicts_wherever_the_answer_names_them() -> None:
    """In a private chat, as a member, and among the administrators."""
    anna = {**ANN, "first_name": "Anna"}
    expected = {"7001": {"first_name": "Anna"}}
    owner = {"status": "creator", "user": {"id": 7002, "first_name": "Bob"}}
    assert [contradictions(value, {7001: anna}) for value in (PRIVATE_FULL, MEMBER, [owner, MEMBER])] == [expected] * 3


def test_an_answer_agrees_with_what_it_has_overruled() -> None:
    """Updates that waited show old names; the answer is newer. Any third name is news again."""
    entry = Entry('{"id": 5, "type": "group", "title": "New"}', 0, 300, overruled='{"5": {"type": "group"}}')
    assert entry.agrees_with({5: {"id": 5, "type": "group"}})
    assert entry.agrees_with({5: {"id": 5, "type": "group", "title": "New"}})
    assert not entry.agrees_with({5: {"id": 5, "type": "group", "title": "Newer"}})


def test_an_answer_is_a_copy() -> None:
    """What a caller does to it, nobody else sees."""
    entry = Entry('{"id": 5, "permissions": {}}', 0, 300)
    entry.value()["permissions"]["can_send_messages"] = True
    assert entry.value() == {"id": 5, "permissions": {}}


@pytest.mark.parametrize("kind", [BadRequest, Forbidden])
def test_a_refusal_is_raised_as_it_was_and_contradicted_by_nothing(kind: type[Exception]) -> None:
    """The same class and message."""
    entry = Entry('"Chat not found"', 0, 30, refusal=kind.__name__)
    assert entry.agrees_with({5: GROUP})
    with pytest.raises(kind) as caught:
        entry.value()
    assert (type(caught.value), str(caught.value)) == (kind, "Chat not found")
