"""Marked-up texts."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.telegram.errors import BotApiError
from local.telegram.markup import formatted


@pytest.mark.parametrize(
    ("mode", "source", "plain", "entities"),
    [
        ("HTML", "<b>x</b> &lt;y&gt; &#128512;", "x <y> 😀", [("bold", 0, 1)]),
        ("HTML", "😀<i>a<u>b</u></i>", "😀ab", [("italic", 2, 2), ("underline", 3, 1)]),
        ("html", '<span class="tg-spoiler">s</span>', "s", [("spoiler", 0, 1)]),
        ("HTML", "<code>/start</code> /help", "/start /help", [("code", 0, 6), ("bot_command", 7, 5)]),
        ("HTML", "  <b> x </b>\n", "x", [("bold", 0, 1)]),
        ("HTML", "<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ("MarkdownV2", "*x* _y_ __z__ ~s~ ||p||", "x y z s p",
         [("bold", 0, 1), ("italic", 2, 1), ("underline", 4, 1), ("strikethrough", 6, 1), ("spoiler", 8, 1)]),
        ("MarkdownV2", r"1\.5 `a.b`", "1.5 a.b", [("code", 4, 3)]),
        ("MarkdownV2", ">quote\n>more\nafter", "quote\nmore\nafter", [("blockquote", 0, 10)]),
        ("MarkdownV2", "*bold _both_*", "bold both", [("bold", 0, 9), ("italic", 5, 4)]),
    ],
)  # fmt: skip
def test_markup_becomes_entities(mode: str, source: str, plain: str, entities: list[tuple[str, int, int]]) -> None:
    """The source gives this text and these entities."""
    text, found = formatted(source, mode)
    assert (text, [(item["type"], item["offset"], item["length"]) for item in found]) == (plain, entities)


@pytest.mark.parametrize(
    ("mode", "source", "entity"),
    [
        ("HTML", '<a href="http://x.example/?a=1">l</a>', {"type": "text_link", "url": "http://x.example/?a=1"}),
        ("HTML", '<pre><code class="language-python">x=1</code></pre>', {"type": "pre", "language": "python"}),
        ("HTML", '<tg-emoji emoji-id="5">👍</tg-emoji>', {"type": "custom_emoji", "custom_emoji_id": "5"}),
        ("MarkdownV2", "[l](http://x.example/\\))", {"type": "text_link", "url": "http://x.example/)"}),
        ("MarkdownV2", "```python\nx=1```", {"type": "pre", "language": "python"}),
    ],
)
def test_markup_carries_what_belongs_to_it(mode: str, source: str, entity: dict[str, str]) -> None:
    """Links keep their target, code its language, emoji their id."""
    (found,) = formatted(source, mode)[1]
    assert {name: found[name] for name in entity} == entity


@pytest.mark.parametrize(
    ("mode", "source", "sentence"),
    [
        ("HTML", "a <x>", 'Unsupported start tag "x" at byte offset 2'),
        ("HTML", "ü <b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("HTML", "<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("HTML", "x</b>", "Unexpected end tag at byte offset 1"),
        ("HTML", "1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("MarkdownV2", "a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("MarkdownV2", "ü *x", "Can't find end of Bold entity at byte offset 3"),
        ("MarkdownV2", "*a _b* c_", "Can't find end of Italic entity at byte offset 3"),
        ("Markdown", "*x*", "legacy Markdown is not emulated; use MarkdownV2 or HTML"),
    ],
)
def test_bad_markup_is_refused_in_telegrams_words(mode: str, source: str, sentence: str) -> None:
    """The error names what is wrong and where."""
    with pytest.raises(BotApiError) as raised:
        formatted(source, mode)
    assert raised.value.description == f"Bad Request: can't parse entities: {sentence}"


def test_an_unknown_parse_mode_is_refused() -> None:
    """A parse_mode that isn't one gets Telegram's error."""
    with pytest.raises(BotApiError, match="unsupported parse_mode"):
        formatted("x", "rst")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_escaped_html_comes_back_as_written(text: str) -> None:
    """Whatever html.escape was given is the plain text, trimmed."""
    assert formatted(html.escape(text, quote=False), "HTML")[0] == text.strip()


@given(st.text(alphabet="*_~|`[]()>.!\\ a<b/&;\n"), st.sampled_from(["HTML", "MarkdownV2"]))
def test_no_source_breaks_the_parser(source: str, mode: str) -> None:
    """Any source gives entities inside the text or Telegram's error."""
    try:
        text, entities = formatted(source, mode)
    except BotApiError:
        return
    assert all(0 <= item["offset"] < item["offset"] + item["length"] <= len(text) for item in entities)
