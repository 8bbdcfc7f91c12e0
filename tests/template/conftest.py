"""The template that is deployed."""

import pytest

from tests.template.reading import ROOT, Template


@pytest.fixture(scope="session")
def template() -> Template:
    """`template.yaml`, read once."""
    return Template.read(ROOT / "template.yaml")
