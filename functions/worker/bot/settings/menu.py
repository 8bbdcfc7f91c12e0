"""What the menu of /settings shows: the pages, and the buttons that lead from one to the other.

Rule: a page is made of nothing but what is kept and the reader's language, so that it can be shown anew at any time. A
button says what it leads to, never what to do next to something else; whoever makes one up can choose only what the
menu offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from telegram import Chat, InlineKeyboardButton, InlineKeyboardMarkup

from bot.settings import zones
from bot.texts import LANGUAGES, Texts, known
from bot.welcome.kept import Welcome
from floodgate.announcements import is_subscribed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telegram import Update
    from telegram.ext import ContextTypes

#: What every button's data begins with.
PREFIX: Final = "settings"
_ROW: Final = 2


@dataclass(frozen=True, slots=True)
class Here:
    """The chat that is set up, and where its choices are kept."""

    chat: Chat
    chat_data: dict[Any, Any]
    #: A group's language is in its chat_data, a person's goes with them.
    language_data: dict[Any, Any]

    @classmethod
    def of(cls, update: Update, context: ContextTypes.DEFAULT_TYPE) -> Here | None:
        """Return where an update is; None where nothing can be set."""
        chat, chat_data = update.effective_chat, context.chat_data
        if chat is None or chat_data is None or chat.type == chat.CHANNEL:
            return None
        language_data = context.user_data if chat.type == chat.PRIVATE else chat_data
        return None if language_data is None else cls(chat, chat_data, language_data)

    @property
    def is_group(self) -> bool:
        """Tell whether there are others."""
        return bool(self.chat.type != self.chat.PRIVATE)


async def main_page(here: Here, texts: Texts) -> dict[str, Any]:
    """Return the message that shows all settings."""
    _ = texts.gettext
    on, off = _("on"), _("off")
    language = known(here.language_data.get("language"))
    zone = here.chat_data.get("timezone")
    lines = [
        _("Settings of this group") if here.is_group else _("Your settings"),
        "",
        _("Language: {name}").format(
            name=LANGUAGES[language]
            if language
            else _("each person's own")
            if here.is_group
            else _("as in your Telegram")
        ),
        _("Time zone: {name}").format(name=zone or _("{zone}, until you choose one").format(zone="UTC")),
    ]
    rows = [[_button(_("Language"), "language"), _button(_("Time zone"), "zones")]]
    if here.is_group:
        is_on = Welcome.of(here.chat_data).is_on
        lines.append(_("Welcome for new members: {state}").format(state=on if is_on else off))
        rows.append([_switch(_("Turn the welcome off"), _("Turn the welcome on"), "welcome", is_on=is_on)])
    subscribed = await is_subscribed(here.chat.id)
    lines.append(_("Announcements: {state}").format(state=on if subscribed else off))
    turn_off, turn_on = _("Unsubscribe from announcements"), _("Subscribe to announcements")
    rows.append([_switch(turn_off, turn_on, "subscription", is_on=subscribed)])
    if here.is_group:
        lines += ["", _("/welcome and a text sets how new members are greeted.")]
    rows.append([_button(_("Done"), "done")])
    return {"text": "\n".join(lines), "reply_markup": InlineKeyboardMarkup(rows)}


def language_page(here: Here, texts: Texts) -> dict[str, Any]:
    """Return the message that offers the languages."""
    _ = texts.gettext
    chosen = known(here.language_data.get("language"))
    own = _("Each person's own") if here.is_group else _("As in your Telegram")
    choices = [_choice(own, "language:auto", is_chosen=chosen is None)]
    choices += [_choice(name, f"language:{code}", is_chosen=chosen == code) for code, name in LANGUAGES.items()]
    return {
        "text": _("Which language shall I speak here?"),
        "reply_markup": InlineKeyboardMarkup([*_rows(choices), [_button(_("« Back"), "main")]]),
    }


def zones_page(here: Here, texts: Texts, number: int | None = None) -> dict[str, Any]:
    """Return the message that offers time zones; without a page's number the page with the present one."""
    _ = texts.gettext
    chosen = here.chat_data.get("timezone", "")
    number = zones.page_of(chosen) if number is None else number
    choices = [_choice(zone, f"zone:{zone}", is_chosen=zone == chosen) for zone in zones.page(number)]
    turn = []
    if number > 0:
        turn.append(_button(_("« West"), f"zones:{number - 1}"))
    if number < zones.PAGES - 1:
        turn.append(_button(_("East »"), f"zones:{number + 1}"))
    lines = [
        _("Which time zone is it here?"),
        _("Any other can be set with /timezone, such as /timezone {example}.").format(example="Australia/Perth"),
    ]
    return {
        "text": "\n".join(lines),
        "reply_markup": InlineKeyboardMarkup([*_rows(choices), turn, [_button(_("« Back"), "main")]]),
    }


def _button(label: str, leads_to: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(label, callback_data=f"{PREFIX}:{leads_to}")


def _choice(label: str, leads_to: str, *, is_chosen: bool) -> InlineKeyboardButton:
    return _button(f"✓ {label}" if is_chosen else label, leads_to)


def _switch(turn_off: str, turn_on: str, what: str, *, is_on: bool) -> InlineKeyboardButton:
    return _button(turn_off, f"{what}:off") if is_on else _button(turn_on, f"{what}:on")


def _rows(buttons: Iterable[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    buttons = list(buttons)
    return [buttons[start : start + _ROW] for start in range(0, len(buttons), _ROW)]
