"""The bot as python-telegram-bot knows it: the bot object, one Application per update, what it handles."""

from floodgate.telegram.application import App
from floodgate.telegram.errors import ChatFrozen, ChatUnreachable
from floodgate.telegram.handler_limits import limited

__all__ = ["App", "ChatFrozen", "ChatUnreachable", "limited"]
