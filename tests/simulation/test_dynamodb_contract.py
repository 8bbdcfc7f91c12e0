"""The model of DynamoDB answers what moto answers, whatever is asked.

Problem: a simulation is worth as much as its model, and moto is the one that everybody uses. Rule: random requests go
to both, one after another on the same items, and every answer, every error and every item must be the same. Hazard:
moto 5.2 is not DynamoDB. Left out is where it errs: comparisons across kinds and the size of what is not there raise
from inside it, two missing attributes are equal to it, numbers keep their needless zeros, ALL of a new item's keys and
only what changed is UPDATED, and unused values of a put are not refused. `test_dynamodb` has those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests.simulation.dynamodb import Tables
from tests.simulation.values import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

type Made = tuple[int, str]

#: By kind; `status` is a reserved word, which an expression must not name.
ATTRIBUTES = {"N": ("n1", "n2", "n3"), "S": ("s1", "s2", "status"), "L": ("l1",), "SS": ("t1",)}
OR, AND, NOT, ATOM, ENCLOSED = range(5)
_keys = count()

numbers = st.one_of(
    st.integers(-3, 3).map(str),
    st.integers(-(10**12), 10**12).map(str),
    st.decimals(-(10**9), 10**9, places=6).map(lambda number: format(number, "f")),
)
texts = st.text("ab\N{SNOWMAN}", max_size=3)
plain = st.one_of(numbers.map(lambda one: {"N": one}), texts.map(lambda one: {"S": one}))
VALUES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "N": numbers.map(lambda one: {"N": one}),
    "S": texts.map(lambda one: {"S": one}),
    "L": st.lists(plain, max_size=2).map(lambda many: {"L": many}),
    "SS": st.lists(texts, min_size=1, max_size=3, unique=True).map(lambda many: {"SS": many}),
}


@dataclass
class Request:
    """An expression in the making, drawn piece by piece."""

    draw: Callable[..., Any]
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def path(self, *kinds: str) -> str:
        """Return an attribute of one of these kinds, as an expression may have it."""
        name = self.draw(st.sampled_from([name for kind in kinds for name in ATTRIBUTES[kind]]))
        return self.named(name)

    def named(self, name: str) -> str:
        """Return the attribute as an expression may have it."""
        if name != "status":
            return name
        self.names["#status"] = name
        return "#status"

    def value(self, value: dict[str, Any]) -> str:
        """Return a literal of the value."""
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name

    def any_value(self, *kinds: str) -> str:
        """Return a literal of one of these kinds, or of any."""
        return self.value(self.draw(st.one_of([VALUES[kind] for kind in kinds or VALUES])))

    def condition(self, depth: int = 2) -> Made:
        """Return a condition and how closely its parts are bound."""
        how = self.draw(st.sampled_from([OR, AND, NOT, ATOM] if depth else [ATOM]))
        if how == ATOM:
            return self.simple()
        parts = [self.part(depth, how) for _ in range(1 if how == NOT else self.draw(st.integers(2, 3)))]
        return how, "NOT " + parts[0] if how == NOT else (" OR " if how == OR else " AND ").join(parts)

    def part(self, depth: int, around: int) -> str:
        """Return a condition within another, in parentheses where it needs them or happens to have them."""
        level, text = self.condition(depth - 1)
        needed = level < around or level == around == NOT  # moto does not take NOT NOT
        return f"({text})" if needed or (level < ENCLOSED and self.draw(st.booleans())) else text

    def simple(self) -> Made:
        """Return a condition without conditions in it."""
        kind = self.draw(st.sampled_from(["N", "S"]))
        path = self.path(kind)
        low, high = sorted(self.draw(st.tuples(VALUES[kind], VALUES[kind])), key=_sortable)
        make: Callable[[], str] = self.draw(
            st.sampled_from(
                [
                    lambda: f"attribute_exists({path})",
                    lambda: f"attribute_not_exists({path})",
                    lambda: f"{path} {self.draw(st.sampled_from(['<', '<=', '>', '>=']))} {self.value(low)}",
                    lambda: f"{self.path('N', 'S', 'SS')} {self.draw(st.sampled_from(['=', '<>']))} {self.any_value()}",
                    lambda: f"{path} BETWEEN {self.value(low)} AND {self.value(high)}",
                    lambda: f"{path} IN ({self.value(low)}, {self.value(high)})",
                    lambda: f"begins_with({self.path('N', 'S')}, {self.any_value('S')})",
                    lambda: f"contains({self.path('S', 'L', 'SS')}, {self.any_value('N', 'S')})",
                    self.length,
                ]
            )
        )
        text = make()
        return ENCLOSED if text.startswith("(") else ATOM, text

    def length(self) -> str:
        """Return a condition on the size of what is there."""
        path = self.path("S", "L", "SS")
        return f"(attribute_exists({path}) AND size({path}) >= {self.value({'N': str(self.draw(st.integers(0, 3)))})})"

    def update(self) -> str:
        """Return an update of some attributes."""
        clauses: dict[str, list[str]] = {}
        kinds = {name: kind for kind, names in ATTRIBUTES.items() for name in names}
        for name in self.draw(st.lists(st.sampled_from(sorted(kinds)), unique=True, min_size=1, max_size=4)):
            clause, action = self.action(self.named(name), kinds[name])
            clauses.setdefault(clause, []).append(action)
        return " ".join(f"{clause} {', '.join(actions)}" for clause, actions in clauses.items())

    def action(self, path: str, kind: str) -> tuple[str, str]:
        """Return what is done to one attribute, and in which clause."""
        actions: list[Callable[[], tuple[str, str]]] = [
            lambda: ("REMOVE", path),
            lambda: ("SET", f"{path} = {self.path(kind)}"),
            lambda: ("SET", f"{path} = {self.any_value(kind)}"),
        ]
        if kind == "N":
            sign = self.draw(st.sampled_from("+-"))
            actions += [
                lambda: ("ADD", f"{path} {self.any_value('N')}"),
                lambda: ("SET", f"{path} = {self.path('N')} {sign} {self.any_value('N')}"),
                lambda: ("SET", f"{path} = if_not_exists({path}, {self.any_value('N')}) {sign} {self.any_value('N')}"),
            ]
        if kind == "L":
            more = "list_append(if_not_exists({}, {}), {})"
            actions.append(lambda: ("SET", f"{path} = " + more.format(path, self.any_value("L"), self.any_value("L"))))
        make: Callable[[], tuple[str, str]] = self.draw(st.sampled_from(actions))
        return make()


def _sortable(value: dict[str, Any]) -> Any:
    return float(value["N"]) if "N" in value else value["S"]


@st.composite
def requests(draw: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """Return a method and its arguments, but for the key."""
    request = Request(draw)
    method = draw(st.sampled_from(["update_item", "update_item", "update_item", "put_item", "delete_item"]))
    tells = ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] if method == "update_item" else ["ALL_OLD"]
    asked: dict[str, Any] = {
        "ReturnValues": draw(st.sampled_from(tells)),
        "ReturnValuesOnConditionCheckFailure": draw(st.sampled_from(["NONE", "ALL_OLD"])),
    }
    if method == "update_item":
        asked["UpdateExpression"] = request.update()
    if method == "put_item":
        names = draw(st.sets(st.sampled_from([(kind, name) for kind, many in ATTRIBUTES.items() for name in many])))
        asked["Item"] = {name: draw(VALUES[kind]) for kind, name in sorted(names)}
    if draw(st.booleans()):
        asked["ConditionExpression"] = request.condition()[1]
    if request.names:
        asked["ExpressionAttributeNames"] = request.names
    if request.values:
        asked["ExpressionAttributeValues"] = request.values
    return method, asked


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    """A DynamoDB with a table."""
    with mock_aws():
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
        client = session.client("dynamodb")
        client.create_table(
            TableName="traffic",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        yield client


def _plain(value: Any) -> Any:
    """Return an answer's item with numbers as DynamoDB has them, and sets in order."""
    item = {name: stored(one) for name, one in (value or {}).items()}
    return {name: {"SS": sorted(one["SS"])} if "SS" in one else one for name, one in item.items()}


def _ask(client: Any, method: str, asked: dict[str, Any]) -> tuple[Any, ...]:
    """Return the code of the error and the item with it, or the attributes of the answer."""
    try:
        return "", _plain(getattr(client, method)(TableName="traffic", **asked).get("Attributes"))
    except ClientError as error:
        response: Any = error.response
        return response["Error"]["Code"], _plain(response.get("Item"))


@settings(max_examples=120, deadline=None)
@given(asked=st.lists(requests(), min_size=1, max_size=8))
def test_the_model_answers_as_moto_does(moto: Any, asked: list[tuple[str, dict[str, Any]]]) -> None:
    """Requests on one item, one after another, have the same answers, the same errors and the same effects."""
    tables = Tables(lambda: 0.0)
    key = {"pk": {"S": str(next(_keys))}}
    before: Any = {}
    for method, arguments in asked:
        about = {"Item": key | arguments["Item"]} if method == "put_item" else {"Key": key}
        code, told = _ask(tables, method, arguments | about)
        moto_code, moto_told = _ask(moto, method, arguments | about)
        item = _plain(tables.get_item(TableName="traffic", Key=key).get("Item"))
        if arguments["ReturnValues"].startswith("UPDATED") and not code:
            changed = {name for name in {*before, *item} - {"pk"} if before.get(name) != item.get(name)}
            told = {name: one for name, one in told.items() if name in changed}
            moto_told = {name: one for name, one in moto_told.items() if name in changed}
        assert (code, told) == (moto_code, moto_told)
        assert item == _plain(moto.get_item(TableName="traffic", Key=key).get("Item"))
        before = item


VALUE = {":v": {"N": "1"}}
WRONG: dict[str, dict[str, Any]] = {
    "a value that nothing uses": {
        "UpdateExpression": "SET a = :v",
        "ExpressionAttributeValues": VALUE | {":w": {"S": ""}},
    },
    "a value that is not given": {"UpdateExpression": "SET a = :w", "ExpressionAttributeValues": VALUE},
    "no value at all": {"UpdateExpression": "REMOVE a", "ExpressionAttributeValues": {}},
    "a name that nothing uses": {"UpdateExpression": "REMOVE a", "ExpressionAttributeNames": {"#b": "b"}},
    "a reserved word": {"UpdateExpression": "REMOVE status"},
    "a reserved word in a condition": {"ConditionExpression": "attribute_exists(status)"},
    "a clause twice": {"UpdateExpression": "REMOVE a REMOVE b"},
    "an attribute twice": {
        "UpdateExpression": "SET a = :v, a = :v",
        "ExpressionAttributeValues": VALUE,
    },
    "the key": {"UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}},
    "no word": {"UpdateExpression": " "},
    "nonsense": {"UpdateExpression": "SET a == :v", "ExpressionAttributeValues": VALUE},
    "adding to what is not there": {"UpdateExpression": "SET a = b + :v", "ExpressionAttributeValues": VALUE},
    "adding to text": {"UpdateExpression": "SET a = text + :v", "ExpressionAttributeValues": VALUE},
    "adding text": {"UpdateExpression": "SET a = one + :v", "ExpressionAttributeValues": {":v": {"S": "1"}}},
    "copying what is not there": {"UpdateExpression": "SET a = b"},
    "appending to what is not there": {
        "UpdateExpression": "SET a = list_append(a, :v)",
        "ExpressionAttributeValues": {":v": {"L": []}},
    },
    "parentheses around parentheses": {"ConditionExpression": "((attribute_exists(pk)))"},
    "a key of another table": {"Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}},
    "an unknown table": {"TableName": "other"},
    "an answer that there is not": {"ReturnValues": "ALL"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_a_programmer_gets_wrong_is_refused_as_by_moto(moto: Any, wrong: dict[str, Any]) -> None:
    """The code is that of moto, and nothing is written."""
    tables = Tables(lambda: 0.0)
    item = {"pk": {"S": "wrong"}, "one": {"N": "1"}, "text": {"S": "a"}}
    codes = []
    for client in (tables, moto):
        client.put_item(TableName="traffic", Item=item)
        with pytest.raises(ClientError) as caught:
            client.update_item(**{"TableName": "traffic", "Key": {"pk": {"S": "wrong"}}} | wrong)
        codes.append(caught.value.response["Error"]["Code"])
    assert codes[0] == codes[1]
    assert tables.get_item(TableName="traffic", Key={"pk": {"S": "wrong"}})["Item"] == item
