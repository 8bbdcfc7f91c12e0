"""Reply markup, checked as Telegram checks it.

Rule: read() returns the decoded markup or None; only an inline keyboard shows in a Message. Hazard: buttons' own fields
beyond text, callback_data and "exactly one action" aren't checked.
"""

from typing import Any

from local.telegram.errors import bad_request
from local.telegram.parameters import Parameters

MAX_CALLBACK_DATA_BYTES = 64
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
_LABELS = frozenset({"text", "icon_custom_emoji_id", "style"})


def read(parameters: Parameters) -> dict[str, Any] | None:
    """Return the call's reply_markup, None if there is none; raise BotApiError if Telegram would refuse it."""
    try:
        markup = parameters.decoded("reply_markup")
    except ValueError:
        raise bad_request("can't parse reply keyboard markup JSON object") from None
    if markup is None or markup == {}:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if not any(kind in markup for kind in _KINDS):
        return None
    if "inline_keyboard" in markup:
        return _inline(markup["inline_keyboard"])
    return markup


def read_inline(parameters: Parameters) -> dict[str, Any] | None:
    """Return the call's reply_markup, which must be an inline keyboard, None if there is none."""
    markup = read(parameters)
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    return markup


def _inline(rows: Any) -> dict[str, Any] | None:
    if not isinstance(rows, list):
        raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup must be of the type Array')
    for row in rows:
        if not isinstance(row, list):
            raise bad_request('field "inline_keyboard" of the InlineKeyboardMarkup should be an Array of Arrays')
        for button in row:
            _check_button(button)
    filled = [row for row in rows if row]
    return {"inline_keyboard": filled} if filled else None


def _check_button(button: Any) -> None:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    if not isinstance(button.get("text"), str):
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    actions = button.keys() - _LABELS
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(str(button["callback_data"]).encode()) <= MAX_CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
