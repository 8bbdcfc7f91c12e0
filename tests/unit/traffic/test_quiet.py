"""A thing is said once per period, whichever worker gets to say it, and the one who got the word keeps it."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floodgate.aws import AwsCalls
from floodgate.traffic.quiet import QuietPeriods, first_in, quiet_periods
from tests.integration.worker.cloud import Cloud
from tests.unit.delivery.virtual_time import run


def periods(cloud: Cloud) -> QuietPeriods:
    """Return a worker's view of the table."""
    return QuietPeriods(cloud.client("dynamodb"), "traffic", AwsCalls(), cloud.clock)


def asks(of: QuietPeriods, owner: str, *, key: str = "rain", seconds: float = 60) -> bool:
    """Return what a handler of the update `owner` hears."""

    async def handler() -> bool:
        with quiet_periods(of, owner):
            return await first_in(seconds, key)

    return run(handler())


def test_only_the_first_of_two_workers_speaks(cloud: Cloud) -> None:
    """Two workers, one word; a third and a fourth try changes nothing."""
    ann, bob = periods(cloud), periods(cloud)
    assert [asks(ann, "1"), asks(bob, "2"), asks(ann, "3"), asks(bob, "4")] == [True, False, False, False]


def test_a_period_ends_by_the_clock(cloud: Cloud) -> None:
    """To the millisecond, though the expired item is still there: DynamoDB deletes late."""
    worker = periods(cloud)
    assert asks(worker, "1")
    cloud.clock.now += 59.999
    assert not asks(worker, "2")
    cloud.clock.now += 0.001
    assert asks(worker, "3")
    assert len(cloud.items("traffic")) == 1


def test_a_new_period_is_as_long_as_the_first(cloud: Cloud) -> None:
    """It counts from its own beginning."""
    worker = periods(cloud)
    asks(worker, "1")
    cloud.clock.now += 100
    assert asks(worker, "2")
    cloud.clock.now += 59
    assert not asks(worker, "3")


def test_an_update_that_is_tried_again_may_speak_again(cloud: Cloud) -> None:
    """The first attempt may have failed before it spoke."""
    assert asks(periods(cloud), "1")
    cloud.clock.now += 4
    assert asks(periods(cloud), "1")
    assert not asks(periods(cloud), "2")


def test_a_refused_update_is_refused_again(cloud: Cloud) -> None:
    """Having asked is no ownership."""
    worker = periods(cloud)
    asks(worker, "1")
    assert [asks(worker, "2"), asks(worker, "2")] == [False, False]


def test_keys_know_nothing_of_each_other(cloud: Cloud) -> None:
    """One chat's quiet is not another's."""
    worker = periods(cloud)
    assert [asks(worker, "1", key="ann"), asks(worker, "2", key="bob")] == [True, True]


def test_an_item_outlives_its_period(cloud: Cloud) -> None:
    """DynamoDB must not delete it early; a minute later it may."""
    asks(periods(cloud), "1", seconds=60)
    [item] = cloud.items("traffic")
    assert item["pk"] == {"S": "quiet#rain"}
    assert int(item["expires_at"]["N"]) == cloud.clock.now + 120


def test_it_costs_one_write(cloud: Cloud) -> None:
    """Granted or refused: one conditional write, no read."""
    worker = periods(cloud)
    asks(worker, "1")
    asks(worker, "2")
    assert [operation for operation, _ in cloud.wire.requests] == ["PutItem", "PutItem"]


def test_an_aws_that_refuses_is_an_error(cloud: Cloud) -> None:
    """Neither a yes nor a no."""
    worker = periods(cloud)
    cloud.wire.faults["PutItem"] = ["ProvisionedThroughputExceededException"]
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        asks(worker, "1")


def test_outside_an_update_there_is_nobody_to_ask() -> None:
    """A handler that is called by hand fails loudly."""
    with pytest.raises(LookupError):
        run(first_in(60, "rain"))


questions = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3"]), st.floats(0, 100).map(lambda seconds: round(seconds, 3))), max_size=12
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions)
def test_of_any_questions_those_are_granted_that_begin_a_period(
    cloud: Cloud, questions: list[tuple[str, float]]
) -> None:
    """Granted exactly if no period is running or it is one's own; and whoever is granted begins one."""
    for item in cloud.items("traffic"):
        cloud.dynamodb.delete_item(TableName="traffic", Key={"pk": item["pk"]})
    cloud.clock.now = 1_781_136_000.0
    workers = [periods(cloud), periods(cloud)]
    holder, ends_at = "", 0.0
    for number, (owner, later_s) in enumerate(questions):
        cloud.clock.now = round(cloud.clock.now + later_s, 3)
        expected = holder == owner or cloud.clock.now >= ends_at
        assert asks(workers[number % 2], owner) == expected
        if expected:
            holder, ends_at = owner, round(cloud.clock.now + 60, 3)
