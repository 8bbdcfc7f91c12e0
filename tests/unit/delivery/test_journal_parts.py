"""A journal in parts is whole whenever it is read, also between two writes of one receive."""

import pytest
from botocore.exceptions import ClientError

from floodgate.delivery.journal import Entry
from tests.integration.worker.cloud import Cloud
from tests.unit.delivery.test_journal import clock, cloud, journal, noisy
from tests.unit.delivery.virtual_time import run

__all__ = ["clock", "cloud"]


def test_parts_of_two_writes_of_one_receive_are_never_mixed(cloud: Cloud) -> None:
    """A suspect's mark was written with what it knew, and its outcome, with more, got no further than the parts."""
    mine = journal(cloud)
    before, after = noisy(1, 12), noisy(2, 14)
    run(mine.write("m", Entry(calls=before, receives=2)))
    cloud.wire.faults["PutItem journal#m"] = ["ThrottlingException"]
    with pytest.raises(ClientError):
        run(mine.write("m", Entry(calls=after, receives=2)))
    assert run(mine.read("m")).calls == before
