"""Whatever people and groups are called, and whatever admins write, a greeting is one message that says just that."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import MessageEntity, User

from bot.welcome.greeting import (
    LONGEST_TEXT,
    MOST_FIELDS,
    MOST_NAMES,
    Newcomer,
    fill,
    kept_formatting,
    visible,
    width,
)

#: https://core.telegram.org/bots/api#sendmessage: "1-4096 characters after entities parsing".
MOST = 4096
HOSTILE = (
    "{name}", "{group}", "{0}", "{name.__class__}", "{", "}", "%s", "<b>", "</b>", "*", "_", "`", "[a](http://x.io)",
    "http://evil.example", "@evil_bot", "/forget", "&amp;", "\u202e", "\u200b", "\n", "\u3164", "🪲", "e\u0301",
)  # fmt: skip
ANYTHING = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=20).map("".join)
NAMES = ANYTHING.map(lambda name: name[:64])
PEOPLE = st.lists(st.builds(lambda id_, first, last: User(id_, first, is_bot=False, last_name=last),
                            st.integers(1, 2**40), NAMES, NAMES | st.none()), min_size=1, max_size=30)  # fmt: skip


def is_allowed(text: str) -> bool:
    """Tell whether an admin could have set this text."""
    return width(text) <= LONGEST_TEXT and all(text.count(field) <= MOST_FIELDS for field in ("{name}", "{group}"))


TEXTS = ANYTHING.map(str.strip).filter(lambda text: bool(text) and is_allowed(text))


def part(text: str, entity: MessageEntity) -> str:
    """Return what an entity covers."""
    return text.encode("utf-16-le")[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


@given(TEXTS, PEOPLE, ANYTHING)
def test_a_greeting_says_what_the_admin_wrote_and_mentions_people(text: str, users: list[User], title: str) -> None:
    """Nothing is parsed, nothing else is filled in, and each name is a mention of its person and of nobody else."""
    people = [Newcomer.of(user) for user in users]
    rest = " and others" if len(people) > MOST_NAMES else ""
    filled, entities = fill(text, [], people, rest, title)
    names = ", ".join(person.name for person in people[:MOST_NAMES]) + rest
    said = {"{name}": names, "{group}": visible(title, 128)}
    assert filled == re.sub(r"\{(name|group)\}", lambda found: said[found[0]], text)
    mentioned = [(one.type, one.user.id, part(filled, one)) for one in entities if one.user]
    assert mentioned == [("text_mention", *person) for person in people[:MOST_NAMES]] * text.count("{name}")
    assert len(mentioned) == len(entities)
    assert 0 < width(filled) <= MOST


@given(NAMES | st.text(max_size=128), st.integers(2, 128))
def test_a_name_is_one_visible_line(name: str, longest: int) -> None:
    """No control or format character turns the rest around, and there is always something to see."""
    shown = visible(name, longest)
    assert 0 < len(shown) <= longest
    assert shown == shown.strip()
    assert "\n" not in shown
    assert {unicodedata.category(letter) for letter in shown if letter != "\u200d"} & {
        "Cc",
        "Cs",
        "Co",
        "Cn",
        "Zl",
    } == set()
    assert any(unicodedata.category(letter)[0] in "LNPS" for letter in shown)


@pytest.mark.parametrize(
    "name", ["", " ", "\u200b", "\u3164", "\u2800\u2800", "\u202e", "\u200d", "\u0301", "\u00ad"], ids=ascii
)
def test_who_has_no_visible_name_has_one_all_the_same(name: str) -> None:
    """Telegram refuses a message without visible text."""
    assert visible(name, 40) == "…"


def test_emoji_of_several_parts_stay_whole() -> None:
    """Families and flags are made of characters that cannot be seen by themselves."""
    assert visible("👩‍🌾 🏴󠁧󠁢󠁳󠁣󠁴󠁿 Ann", 40) == "👩‍🌾 🏴󠁧󠁢󠁳󠁣󠁴󠁿 Ann"


@given(st.data())
def test_formatting_covers_the_same_words_as_before(data: st.DataObject) -> None:
    """Around what was filled in, within it and beside it, in any alphabet; what covered a field covers its words."""
    pieces = data.draw(st.lists(st.sampled_from(["{name}", "{group}", "Hi ", "🪲", "é", "x"]), min_size=1, max_size=8))
    first = data.draw(st.integers(0, len(pieces) - 1))
    last = data.draw(st.integers(first + 1, len(pieces)))
    start, covered = width("".join(pieces[:first])), "".join(pieces[first:last])
    bold = MessageEntity("bold", start, width(covered))
    people, title = [Newcomer(7, "🌱Ann"), Newcomer(8, "Ben")], "Beans 🫘"
    filled, entities = fill("".join(pieces), [bold], people, "", title)
    [moved] = [one for one in entities if one.type == "bold"]
    assert part(filled, moved) == covered.replace("{name}", "🌱Ann, Ben").replace("{group}", title)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 30), st.integers(1, 30))
def test_formatting_is_cut_to_the_text(offset: int, length: int, start: int, size: int) -> None:
    """What covered the command too covers the text alone; what covered none of it is gone."""
    found = kept_formatting([MessageEntity("bold", offset, length)], start, size)
    covered = set(range(offset, offset + length)) & set(range(start, start + size))
    assert {place + start for one in found for place in range(one.offset, one.offset + one.length)} == covered


@pytest.mark.parametrize("kind", ["bot_command", "url", "mention", "text_mention", "hashtag", "custom_emoji"])
def test_what_telegram_finds_by_itself_is_not_kept(kind: str) -> None:
    """It finds it again; and a mention of a person in an admin's text would ping them with each newcomer."""
    assert kept_formatting([MessageEntity(kind, 0, 5)], 0, 5) == []
