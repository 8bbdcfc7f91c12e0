"""What was stored is read as it was: the bot's identity; and a failure's name follows from its message."""

import string

from hypothesis import given
from hypothesis import strategies as st

from floodgate.ingress.dead_letter import reference
from floodgate.state.identity import read_identity, store_identity
from tests.integration.worker.cloud import Cloud
from tests.unit.ingress.samples import BOT


def test_an_identity_comes_back(cloud: Cloud) -> None:
    """Every field that Telegram told, the latest time that it did."""
    store_identity(cloud.dynamodb, "state", {**BOT, "first_name": "Эхо 🪲", "can_join_groups": True})
    assert read_identity(cloud.dynamodb, "state") == {**BOT, "first_name": "Эхо 🪲", "can_join_groups": True}
    store_identity(cloud.dynamodb, "state", BOT)
    assert read_identity(cloud.dynamodb, "state") == BOT


def test_a_bot_that_was_never_registered_has_none(cloud: Cloud) -> None:
    """None is no error: Telegram is asked then."""
    cloud.dynamodb.delete_item(TableName="state", Key={"pk": {"S": "bot"}, "sk": {"S": "identity"}})
    assert read_identity(cloud.dynamodb, "state") is None


@given(st.text(), st.text())
def test_a_reference_follows_from_its_seed(one: str, other: str) -> None:
    """The same seed names the same failure; ten characters that can be read out."""
    assert (reference(one) == reference(other)) == (one == other)
    letters = reference(one).replace("-", "")
    assert len(letters) == 10
    assert set(letters) <= set(string.ascii_uppercase + "234567")
