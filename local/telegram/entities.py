"""Commands, mentions and links in a text, as Telegram marks them.

Problem: handlers look at a message's entities, never at its text, to find a command.
Rule: detect() finds bot_command, mention and url, by the patterns of TDLib's MessageEntity.cpp, left to right, none
overlapping another. Offsets and lengths count UTF-16 code units.
Hazard: Telegram knows every top-level domain; here a link without a scheme needs one of TOP_LEVEL_DOMAINS. Hashtags,
cashtags, e-mail addresses and phone numbers are not marked.
"""

import re
from typing import Any

Entity = dict[str, Any]

TOP_LEVEL_DOMAINS = ("app", "com", "de", "dev", "eu", "fr", "info", "io", "me", "net", "org", "ru", "uk", "us")

_COMMAND = re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")
_MENTION = re.compile(r"(?<![\w/])@[A-Za-z0-9_]{3,32}(?!\w)")
_URL = re.compile(
    r"(?<![\w@.-])(?:https?://\w[\w.-]*|(?:[\w-]+\.)+(?:" + "|".join(TOP_LEVEL_DOMAINS) + r")(?![\w-]|\.\w))"
    r"(?::\d{1,5})?(?:[/?#][^\s<>\"]*)?",
    re.IGNORECASE,
)
_TRAILING = ".,:;!?'\")]}"
_PLAIN = frozenset({"code", "pre", "text_link", "text_mention", "url", "mention", "bot_command", "custom_emoji"})


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, the unit of all offsets."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def detect(text: str) -> list[Entity]:
    """Return the entities in the text, in its order."""
    found = [(match.start(), match.start() + len(match[0].rstrip(_TRAILING)), "url") for match in _URL.finditer(text)]
    found += [(*match.span(), "mention") for match in _MENTION.finditer(text)]
    found += [(*match.span(), "bot_command") for match in _COMMAND.finditer(text)]
    entities = []
    end_of_last = 0
    for start, end, kind in sorted(found):
        if start >= end_of_last:
            offset = utf16_length(text[:start])
            entities.append({"type": kind, "offset": offset, "length": utf16_length(text[start:end])})
            end_of_last = end
    return entities


def merge(given: list[Entity], text: str) -> list[Entity]:
    """Return the given entities and those detected in the text outside code and links, in order."""
    closed = [(entity["offset"], entity["offset"] + entity["length"]) for entity in given if entity["type"] in _PLAIN]
    free = [
        entity
        for entity in detect(text)
        if all(entity["offset"] >= end or entity["offset"] + entity["length"] <= start for start, end in closed)
    ]
    return sorted([*given, *free], key=lambda entity: (entity["offset"], -entity["length"]))
