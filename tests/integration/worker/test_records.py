"""Records in the state table: written only as they were read, together or not at all."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floodgate.aws import AwsCalls
from floodgate.state.records import LARGEST_BYTES, Key, Records, StateChanged, StateTooLarge, Stored, data_of_chat

if TYPE_CHECKING:
    from tests.integration.worker.cloud import Cloud

_numbers = itertools.count(1000)
ANN, BOB = Key("user#1", "data"), Key("user#2", "data")


@pytest.fixture
def records(cloud: Cloud) -> Records:
    """Records in the cloud's table."""
    return Records(cloud.client("dynamodb"), "state", AwsCalls(), cloud.clock)


def read(records: Records, key: Key) -> Stored:
    """Return one record."""
    return asyncio.run(records.read([key]))[key]


def write(records: Records, by: str, *changes: tuple[Stored, str | None]) -> None:
    """Write some together."""
    asyncio.run(records.write({was.key: (was, text) for was, text in changes}, by))


def test_a_record_is_written_as_it_was_read(records: Records) -> None:
    """Whoever read it before somebody else wrote it is told, and has changed nothing."""
    first = read(records, ANN)
    write(records, "m1", (first, '"a"'))
    with pytest.raises(StateChanged):
        write(records, "m2", (first, '"b"'))
    write(records, "m3", (read(records, ANN), '"c"'))
    assert read(records, ANN) == Stored(ANN, '"c"', "m3", ("m1",))


def test_an_emptied_record_is_another_one_than_before(records: Records) -> None:
    """Emptied and filled again, it is not what somebody read in between."""
    write(records, "m1", (read(records, ANN), '"a"'))
    old = read(records, ANN)
    write(records, "m2", (old, None))
    assert read(records, ANN) == Stored(ANN, None, "m2", ("m1",))
    write(records, "m3", (read(records, ANN), '"a"'))
    with pytest.raises(StateChanged):
        write(records, "m4", (old, '"b"'))


def test_several_are_written_together_or_not_at_all(records: Records) -> None:
    """One that has changed keeps all of them as they were."""
    ann, bob = read(records, ANN), read(records, BOB)
    write(records, "m1", (bob, '"other"'))
    with pytest.raises(StateChanged):
        write(records, "m2", (ann, '"a"'), (bob, '"b"'))
    assert (read(records, ANN).text, read(records, BOB).text) == (None, '"other"')


@pytest.mark.parametrize("keys", [[ANN], [ANN, BOB]])
def test_a_lost_answer_is_not_taken_for_somebody_else(records: Records, cloud: Cloud, keys: list[Key]) -> None:
    """Botocore asks again, and is told that the condition does not hold any more: by our own doing."""
    changes = {key: (read(records, key), '"a"') for key in keys}
    asyncio.run(records.write(changes, "m1"))
    asyncio.run(records.write(changes, "m1"))
    assert {item["saved_by"]["S"] for item in cloud.state().values()} == {"m1"}


def test_more_than_a_hundred_are_read(records: Records) -> None:
    """DynamoDB answers a hundred at a time."""
    keys = [Key(f"user#{number}", "data") for number in range(150)]
    for some in itertools.batched(keys, 25, strict=True):  # moto copies the table for each that is written together
        write(records, "m", *((Stored(key), f'"{key.pk}"') for key in some))
    found = asyncio.run(records.read(keys))
    assert {key: stored.text for key, stored in found.items()} == {key: f'"{key.pk}"' for key in keys}


def test_what_is_too_large_names_its_largest_entry(records: Records) -> None:
    """The person's record, the entry and both sizes; nothing of the content."""
    text = '{"a":"x","photos":"' + "y" * LARGEST_BYTES + '"}'
    with pytest.raises(
        StateTooLarge, match=rf"user#1 data has {len(text)} bytes.*'photos' alone has {LARGEST_BYTES + 2}"
    ):
        write(records, "m", (Stored(ANN), text))
    write(records, "m", (Stored(ANN), '"' + "y" * (LARGEST_BYTES - 2) + '"'))


def test_a_moved_group_is_found_by_either_id(records: Records) -> None:
    """And moved once, however often it is told."""
    write(records, "m1", (read(records, data_of_chat(-5)), '{"a":1,"b":1}'))
    write(records, "m2", (read(records, data_of_chat(-100)), '{"b":2}'))
    for _ in range(2):
        asyncio.run(records.move(-5, -100))
        assert read(records, data_of_chat(-5)) == read(records, data_of_chat(-100))
    assert read(records, data_of_chat(-5)).text == '{"a":1,"b":2}'
    write(records, "m3", (read(records, data_of_chat(-5)), '{"c":3}'))
    assert read(records, data_of_chat(-100)).text == '{"c":3}'


def test_a_group_of_which_nothing_is_known_leaves_its_new_id(records: Records) -> None:
    """What is remembered later under the old one belongs to the new one as well."""
    asyncio.run(records.move(-5, -100))
    write(records, "m", (read(records, data_of_chat(-5)), '"a"'))
    assert read(records, data_of_chat(-100)).text == '"a"'


def test_whoever_read_it_before_the_move_is_told(records: Records) -> None:
    """An update in hand while its group moves runs again on what is there then."""
    write(records, "m1", (read(records, data_of_chat(-5)), '"a"'))
    old = read(records, data_of_chat(-5))
    asyncio.run(records.move(-5, -100))
    with pytest.raises(StateChanged):
        write(records, "m2", (old, '"b"'))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([(who, step) for who in range(3) for step in range(2)]))
def test_nobodys_change_is_lost(records: Records, order: list[tuple[int, int]]) -> None:
    """However reads and writes of three updates interleave: who is not told has their change kept."""
    key = Key(f"user#{next(_numbers)}", "data")
    seen: dict[int, Stored] = {}
    added = 0
    for who, _ in order:
        if who not in seen:
            seen[who] = read(records, key)
            continue
        try:
            write(records, f"{who}", (seen[who], str(int(seen[who].text or 0) + 1)))
        except StateChanged:
            continue
        added += 1
    assert int(read(records, key).text or 0) == added
