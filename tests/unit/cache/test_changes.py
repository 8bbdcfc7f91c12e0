"""Which calls are remembered under which key, and what is stale after which update, message and call."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floodgate.cache.changes import (
    ANNOUNCED_BY_UPDATES,
    ANNOUNCED_IN_MESSAGES,
    CHANGED_BY_CALLS,
    key_of_call,
    stale_after_call,
    stale_after_update,
    stale_by_hand,
)
from floodgate.ingress.updates import UPDATE_TYPES, IncomingUpdate, parse
from tests.unit.ingress.samples import ANN, BOT, CHANNEL, GROUP, PRIVATE, SAMPLES, Sample, message

G = GROUP["id"]
BOB: dict[str, Any] = {"id": 7002, "is_bot": False, "first_name": "Bob"}

each_sample = pytest.mark.parametrize(
    "sample", SAMPLES, ids=[f"{number}-{sample.type}" for number, sample in enumerate(SAMPLES)]
)


def incoming(kind: str, content: Any) -> IncomingUpdate:
    """Return an update as the worker reads it."""
    return parse(json.dumps({"update_id": 1, kind: content}))


def stale(kind: str, content: Any) -> set[str]:
    """Return what is stale after it."""
    return set(stale_after_update(incoming(kind, content)))


def member(status: str, user: dict[str, Any] = BOB) -> dict[str, Any]:
    """Return the beginning of a ChatMember."""
    return {"status": status, "user": user}


def changed(old: str, new: str, chat: dict[str, Any] = GROUP) -> dict[str, Any]:
    """Return the ChatMemberUpdated of Bob, by Ann."""
    return {
        "chat": chat, "from": ANN, "date": 0, "old_chat_member": member(old), "new_chat_member": member(new),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "data", "key"),
    [
        ("getChat", {"chat_id": 5}, "getChat#5"),
        ("getChat", {"chat_id": "5"}, "getChat#5"),
        ("getChat", {"chat_id": -100123}, "getChat#-100123"),
        ("getChat", {"chat_id": "@Allotments"}, "getChat#@allotments"),
        ("getChatMember", {"chat_id": "-100123", "user_id": 7001}, "getChatMember#-100123#7001"),
        ("getChatMember", {"chat_id": -100123, "user_id": "7001"}, "getChatMember#-100123#7001"),
        ("getChatAdministrators", {"chat_id": 5}, "getChatAdministrators#5"),
        ("getChatAdministrators", {"chat_id": 5, "return_bots": False}, "getChatAdministrators#5"),
        ("getChatAdministrators", {"chat_id": 5, "return_bots": True}, None),
        ("getChat", {"chat_id": 5, "of_a_later_version": 1}, None),
        ("getChat", {}, None),
        ("getChat", {"chat_id": "Allotments"}, None),
        ("getChat", {"chat_id": "@a#7001"}, None),
        ("getChat", {"chat_id": "05"}, None),
        ("getChat", {"chat_id": 5.5}, None),
        ("getChatMember", {"chat_id": 5}, None),
        ("getChatMember", {"chat_id": 5, "user_id": "bob"}, None),
        ("getChatMemberCount", {"chat_id": 5}, None),
        ("sendMessage", {"chat_id": 5}, None),
    ],
)
def test_a_call_has_its_key(method: str, data: dict[str, Any], key: str | None) -> None:
    """One key for one question, however it is put; none for what is not remembered."""
    assert key_of_call(method, data) == key


@each_sample
def test_ordinary_updates_change_nothing(sample: Sample) -> None:
    """An update whose type announces no change costs no write."""
    assert bool(stale_after_update(parse(json.dumps(sample.update)))) == (sample.type in ANNOUNCED_BY_UPDATES)


@pytest.mark.parametrize(
    ("old", "new", "administrators"),
    [
        ("left", "member", False),
        ("member", "restricted", False),
        ("restricted", "kicked", False),
        ("member", "administrator", True),
        ("administrator", "left", True),
        ("creator", "administrator", True),
        ("member", "of_a_later_version", True),
    ],
)
def test_a_member_who_changes_takes_the_administrators_along_only_if_one_of_them(
    old: str, new: str, *, administrators: bool
) -> None:
    """A crowd that comes and goes leaves the list alone; the chat is never touched."""
    expected = {f"getChatMember#{G}#7002"} | ({f"getChatAdministrators#{G}"} if administrators else set())
    assert stale("chat_member", changed(old, new)) == expected


def test_the_bots_own_membership_changes_what_it_sees() -> None:
    """The chat, the administrators and the bot's own entry are stale."""
    content = {**changed("member", "member"), "new_chat_member": member("member", BOT)}
    assert stale("my_chat_member", content) == {
        f"getChat#{G}",
        f"getChatAdministrators#{G}",
        f"getChatMember#{G}#{BOT['id']}",
    }


def test_a_public_chat_is_stale_under_both_its_names() -> None:
    """Whoever asked by @name hears of it as well."""
    assert stale("chat_member", changed("left", "member", {**GROUP, "username": "Allotments"})) == {
        f"getChatMember#{G}#7002",
        "getChatMember#@allotments#7002",
    }


@pytest.mark.parametrize("kind", ["message", "channel_post"])
@pytest.mark.parametrize("field", [field for field, what in ANNOUNCED_IN_MESSAGES.items() if what == ("getChat",)])
def test_a_message_announces_a_change_of_its_chat(kind: str, field: str) -> None:
    """And of nothing else."""
    assert stale(kind, message(CHANNEL, None, **{field: {}})) == {f"getChat#{CHANNEL['id']}"}


@pytest.mark.parametrize("kind", ["edited_message", "business_message", "guest_message"])
def test_messages_that_are_no_news_of_the_bots_chats_announce_nothing(kind: str) -> None:
    """Those of businesses and guests are about chats of other people."""
    assert stale(kind, message(PRIVATE, pinned_message={}, new_chat_title="Beds")) == set()


@pytest.mark.parametrize(
    ("fields", "users"),
    [
        ({"new_chat_members": [ANN, BOB]}, [7001, 7002]),
        ({"left_chat_member": BOB}, [7002]),
        ({"chat_owner_left": {}}, [7001]),
        ({"chat_owner_left": {"new_owner": BOB}}, [7001, 7002]),
        ({"chat_owner_changed": {"new_owner": BOB}}, [7001, 7002]),
    ],
)
def test_people_who_come_go_or_hand_over_are_named(fields: dict[str, Any], users: list[int]) -> None:
    """Exactly they are stale, and the administrators; the chat is not."""
    expected = {f"getChatMember#{G}#{user}" for user in users} | {f"getChatAdministrators#{G}"}
    assert stale("message", message(GROUP, **fields)) == expected


@pytest.mark.parametrize("field", ["migrate_to_chat_id", "migrate_from_chat_id"])
def test_a_migration_is_about_two_chats(field: str) -> None:
    """Both ids are stale, whichever of the two messages comes."""
    content: dict[str, Any] = {field: -1005}
    assert stale("message", message(PRIVATE, **content)) == {
        "getChat#7001",
        "getChat#-1005",
        "getChatAdministrators#7001",
        "getChatAdministrators#-1005",
    }


def test_a_business_connection_is_about_the_users_chat() -> None:
    """It has no chat of its own."""
    assert stale("business_connection", {"id": "b", "user": ANN, "user_chat_id": 7001}) == {"getChat#7001"}


@pytest.mark.parametrize("method", CHANGED_BY_CALLS)
def test_a_call_changes_its_chat_and_member(method: str) -> None:
    """The same keys under which the answers are remembered, with ids as text as well."""
    expected = {f"{what}#{G}#7002" if what == "getChatMember" else f"{what}#{G}" for what in CHANGED_BY_CALLS[method]}
    assert set(stale_after_call(method, {"chat_id": G, "user_id": 7002})) == expected
    assert set(stale_after_call(method, {"chat_id": str(G), "user_id": "7002"})) == expected


def test_an_emoji_status_is_the_users_private_chats() -> None:
    """The call names no chat."""
    assert stale_after_call("setUserEmojiStatus", {"user_id": 7001}) == ("getChat#7001",)


@pytest.mark.parametrize("method", ["sendMessage", "getChat", "deleteMessage", "setMyName"])
def test_other_calls_change_nothing(method: str) -> None:
    """A reply costs no write."""
    assert stale_after_call(method, {"chat_id": G, "user_id": 7002}) == ()


def test_by_hand_a_chat_or_a_member_is_forgotten() -> None:
    """With a user, the chat itself stays."""
    assert stale_by_hand("@Allotments") == ("getChat#@allotments", "getChatAdministrators#@allotments")
    assert stale_by_hand(G, 7002) == (f"getChatMember#{G}#7002", f"getChatAdministrators#{G}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [*ANNOUNCED_IN_MESSAGES, "chat", "from", "id", "username", "user", "old_chat_member", "new_chat_member", "status"]
)
objects = st.recursive(json_values, lambda inner: st.dictionaries(names, inner, max_size=5), max_leaves=8)


@given(st.sampled_from(UPDATE_TYPES), objects)
def test_whatever_an_update_holds_it_is_read(kind: str, content: Any) -> None:
    """Nothing that comes as an update makes the reading fail, and no key has foreign characters."""
    keys = stale_after_update(IncomingUpdate(1, kind, "g", "{}", {"update_id": 1, kind: content}))
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyzACM0123456789@_#-") for key in keys)
