"""Every word of the bot is there in each of its languages, and fits where it is put."""

import ast
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from telegram import Update

import bot
from bot.texts import CATALOGUES, LANGUAGES, SOURCE, language_of, texts_in, translator
from floodgate.telegram.interface import describe
from local import translations
from tests.unit.ingress.samples import ANN, GROUP, PRIVATE, message

TRANSLATED = sorted(set(LANGUAGES) - {SOURCE})
WANTED = translations.texts()
#: What has people read its first argument, or `text` or `caption`.
SAYING = {"reply_text", "edit_message_text", "edit_text", "answer", "InlineKeyboardButton", "KeyboardButton",
          "reply_document", "send_message"}  # fmt: skip


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    """None is missing, fuzzy, left over, or has other fields or commands than the English; else `make translations`."""
    assert list(translations.flaws(translations.read(language), WANTED)) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_the_bot_reads_is_what_was_translated(language: str) -> None:
    """The compiled catalogue belongs to the written one; else `make translations`."""
    compiled = read_mo(io.BytesIO(translations.po_file(language).with_suffix(".mo").read_bytes()))
    written = read_mo(io.BytesIO(translations.compiled(translations.read(language))))
    assert {repr(one.id): one.string for one in compiled} == {repr(one.id): one.string for one in written}


def test_every_catalogue_is_of_a_language_that_can_be_chosen() -> None:
    """A folder that nobody named in LANGUAGES would never be read."""
    assert sorted(folder.name for folder in CATALOGUES.iterdir()) == TRANSLATED


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_menu_describes_each_command_in_each_language(language: str) -> None:
    """The same commands in the same order, in that language's words."""
    said = describe(bot.register)
    assert said["translations"][language] == [
        {**command, "description": texts_in(language).gettext(command["description"])} for command in said["commands"]
    ]
    assert said["translations"][language] != said["commands"]


def untranslated(source: str) -> list[str]:
    """Return the literals that a module says without a translation."""
    found = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in SAYING:
            said = [*call.args[:1], *(one.value for one in call.keywords if one.arg in {"text", "caption"})]
            literals = [part for one in said for part in ast.walk(one) if isinstance(one, ast.Constant | ast.JoinedStr)]
            found += [str(part.value) for part in literals if isinstance(part, ast.Constant)]
    return [text for text in found if any(letter.isalpha() for letter in text)]


@pytest.mark.parametrize("file", sorted(CATALOGUES.parent.rglob("*.py")), ids=lambda file: file.stem)
def test_nothing_is_said_past_the_catalogues(file: Path) -> None:
    """What people read is no literal, but what `_` makes of it."""
    assert untranslated(file.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('message.reply_text("Beans")', ["Beans"]),
        ('message.reply_text(f"{n} beans")', [" beans"]),
        ('bot.send_message(text="Beans", chat_id=1)', ["Beans"]),
        ('query.answer(text="Beans")', ["Beans"]),
        ('InlineKeyboardButton("Beans", callback_data="beans")', ["Beans"]),
        ('message.reply_text(_("Beans"))', []),
        ('message.reply_text(f"✓ {name}")', []),
        ('InlineKeyboardButton(_("Beans"), callback_data="beans")', []),
    ],
)
def test_literals_that_are_said_are_found(source: str, found: list[str]) -> None:
    """So that the test above fails when it should."""
    assert untranslated(source) == found


def catalogue(text: Any = None, said: Any = None, **more: Any) -> Catalog:
    """Return a German catalogue with one text."""
    made = Catalog("de")
    if text is not None:
        made.add(text, said, **more)
    return made


ONE = "Hello {name}, see /help"
MANY = ("{n} bean", "{n} beans")


@pytest.mark.parametrize(
    ("wanted", "there", "flaw"),
    [
        (catalogue(ONE), catalogue(), "missing"),
        (catalogue(ONE), catalogue(ONE, ""), "missing"),
        (catalogue(MANY), catalogue(MANY, ("{n} Bohne", "")), "missing"),
        (catalogue(MANY), catalogue(MANY[0], "{n} Bohne"), "missing"),
        (catalogue(ONE), catalogue(ONE, "Hallo {name}, siehe /help", flags=["fuzzy"]), "fuzzy"),
        (catalogue(), catalogue(ONE, "Hallo {name}, siehe /help"), "left over"),
        (catalogue(ONE), catalogue(ONE, "Hallo {nme}, siehe /help"), "other fields or commands"),
        (catalogue(ONE), catalogue(ONE, "Hallo {name!r}, siehe /help"), "other fields or commands"),
        (catalogue(ONE), catalogue(ONE, "Hallo {name:>9}, siehe /help"), "other fields or commands"),
        (catalogue(ONE), catalogue(ONE, "Hallo {name, siehe /help"), "other fields or commands"),
        (catalogue(ONE), catalogue(ONE, "Hallo {name}, siehe /hilfe"), "other fields or commands"),
        (catalogue(MANY), catalogue(MANY, ("{n} Bohne", "{m} Bohnen")), "other fields or commands"),
    ],
)
def test_each_flaw_is_found(wanted: Catalog, there: Catalog, flaw: str) -> None:
    """One of each kind; so that the first test here fails when it should."""
    [found] = translations.flaws(there, wanted)
    assert found.partition(":")[0] == flaw


def test_translations_of_another_catalogue_are_taken_over() -> None:
    """What is missing or fuzzy here; what is here stays, and what is fuzzy there is left there."""
    here, there = catalogue("beans", "Bohnen"), catalogue("beans", "Böhnchen")
    for text, said, other in (("peas", "", "Erbsen"), ("leek", "Lauch?", "Lauch"), ("kale", "", "Kohl")):
        here.add(text, said, flags=["fuzzy"] if text == "leek" else [])
        there.add(text, other, flags=["fuzzy"] if text == "kale" else [])
    there.add("okra", "Okra")
    translations.adopt(here, there)
    assert {one.id: (one.string, one.fuzzy) for one in here if one.id} == {
        "beans": ("Bohnen", False),
        "peas": ("Erbsen", False),
        "leek": ("Lauch", False),
        "kale": ("", False),
    }


def context(**data: Any) -> Any:
    """Return what a handler gets, as far as a language is concerned."""
    return SimpleNamespace(**{"user_data": {}, "chat_data": {}, **data})


def update(chat: dict[str, Any], tag: str | None) -> Update:
    """Return the update of a message by somebody with that tag."""
    sender = {**ANN, "language_code": tag} if tag else {key: ANN[key] for key in ("id", "is_bot", "first_name")}
    return Update.de_json({"update_id": 1, "message": message(chat, sender)}, None)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("de", "de"), ("de-AT", "de"), ("DE_ch", "de"), ("en", "en"), ("en-GB", "en"), ("pt-br", "en"), (None, "en"),
     ("", "en"), ("den", "en"), ("../de", "en")],
)  # fmt: skip
def test_people_are_spoken_to_in_the_language_of_their_telegram(tag: str | None, language: str) -> None:
    """Or in English; whatever the tag looks like, in private as in groups."""
    assert language_of(update(PRIVATE, tag), context()) == language
    assert language_of(update(GROUP, tag), context()) == language


@pytest.mark.parametrize(
    ("chat", "user_data", "chat_data", "language"),
    [
        (PRIVATE, {"language": "de"}, {}, "de"),
        (PRIVATE, {}, {"language": "de"}, "en"),
        (GROUP, {"language": "de"}, {}, "en"),
        (GROUP, {}, {"language": "de"}, "de"),
        (GROUP, {"language": "de"}, {"language": "en"}, "en"),
        (PRIVATE, {"language": "xx"}, {}, "en"),
        (PRIVATE, {"language": ["de"]}, {}, "en"),
        (PRIVATE, None, None, "en"),
    ],
)
def test_what_was_chosen_counts_more(chat: Any, user_data: Any, chat_data: Any, language: str) -> None:
    """A person's choice in private, a group's in the group; a choice that is no longer there counts nothing."""
    assert language_of(update(chat, "en"), context(user_data=user_data, chat_data=chat_data)) == language
    task: Any = SimpleNamespace(chat_id=chat["id"], language_code="en")
    assert language_of(task, context(user_data=user_data, chat_data=chat_data)) == language


def test_an_update_of_nobody_is_in_english() -> None:
    """A poll has neither person nor chat."""
    assert language_of(Update(1), context(user_data=None, chat_data=None)) == "en"


def test_a_text_without_a_translation_is_english() -> None:
    """Better than nothing; with its plural."""
    german = translator(update(PRIVATE, "de"), context())
    assert german.gettext("beans") == "beans"
    assert [german.ngettext("{n} bean", "{n} beans", n) for n in (1, 2)] == ["{n} bean", "{n} beans"]
