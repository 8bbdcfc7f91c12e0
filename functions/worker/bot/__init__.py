"""The bot: one module per feature, each with `register(app)`, which adds its python-telegram-bot handlers.

Every module in this folder takes part, in alphabetical order, and `unknown` last: of a group's handlers the first that
matches gets the update. One whose name begins with an underscore does not: it has what others import. `register` runs
once per update, so it does nothing but add handlers.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floodgate.telegram import App


class NoFeature(ImportError):
    """A module of this folder is none; the text says what to do."""


_found = (module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
_names = sorted(_found, key=lambda name: (name == "unknown", name))
#: The modules; what else they offer, such as `export` and `forget` (privacy.py), is asked of them here.
features = [importlib.import_module(f"{__name__}.{name}") for name in _names]
for _feature in features:
    if not callable(getattr(_feature, "register", None)):
        _file = Path(_feature.__file__ or "").relative_to(Path(__file__).parents[1])
        raise NoFeature(
            f"functions/worker/{_file.as_posix()} has no register(app): add one, or, if it is no feature, begin its "
            "name with an underscore."
        )


def register(app: App) -> None:
    """Add the handlers of every feature."""
    for feature in features:
        feature.register(app)
