"""The bot as python-telegram-bot knows it: the bot object, one Application per update, what it handles."""

from floodgate.telegram.application import App
from floodgate.telegram.errors import ChatFrozen, ChatUnreachable, OutcomeUnknown
from floodgate.telegram.handler_limits import limited
from floodgate.telegram.membership import is_in_chat, leads_chat
from floodgate.telegram.once import once
from floodgate.telegram.retried import retried

__all__ = [
    "App",
    "ChatFrozen",
    "ChatUnreachable",
    "OutcomeUnknown",
    "is_in_chat",
    "leads_chat",
    "limited",
    "once",
    "retried",
]
