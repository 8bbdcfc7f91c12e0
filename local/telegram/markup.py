"""Marked-up text turned into plain text and entities, as `parse_mode` asks.

Problem: a bot that forgets to escape gets "can't parse entities" from Telegram; it must get it here too.
Rule: the grammars of core.telegram.org/bots/api#formatting-options, the error texts of TDLib's MessageEntity.cpp, whose
byte offsets count UTF-8. Offsets of entities count UTF-16.
Hazard: legacy Markdown is refused with a sentence, because it isn't emulated. Entities that Telegram would split where
they cross are kept as they were written.
"""

import re
from dataclasses import dataclass, field

from local.telegram.entities import Entity, merge, utf16_length
from local.telegram.errors import BotApiError, bad_request

_HTML_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "span": "spoiler",
    "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
_HTML_PIECE = re.compile(
    r"<(/?)([A-Za-z0-9-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)(>?)|&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|\w+);"
)
_HTML_ATTRIBUTE = re.compile(r"([\w-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_HTML_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_MARKDOWN_RESERVED = frozenset("_*[]()~`>#+-=|{}.!")
_MARKDOWN_DELIMITERS = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler"}
_MARKDOWN_LINK_END = re.compile(r"\]\(((?:[^\\)]|\\.)*)\)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\x01-\x7e])")


def formatted(text: str, parse_mode: str, given: list[Entity] | None = None) -> tuple[str, list[Entity]]:
    """Return the plain text, trimmed as Telegram trims it, and all its entities in order; raise BotApiError."""
    mode = parse_mode.lower()
    if mode == "html":
        text, entities = _Html(text).parse()
    elif mode == "markdownv2":
        text, entities = _MarkdownV2(text).parse()
    elif mode == "markdown":
        raise _cant_parse("legacy Markdown is not emulated; use MarkdownV2 or HTML")
    elif mode and mode != "none":
        raise bad_request("unsupported parse_mode")
    else:
        entities = given or []
    text, entities = _trimmed(text, entities)
    return text, merge(entities, text)


def _cant_parse(sentence: str) -> BotApiError:
    return bad_request(f"can't parse entities: {sentence}")


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    plain = text.strip()
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    size = utf16_length(plain)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] + entity["length"] - lead, size)
        if end > start:
            kept.append(entity | {"offset": start, "length": end - start})
    return plain, kept


@dataclass(slots=True)
class _Open:
    """An entity whose end has not been seen."""

    mark: str  # how the source began it
    kind: str
    offset: int  # UTF-16, in the plain text
    at_byte: int  # UTF-8, in the source
    extra: dict[str, str] = field(default_factory=dict)


class _Parser:
    """What both grammars share: the plain text so far, the open entities and the finished ones."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.plain: list[str] = []
        self.size = 0
        self.open: list[_Open] = []
        self.entities: list[Entity] = []

    def emit(self, text: str) -> None:
        self.plain.append(text)
        self.size += utf16_length(text)

    def byte_offset(self, index: int) -> int:
        return len(self.source[:index].encode())

    def begin(self, mark: str, kind: str, index: int, extra: dict[str, str] | None = None) -> None:
        self.open.append(_Open(mark, kind, self.size, self.byte_offset(index), extra or {}))

    def end(self, extra: dict[str, str] | None = None) -> None:
        last = self.open.pop()
        attributes = last.extra | (extra or {})
        needs_target = {"text_link": "url", "custom_emoji": "custom_emoji_id"}.get(last.kind)
        if self.size > last.offset and (needs_target is None or attributes.get(needs_target)):
            entity: Entity = {"type": last.kind, "offset": last.offset, "length": self.size - last.offset}
            self.entities.append(entity | attributes)

    def result(self) -> tuple[str, list[Entity]]:
        return "".join(self.plain), sorted(self.entities, key=lambda item: (item["offset"], -item["length"]))


class _Html(_Parser):
    def parse(self) -> tuple[str, list[Entity]]:
        position = 0
        for piece in _HTML_PIECE.finditer(self.source):
            self.emit(self.source[position : piece.start()])
            position = piece.end()
            if piece[5] is not None:
                self._character(piece)
            elif piece[1]:
                self._end_tag(piece)
            else:
                self._start_tag(piece)
        self.emit(self.source[position:])
        if self.open:
            raise _cant_parse(f'Can\'t find end tag corresponding to start tag "{self.open[-1].mark}"')
        return self.result()

    def _character(self, piece: re.Match[str]) -> None:
        name = piece[5]
        if name.startswith("#"):
            code = int(f"0{name[1:]}", 0) if name[1] == "x" else int(name[1:])
            is_character = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
            self.emit(chr(code) if is_character else piece[0])
        else:
            self.emit(_HTML_NAMED.get(name, piece[0]))

    def _start_tag(self, piece: re.Match[str]) -> None:
        tag, at = piece[2].lower(), self.byte_offset(piece.start())
        if tag not in _HTML_TAGS:
            raise _cant_parse(f'Unsupported start tag "{tag}" at byte offset {at}')
        if not piece[4]:
            raise _cant_parse(f"Unclosed start tag at byte offset {at}")
        given = {
            match[1].lower(): match[2] or match[3] or match[4] or "" for match in _HTML_ATTRIBUTE.finditer(piece[3])
        }
        kind, extra = _HTML_TAGS[tag], {}
        if tag == "span" and given.get("class") != "tg-spoiler":
            raise _cant_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        if tag == "a":
            extra = {"url": given.get("href", "")}
        elif tag == "tg-emoji":
            extra = {"custom_emoji_id": given.get("emoji-id", "")}
        elif tag == "blockquote" and "expandable" in given:
            kind = "expandable_blockquote"
        elif tag == "code" and self.open and self.open[-1].kind == "pre" and self.open[-1].offset == self.size:
            language = given.get("class", "").removeprefix("language-")
            self.open[-1].extra = {"language": language} if language else {}
        self.begin(tag, kind, piece.start(), extra)

    def _end_tag(self, piece: re.Match[str]) -> None:
        tag, at = piece[2].lower(), self.byte_offset(piece.start())
        if not self.open:
            raise _cant_parse(f"Unexpected end tag at byte offset {at}")
        expected = self.open[-1].mark
        if tag and tag != expected:
            raise _cant_parse(f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{tag}>"')
        if not piece[4]:
            raise _cant_parse(f"Unclosed end tag at byte offset {at}")
        if expected == "code" and any(item.kind == "pre" for item in self.open):
            self.open.pop()  # <pre><code> is one entity
        else:
            self.end()


class _MarkdownV2(_Parser):
    def parse(self) -> tuple[str, list[Entity]]:
        position = 0
        while position < len(self.source):
            position = self._step(position)
        if self.open and self.open[-1].mark == ">":
            self.end()
        if self.open:
            last = self.open[-1]
            kind = {"text_link": "TextUrl", "custom_emoji": "CustomEmoji"}.get(last.kind, last.kind.title())
            raise _cant_parse(f"Can't find end of {kind} entity at byte offset {last.at_byte}")
        return self.result()

    def _step(self, position: int) -> int:  # noqa: PLR0911 - one return for each construct
        """Read what stands at the position and return where to go on."""
        source, character = self.source, self.source[position]
        in_code = bool(self.open) and self.open[-1].mark in ("`", "```")
        if character == "\\" and (escaped := _ESCAPED.match(source, position)):
            self.emit(escaped[1])
            return escaped.end()
        if character == "`":
            return self._code(position)
        if in_code:
            self.emit(character)
            return position + 1
        if character == "\n":
            return self._line_end(position)
        if character == ">" and (position == 0 or source[position - 1] == "\n"):
            if not any(item.mark == ">" for item in self.open):
                self.begin(">", "blockquote", position)
            return position + 1
        if character == "[" or source.startswith("![", position):
            is_emoji = character == "!"
            self.begin("[", "custom_emoji" if is_emoji else "text_link", position)
            return position + 1 + is_emoji
        if character == "]" and any(item.mark == "[" for item in self.open):
            return self._link_end(position)
        return self._delimiter(position)

    def _line_end(self, position: int) -> int:
        if self.open and self.open[-1].mark == ">" and not self.source.startswith(">", position + 1):
            self.end()
        self.emit("\n")
        return position + 1

    def _code(self, position: int) -> int:
        mark = "```" if self.source.startswith("```", position) else "`"
        if self.open and self.open[-1].mark in ("`", "```"):
            if self.open[-1].mark == "```" and mark == "`":
                self.emit("`")
            else:
                mark = self.open[-1].mark
                self.end()
            return position + len(mark)
        self.begin(mark, "pre" if mark == "```" else "code", position)
        position += len(mark)
        if mark == "```" and (language := re.compile(r"([^\s`]+)\n|\n").match(self.source, position)):
            self.open[-1].extra = {"language": language[1]} if language[1] else {}
            position = language.end()
        return position

    def _link_end(self, position: int) -> int:
        if self.open[-1].mark != "[":
            last = self.open[-1]
            raise _cant_parse(f"Can't find end of {last.kind.title()} entity at byte offset {last.at_byte}")
        link = _MARKDOWN_LINK_END.match(self.source, position)
        target = _ESCAPED.sub(r"\1", link[1]) if link else ""
        if self.open[-1].kind == "custom_emoji":
            self.end({"custom_emoji_id": target.removeprefix("tg://emoji?id=")})
        else:
            self.end({"url": target})
        return link.end() if link else position + 1

    def _delimiter(self, position: int) -> int:
        character = self.source[position]
        mark = character * 2 if self.source.startswith(("__", "||"), position) else character
        if mark not in _MARKDOWN_DELIMITERS:
            if character in _MARKDOWN_RESERVED:
                raise _cant_parse(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
            self.emit(character)
        elif self.open and self.open[-1].mark == mark:
            self.end()
        elif any(item.mark == mark for item in self.open):
            last = self.open[-1]
            raise _cant_parse(f"Can't find end of {last.kind.title()} entity at byte offset {last.at_byte}")
        else:
            self.begin(mark, _MARKDOWN_DELIMITERS[mark], position)
        return position + len(mark)
