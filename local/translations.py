"""The catalogues of the bot's languages, brought up to date: `make translations`.

Problem: a text that was changed loses its translation without anybody noticing. Rule: the texts are read from the code
(`_("…")`, `ngettext("…", "…", n)`) and from the commands' descriptions; each `bot.po` gets what is new, with a near
translation marked fuzzy, and loses what is gone; `bot.mo`, which the bot reads, is compiled from it and committed too,
so that a clone works without a build. Hazard: gettext knows no fuzzy or missing text, it shows English; so `flaws` says
what is still to be done, and a test holds the catalogues against it.
"""

import io
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from telegram.ext import ExtBot

import bot
from bot.texts import CATALOGUES, DOMAIN, LANGUAGES, SOURCE
from floodgate.telegram.application import build
from floodgate.telegram.interface import commands

_KEYWORDS = {"_": None, "ngettext": (1, 2)}
_WIDTH = 120
#: Nothing in a catalogue depends on when it was written: the same texts make the same files.
_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def texts(folder: Path = CATALOGUES.parent) -> Catalog:
    """Return every text that the bot says, in English."""
    found = _empty(None)
    for name, line, text, comments, _ in extract_from_dir(folder, keywords=_KEYWORDS, comment_tags=["Translators:"]):
        found.add(text, locations=[(name, line)], auto_comments=comments)
    for command in commands(build(ExtBot("0:offline"), bot.register)):
        found.add(command["description"], auto_comments=[f"what /{command['command']} does, in a menu"])
    return found


def po_file(language: str) -> Path:
    """Return where a language's catalogue is."""
    return CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """Return a language's catalogue as it is; an empty one for a new language."""
    if not (file := po_file(language)).exists():
        return _empty(language)
    with file.open("rb") as source:
        return read_po(source, language, DOMAIN)


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue as gettext reads it; fuzzy and missing texts are left out."""
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def flaws(catalogue: Catalog, wanted: Catalog) -> Iterator[str]:
    """Yield what is wrong with a catalogue: text missing, fuzzy, left over, or with other fields than the English."""
    for gone in [*(one for one in catalogue if one.id and one.id not in wanted), *catalogue.obsolete.values()]:
        yield f"left over: {gone.id}"
    for text in wanted:
        if not text.id:
            continue
        said = catalogue.get(text.id if isinstance(text.id, str) else text.id[0])
        if said is None or not all(_forms(said)) or len(_forms(said)) != _count(text, catalogue):
            yield f"missing: {text.id}"
        elif said.fuzzy:
            yield f"fuzzy: {text.id}"
        else:
            yield from _misfits(said)


def _misfits(message: Message) -> Iterator[str]:
    english = [message.id] if isinstance(message.id, str) else list(message.id)
    fields = [_fields(one) for one in english]
    for form in _forms(message):
        # One of several forms may leave the number out, "one day" for "{n} days", as the English may.
        if _fields(form) not in fields:
            yield f"other fields or commands: {message.id} - {form}"


def _fields(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the fields of a format string, with their formats, and the commands that it names."""
    try:
        parts = Formatter().parse(text)
        fields = {f"{name}!{conversion}:{form}" for _, name, form, conversion in parts if name is not None}
    except ValueError as error:  # a brace too many
        fields = {str(error)}
    return frozenset(fields), frozenset(re.findall(r"(?<!\w)/[a-z]+", text))


def _forms(message: Message) -> tuple[str, ...]:
    """Return its translations: one, or one for each plural form of the language."""
    return (message.string or "",) if isinstance(message.string, str | None) else tuple(message.string)


def _count(text: Message, catalogue: Catalog) -> int:
    return 1 if isinstance(text.id, str) else catalogue.num_plurals


def _empty(language: str | None) -> Catalog:
    return Catalog(
        language,
        DOMAIN,
        header_comment="# What the bot says; `make translations` keeps this up to date.",
        project="Floodgate",
        creation_date=_DATE,
        revision_date=_DATE,
        fuzzy=False,
    )


def adopt(catalogue: Catalog, other: Catalog) -> None:
    """Take over what another catalogue of the language has translated, and this one has not."""
    for said in other:
        here = catalogue.get(said.id if isinstance(said.id, str) else said.id[0])
        if here is not None and here.id == said.id and not said.fuzzy and (here.fuzzy or not all(_forms(here))):
            here.string = said.string
            here.flags.discard("fuzzy")


def main(others: Sequence[str]) -> int:
    """Write the catalogues; return 1, and say why, if one is not whole.

    `others` are further `.po` files to take translations from, such as the other side's in a merge.
    """
    wanted, whole = texts(), True
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        catalogue = read(language)
        catalogue.update(wanted)
        catalogue.obsolete.clear()
        for other in others:
            with Path(other).open("rb") as source:
                found = read_po(source)
            if str(found.locale) == language:
                adopt(catalogue, found)
        file = po_file(language)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as target:
            write_po(target, catalogue, width=_WIDTH, no_location=True, sort_output=False, include_previous=True)
        file.with_suffix(".mo").write_bytes(compiled(catalogue))
        for flaw in flaws(catalogue, wanted):
            sys.stderr.write(f"{file}: {flaw}\n")
            whole = False
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
