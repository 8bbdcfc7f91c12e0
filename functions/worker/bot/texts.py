"""Words in the reader's language: `_ = translator(update, context).gettext`, then `_("Hello {name}!").format(name=…)`.

Problem: one bot is read by people of many languages, and in a group by many people at once. Rule: texts are written in
English, as literals with named fields, and translated by standard gettext catalogues (`languages/`, `make
translations`). A private chat speaks the language that its person chose, a group the one that its admins chose; without
a choice it is the language of the person's Telegram, and English where there is no catalogue for it. Hazard: a field is
filled after translation, never before, and what people call themselves is filled in, never part of the literal.

To add a language: name it in LANGUAGES, run `make translations`, translate `languages/<code>/LC_MESSAGES/bot.po`, and
run `make translations` again.
"""

from __future__ import annotations

import gettext
import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from telegram import Update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from telegram.ext import ContextTypes

    from floodgate.tasks import Task
    from floodgate.telegram import App

#: By ISO 639-1 code, each under its own name: whoever looks for a language does not read the present one.
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch"}
SOURCE: Final = "en"
DOMAIN: Final = "bot"
CATALOGUES: Final = Path(__file__).parent / "languages"


class Texts(NamedTuple):
    """One language's texts, with the names under which `make translations` finds them in the code."""

    gettext: Callable[[str], str]
    #: (singular, plural, n)
    ngettext: Callable[[str, str, int], str]


_spoken: ContextVar[Texts | None] = ContextVar("spoken")


def translator(origin: Update | Task, context: ContextTypes.DEFAULT_TYPE) -> Texts:
    """Return the texts for whoever reads the answer to an update, or what a task sends."""
    return texts_in(language_of(origin, context))


def language_of(origin: Update | Task, context: ContextTypes.DEFAULT_TYPE) -> str:
    """Return a key of LANGUAGES: what was chosen here, else what the person's Telegram speaks, else English.

    `origin` is an update or a task (`chat_id`, `language_code`).
    """
    if isinstance(origin, Update):
        chat, user = origin.effective_chat, origin.effective_user
        in_group = chat is not None and chat.type != chat.PRIVATE
        tag = user.language_code if user else None
    else:
        in_group = origin.chat_id is not None and origin.chat_id < 0
        tag = origin.language_code
    chosen = (context.chat_data if in_group else context.user_data) or {}
    return known(chosen.get("language")) or known(tag) or SOURCE


@contextmanager
def speaking(texts: Texts) -> Iterator[None]:
    """Within this block, `spoken` returns these texts: for functions that get no update (see privacy.py)."""
    token = _spoken.set(texts)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Texts:
    """Return the texts that `speaking` has set; English ones outside of it."""
    return _spoken.get(None) or texts_in(SOURCE)


def known(tag: object) -> str | None:
    """Return the key of LANGUAGES for an IETF tag, `de` for `de-AT`; None if there is none."""
    first = re.split(r"[-_]", tag)[0].lower() if isinstance(tag, str) else ""
    return first if first in LANGUAGES else None


@cache
def texts_in(language: str) -> Texts:
    """Return the texts of a key of LANGUAGES; its catalogue is read once per worker."""
    found = gettext.NullTranslations() if language == SOURCE else gettext.translation(DOMAIN, CATALOGUES, [language])
    return Texts(found.gettext, found.ngettext)


def _translate(language: str, text: str) -> str:
    return texts_in(language).gettext(text)


def register(app: App) -> None:
    """Have Telegram's menu describe the commands in each language."""
    for language in LANGUAGES:
        if language != SOURCE:
            app.describe_in(language, partial(_translate, language))
