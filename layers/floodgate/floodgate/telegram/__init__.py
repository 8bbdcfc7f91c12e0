"""The bot as python-telegram-bot knows it: the bot object, one Application per update, what it handles."""

from floodgate.telegram.application import App

__all__ = ["App"]
