"""The model of DynamoDB where moto is no measure: its own laws, its counts and its faults."""

from __future__ import annotations

from contextlib import nullcontext
from decimal import Context, Decimal
from time import process_time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.dynamodb import Tables
from tests.simulation.faults import Fault
from tests.simulation.values import number, order, total

KEY = {"pk": {"S": "gate#1"}}
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20)


class Clock:
    """A clock that is moved by hand."""

    now = 1_781_136_000.0

    def __call__(self) -> float:
        """Return the time that it is now."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def tables(clock: Clock) -> Tables:
    """Empty tables."""
    return Tables(clock)


def put(tables: Tables, **item: dict[str, Any]) -> None:
    """Put the item."""
    tables.put_item(TableName="traffic", Item={**KEY, **item})


def held(tables: Tables) -> dict[str, Any] | None:
    """Return the item, without its key."""
    item = tables.get_item(TableName="traffic", Key=KEY).get("Item")
    return None if item is None else {name: value for name, value in item.items() if name != "pk"}


def update(tables: Tables, expression: str, condition: str | None = None, **values: dict[str, Any]) -> dict[str, Any]:
    """Update the item."""
    return tables.update_item(
        TableName="traffic",
        Key=KEY,
        UpdateExpression=expression,
        ConditionExpression=condition,
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()} or None,
    )


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the error's code."""
    return caught.value.response["Error"]["Code"]


@settings(deadline=None)
@given(one=decimals, other=decimals)
def test_numbers_are_exact(one: Decimal, other: Decimal) -> None:
    """Two numbers compare and add as Decimal has it, however they are written."""
    a, b = {"N": number(str(one))}, {"N": number(f"{other:.12f}")}
    assert order(a, b) == (one > other) - (one < other)
    exact = Context(prec=60)
    assert Decimal(total(a, b)["N"]) == exact.add(one, other)
    assert Decimal(total(a, b, -1)["N"]) == exact.subtract(one, other)


def test_numbers_that_no_float_tells_apart_are_different() -> None:
    """The last of 38 digits counts."""
    more, less = {"N": "1" * 37 + "2"}, {"N": "1" * 38}
    assert (order(more, less), order(less, more)) == (1, -1)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("1781136000.000", "1781136000"), ("007", "7"), ("-0", "0"), ("1e3", "1000"), ("0.50", "0.5"), ("+1", "1")],
)
def test_numbers_come_back_as_dynamodb_writes_them(tables: Tables, given: str, kept: str) -> None:
    """Needless zeros, signs and exponents go."""
    put(tables, one={"N": given})
    assert held(tables) == {"one": {"N": kept}}


@pytest.mark.parametrize("text", ["nan", "", "1_000", " 1", "1" * 39, "1e126", "inf", "0x1"])
def test_what_is_no_number_is_refused(tables: Tables, text: str) -> None:
    """DynamoDB takes 38 digits and a magnitude below 1e126."""
    with pytest.raises(ClientError) as caught:
        put(tables, one={"N": text})
    assert code(caught) == "ValidationException"


@pytest.mark.parametrize("value", [{"N": 1}, {"S": None}, {"X": "a"}, {"S": "a", "N": "1"}, {"BOOL": "true"}])
def test_what_boto3_would_not_send_is_not_sent(tables: Tables, value: dict[str, Any]) -> None:
    """A value that is none raises what botocore raises."""
    with pytest.raises(ParamValidationError):
        put(tables, one=value)


def test_every_action_sees_the_item_as_it_was(tables: Tables) -> None:
    """Two attributes change places."""
    put(tables, a={"N": "1"}, b={"N": "2"})
    update(tables, "SET a = b, b = a")
    assert held(tables) == {"a": {"N": "2"}, "b": {"N": "1"}}


def test_nothing_is_written_where_one_action_fails(tables: Tables) -> None:
    """An item that is not there is not made."""
    with pytest.raises(ClientError):
        update(tables, "SET a = :one, b = c", one={"N": "1"})
    assert held(tables) is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("gone < :one", False),
        ("gone >= :one", False),
        ("gone = :one", False),
        ("gone IN (:one)", False),
        ("gone <> :one", True),
        ("NOT gone = :one", True),
        ("words < :one", False),
        ("words >= :one", False),
        ("words <> :one", True),
        ("size(gone) < :one", False),
        ("size(two) < :one", False),
        ("gone = lost OR two < :one", False),
    ],
)
def test_what_does_not_compare_is_different(tables: Tables, condition: str, *, holds: bool) -> None:
    """No comparison with what is not there, or of another kind, holds, but that it is something else."""
    put(tables, words={"S": "many"}, two={"N": "2"})
    with nullcontext() if holds else pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        update(tables, "SET done = :one", condition, one={"N": "1"})


def test_a_set_has_no_order(tables: Tables) -> None:
    """Sets of the same are equal, within lists and maps too; lists of the same are not."""
    put(tables, many={"M": {"a": {"L": [{"SS": ["a", "b"]}]}}})
    update(tables, "SET done = :same", "many = :same", same={"M": {"a": {"L": [{"SS": ["b", "a"]}]}}})
    put(tables, many={"L": [{"S": "a"}, {"S": "b"}]})
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        update(tables, "SET done = :same", "many = :same", same={"L": [{"S": "b"}, {"S": "a"}]})


@pytest.mark.parametrize(
    "condition",
    [
        "one < :true",
        "begins_with(one, :one)",
        "one BETWEEN :two AND :one",
        "one = one",
        "attribute_exists(:one)",
        "one",
        "one = :one AND",
        "(one = :one",
        "one = :one)",
        "size(one)",
        "length(one) = :one",
        "one ! :one",
        "one == :one",
    ],
)
def test_conditions_that_make_no_sense_are_refused(tables: Tables, condition: str) -> None:
    """Whatever the item is, and before it is looked at."""
    values = {":one": {"N": "1"}, ":two": {"N": "2"}, ":true": {"BOOL": True}}
    with pytest.raises(ClientError) as caught:
        tables.delete_item(
            TableName="traffic",
            Key=KEY,
            ConditionExpression=f"attribute_not_exists(pk) OR {condition}",
            ExpressionAttributeValues={name: value for name, value in values.items() if name in condition} or None,
        )
    assert code(caught) == "ValidationException"
    assert tables.writes == 0


@pytest.mark.parametrize("expression", ["SET a.b = :one", "SET a[0] = :one", "DELETE a :one", "SET a = :one, b = c.d"])
def test_what_is_not_modelled_says_so(tables: Tables, expression: str) -> None:
    """Nothing passes silently."""
    with pytest.raises(NotImplementedError):
        update(tables, expression, one={"N": "1"})


def test_values_of_a_put_must_be_used(tables: Tables) -> None:
    """Moto lets it pass."""
    with pytest.raises(ClientError) as caught:
        tables.put_item(TableName="traffic", Item=KEY, ExpressionAttributeValues={":one": {"N": "1"}})
    assert code(caught) == "ValidationException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Key": {"pk": {"S": ""}}},
        {"Key": {"pk": {"N": "1"}}},
        {"UpdateExpression": "REMOVE #a"},
        {"UpdateExpression": "REMOVE #a", "ExpressionAttributeNames": {}},
        {"ReturnValuesOnConditionCheckFailure": "ALL_NEW"},
    ],
)
def test_what_moto_lets_pass_or_fails_on_is_refused(tables: Tables, wrong: dict[str, Any]) -> None:
    """A key that is none, a name that is not given, and an answer that there is not."""
    with pytest.raises(ClientError) as caught:
        tables.update_item(**{"TableName": "traffic", "Key": KEY} | wrong)
    assert code(caught) == "ValidationException"


def test_the_answer_tells_what_the_expression_names(tables: Tables) -> None:
    """UPDATED_NEW has what stays the same too, and nothing of what goes."""
    put(tables, a={"N": "1"}, b={"N": "2"}, c={"N": "3"})
    answer = tables.update_item(
        TableName="traffic", Key=KEY, UpdateExpression="SET a = a REMOVE b", ReturnValues="UPDATED_NEW"
    )
    assert answer["Attributes"] == {"a": {"N": "1"}}


def test_an_answer_stays_as_it_was_given(tables: Tables) -> None:
    """What is written later does not change it, and who changes it does not change the table."""
    put(tables, a={"N": "1"})
    answer = tables.get_item(TableName="traffic", Key=KEY)["Item"]
    update(tables, "SET a = :two", two={"N": "2"})
    assert answer == {**KEY, "a": {"N": "1"}}
    answer["b"] = {"N": "3"}
    assert held(tables) == {"a": {"N": "2"}}


def test_a_batch_is_what_there_is(tables: Tables) -> None:
    """Keys without an item are left out, and each is a read."""
    put(tables, a={"N": "1"})
    request = {"Keys": [KEY, {"pk": {"S": "gate#2"}}], "ConsistentRead": True}
    answer = tables.batch_get_item(RequestItems={"traffic": request})
    assert answer["Responses"] == {"traffic": [{**KEY, "a": {"N": "1"}}]}
    assert answer["UnprocessedKeys"] == {}
    assert tables.reads == 2
    with pytest.raises(ClientError):
        tables.batch_get_item(RequestItems={"traffic": {"Keys": [KEY, KEY]}})


def test_a_table_may_have_a_sort_key(tables: Tables) -> None:
    """Both keys make one."""
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    tables.put_item(TableName="state", Item=key)
    assert list(tables.tables["state"].items) == [("a", "b")]
    assert tables.get_item(TableName="state", Key=key)["Item"] == key
    tables.delete_item(TableName="state", Key=key)
    assert "Item" not in tables.get_item(TableName="state", Key=key)


def test_writes_are_counted_by_key_and_second(tables: Tables, clock: Clock) -> None:
    """Refused ones count, and a key is known by its worst second."""
    for second in range(3):
        clock.now += 1
        for _ in range(4 + second):
            put(tables)
        tables.put_item(TableName="traffic", Item={"pk": {"S": f"quiet#{second}"}})
    for _ in range(5):
        with pytest.raises(ClientError):
            update(tables, "REMOVE a", "attribute_not_exists(pk)")
    assert tables.writes == 4 + 5 + 6 + 3 + 5
    assert tables.busiest("traffic", above=5) == {"gate#1": 6 + 5}
    assert tables.busiest("traffic", above=11) == {}
    with pytest.raises(ValueError, match="not remembered"):
        tables.busiest("traffic", above=1)


def test_a_throttled_write_writes_nothing(tables: Tables) -> None:
    """It is refused before anything happens, and not counted."""
    tables.fault = lambda operation, key: Fault.THROTTLED if (operation, key) == ("put_item", "gate#1") else None
    with pytest.raises(ClientError) as caught:
        put(tables)
    assert code(caught) == "ProvisionedThroughputExceededException"
    assert caught.value.operation_name == "PutItem"
    assert tables.writes == 0
    assert held(tables) is None


def test_a_lost_answer_leaves_what_was_written(tables: Tables) -> None:
    """Whether the condition held, the caller does not learn."""
    tables.fault = lambda operation, _: Fault.LOST if operation == "update_item" else None
    for _ in range(2):
        with pytest.raises(ReadTimeoutError):
            update(tables, "SET a = :one", "attribute_not_exists(a)", one={"N": "1"})
    assert held(tables) == {"a": {"N": "1"}}
    assert tables.writes == 2


def test_it_is_fast_enough(tables: Tables) -> None:
    """A conditional update takes some ten microseconds; at five times as many, something is parsed each time."""
    put(tables, **{f"slot{n}": {"S": "500.0000abcd"} for n in range(7)})
    began, calls = process_time(), 5000
    for now in range(calls):
        update(
            tables,
            "SET tat = :next, slot1 = :mine",
            "(attribute_not_exists(tat) OR tat <= :now) AND (attribute_not_exists(slot1) OR slot1 <> :mine)",
            now={"N": str(now)},
            next={"N": str(now)},
            mine={"S": str(now)},
        )
    assert (process_time() - began) / calls < 75e-6
