"""The button that mutes an alarm, below its message in the admin chat. Pure.

Rule: a button names its alarm and needs nothing else. The other buttons of the message are links that only the alerts
function knows, so a press changes the one and leaves the others as they are.
"""

from __future__ import annotations

import re
from typing import Final

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from floodgate.admin.notices import OWN

#: For how long a press mutes an alarm, in seconds.
MUTED_S: Final = 3600
DATA: Final = re.compile(rf"{OWN}(?P<order>mute|unmute):(?P<alarm>[0-9a-f]{{12}})")


def mute_button(alarm: str, *, is_muted: bool) -> InlineKeyboardButton:
    """Return the button of an alarm, by its key."""
    if is_muted:
        return InlineKeyboardButton("Unmute", callback_data=f"{OWN}unmute:{alarm}")
    return InlineKeyboardButton("Mute 1 h", callback_data=f"{OWN}mute:{alarm}")


def with_mute(buttons: InlineKeyboardMarkup, alarm: str, *, is_muted: bool) -> InlineKeyboardMarkup:
    """Return the buttons with that one as it is now."""
    return InlineKeyboardMarkup(
        [
            [
                mute_button(alarm, is_muted=is_muted) if DATA.fullmatch(str(one.callback_data or "")) else one
                for one in row
            ]
            for row in buttons.inline_keyboard
        ]
    )
