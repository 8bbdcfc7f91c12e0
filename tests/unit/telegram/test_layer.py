"""A dependencies layer that does not fit the machine fails the deployment, though no worker would notice it."""

import sys

import pytest

from floodgate.telegram.interface import LayerUnusable, describe


def test_a_layer_for_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled library does not import there; the sentence says how to deploy."""
    monkeypatch.setitem(sys.modules, "pydantic_core", None)
    with pytest.raises(LayerUnusable, match=r"was not built for .*: deploy with `make deploy`"):
        describe(lambda _app: None)
