"""A flood from one person or into one group: the first are answered, the rest is dropped, and it is said once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    BOB,
    BOBS,
    awake,
    counted,
    echoing,
    happens,
    here,
    limits,
    only,
    person,
    press,
    queue,
    said,
    settle,
)
from tests.integration.worker.test_failure import journal
from tests.unit.ingress.samples import ANN, CHANNEL, GROUP, PRIVATE, message
from tests.unit.telegram.wire import flood, refusal

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

#: One message is a minute's third: three at once, then one each 20 s.
THREE = limits(user="3/min", bot="off")
TOO_FAST = "You are going too fast for me: I left something out. You may go on in 20 seconds."
TOO_BUSY = "There is more going on here than I can answer, so I left something out. I can go on in 30 seconds."


def words(count: int, start: int = 0) -> list[str]:
    """Return what somebody says who says a lot."""
    return [f"line {number}" for number in range(start, start + count)]


def test_a_flood_is_answered_up_to_the_limit_and_told_once(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """The first of a burst are answered, the rest is gone from the queue, and one notice says when to go on."""
    queue(cloud, *(text(line) for line in words(9)))
    assert cloud.deliver(workers.drain(echoing, inbound=THREE)) == []
    assert said(telegram, 7001) == [*words(3), TOO_FAST]
    assert (cloud.left(), cloud.letters(), journal(cloud)) == (0, [], [])


def test_the_notice_keeps_its_word(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Just before the time that was named the person is still refused, and at that time answered."""
    drain = workers.drain(echoing, inbound=THREE)
    told_at = cloud.clock()
    queue(cloud, *(text(line) for line in words(4)))
    cloud.deliver(drain)
    for second, line in ((19.5, "early"), (20.1, "late"), (20.2, "early again")):
        cloud.clock.now = told_at + second
        queue(cloud, text(line))
        assert cloud.deliver(drain) == []
    assert said(telegram, 7001) == [*words(3), TOO_FAST, "late"]


def test_a_quiet_period_has_one_notice(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Whoever goes on flooding is not told again for five minutes, on whichever worker, and then once more."""
    drains = [workers.drain(echoing, inbound=THREE) for _ in range(2)]
    began_at = cloud.clock()
    for second in (0, 60, 120, 180, 240, 301, 361):
        cloud.clock.now = began_at + second
        queue(cloud, *(text("beans") for _ in range(4)))
        for drain in drains:
            cloud.deliver(drain)
    notices = [call.at - began_at for call in telegram.calls if call.fields["text"] == TOO_FAST]
    assert notices == [pytest.approx(0, abs=3), pytest.approx(301, abs=3)]
    assert cloud.left() == 0


def test_a_flooder_uses_up_nobodys_limit_but_their_own(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """In a group a person is charged first, and what is refused there does not count for the group."""
    drain = workers.drain(echoing, inbound=limits(user="3/min", chat="6/min", bot="off"))
    queue(cloud, *(here(f"/{line}") for line in words(9)))
    queue(cloud, *(here(line, BOB) for line in ("one", "two", "three")))
    settle(cloud, drain)
    assert said(telegram, GROUP["id"]) == [*(f"/{line}" for line in words(3)), TOO_FAST, "one", "two", "three"]


def test_a_person_is_told_in_the_group(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """As a reply to what they wrote, in its topic, so that everybody sees whom it is about; not in private."""
    topic: dict[str, Any] = {"is_topic_message": True, "message_thread_id": 5}
    queue(cloud, *(here("/beans", **topic) for _ in range(4)))
    settle(cloud, workers.drain(only(nothing), inbound=THREE))
    [call] = telegram.calls
    assert (call.fields["chat_id"], call.fields["text"], call.fields["message_thread_id"]) == (GROUP["id"], TOO_FAST, 5)
    assert call.fields["reply_parameters"] == {"message_id": 42, "allow_sending_without_reply": True}


async def nothing(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Do nothing."""


def test_a_group_has_a_limit_of_its_own(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Many people together are too many as well: the group is told, once, that it is."""
    queue(cloud, *(here(f"/line {number}", person(number)) for number in range(6)))
    settle(cloud, workers.drain(echoing, inbound=limits(chat="2/min", bot="off")))
    assert said(telegram, GROUP["id"]) == ["/line 0", "/line 1", TOO_BUSY]


def test_what_people_say_to_each_other_is_not_interrupted(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Lines above the limit that ask the bot for nothing are left out in silence; the next command is told."""
    drain = workers.drain(only(nothing), inbound=THREE)
    queue(cloud, *(here(line) for line in words(6)))
    settle(cloud, drain)
    assert telegram.calls == []
    queue(cloud, here("/beans"))
    settle(cloud, drain)
    assert said(telegram, GROUP["id"]) == [TOO_FAST]


def test_a_persons_limit_holds_in_all_chats_together(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """What Ann uses up in a group she has not left in private."""
    drain = workers.drain(echoing, inbound=THREE)
    queue(cloud, *(here(line) for line in words(3)))
    settle(cloud, drain)
    queue(cloud, text("and here"))
    settle(cloud, drain)
    assert (said(telegram, GROUP["id"]), said(telegram, 7001)[0][:26]) == (words(3), TOO_FAST[:26])


ANONYMOUS: dict[str, Any] = {"id": 1087968824, "is_bot": True, "first_name": "Group"}


@pytest.mark.parametrize("speaker", [GROUP, CHANNEL], ids=["anonymous admin", "channel"])
def test_who_speaks_as_a_chat_is_no_person(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, speaker: dict[str, Any]
) -> None:
    """Telegram gives all of them the same `from`: the group's limit holds for them, and no person's."""
    queue(cloud, *(here(line, ANONYMOUS, sender_chat=speaker) for line in words(6)))
    settle(cloud, workers.drain(echoing, inbound=THREE))
    assert said(telegram, GROUP["id"]) == words(6)
    assert {item["pk"]["S"] for item in cloud.items("traffic")} == {f"gate#{GROUP['id']}"}


CHANNEL_BOT: dict[str, Any] = {"id": 136817688, "is_bot": True, "first_name": "Channel"}


@pytest.mark.parametrize("user", [None, CHANNEL_BOT], ids=["no user", "stand-in"])
def test_who_votes_as_a_chat_is_no_person(cloud: Cloud, workers: Workers, user: dict[str, Any] | None) -> None:
    """Of every channel's vote Telegram names the same user, or none: all are handled."""
    handled: list[int] = []

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    vote = {"poll_id": "5068", "voter_chat": CHANNEL, "option_ids": [0], "option_persistent_ids": ["a"]}
    votes = [happens("poll_answer", vote if user is None else {**vote, "user": user}) for _ in range(30)]
    queue(cloud, *votes)
    settle(cloud, workers.drain(only(note), inbound=limits(user="3/h", chat="3/h", bot="off")))
    assert handled == [vote["update_id"] for vote in votes]


@pytest.mark.parametrize("chat", [PRIVATE, GROUP], ids=["private", "group"])
def test_a_button_over_the_limit_is_told_by_its_answer(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, chat: dict[str, Any]
) -> None:
    """The word stands above the button, where only the one who pressed it sees it; no message is sent."""
    queue(cloud, *(press(chat, query=str(number)) for number in range(6)))
    assert cloud.deliver(workers.drain(only(nothing), inbound=THREE)) == []
    assert [(call.method, call.fields) for call in telegram.calls] == [
        ("answerCallbackQuery", {"callback_query_id": 3, "text": TOO_FAST})
    ]


@pytest.mark.parametrize(
    "update",
    [
        happens("inline_query", {"id": "8", "from": ANN, "query": "frost", "offset": ""}),
        happens("chosen_inline_result", {"result_id": "r1", "from": ANN, "query": "frost"}),
        happens("guest_message", message(GROUP, guest_query_id="gq1")),
        happens("message_reaction", {"chat": PRIVATE, "user": ANN, "message_id": 1, "date": 0, "old_reaction": []}),
        happens("channel_post", message(CHANNEL, None)),
    ],
    ids=lambda update: list(update)[1],
)
def test_where_nobody_waits_for_a_word_none_is_said(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, update: dict[str, Any]
) -> None:
    """Inline queries, what was written to a bot that is no member, reactions and posts are dropped in silence.

    And the quiet period does not begin: the next message is told. Of inline queries five count as one.
    """
    handled: list[int] = []

    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        handled.append(update.update_id)

    kind = list(update)[1]
    extra: dict[str, Any] = {"new_reaction": []} if kind == "message_reaction" else {}
    allowed = 1 + 2 * (5 if kind == "inline_query" else 1)
    queue(cloud, *(happens(kind, {**update[kind], **extra}) for _ in range(allowed + 3)))
    settle(cloud, workers.drain(only(note), inbound=limits(user="3/h", chat="3/h", bot="off")))
    assert (len(handled), telegram.calls, cloud.left()) == (allowed, [], 0)
    assert not any("told_until" in item for item in cloud.items("traffic"))


@pytest.mark.parametrize(
    "fault", [flood(3600), refusal(403, "Forbidden: bot was blocked by the user")], ids=["429", "403"]
)
@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
def test_a_notice_that_cannot_be_said_holds_nothing_up(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, fault: Any
) -> None:
    """It is lost, and what was dropped stays dropped."""
    telegram.faults["sendMessage"] = [fault]
    queue(cloud, *(text(line) for line in words(4)))
    assert cloud.deliver(workers.drain(only(nothing), inbound=THREE)) == []
    assert (len(telegram.calls), cloud.left(), journal(cloud)) == (1, 0, [])


def test_a_notice_takes_no_longer_than_an_update_may(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Telegram may hang as long as it likes; the invocation must not be cut off by Lambda for a courtesy."""
    telegram.slowness_s["sendMessage"] = 60.0
    queue(cloud, *(text(line) for line in words(4)))
    began_at = cloud.clock()
    assert cloud.deliver(workers.drain(only(nothing), inbound=THREE, deadline_s=10)) == []
    assert cloud.clock() - began_at == pytest.approx(10 / 3, abs=0.5)
    assert cloud.left() == 0


def test_what_was_counted_is_one_line_per_batch(
    cloud: Cloud, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """A batch in which nothing was dropped writes none; one with drops writes each count once, for its queue."""
    drain = awake(cloud, workers.drain(only(nothing), inbound=THREE))
    queue(cloud, *(text("beans") for _ in range(2)))
    cloud.deliver(drain)
    assert counted(capsys) == []
    copied = here("beans", BOB, BOBS)
    queue(cloud, *(text("beans") for _ in range(5)), copied, copied)
    cloud.deliver(drain)
    assert counted(capsys) == [{"UpdatesDuplicated": 1, "UpdatesLimited": 4}]


def test_who_wrote_at_ease_is_within_the_limit_when_all_of_it_is_handled_at_once(
    cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Twenty messages in as many minutes, while the bot was held up: each is answered, and none is going too fast."""
    for number in range(20):
        queue(cloud, text(f"line {number}"))
        cloud.clock.advance(60)
    settle(cloud, workers.drain(echoing))
    assert said(telegram, 7001) == [f"line {number}" for number in range(20)]


def test_a_flood_that_was_held_up_is_a_flood_all_the_same(
    cloud: Cloud, telegram: TelegramWire, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hundred messages at once, handled minutes later: a burst for when they came, and one for now, and no more."""
    queue(cloud, *(text(f"line {number}") for number in range(100)))
    cloud.clock.advance(600)
    settle(cloud, workers.drain(echoing))
    assert 10 <= sum(words.startswith("line") for words in said(telegram, 7001)) <= 25 + 30
    assert sum(counts.get("UpdatesLimited", 0) for counts in counted(capsys)) >= 40
