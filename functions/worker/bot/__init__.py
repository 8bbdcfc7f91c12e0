"""The bot: one module per feature, each with `register(app)`, which adds its python-telegram-bot handlers.

Every module in this folder takes part, in alphabetical order, and `unknown` last: of a group's handlers the first that
matches gets the update. `register` runs once per update, so it does nothing but add handlers.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floodgate.telegram import App

_names = sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda name: (name == "unknown", name))
#: The modules; what else they offer, such as `export` and `forget` (privacy.py), is asked of them here.
features = [importlib.import_module(f"{__name__}.{name}") for name in _names]


def register(app: App) -> None:
    """Add the handlers of every feature."""
    for feature in features:
        feature.register(app)
