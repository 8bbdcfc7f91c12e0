"""What was stored is read as it was: the bot's identity, and updates that were given up, of any size."""

import json
import random
import string
import zlib

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.updates import QUEUE_LIMIT_BYTES
from floodgate.state.failures import KEPT_S, PART_CHARACTERS, DeadLetter, Failures, reference
from floodgate.state.identity import read_identity, store_identity
from tests.integration.worker.cloud import Cloud
from tests.unit.ingress.samples import BOT

NOW = 1_781_136_000.25
LARGEST_UPDATE_BYTES = 512 * 1024


def letter(update: str) -> DeadLetter:
    """Return the letter of an update that was given up, whole."""
    _, fields = dead_letter(update.encode(), reason="failed", detail="its handler failed 3 times", at=NOW)
    return DeadLetter.model_validate({**fields, "update": update})


def kept(cloud: Cloud) -> list[str]:
    """Return the updates in the table."""
    return [zlib.decompress(item["update"]["B"]).decode() for item in cloud.items("state") if "update" in item]


def update_of(size: int, letters: str) -> str:
    """Return an update of that many bytes whose text cannot be compressed beyond its alphabet."""
    frame = json.dumps({"update_id": 1, "message": {"text": ""}})
    words = "".join(random.Random(7).choices(letters, k=size - len(frame)))  # noqa: S311 - the same each time
    return frame.replace('"text": ""', f'"text": "{words}"')


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


def test_a_failure_is_kept_once(cloud: Cloud) -> None:
    """The first to keep it is told so; who comes later changes nothing."""
    failures = Failures(cloud.dynamodb, "state")
    assert failures.keep("K7QM-2XWD", letter("first"), NOW) is True
    assert failures.keep("K7QM-2XWD", letter("second"), NOW + 1) is False
    assert failures.keep("AAAA-2222", letter("third"), NOW) is True
    assert sorted(kept(cloud)) == ["first", "third"]


def test_a_failure_is_kept_for_fourteen_days(cloud: Cloud) -> None:
    """From when it was kept, not from when it failed."""
    Failures(cloud.dynamodb, "state").keep("K7QM-2XWD", letter("x"), NOW)
    [item] = [item for item in cloud.items("state") if "update" in item]
    assert int(item["expires_at"]["N"]) == int(NOW) + KEPT_S == int(NOW) + 14 * 24 * 3600


@pytest.mark.parametrize(
    "letters",
    ["beans", string.ascii_letters + string.digits, "абвгдежзийклмнопрстуфхцчшщъыьэюя", '\\"'],
    ids=["words", "base64", "Cyrillic", "escapes"],
)
def test_the_largest_update_is_kept_whole(cloud: Cloud, letters: str) -> None:
    """Half a megabyte does not fit into an item; compressed it does."""
    update = update_of(LARGEST_UPDATE_BYTES // len(letters[0].encode()), letters)
    assert Failures(cloud.dynamodb, "state").keep("K7QM-2XWD", letter(update), NOW)
    assert kept(cloud) == [update]


@pytest.mark.parametrize("size", [LARGEST_UPDATE_BYTES, QUEUE_LIMIT_BYTES - 1024])
def test_what_does_not_fit_even_then_is_kept_in_part(cloud: Cloud, size: int) -> None:
    """Its beginning, with the length and the hash of the whole: a letter that could not be kept would come for ever."""
    update = update_of(size, string.ascii_letters + string.digits + "!#$%&()*+,-./:;<=>?@[]^_`{|}~")
    whole = letter(update)
    assert Failures(cloud.dynamodb, "state").keep("K7QM-2XWD", whole, NOW)
    assert kept(cloud) == [update[:PART_CHARACTERS]]
    [item] = [item for item in cloud.items("state") if "update" in item]
    assert (item["length"], item["sha256"]) == ({"N": str(size)}, {"S": whole.sha256})


def test_an_aws_that_refuses_is_an_error(cloud: Cloud) -> None:
    """It is not kept, and nobody may think that it was kept before."""
    failures = Failures(cloud.client("dynamodb"), "state")
    cloud.wire.faults["PutItem"] = ["AccessDeniedException"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        failures.keep("K7QM-2XWD", letter("x"), NOW)
    assert kept(cloud) == []


@given(st.text(), st.text())
def test_a_reference_follows_from_its_seed(one: str, other: str) -> None:
    """The same seed names the same failure; ten characters that can be read out."""
    assert (reference(one) == reference(other)) == (one == other)
    letters = reference(one).replace("-", "")
    assert len(letters) == 10
    assert set(letters) <= set(string.ascii_uppercase + "234567")
