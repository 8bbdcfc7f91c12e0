"""The admin chat has one message for each kind of failure, which shows in the end how often it happened."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from floodgate.admin.notices import moment
from floodgate.ingress.dead_letter import reference
from floodgate.state.fingerprints import FRESH_S, PAUSE_S
from tests.integration.deadletter.conftest import ADMIN, BUG, function, of_the_bug
from tests.integration.worker.conftest import text
from tests.unit.telegram.wire import TOKEN, flood, refusal

if TYPE_CHECKING:
    from tests.integration.deadletter.conftest import Letters
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import Call, TelegramWire

OTHER = "ba9876543210"
SECRET = "what Ann wrote"


def bury(letters: Letters, number: int, **changes: Any) -> str:
    """Queue the letter of somebody's message whose handler has that bug."""
    person = {"id": 8000 + number, "type": "private"}
    return letters.bury(text(f"/start {SECRET}", chat=person), **of_the_bug(number, **changes))


def to_admin(telegram: TelegramWire) -> list[Call]:
    """Return what was sent or edited in the admin chat."""
    return [call for call in telegram.calls if call.fields.get("chat_id") == ADMIN]


def counts(telegram: TelegramWire) -> list[tuple[str, str]]:
    """Return each call into the admin chat with the count that it shows."""
    return [(call.method, call.fields["text"].splitlines()[2].split(",")[0]) for call in to_admin(telegram)]


def test_a_failure_is_shown_with_buttons(cloud: Cloud, telegram: TelegramWire, shown: Letters) -> None:
    """What failed, where, how often, since when, one reference; and what can be done about it."""
    bury(shown, 1)
    assert shown.deliver() == []
    [call] = to_admin(telegram)
    at = cloud.clock.now
    assert call.fields["text"].splitlines() == [
        "⚠️ GardenFlooded in start",
        "bug: its handler failed each time",
        f"once, first {moment(at - 8.5)}, last {moment(at)}",
        f"Latest: {reference('message-1')}",
    ]
    buttons = [
        [(one["text"], one["callback_data"]) for one in row] for row in call.fields["reply_markup"]["inline_keyboard"]
    ]
    assert buttons == [
        [("Retry", f"floodgate:retry:{BUG}"), ("Retry all", f"floodgate:retry_all:{BUG}")],
        [("Discard", f"floodgate:discard:{BUG}"), ("Details", f"floodgate:details:{BUG}")],
    ]


def test_nothing_that_a_person_wrote_is_shown(telegram: TelegramWire, shown: Letters) -> None:
    """No text, no chat, no token."""
    bury(shown, 1)
    shown.deliver()
    said = str(to_admin(telegram))
    assert (SECRET in said, TOKEN in said, "8001" in said) == (False, False, False)


def test_without_an_admin_chat_nobody_is_asked(telegram: TelegramWire, letters: Letters) -> None:
    """The failure is kept, the user told, the letter done."""
    bury(letters, 1)
    assert letters.deliver() == []
    assert [chat for chat, _ in telegram.sent] == [8001]


def test_a_batch_is_one_message(telegram: TelegramWire, shown: Letters) -> None:
    """Ten letters of a kind show the count of ten at once; another kind is another message."""
    for number in range(9):
        bury(shown, number)
    bury(shown, 9, fingerprint=OTHER)
    assert shown.deliver() == []
    assert sorted(counts(telegram)) == [("sendMessage", "9 times"), ("sendMessage", "once")]


def test_the_message_is_edited_every_ten_seconds_at_most(cloud: Cloud, telegram: TelegramWire, shown: Letters) -> None:
    """A failure a second for a minute: one message, edits ten seconds apart, and the last count in the end."""
    for number in range(60):
        bury(shown, number)
        shown.deliver()
        cloud.clock.now += 1
    shown.settle()
    calls = to_admin(telegram)
    assert [call.method for call in calls] == ["sendMessage"] + ["editMessageText"] * (len(calls) - 1)
    pauses = [later.at - sooner.at for sooner, later in itertools.pairwise(calls)]
    assert min(pauses) >= PAUSE_S
    assert counts(telegram)[-1] == ("editMessageText", "60 times")
    assert {call.fields["message_id"] for call in calls[1:]} == {calls[1].fields["message_id"]}
    assert 5 <= len(pauses) <= 7
    assert len(telegram.sent) == 61


def test_two_functions_show_one_message(cloud: Cloud, telegram: TelegramWire, shown: Letters) -> None:
    """Whoever finds the message claimed leaves a letter behind, which sees to the rest."""
    bury(shown, 1)
    shown.deliver()
    second = function(cloud, admin=ADMIN)
    letter = bury(shown, 2)
    assert cloud.deliver(lambda event: second.drain(event, lambda: 90.0), cloud.dead_url) == [letter]
    shown.settle()
    assert counts(telegram) == [("sendMessage", "once"), ("editMessageText", "2 times")]


def test_a_letter_that_only_refreshes_counts_nothing_and_tells_nobody(
    cloud: Cloud, telegram: TelegramWire, shown: Letters
) -> None:
    """It was kept and its user told before."""
    for number in (1, 2):
        bury(shown, number)
        shown.deliver()
    shown.settle()
    assert sorted(chat for chat, _ in telegram.sent) == [8001, 8002, ADMIN]
    [kind] = [item for item in cloud.items("state") if item["pk"] == {"S": "fingerprint"}]
    assert (kind["count"], kind["shown_count"]) == ({"N": "2"}, {"N": "2"})


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize(
    "fault",
    [
        flood(17),
        refusal(502, "Bad Gateway"),
        httpx.ReadTimeout("late"),
        httpx.ConnectError("no route"),
        refusal(401, "Unauthorized"),
    ],
    ids=["flood", "broken", "silent", "unreachable", "unauthorized"],
)
@pytest.mark.parametrize("method", ["sendMessage", "editMessageText"])
def test_what_could_not_be_shown_is_shown_later(
    cloud: Cloud, telegram: TelegramWire, shown: Letters, method: str, fault: Exception | tuple[int, dict[str, Any]]
) -> None:
    """The user is told once all the same, and nothing is lost."""
    if method == "editMessageText":
        bury(shown, 1)
        shown.deliver()
        cloud.clock.now += PAUSE_S
    telegram.faults["sendMessage"] = [*([(200, {"ok": True, "result": SENT})] if method == "sendMessage" else [])]
    telegram.faults[method].append(fault)
    if method == "editMessageText":
        telegram.faults.pop("sendMessage")
    letter = bury(shown, 2)
    assert shown.deliver() == [letter]
    shown.settle()
    assert [chat for chat, _ in telegram.sent].count(8002) == 1
    shown_in_the_end = "once" if method == "sendMessage" else "2 times"
    assert counts(telegram)[-2:] == [(method, shown_in_the_end)] * 2


SENT = {"message_id": 1, "date": 1_781_136_000, "chat": {"id": 8002, "type": "private"}, "text": "x"}


@pytest.mark.parametrize(
    "fault",
    [
        refusal(403, "Forbidden: bot was blocked by the user"),
        refusal(400, "Bad Request: chat not found"),
        refusal(400, "Bad Request: not enough rights to send text messages to the chat"),
    ],
    ids=["blocked", "not found", "no rights"],
)
def test_an_admin_chat_that_refuses_holds_up_nothing(
    cloud: Cloud, telegram: TelegramWire, shown: Letters, fault: tuple[int, dict[str, Any]]
) -> None:
    """Each letter tries once at most, and is done; the users are told."""
    telegram.faults["sendMessage"] = [(200, {"ok": True, "result": SENT}), fault]
    for number in range(3):
        bury(shown, number)
        assert shown.deliver() == []
        telegram.faults["sendMessage"] = [(200, {"ok": True, "result": SENT}), fault]
        cloud.clock.now += 1
    assert (len(shown.kept), len(to_admin(telegram)) <= 3) == (3, True)
    assert {8000, 8001, 8002} <= {chat for chat, _ in telegram.sent}


def test_a_telegram_that_is_away_for_a_day_ends_it(telegram: TelegramWire, shown: Letters) -> None:
    """The failure is kept, /failures lists it; the letter does not come for ever."""
    telegram.faults["sendMessage"] = [httpx.ConnectError("no route")] * 10_000
    bury(shown, 1)
    shown.settle(within_s=2 * 86_400)
    assert len(shown.kept) == 1


@pytest.mark.parametrize("words", ["Bad Request: message to edit not found", "Bad Request: message can't be edited"])
def test_a_deleted_message_is_sent_anew(cloud: Cloud, telegram: TelegramWire, shown: Letters, words: str) -> None:
    """And edited from then on."""
    for number in range(3):
        if number == 1:
            telegram.faults["editMessageText"] = [refusal(400, words)]
        bury(shown, number)
        assert shown.deliver() == []
        cloud.clock.now += PAUSE_S
    assert counts(telegram) == [
        ("sendMessage", "once"),
        ("editMessageText", "2 times"),
        ("sendMessage", "2 times"),
        ("editMessageText", "3 times"),
    ]
    ids = [call.fields.get("message_id") for call in to_admin(telegram)]
    assert ids[1] != ids[3]


def test_after_a_quiet_day_there_is_a_new_message(cloud: Cloud, telegram: TelegramWire, shown: Letters) -> None:
    """An edit rings no bell, and nobody looks at what is far up in a chat."""
    for number, wait_s in enumerate((FRESH_S - 1, FRESH_S + 1, 0)):
        bury(shown, number)
        assert shown.deliver() == []
        cloud.clock.now += wait_s
    assert [call.method for call in to_admin(telegram)] == ["sendMessage", "editMessageText", "sendMessage"]


def test_poison_is_shown_too(telegram: TelegramWire, shown: Letters) -> None:
    """By its reason, since there is no error and no handler; however many bodies, it is one message."""
    for number in range(3):
        shown.bury(
            f"beans {number}", reason="poison", detail="body is not JSON", error=None, message_id=None, group=None
        )
    shown.settle()
    [call] = to_admin(telegram)
    assert call.fields["text"].splitlines()[:2] == ["⚠️ poison in none", "poison: it can never be handled"]
    assert counts(telegram) == [("sendMessage", "3 times")]


def test_a_redriven_update_is_handled_alike(cloud: Cloud, telegram: TelegramWire, shown: Letters) -> None:
    """Kept, its user told, the admin asked."""
    cloud.queue(text("/start"), "chat:7001", cloud.dead_url)
    assert shown.deliver() == []
    assert [chat for chat, _ in telegram.sent] == [7001, ADMIN]
    assert to_admin(telegram)[0].fields["text"].startswith("⚠️ redriven in message")


def test_who_has_no_time_left_is_told_later(telegram: TelegramWire, shown: Letters) -> None:
    """What is kept is kept; Lambda would kill what is begun too late."""
    shown.left_s = 10.0
    letter = bury(shown, 1)
    assert shown.deliver() == [letter]
    assert (len(shown.kept), telegram.calls) == (1, [])
    shown.left_s = 90.0
    shown.settle()
    assert [chat for chat, _ in telegram.sent] == [8001, ADMIN]


def test_a_retry_that_failed_again_is_told_to_nobody_and_shown(
    cloud: Cloud, telegram: TelegramWire, shown: Letters
) -> None:
    """Its user was told before; the admin sees the count grow."""
    bury(shown, 1, run="first")
    shown.deliver()
    cloud.clock.now += 120
    bury(shown, 1, run="second")
    shown.deliver()
    assert [chat for chat, _ in telegram.sent] == [8001, ADMIN]
    assert counts(telegram) == [("sendMessage", "once"), ("editMessageText", "2 times")]
    assert len(shown.kept) == 1
