"""Every update finds its group, and nothing that Telegram or anybody else sends can break the finding."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import telegram
from hypothesis import given, settings
from hypothesis import strategies as st

from floodgate.ingress.updates import (
    QUEUE_LIMIT_BYTES,
    UPDATE_TYPES,
    Poison,
    chat_id,
    group,
    parse,
    update_type,
    user_id,
    user_language,
)
from tests.unit.ingress.samples import ANN, GROUP, PRIVATE, SAMPLES, Sample, message

API_DATA = Path(__file__).parents[4] / "shared" / "bot-api" / "api.min.json"
VALID_GROUP = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
# What SQS takes: https://www.w3.org/TR/REC-xml/#charsets
SENDABLE = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")

each_sample = pytest.mark.parametrize(
    "sample", SAMPLES, ids=[f"{number}-{sample.type}" for number, sample in enumerate(SAMPLES)]
)

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(["chat", "from", "user", "id", "message", "poll_id", "user_chat_id", "boost", "source"])
objects = st.dictionaries(field_names, json_values | st.dictionaries(field_names, json_values), max_size=4)
nearly_updates = st.builds(
    lambda fields, update_id: {**fields, "update_id": update_id},
    st.dictionaries(st.sampled_from(UPDATE_TYPES) | st.text(), objects | json_values, max_size=2),
    st.integers(-(2**63), 2**63 - 1),
)


def outcome(body: bytes | str) -> str:
    """Return the group, or the reason for there being none."""
    try:
        return parse(body).group
    except Poison as poison:
        return poison.detail


@each_sample
def test_an_update_goes_to_its_group(sample: Sample) -> None:
    """The group is the chat, the poll, or the user of a query that expires soon."""
    assert parse(json.dumps(sample.update)).group == sample.group


@each_sample
def test_an_update_is_read(sample: Sample) -> None:
    """Type, chat and user are what the Bot API says they are."""
    update = sample.update
    actual = (update_type(update), chat_id(update), user_id(update))
    assert actual == (sample.type, sample.chat_id, sample.user_id)


@each_sample
def test_the_language_is_the_users(sample: Sample) -> None:
    """The language is known wherever the user is, and nowhere else."""
    assert user_language(sample.update) == (ANN["language_code"] if sample.user_id else None)


@each_sample
def test_an_update_has_a_chat_exactly_if_its_group_is_that_chat(sample: Sample) -> None:
    """What the worker takes for the chat is what the queue keeps in order."""
    assert sample.group.startswith("chat:") == (chat_id(sample.update) is not None)


@each_sample
def test_python_telegram_bot_sees_the_same_user_and_chat(sample: Sample) -> None:
    """State is loaded by our ids and used by PTB's: they agree wherever PTB names one."""
    update = telegram.Update.de_json(sample.update, None)
    user, chat = update.effective_user, update.effective_chat
    assert user is None or user.id == sample.user_id
    assert chat is None or chat.id == sample.chat_id or sample.type == "poll_answer"


def test_every_type_has_a_sample() -> None:
    """No type is routed untested."""
    assert {sample.type for sample in SAMPLES} == set(UPDATE_TYPES)


def test_every_type_of_python_telegram_bot_is_known() -> None:
    """The library may lag behind the Bot API; we must not lag behind the library."""
    assert set(telegram.Update.ALL_TYPES) - set(UPDATE_TYPES) == set()


@pytest.mark.skipif(not API_DATA.exists(), reason="needs ../shared/bot-api/api.min.json beside the project's folder")
def test_every_type_of_the_bot_api_is_known() -> None:
    """The Bot API's own list of updates and ours are the same."""
    fields = json.loads(API_DATA.read_text())["types"]["Update"]["fields"]
    assert sorted(UPDATE_TYPES) == sorted(field["name"] for field in fields if field["name"] != "update_id")


@pytest.mark.skipif(not API_DATA.exists(), reason="needs ../shared/bot-api/api.min.json beside the project's folder")
@each_sample
def test_every_field_of_a_sample_is_the_bot_apis(sample: Sample) -> None:
    """The samples have the fields that the Bot API requires, and no others: so the paths that they prove are real."""
    types = json.loads(API_DATA.read_text())["types"]

    def wrong(value: Any, kind: str) -> list[str]:
        if kind not in types or not isinstance(value, dict):
            return []
        if options := types[kind].get("subtypes"):
            return min((wrong(value, option) for option in options), key=len)
        fields = {field["name"]: field for field in types[kind]["fields"]}
        missing = [f"{kind}.{name}" for name, field in fields.items() if field["required"] and name not in value]
        unknown = [f"{kind}.{name}" for name in value if name not in fields]
        inner = [
            error
            for name in value
            if name in fields
            for error in min((wrong(value[name], option) for option in fields[name]["types"]), key=len)
        ]
        return missing + unknown + inner

    assert wrong(sample.update, "Update") == []


def test_a_type_not_yet_invented_has_a_group_of_its_own() -> None:
    """A new type passes, and its name is told."""
    update = parse('{"update_id": 1, "dream_shared": {"chat": {"id": 5}}}')
    assert (update.type, update.group) == ("dream_shared", "update:dream_shared")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("two words", "update:two?words"),
        ("сон\n", "update:????"),
        ("\ud800", "update:?"),
        ("", "update:unknown"),
        ("x" * 500, "update:" + "x" * 121),
    ],
)
def test_an_odd_name_of_a_type_becomes_a_group_that_sqs_takes(name: str, expected: str) -> None:
    """A group's name has 1 to 128 letters, digits and punctuation, whatever the type is called."""
    assert parse(json.dumps({"update_id": 1, name: {}})).group == expected


@pytest.mark.parametrize("odd", ["7", 7.0, True, None, 2**63, [7], {"id": 7}])
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("message", lambda odd: {"chat": {"id": odd}}, "update:message"),
        ("business_connection", lambda odd: {"user_chat_id": odd}, "update:business_connection"),
        ("inline_query", lambda odd: {"from": {"id": odd}}, "update:inline_query"),
        ("callback_query", lambda odd: {"from": {"id": 7001}, "message": {"chat": {"id": odd}}}, "q:7001"),
        ("chat_member", lambda odd: {"chat": [odd]}, "update:chat_member"),
    ],
)
def test_an_id_that_is_none_leads_to_the_types_group(kind: str, value: Any, expected: str, odd: Any) -> None:
    """An update whose chat cannot be read still goes somewhere."""
    assert parse(json.dumps({"update_id": 1, kind: value(odd)})).group == expected


@pytest.mark.parametrize("odd", [5, True, None, "", "5 8", "ö", "9" * 65, ["5"]])
def test_a_poll_without_a_usable_id_goes_to_the_types_group(odd: Any) -> None:
    """A poll's id becomes part of a group's name only if SQS takes it."""
    assert parse(json.dumps({"update_id": 1, "poll": {"id": odd}})).group == "update:poll"


@pytest.mark.parametrize("rest", ["", ', "message": null', ', "message": [1]', ', "message": 5'])
def test_an_update_about_nothing_passes(rest: str) -> None:
    """An update_id is all that an update needs."""
    assert outcome(f'{{"update_id": 1{rest}}}') == ("update:message" if rest else "update:unknown")


def test_a_known_type_wins_over_a_new_field() -> None:
    """Fields that Telegram may add beside the type do not move an update out of its chat."""
    update = {"update_id": 1, "aside": {"a": 1}, "message": message(PRIVATE)}
    assert parse(json.dumps(update)).group == "chat:7001"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"update_id=1",
        b'{"update_id": 1',
        b'{"update_id": 1} {"update_id": 2}',
        b'{"update_id": 1, "message": "\xff"}',
        b'{"update_id": 1, "message": NaN}',
        b'{"update_id": 1, "message": "a\x00b"}',
        b"[" * 200_000,
        b'{"update_id": 1, "message": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_what_is_not_json_is_poison(body: bytes) -> None:
    """Neither JSON's absence nor a nesting that nobody can read is an update."""
    assert outcome(body) == "body is not JSON"


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", "5", "null", '"update_id"', *(f'{{"update_id": {odd}}}' for odd in ("true", "1.0", '"1"', "1e3"))],
)
def test_what_has_no_update_id_is_poison(body: str) -> None:
    """An update_id is a whole number."""
    assert outcome(body) == "update_id is missing or no integer"


def test_a_number_beyond_all_bounds_is_no_update_id() -> None:
    """An update_id has at most 64 bits."""
    assert outcome('{"update_id": ' + "9" * 5000 + "}") == "update_id is missing or no integer"


def test_an_endless_number_elsewhere_is_no_poison() -> None:
    """Python's limit on digits is not Telegram's."""
    assert outcome('{"update_id": 1, "message": {"chat": {"id": 7001}, "n": ' + "9" * 5000 + "}}") == "chat:7001"


@pytest.mark.parametrize(
    ("surplus", "expected"), [(0, "update:unknown"), (1, "body of 1048577 bytes is over the queue's limit")]
)
def test_the_queues_limit_is_counted_in_bytes(surplus: int, expected: str) -> None:
    """1 048 576 bytes of UTF-8 fit; one more does not."""
    head = '{"update_id": 1, "": "'
    body = head + "я" * ((QUEUE_LIMIT_BYTES - len(head) - 2) // 2) + '"}'
    body += " " * (QUEUE_LIMIT_BYTES - len(body.encode()) + surplus)
    assert outcome(body) == expected
    assert outcome(body.encode()) == expected


def test_the_queues_limit_is_counted_as_sent() -> None:
    """A body that outgrows the limit by its escapes is too large."""
    body = '{"update_id": 1, "": "' + "\uffff" * 300_000 + '"}'
    assert outcome(body) == "body of 1800024 bytes is over the queue's limit"


@pytest.mark.parametrize("refused", ["\ufffe", "\uffff", "\ud800"])
def test_a_character_that_sqs_refuses_becomes_an_escape(refused: str) -> None:
    """The text stays the same JSON, and nothing else in it changes."""
    body = f'{{"update_id": 1, "message": {{"text": "жук {refused}", "x": 1.10}}}}'
    expected = f'{{"update_id": 1, "message": {{"text": "жук \\u{ord(refused):04x}", "x": 1.10}}}}'
    assert parse(body).text == expected
    assert json.loads(expected) == json.loads(body)


@settings(deadline=None)
@given(st.binary())
def test_no_bytes_break_the_parser(body: bytes) -> None:
    """Bytes are an update with a valid group, or poison."""
    assert VALID_GROUP.fullmatch(outcome(body)) or outcome(body) in {
        "body is not JSON",
        "update_id is missing or no integer",
    }


@settings(deadline=None)
@given(json_values)
def test_no_json_breaks_the_parser(value: Any) -> None:
    """Any JSON is an update with a valid group, or has no update_id."""
    expected = VALID_GROUP.fullmatch(actual := outcome(json.dumps(value)))
    assert expected or actual == "update_id is missing or no integer"


@settings(deadline=None, max_examples=300)
@given(nearly_updates)
def test_whatever_has_an_update_id_is_routed(update: dict[str, Any]) -> None:
    """Valid JSON with an update_id always finds a group that SQS takes, and the helpers agree with it."""
    incoming = parse(json.dumps(update))
    chat = chat_id(update)
    assert VALID_GROUP.fullmatch(incoming.group)
    assert incoming.group == group(update)
    assert incoming.group.startswith("chat:") == (chat is not None)
    assert chat is None or incoming.group == f"chat:{chat}"
    assert isinstance(user_id(update), int | None)
    assert isinstance(user_language(update), str | None)


@settings(deadline=None)
@given(st.text() | st.dictionaries(st.text(), st.text()), st.booleans())
def test_the_text_is_untouched(value: Any, escaped: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
    """What SQS takes is sent as it came; otherwise the text means the same and SQS takes it."""
    body = json.dumps({"update_id": 1, "message": value}, ensure_ascii=escaped)
    sent = parse(body).text
    assert sent == body or not SENDABLE.fullmatch(body)
    assert SENDABLE.fullmatch(sent)
    assert json.loads(sent) == json.loads(body)


@settings(deadline=None)
@given(st.integers(-(2**52), 2**52))
def test_one_chat_has_one_group_whatever_the_type(chat: int) -> None:
    """All updates of a chat are kept in one order."""
    place = {"chat": {"id": chat}, "from": {"id": 1}}
    nested = {
        "business_connection": {"user_chat_id": chat},
        "callback_query": {"message": place, "from": {"id": 1}},
        "purchased_paid_media": {"from": {"id": chat}},
        "managed_bot": {"user": {"id": chat}},
    }
    chats = {sample.type for sample in SAMPLES if sample.chat_id is not None}
    groups = {parse(json.dumps({"update_id": 1, kind: nested.get(kind, place)})).group for kind in chats}
    assert groups == {f"chat:{chat}"}


def test_bytes_and_text_are_the_same_update() -> None:
    """API Gateway delivers either; it makes no difference."""
    body = json.dumps({"update_id": 1, "message": message(GROUP, text="жук 🪲")}, ensure_ascii=False)
    assert parse(body) == parse(body.encode())
