"""`@limited` above a callback: a limit of its own that all workers keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from telegram.ext import CommandHandler, ConversationHandler, MessageHandler, TypeHandler, filters

from floodgate.telegram import limited
from floodgate.traffic.limits import LimitInvalid
from tests.integration.worker.conftest import Workers, text
from tests.integration.worker.scenes import (
    BOB,
    BOBS,
    echo,
    here,
    only,
    person,
    press,
    queue,
    said,
    settle,
)
from tests.integration.worker.test_failure import journal, put_back_for
from tests.unit.ingress.samples import GROUP
from tests.unit.telegram.wire import flood

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from floodgate.telegram.application import Register
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

TOO_FAST = "You are going too fast for me: I left something out. You may go on in 30 minutes."
TOO_BUSY = "There is more going on here than I can answer, so I left something out. I can go on in 30 minutes."


def with_limit(**limit: Any) -> tuple[Register, list[str]]:
    """Return a bot whose one callback has this limit, and the list of what the callback was given."""
    given: list[str] = []

    @limited(**limit)
    async def note(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        given.append(update.effective_message.text or "?")

    return only(note), given


def bobs(words: str) -> dict[str, Any]:
    """Return the update of a message that Bob writes in private."""
    return here(words, BOB, BOBS)


def test_a_person_has_so_many(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """In all chats together; above it the callback is not called, and the person is told once. Bob has his own."""
    register, given = with_limit(per_user="2/h")
    queue(cloud, *(text(f"ann {number}") for number in range(4)), *(bobs(f"bob {number}") for number in range(2)))
    settle(cloud, workers.drain(register))
    queue(cloud, here("ann again"))
    settle(cloud, workers.drain(register))
    assert sorted(given) == ["ann 0", "ann 1", "bob 0", "bob 1"]
    assert telegram.sent == [(7001, TOO_FAST)]


def test_a_chat_has_so_many(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """Whoever asks; the group is told that it is busy."""
    register, given = with_limit(per_chat="2/h")
    queue(cloud, *(here(f"line {number}", person(number)) for number in range(4)))
    settle(cloud, workers.drain(register))
    assert given == ["line 0", "line 1"]
    assert telegram.sent == [(GROUP["id"], TOO_BUSY)]


def test_a_notice_comes_once_per_quiet_period(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """And again when the period is over."""
    register, _ = with_limit(per_user="1/h")
    for wait_s in (0, 100, 100, 110):
        cloud.clock.now += wait_s
        queue(cloud, text("one"), text("two"))
        settle(cloud, workers.drain(register))
    assert len(telegram.sent) == 2


def test_a_button_is_told_by_its_answer(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """As it is above the bot's own limits."""
    register, given = with_limit(per_user="2/h")
    queue(cloud, *(press() for _ in range(4)))
    settle(cloud, workers.drain(register))
    assert (len(given), [(call.method, call.fields["text"]) for call in telegram.calls]) == (
        2,
        [("answerCallbackQuery", TOO_FAST)],
    )


def test_it_holds_across_workers(cloud: Cloud, workers: Workers) -> None:
    """Two execution environments in turn let through no more than one."""
    register, given = with_limit(per_user="3/h")
    drains = [workers.drain(register) for _ in range(2)]
    for number in range(8):
        queue(cloud, text(f"line {number}"))
        settle(cloud, drains[number % 2])
    assert given == ["line 0", "line 1", "line 2"]


@pytest.mark.parametrize(
    ("cost", "passed"),
    [
        (1, ["1", "2", "3", "4"]),
        (2, ["1", "2"]),
        (0, ["1", "2", "3", "4", "3"]),
        (-3, ["1", "2", "3", "4", "3"]),
        (float("nan"), ["1", "2", "3", "4", "3"]),
        (lambda update, _context: int(update.effective_message.text), ["1", "2"]),
        (1e30, ["1"]),
    ],
    ids=["one", "two", "free", "negative", "no number", "a function", "too much"],
)
def test_an_update_costs_what_it_is_said_to(cloud: Cloud, workers: Workers, cost: Any, passed: list[str]) -> None:
    """A number, or what a function makes of the update; what is free is never refused."""
    register, given = with_limit(per_user="4/h", cost=cost)
    queue(cloud, *(text(words) for words in ("1", "2", "3", "4", "3")))
    settle(cloud, workers.drain(register))
    assert given == passed


@pytest.mark.parametrize("cost", [4, 5, 1000, float("inf")])
def test_one_expensive_request_locks_nobody_out(cloud: Cloud, workers: Workers, cost: float) -> None:
    """It needs the whole burst and uses it up, so after the limit's own time there is room for another."""
    register, given = with_limit(per_chat="4/h", cost=cost)
    drain = workers.drain(register)
    began_at = cloud.clock()
    for second, words in ((0, "one"), (3590, "too early"), (3610, "two")):
        cloud.clock.now = began_at + second
        queue(cloud, here(words))
        settle(cloud, drain)
    assert given == ["one", "two"]


def test_a_retry_is_not_charged_again(cloud: Cloud, workers: Workers) -> None:
    """An update that fails and comes again is one, although the limit would let no second one through."""
    tried: list[int] = []

    @limited(per_user="1/h", per_chat="1/h")
    async def fail_first(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        tried.append(update.update_id)
        if len(tried) == 1:
            raise ValueError

    queue(cloud, text("hello"))
    settle(cloud, workers.drain(only(fail_first)))
    assert (len(tried), cloud.letters()) == (2, [])


@pytest.mark.parametrize("admin_chat_id", [7001, GROUP["id"]], ids=["person", "group"])
def test_admins_are_exempt(cloud: Cloud, telegram: TelegramWire, workers: Workers, admin_chat_id: int) -> None:
    """As from every other limit."""
    register, given = with_limit(per_user="1/h", per_chat="1/h")
    queue(cloud, *(here(f"line {number}") for number in range(4)))
    settle(cloud, workers.drain(register, admin_chat_id=admin_chat_id))
    assert (len(given), telegram.calls) == (4, [])


@pytest.mark.parametrize("words", ["often", "5/day", "0/min", "5/min burst 0", "-1/s", ""])
@pytest.mark.parametrize("kind", ["per_user", "per_chat"])
def test_what_nobody_understands_is_refused_where_it_is_written(kind: str, words: str) -> None:
    """A bot with a limit that is none does not even import, so it is not deployed."""
    with pytest.raises(LimitInvalid, match="is no limit"):
        limited(**{kind: words})  # type: ignore[arg-type] # any of the two


def test_a_conversation_stays_where_it_is(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """A step over its limit moves nothing on: the next answer still goes to the same step."""

    async def ask(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> int:
        assert update.effective_message
        await update.effective_message.reply_text("your name?")
        return 1

    @limited(per_user="1/h")
    async def take_name(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> int:
        return 1

    def register(app: App) -> None:
        states: dict[object, Any] = {1: [CommandHandler("end", echo), MessageHandler(filters.TEXT, take_name)]}
        app.add_handler(ConversationHandler([CommandHandler("start", ask)], states, [], name="name", persistent=True))

    drain = workers.drain(register)
    queue(cloud, *(text(words) for words in ("/start", "Ann", "Ann Smith", "/end")))
    settle(cloud, drain)
    assert said(telegram, 7001) == ["your name?", TOO_FAST.replace("30 minutes", "60 minutes"), "/end"]


def test_a_limited_handler_keeps_its_name_and_words() -> None:
    """What tools show of a callback is the callback's own."""

    @limited(per_user="1/h")
    async def water(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        """Water the beans."""

    assert (water.__name__, water.__doc__) == ("water", "Water the beans.")


def test_two_handlers_have_two_limits(cloud: Cloud, workers: Workers) -> None:
    """What one used up the other has left."""
    first, given_first = with_limit(per_user="1/h")
    given_second: list[str] = []

    @limited(per_user="1/h")
    async def water(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message
        given_second.append(update.effective_message.text or "?")

    def register(app: App) -> None:
        app.add_handler(CommandHandler("water", water))
        first(app)

    queue(cloud, text("one"), text("two"), text("/water"), text("/water"))
    settle(cloud, workers.drain(register))
    assert (given_first, given_second) == (["one"], ["/water"])


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
def test_a_notice_that_cannot_be_said_holds_nothing_up(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> None:
    """The update is over whether the notice was taken or not: it neither waits nor fails."""
    register, given = with_limit(per_user="1/h")
    telegram.faults["sendMessage"] = [flood(60)]
    queue(cloud, here("one"), here("two"))
    assert cloud.deliver(workers.drain(register)) == []
    assert (given, len(telegram.calls), cloud.left(), journal(cloud)) == (["one"], 1, 0, [])


@pytest.mark.parametrize("fault", ["ProvisionedThroughputExceededException", "InternalServerError"])
def test_without_the_store_a_limited_update_waits(cloud: Cloud, workers: Workers, fault: str) -> None:
    """A limit that cannot be checked is not skipped; the update is tried again, uncounted."""
    register_limited, given = with_limit(per_user="1/h")
    faults: list[Exception | str] = [fault]

    async def throttle(_update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
        cloud.wire.faults["UpdateItem gate"] = faults

    def register(app: App) -> None:
        app.add_handler(TypeHandler(object, throttle), group=-1)
        register_limited(app)

    drain = workers.drain(register)
    queue(cloud, text("one"))
    assert cloud.deliver(drain) != []
    assert (given, journal(cloud), put_back_for(cloud)) == ([], [], [[5]])
    settle(cloud, drain)
    assert given == ["one"]
