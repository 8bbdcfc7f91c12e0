"""What the journal remembers of a message between its attempts."""

import pytest
from botocore.exceptions import ClientError

from floodgate.aws import AwsCalls
from floodgate.delivery.journal import KEPT_S, Entry, Journal
from tests.integration.worker.cloud import Cloud
from tests.integration.worker.conftest import clock, cloud
from tests.unit.delivery.virtual_time import run

__all__ = ["clock", "cloud"]

QUEUE_KEEPS_S = 14 * 24 * 3600


def journal(of: Cloud) -> Journal:
    """Return a worker's journal."""
    return Journal(of.client("dynamodb"), "traffic", AwsCalls(), of.clock)


def test_nothing_is_known_of_a_new_message(cloud: Cloud) -> None:
    """An empty entry, and nothing written."""
    assert run(journal(cloud).read("m")) == Entry()
    assert cloud.items("traffic") == []


def test_failures_are_counted_across_workers(cloud: Cloud) -> None:
    """Each count says how often it failed until now, since when, and with what at last."""
    began_at = cloud.clock.now
    assert run(journal(cloud).count_failure("m", Entry(), "KeyError")) == Entry(1, began_at, "KeyError")
    cloud.clock.now += 2.5
    assert run(journal(cloud).count_failure("m", Entry(1), "TypeError")) == Entry(2, began_at, "TypeError")
    assert run(journal(cloud).read("m")) == Entry(2, began_at, "TypeError")
    assert run(journal(cloud).read("another")) == Entry()


def test_a_write_that_is_repeated_counts_once(cloud: Cloud) -> None:
    """Botocore writes again when AWS's answer was lost; that is one failure all the same."""
    for _ in range(2):
        run(journal(cloud).count_failure("m", Entry(), "KeyError"))
    assert run(journal(cloud).read("m")).attempts == 1


def test_done_is_remembered(cloud: Cloud) -> None:
    """With whatever was counted before."""
    run(journal(cloud).mark_done("m"))
    assert run(journal(cloud).read("m")) == Entry(done=True)
    run(journal(cloud).count_failure("n", Entry(), "KeyError"))
    run(journal(cloud).mark_done("n"))
    assert run(journal(cloud).read("n")) == Entry(1, cloud.clock.now, "KeyError", done=True)


def test_an_entry_outlives_its_message(cloud: Cloud) -> None:
    """What the queue still holds, the journal still knows."""
    run(journal(cloud).count_failure("m", Entry(), "KeyError"))
    run(journal(cloud).mark_done("n"))
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
