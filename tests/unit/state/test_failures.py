"""Failures are kept whole, counted once for each run that was given up, and changed only as they were seen."""

import json
import random
import string
import zlib
from collections.abc import Coroutine
from typing import Any

import pytest
from botocore.exceptions import ClientError

from floodgate.aws import AwsCalls
from floodgate.ingress.dead_letter import dead_letter
from floodgate.ingress.updates import QUEUE_LIMIT_BYTES
from floodgate.state.contents import INLINE_BYTES
from floodgate.state.dead_letter import DeadLetter
from floodgate.state.failures import KEPT_S, Failure, Failures
from floodgate.state.fingerprints import CLAIM_S, FRESH_S, OUTLIVES_S, PAUSE_S, Fingerprint, Fingerprints
from floodgate.state.transactions import Contended
from tests.integration.worker.cloud import Cloud
from tests.unit.delivery.virtual_time import run

NOW = 1_781_136_000.25
LARGEST_UPDATE_BYTES = 512 * 1024
ODD = string.ascii_letters + string.digits + "!#$%&()*+,-./:;<=>?@[]^_`{|}~"
BUG = "0123456789ab"


def letter(update: str = "x", **changes: Any) -> DeadLetter:
    """Return the letter of an update that was given up, whole."""
    fields: dict[str, Any] = {"reason": "bug", "detail": "it failed", "message_id": "m1", "fingerprint": BUG, **changes}
    _, made = dead_letter(update.encode(), **{"at": NOW, **fields})
    return DeadLetter.model_validate({**made, "update": update})


def update_of(size: int, letters: str) -> str:
    """Return an update of that many bytes whose text cannot be compressed beyond its alphabet."""
    frame = json.dumps({"update_id": 1, "message": {"text": ""}})
    words = "".join(random.Random(7).choices(letters, k=size - len(frame)))  # noqa: S311 - the same each time
    return frame.replace('"text": ""', f'"text": "{words}"')


@pytest.fixture
def failures(cloud: Cloud) -> Failures:
    """The failures in an empty table."""
    return Failures(cloud.client("dynamodb"), "state", AwsCalls(), cloud.clock)


@pytest.fixture
def kinds(cloud: Cloud) -> Fingerprints:
    """The fingerprints in that table."""
    return Fingerprints(cloud.client("dynamodb"), "state", AwsCalls())


def ask[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what it returns, on a loop of its own."""
    return run(coroutine)


def found(failures: Failures, name: str) -> Failure:
    """Return a failure that is kept."""
    failure = ask(failures.find(name))
    assert failure is not None
    return failure


def kind(kinds: Fingerprints, name: str = BUG) -> Fingerprint:
    """Return a fingerprint that is known."""
    known = ask(kinds.find(name))
    assert known is not None
    return known


def names(failures: Failures, fingerprint: str = BUG, **how: Any) -> list[str]:
    """Return the names of what is open."""
    return ask(failures.open_of(fingerprint, **how))


def test_a_failure_comes_back_as_it_was_kept(failures: Failures) -> None:
    """The letter with everything that it knows, and the journal."""
    told = letter(error="E", handler="start", stack=["a.py:1 f"], trace_id="Root=1", attempts=3)
    assert ask(failures.keep(told, b"calls", "m1", NOW)) is True
    assert found(failures, told.name) == Failure(told.name, told, b"calls", "open", 0)


def test_what_is_not_kept_is_not_found(failures: Failures, kinds: Fingerprints) -> None:
    """None is no error: it may have expired."""
    assert ask(failures.find("AAAAA-22222")) is None
    assert ask(kinds.find(BUG)) is None


def test_a_run_counts_once(failures: Failures, kinds: Fingerprints) -> None:
    """The same letter, handed out or even sent twice, is one failure; who keeps it first is told so."""
    assert ask(failures.keep(letter("x", attempts=3), b"", "m1", NOW)) is True
    assert ask(failures.keep(letter("x", attempts=4), b"", "m1", NOW + 1)) is False
    assert (kind(kinds).count, found(failures, letter().name).letter.attempts) == (1, 3)


def test_another_run_of_the_update_counts_again(failures: Failures, kinds: Fingerprints) -> None:
    """A retry that failed again is open again, with its own journal, and its next retry is another."""
    ask(failures.keep(letter(), b"one", "m1", NOW))
    ask(failures.close([found(failures, letter().name)], BUG, "retried", retries=1))
    assert names(failures) == []
    assert ask(failures.keep(letter(at=NOW + 60), b"two", "m2", NOW + 60)) is True
    again = found(failures, letter().name)
    assert (again.state, again.retries, again.journal, kind(kinds).count) == ("open", 1, b"two", 2)
    assert names(failures) == [again.name]


def test_an_old_letter_does_not_open_what_was_retried(failures: Failures, kinds: Fingerprints) -> None:
    """A letter that waited to be shown may come after the admin's press: its run is known."""
    ask(failures.keep(letter(), b"", "m1", NOW))
    ask(failures.close([found(failures, letter().name)], BUG, "retried", retries=1))
    assert ask(failures.keep(letter(), b"", "m1", NOW + 10)) is False
    assert (found(failures, letter().name).state, kind(kinds).count) == ("retried", 1)


def test_a_retry_that_failed_before_it_was_marked_counts_as_sent(failures: Failures) -> None:
    """Or the next retry would have the same number, and SQS would swallow it; and its mark comes too late."""
    ask(failures.keep(letter(), b"", "m1", NOW))
    seen = found(failures, letter().name)
    ask(failures.keep(letter(), b"", "m2", NOW + 1))
    assert ask(failures.close([seen], BUG, "retried", retries=1)) == 0
    assert found(failures, seen.name) == Failure(seen.name, letter(), b"", "open", 1)


def test_what_changed_meanwhile_stays_and_the_rest_closes(failures: Failures, kinds: Fingerprints) -> None:
    """Ten close in one transaction; if that fails for one of them, the others do so one by one."""
    for number in range(3):
        ask(failures.keep(letter(message_id=f"m{number}"), b"", f"m{number}", NOW))
    seen = [found(failures, letter(message_id=f"m{number}").name) for number in range(3)]
    ask(failures.close(seen[:1], BUG, "discarded"))
    assert ask(failures.close(seen, BUG, "retried", retries=1)) == 2
    assert [found(failures, one.name).state for one in seen] == ["discarded", "retried", "retried"]
    assert (kind(kinds).discarded, kind(kinds).retried, ask(failures.count_open(BUG))) == (1, 2, 0)


def test_the_open_ones_are_listed_by_time(failures: Failures) -> None:
    """Oldest first, or newest first, and no more than asked for; those of other fingerprints apart."""
    for number in range(25):
        told = letter(message_id=f"m{number}", at=NOW + number)
        ask(failures.keep(told, b"", f"m{number}", NOW))
    ask(failures.keep(letter(message_id="other", fingerprint="b" * 12), b"", "other", NOW))
    expected = [letter(message_id=f"m{number}").name for number in range(25)]
    assert names(failures) == expected
    assert names(failures, newest_first=True) == expected[::-1]
    assert names(failures, newest_first=True, most=7) == expected[:-8:-1]
    assert ask(failures.count_open(BUG)) == 25


def test_what_was_counted_is_summed_up(failures: Failures, kinds: Fingerprints) -> None:
    """From the first to the last, with the latest's error, handler and name."""
    ask(failures.keep(letter(message_id="m1", error="E", handler="a", at=NOW), b"", "m1", NOW))
    ask(failures.keep(letter(message_id="m2", error="E", handler="b", at=NOW + 5), b"", "m2", NOW + 5))
    known = kind(kinds)
    assert (known.count, known.first_at, known.last_at) == (2, NOW, NOW + 5)
    assert (known.error, known.handler, known.latest) == ("E", "b", letter(message_id="m2").name)
    assert [one.name for one in ask(kinds.newest())] == [BUG]


@pytest.mark.parametrize("fingerprint", [None, "", "no digits", "0123456789AB"])
def test_a_letter_without_a_fingerprint_gets_one(fingerprint: str | None) -> None:
    """Made of reason and error, so that the same trouble is one message to the admin."""
    poison = letter(reason="poison", fingerprint=fingerprint).error_name
    assert len(poison) == 12
    assert poison == letter(reason="poison", fingerprint=fingerprint, message_id="m2").error_name
    assert poison != letter(reason="redriven", fingerprint=fingerprint).error_name


def test_a_failure_is_kept_for_fourteen_days(cloud: Cloud, failures: Failures) -> None:
    """From when it was kept, not from when it failed; what was counted as long as the last of it."""
    ask(failures.keep(letter(), b"", "m1", NOW))
    expiries = {item["pk"]["S"]: int(item["expires_at"]["N"]) for item in cloud.items("state") if "expires_at" in item}
    assert expiries == {"failure": int(NOW) + KEPT_S, "fingerprint": int(NOW) + KEPT_S + OUTLIVES_S}
    assert KEPT_S == 14 * 24 * 3600


@pytest.mark.parametrize(
    "letters",
    ["beans", string.ascii_letters + string.digits, "абвгдежзийклмнопрстуфхцчшщъыьэюя", '\\"'],
    ids=["words", "base64", "Cyrillic", "escapes"],
)
def test_the_largest_update_is_kept_whole(failures: Failures, letters: str) -> None:
    """Half a megabyte does not fit into an item; compressed it does, or it takes another one."""
    told = letter(update_of(LARGEST_UPDATE_BYTES // len(letters[0].encode()), letters))
    ask(failures.keep(told, b"calls", "m1", NOW))
    assert found(failures, told.name).letter == told


@pytest.mark.parametrize("journal_bytes", [0, INLINE_BYTES, 3_000_000])
def test_what_does_not_fit_into_an_item_is_split(cloud: Cloud, failures: Failures, journal_bytes: int) -> None:
    """As much as a queue takes, and a journal of any length: whole again when read, and gone with its failure."""
    journal = random.Random(7).randbytes(journal_bytes)  # noqa: S311 - the same each time
    told = letter(update_of(QUEUE_LIMIT_BYTES - 1024, ODD))
    ask(failures.keep(told, journal, "m1", NOW))
    assert found(failures, told.name) == Failure(told.name, told, journal, "open", 0)
    parts = [item for item in cloud.items("state") if "content" in item]
    assert len(parts) >= 3
    assert {(item["pk"]["S"], item["expires_at"]["N"]) for item in parts} == {("failure", str(int(NOW) + KEPT_S))}
    assert all(len(item["content"]["B"]) < 400_000 for item in parts)


def test_a_failure_of_an_older_deployment_can_be_read(cloud: Cloud, failures: Failures) -> None:
    """It had no state, no fingerprint and no stack; it is open."""
    old = letter(fingerprint=None)
    item: dict[str, Any] = {
        "pk": {"S": "failure"},
        "sk": {"S": old.name},
        "update": {"B": zlib.compress(b"x")},
        **{name: {"S": getattr(old, name)} for name in ("reason", "detail", "group", "queue", "sha256", "message_id")},
        **{name: {"N": str(getattr(old, name))} for name in ("attempts", "first_at", "last_at", "length")},
    }
    cloud.dynamodb.put_item(TableName="state", Item=item)
    assert found(failures, old.name) == Failure(old.name, old, b"", "open", 0)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "PutItem"])
def test_an_aws_that_refuses_is_an_error(cloud: Cloud, failures: Failures, operation: str) -> None:
    """It is not kept, and nobody may think that it was kept before."""
    cloud.wire.faults[operation] = ["AccessDeniedException"]
    told = letter(update_of(LARGEST_UPDATE_BYTES, ODD))
    with pytest.raises(ClientError, match="AccessDeniedException"):
        ask(failures.keep(told, b"", "m1", NOW))
    assert ask(failures.find(told.name)) is None


def test_transactions_that_meet_are_tried_again(
    cloud: Cloud, failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB cancels one of two that change the same count; for ever is an error."""
    dynamodb = cloud.client("dynamodb")
    real = dynamodb.transact_write_items
    conflict = ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": ""},
            "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
        },
        "TransactWriteItems",
    )
    left = [conflict, conflict]

    def meet(**asked: Any) -> Any:
        if left:
            raise left.pop()
        return real(**asked)

    monkeypatch.setattr(dynamodb, "transact_write_items", meet)
    assert ask(failures.keep(letter(), b"", "m1", NOW)) is True
    left += [conflict] * 100
    with pytest.raises(Contended):
        ask(failures.keep(letter(message_id="m2"), b"", "m2", NOW))
    with pytest.raises(Contended):
        ask(failures.close([found(failures, letter().name)], BUG, "discarded"))


def test_one_is_to_tell_the_user(failures: Failures) -> None:
    """The first who asks, however often; another once it was taken back, which nobody else can do."""
    ask(failures.keep(letter(), b"", "m1", NOW))
    name = letter().name
    assert [ask(failures.begin_telling(name, owner)) for owner in ("a", "b", "a")] == [True, False, True]
    ask(failures.not_told(name, "b"))
    assert ask(failures.begin_telling(name, "b")) is False
    ask(failures.not_told(name, "a"))
    assert ask(failures.begin_telling(name, "b")) is True
    assert ask(failures.begin_telling("AAAAA-22222", "a")) is False


def test_the_count_is_shown_by_one_at_a_time(failures: Failures, kinds: Fingerprints) -> None:
    """One claims, the others learn until when; what is shown is not claimed, and no sooner than the pause is over."""
    ask(failures.keep(letter(), b"", "m1", NOW))
    assert ask(kinds.claim(BUG, "a", NOW))[0] is True
    assert ask(kinds.claim(BUG, "a", NOW))[0] is True
    is_mine, seen = ask(kinds.claim(BUG, "b", NOW + 1))
    assert (is_mine, seen.claimed_until, seen.shown_count, seen.count) == (False, NOW + CLAIM_S, 0, 1)
    ask(kinds.show(BUG, 77, 1, NOW + 2))
    assert ask(kinds.claim(BUG, "b", NOW + 100))[0] is False
    ask(failures.keep(letter(message_id="m2"), b"", "m2", NOW + 3))
    assert ask(kinds.claim(BUG, "b", NOW + 2 + PAUSE_S - 0.01))[0] is False
    is_mine, seen = ask(kinds.claim(BUG, "b", NOW + 2 + PAUSE_S))
    assert (is_mine, seen.message_id, seen.shown_count, seen.count) == (True, 77, 1, 2)
    assert PAUSE_S == 10 < CLAIM_S < FRESH_S


def test_a_claim_is_released_by_its_owner(failures: Failures, kinds: Fingerprints) -> None:
    """Whose words did not arrive; and it ends by itself if that one died."""
    ask(failures.keep(letter(), b"", "m1", NOW))
    ask(kinds.claim(BUG, "a", NOW))
    ask(kinds.release(BUG, "b", NOW))
    assert ask(kinds.claim(BUG, "b", NOW))[0] is False
    ask(kinds.release(BUG, "a", NOW + 5))
    assert ask(kinds.claim(BUG, "b", NOW + 4))[0] is False
    assert ask(kinds.claim(BUG, "b", NOW + 5))[0] is True
    assert ask(kinds.claim(BUG, "c", NOW + 5 + CLAIM_S))[0] is True
