"""What the journal remembers of an update between its attempts."""

from dataclasses import replace
from random import Random

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from floodgate.aws import AwsCalls
from floodgate.delivery.journal import KEPT_S, PART_BYTES, Entry, Journal, Verdict, pack, unpack
from floodgate.telegram.replay import Recorded
from tests.integration.worker.cloud import Cloud
from tests.integration.worker.conftest import clock, cloud
from tests.unit.delivery.virtual_time import run

__all__ = ["clock", "cloud"]

QUEUE_KEEPS_S = 14 * 24 * 3600
CALLS = (
    Recorded("sendMessage", "7001", "f1", '{"message_id": 1, "text": "Grüße"}'),
    Recorded("setMyName", None, "f2", "true"),
    Recorded("sendPhoto", "@garden", "f3", None),
)
FULL = Entry(
    failures={"bug": 2, "retry": 1},
    first_at=1_781_136_000.5,
    failure={"error": "KeyError", "stack": ["a.py:1 f"]},
    verdict=Verdict("bug", "its handler failed 3 times"),
    calls=CALLS,
    started_at=1_781_136_001.25,
    receives=4,
)


def journal(of: Cloud) -> Journal:
    """Return a worker's journal."""
    return Journal(of.client("dynamodb"), "traffic", AwsCalls(), of.clock)


def noisy(seed: int, count: int) -> tuple[Recorded, ...]:
    """Return calls whose answers cannot be compressed, 50 KB each."""
    noise = Random(seed)  # noqa: S311 - no secret
    return tuple(Recorded("sendMessage", "1", str(n), noise.randbytes(50_000).hex()) for n in range(count))


def test_nothing_is_known_of_a_new_message(cloud: Cloud) -> None:
    """An empty entry, and nothing written."""
    assert run(journal(cloud).read("m")) == Entry()
    assert cloud.items("traffic") == []


@pytest.mark.parametrize("entry", [Entry(), FULL, replace(FULL, done=True), Entry(failures={"retry": 7})])
def test_what_is_written_is_read(cloud: Cloud, entry: Entry) -> None:
    """By every worker, under the update's name alone."""
    run(journal(cloud).write("m", entry))
    assert run(journal(cloud).read("m")) == entry
    assert run(journal(cloud).read("another")) == Entry()


def test_attempts_are_failures_of_any_kind() -> None:
    """Whatever they failed with."""
    assert (Entry().attempts, FULL.attempts) == (0, 3)


def test_a_write_that_lands_late_is_refused(cloud: Cloud) -> None:
    """The message was received again since, and what that receive wrote stands."""
    later = Entry(failures={"bug": 2}, receives=3)
    run(journal(cloud).write("m", later))
    run(journal(cloud).write("m", Entry(failures={"bug": 1}, receives=2)))
    assert run(journal(cloud).read("m")) == later
    run(journal(cloud).write("m", replace(later, done=True)))
    assert run(journal(cloud).read("m")).done


def test_calls_that_do_not_fit_into_an_item_are_split(cloud: Cloud) -> None:
    """What cannot be compressed either comes back as it was, from items below 400 KB each."""
    calls = noisy(1, 15)
    assert len(pack(calls)) > 2 * PART_BYTES
    run(journal(cloud).write("m", Entry(calls=calls, receives=1)))
    assert run(journal(cloud).read("m")).calls == calls
    items = cloud.items("traffic")
    assert len(items) == len(pack(calls)) // PART_BYTES + 1
    assert max(len(item["calls"]["B"]) for item in items) <= PART_BYTES
    assert all("expires_at" in item for item in items)


def test_parts_of_two_writes_are_never_mixed(cloud: Cloud) -> None:
    """While the second is under way, the first is whole; afterwards the second is."""
    first, second = noisy(1, 12), noisy(2, 12)
    run(journal(cloud).write("m", Entry(calls=first, receives=1)))
    cloud.wire.faults["PutItem journal#m"] = ["ThrottlingException"]
    with pytest.raises(ClientError):
        run(journal(cloud).write("m", Entry(calls=second, receives=2)))
    assert run(journal(cloud).read("m")).calls == first
    run(journal(cloud).write("m", Entry(calls=second, receives=2)))
    assert run(journal(cloud).read("m")).calls == second


def test_a_journal_with_a_lost_part_is_no_journal(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    """The table may be lost, and the update then starts again; the log says so."""
    calls = noisy(3, 12)
    run(journal(cloud).write("m", Entry(calls=calls, failures={"bug": 1}, receives=1)))
    for item in cloud.items("traffic"):
        if item["pk"]["S"] != "journal#m":
            cloud.dynamodb.delete_item(TableName="traffic", Key={"pk": item["pk"]})
    assert run(journal(cloud).read("m")) == Entry(failures={"bug": 1}, receives=1)
    assert "part of a journal is lost, its update may repeat itself" in caplog.messages


@given(
    st.lists(
        st.builds(
            Recorded,
            st.text(),
            st.none() | st.text(),
            st.text(),
            st.none() | st.text(),
        ),
        max_size=5,
    )
)
def test_calls_survive_being_packed(calls: list[Recorded]) -> None:
    """Whatever JSON holds comes back the same."""
    assert list(unpack(pack(calls))) == calls


def test_done_is_remembered(cloud: Cloud) -> None:
    """With whatever was known before."""
    run(journal(cloud).mark_done("m"))
    assert run(journal(cloud).read("m")) == Entry(done=True)
    run(journal(cloud).write("n", FULL))
    run(journal(cloud).mark_done("n"))
    assert run(journal(cloud).read("n")) == replace(FULL, done=True, started_at=None)


def test_a_put_back_is_explained(cloud: Cloud) -> None:
    """With whatever was known before, and never by an earlier receive than what stands there."""
    run(journal(cloud).write("m", FULL))
    run(journal(cloud).explain("m", 7))
    run(journal(cloud).explain("m", 6))
    assert run(journal(cloud).read("m")) == replace(FULL, receives=7, started_at=None)
    run(journal(cloud).explain("n", 2))
    assert run(journal(cloud).read("n")) == Entry(receives=2)


def test_a_restored_update_starts_again_with_what_it_has_done(cloud: Cloud) -> None:
    """Its calls stay, its failures and its end do not; the same retry restores it once."""
    mine = journal(cloud)
    run(mine.write("m", FULL))
    packed = run(mine.packed("m"))
    run(mine.mark_done("m"))
    run(mine.restore("m", packed, 1))
    assert run(mine.read("m")) == Entry(calls=CALLS, restored=1)
    again = replace(run(mine.read("m")), calls=CALLS[:1], done=True, receives=1)
    run(mine.write("m", again))
    run(mine.restore("m", packed, 1))
    assert run(mine.read("m")) == again
    run(mine.restore("m", packed, 2))
    assert run(mine.read("m")) == Entry(calls=CALLS, restored=2)


def test_nothing_done_is_nothing_packed(cloud: Cloud) -> None:
    """And restores nothing."""
    mine = journal(cloud)
    assert run(mine.packed("m")) == b""
    run(mine.restore("m", b"", 1))
    assert run(mine.read("m")) == Entry(restored=1)


def test_an_entry_outlives_its_message(cloud: Cloud) -> None:
    """What the queue still holds, the journal still knows."""
    run(journal(cloud).write("m", FULL))
    run(journal(cloud).mark_done("n"))
    run(journal(cloud).explain("o", 1))
    run(journal(cloud).restore("p", b"", 1))
    assert KEPT_S > QUEUE_KEEPS_S
    assert {int(item["expires_at"]["N"]) for item in cloud.items("traffic")} == {int(cloud.clock.now) + KEPT_S}


def test_what_was_just_written_is_read(cloud: Cloud) -> None:
    """A redelivery follows within seconds: the read must not be an eventually consistent one."""
    run(journal(cloud).read("m"))
    assert cloud.wire.asked("GetItem")[0]["ConsistentRead"] is True


def test_an_aws_that_refuses_is_an_error(cloud: Cloud) -> None:
    """The caller decides what follows."""
    cloud.wire.faults["GetItem"] = ["ThrottlingException"]
    with pytest.raises(ClientError, match="ThrottlingException"):
        run(journal(cloud).read("m"))
