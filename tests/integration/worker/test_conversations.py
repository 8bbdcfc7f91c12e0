"""Conversations whose every step runs on a worker of its own, with python-telegram-bot's own rules."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from telegram import Update
from telegram.error import NetworkError
from telegram.ext import (
    ApplicationHandlerStop,
    CallbackQueryHandler,
    CommandHandler,
    ConversationHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from floodgate.telegram.interface import HandlerNotUnderstood, describe
from tests.integration.worker.conftest import text
from tests.integration.worker.due import Due
from tests.unit.ingress.samples import ANN, GROUP, PRIVATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram.ext import ContextTypes

    from floodgate.telegram import App
    from tests.integration.worker.cloud import Cloud
    from tests.integration.worker.conftest import Workers
    from tests.unit.telegram.wire import TelegramWire

    type Register = Callable[[App], None]
    type Step = Callable[[Update, ContextTypes.DEFAULT_TYPE], Any]

BOB = {**ANN, "id": 7002, "first_name": "Bob"}
WORDS = filters.TEXT & ~filters.COMMAND


def says(words: str, then: object = None) -> Step:
    """Return a callback that says something and returns the next state."""

    async def callback(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> object:
        assert update.effective_message is not None
        await update.effective_message.reply_text(words)
        return then

    return callback


@dataclass
class Talk:
    """What somebody says to a bot, and what it answers; each message to a worker that is new."""

    cloud: Cloud
    telegram: TelegramWire
    workers: Workers
    register: Register

    def say(self, words: str, chat: dict[str, Any] = PRIVATE, **changes: Any) -> list[str]:
        """Return the answers."""
        return self.send(text(words, chat=chat, **changes), chat)

    def press(self, data: str, message_id: int = 500, chat: dict[str, Any] = PRIVATE) -> list[str]:
        """Return what a pressed button is answered with."""
        update = text("x", chat=chat)
        message = {**update.pop("message"), "message_id": message_id}
        query = {"id": "1", "from": ANN, "chat_instance": "1", "data": data, "message": message}
        return self.send({**update, "callback_query": query}, chat)

    def send(self, update: dict[str, Any], chat: dict[str, Any] = PRIVATE) -> list[str]:
        """Return what is answered to an update."""
        before = len(self.telegram.sent)
        self.cloud.clock.advance(1)  # nobody types faster
        self.cloud.queue(update, f"chat:{chat['id']}")
        assert self.cloud.deliver(self.workers.drain(self.register)) == []
        assert self.cloud.left() == 0
        return [words for _, words in self.telegram.sent[before:]]


@pytest.fixture
def talk(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> Callable[[Register], Talk]:
    """Talk to a bot."""
    return lambda register: Talk(cloud, telegram, workers, register)


def order(**changes: Any) -> Register:
    """Return a bot that takes an order in two steps."""

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                entry_points=[CommandHandler("order", says("What?", "what"))],
                states={
                    "what": [MessageHandler(WORDS, says("How many?", "how many"))],
                    "how many": [
                        MessageHandler(filters.Regex(r"^\d+$"), says("Ordered.", ConversationHandler.END)),
                        MessageHandler(WORDS, says("A number, please.")),
                    ],
                },
                fallbacks=[CommandHandler("cancel", says("Never mind.", ConversationHandler.END))],
                **{"name": "order", "persistent": True, **changes},
            )
        )
        app.add_handler(MessageHandler(filters.ALL, says("?")))

    return register


def test_each_step_may_run_on_another_worker(talk: Callable[[Register], Talk]) -> None:
    """Through to the end, and from its beginning again."""
    ann = talk(order())
    for _ in range(2):
        assert ann.say("seeds") == ["?"]
        assert ann.say("/order") == ["What?"]
        assert ann.say("seeds") == ["How many?"]
        assert ann.say("many") == ["A number, please."]
        assert ann.say("3") == ["Ordered."]


def test_a_fallback_ends_it(talk: Callable[[Register], Talk]) -> None:
    """Whatever step it is in; an entry point is none of its steps."""
    ann = talk(order())
    ann.say("/order")
    assert ann.say("/order") == ["?"]
    assert ann.say("/cancel") == ["Never mind."]
    assert ann.say("/cancel") == ["?"]


def test_reentry_starts_anew(talk: Callable[[Register], Talk]) -> None:
    """If the conversation allows it."""
    ann = talk(order(allow_reentry=True))
    ann.say("/order")
    ann.say("seeds")
    assert ann.say("/order") == ["What?"]
    assert ann.say("beans") == ["How many?"]


def test_people_in_a_group_have_conversations_of_their_own(talk: Callable[[Register], Talk]) -> None:
    """And in each of their chats another one."""
    bot = talk(order())
    bot.say("/order", GROUP)
    assert bot.say("seeds", GROUP, **{"from": BOB}) == ["?"]
    assert bot.say("seeds") == ["?"]
    assert bot.say("seeds", GROUP) == ["How many?"]


@pytest.mark.parametrize(
    ("per", "where", "answer"),
    [
        ({"per_user": False}, (GROUP, BOB), "How many?"),
        ({"per_user": False}, (PRIVATE, ANN), "?"),
        ({"per_chat": False}, (PRIVATE, ANN), "How many?"),
        ({"per_chat": False}, (GROUP, BOB), "?"),
    ],
)
def test_a_conversation_may_be_of_a_whole_chat_or_of_a_person_anywhere(
    talk: Callable[[Register], Talk], per: dict[str, bool], where: tuple[dict[str, Any], dict[str, Any]], answer: str
) -> None:
    """As its `per_chat` and `per_user` say."""
    bot = talk(order(**per))
    bot.say("/order", GROUP)
    chat, person = where
    assert bot.say("seeds", chat, **{"from": person}) == [answer]


def test_a_conversation_of_a_message(talk: Callable[[Register], Talk]) -> None:
    """Two menus of one person are two conversations."""

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                entry_points=[CallbackQueryHandler(says("one", 1), "first")],
                states={1: [CallbackQueryHandler(says("two", ConversationHandler.END), "second")]},
                fallbacks=[],
                per_message=True,
                name="menu",
                persistent=True,
            )
        )
        app.add_handler(CallbackQueryHandler(says("?")))

    ann = talk(register)
    assert ann.press("first", 500) == ["one"]
    assert ann.press("second", 501) == ["?"]
    assert ann.press("second", 500) == ["two"]


def test_a_failed_step_is_not_taken(
    talk: Callable[[Register], Talk], cloud: Cloud, telegram: TelegramWire, workers: Workers
) -> None:
    """Its retry finds the conversation where it was, and answers once."""
    failures = [NetworkError("down")]

    async def ask(update: Update, context: ContextTypes.DEFAULT_TYPE) -> object:
        state = await says("How many?", "how many")(update, context)
        if failures:
            raise failures.pop()
        return state

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                entry_points=[CommandHandler("order", says("What?", "what"))],
                states={
                    "what": [MessageHandler(WORDS, ask)],
                    "how many": [MessageHandler(WORDS, says("Ordered.", ConversationHandler.END))],
                },
                fallbacks=[],
                name="order",
                persistent=True,
            )
        )

    ann = talk(register)
    ann.say("/order")
    telegram.calls.clear()
    cloud.queue(text("seeds"), "chat:7001")
    cloud.deliver(workers.drain(register))
    cloud.queue(text("3"), "chat:7001")
    while cloud.left():
        cloud.clock.advance(10)
        cloud.deliver(workers.drain(register))
    assert [words for _, words in telegram.sent] == ["How many?", "Ordered."]


def test_conversations_may_be_nested(talk: Callable[[Register], Talk]) -> None:
    """The child's states and the parent's, and the way back by `map_to_parent`."""

    def register(app: App) -> None:
        child = ConversationHandler(
            entry_points=[CommandHandler("address", says("Street?", "street"))],
            states={
                "street": [MessageHandler(WORDS, says("Town?", "town"))],
                "town": [MessageHandler(WORDS, says("Thanks.", "have it"))],
            },
            fallbacks=[CommandHandler("stop", says("Stopped.", ConversationHandler.END))],
            map_to_parent={"have it": "pay", ConversationHandler.END: ConversationHandler.END},
            name="address",
            persistent=True,
        )
        app.add_handler(
            ConversationHandler(
                entry_points=[CommandHandler("order", says("What?", "what"))],
                states={"what": [child], "pay": [MessageHandler(WORDS, says("Paid.", ConversationHandler.END))]},
                fallbacks=[],
                name="order",
                persistent=True,
            )
        )
        app.add_handler(MessageHandler(filters.ALL, says("?")))

    ann = talk(register)
    assert ann.say("/address") == ["?"]
    said = [ann.say(words) for words in ("/order", "/address", "High Street", "York", "cash", "more")]
    assert said == [["What?"], ["Street?"], ["Town?"], ["Thanks."], ["Paid."], ["?"]]
    for words in ("/order", "/address", "/stop"):
        ann.say(words)
    assert ann.say("seeds") == ["?"]


class States(enum.Enum):
    """States that are no text."""

    WHAT = enum.auto()


def of_one_state(state: object) -> Register:
    """Return a bot whose conversation has one state."""

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                entry_points=[CommandHandler("order", says("What?", state))],
                states={state: [MessageHandler(WORDS, says("Ordered.", ConversationHandler.END))]},
                fallbacks=[],
                name="order",
                persistent=True,
            )
        )
        app.add_handler(MessageHandler(filters.ALL, says("?")))

    return register


@pytest.mark.parametrize("state", [0, "a", (1, "b"), States.WHAT, None.__class__], ids=repr)
def test_a_state_may_be_anything_that_a_dict_may_have_for_a_key(
    talk: Callable[[Register], Talk], state: object
) -> None:
    """Numbers (and 0 is one), tuples, enums."""
    ann = talk(of_one_state(state))
    assert [ann.say("/order"), ann.say("seeds"), ann.say("seeds")] == [["What?"], ["Ordered."], ["?"]]


def test_a_state_that_a_new_version_does_not_know_ends_the_conversation(talk: Callable[[Register], Talk]) -> None:
    """Nobody is caught in a step that is no more: with an enum that was renamed, it starts anew."""

    def version(name: str) -> Register:
        states: Any = enum.Enum("States", [name])  # type: ignore[misc] # of a name that is no literal
        [state] = states
        return of_one_state(state)

    bot = talk(version("OLD"))
    bot.say("/order")
    bot.register = version("NEW")
    assert bot.say("/order") == ["What?"]


@pytest.mark.parametrize("timeout", [60, 60.0, timedelta(minutes=1)])
def test_a_conversation_times_out(talk: Callable[[Register], Talk], cloud: Cloud, timeout: Any) -> None:
    """Whatever comes for it in time keeps it up, also what does not bring it on."""
    ann = talk(order(conversation_timeout=timeout))
    ann.say("/order")
    ann.say("seeds")
    for _ in range(3):
        cloud.clock.advance(58)
        assert ann.say("many") == ["A number, please."]
    cloud.clock.advance(60)
    assert ann.say("3") == ["?"]


async def too_late(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    """Say so."""
    assert update.effective_message is not None
    await update.effective_message.reply_text(f"Too late for {update.effective_message.text}.")
    raise ApplicationHandlerStop


def with_a_last_word(app: App) -> None:
    """Register a conversation that says when it ends by itself."""
    app.add_handler(
        ConversationHandler(
            entry_points=[CommandHandler("order", says("What?", "what"))],
            states={
                "what": [
                    MessageHandler(filters.Regex("stop"), says("Stopped.", ConversationHandler.END)),
                    MessageHandler(WORDS, says("How many?", "what")),
                ],
                ConversationHandler.TIMEOUT: [CommandHandler("never", says("no")), TypeHandler(Update, too_late)],
            },
            fallbacks=[],
            conversation_timeout=60,
            name="order",
            persistent=True,
        )
    )
    app.add_handler(MessageHandler(filters.ALL, says("?")))


@dataclass
class Timers:
    """What is due, and the tasks' function that does it."""

    cloud: Cloud
    telegram: TelegramWire
    workers: Workers
    due: Due

    def pass_time(self, seconds: float) -> list[str]:
        """Return what is said by itself until then."""
        before = len(self.telegram.sent)
        self.cloud.clock.advance(seconds)
        while self.due.hand_out() or self.cloud.left(self.cloud.tasks_url):
            drain = self.workers.drain(with_a_last_word, queue="tasks")
            assert self.cloud.deliver(drain, self.cloud.tasks_url) == []
        return [words for _, words in self.telegram.sent[before:]]


@pytest.fixture
def timers(cloud: Cloud, telegram: TelegramWire, workers: Workers) -> Timers:
    """Nothing is due yet."""
    return Timers(cloud, telegram, workers, Due(cloud))


def test_a_conversation_says_when_it_ends_by_itself(talk: Callable[[Register], Talk], timers: Timers) -> None:
    """Without a running process: its one timer is set anew as long as somebody goes on with it."""
    ann = talk(with_a_last_word)
    ann.say("/order")
    timers.cloud.clock.advance(40)
    ann.say("seeds")
    assert len(timers.due.schedules) == 1
    assert timers.pass_time(30) == []
    assert timers.pass_time(29) == []
    assert timers.pass_time(3) == ["Too late for seeds."]
    assert timers.due.schedules == {}
    assert timers.pass_time(1000) == []
    assert ann.say("seeds") == ["?"]


def test_a_conversation_that_has_ended_says_nothing_more(talk: Callable[[Register], Talk], timers: Timers) -> None:
    """Its timer finds it over."""
    ann = talk(with_a_last_word)
    ann.say("/order")
    assert ann.say("stop") == ["Stopped."]
    assert timers.pass_time(100) == []
    assert timers.due.schedules == {}


def test_a_conversation_ends_once(talk: Callable[[Register], Talk], timers: Timers) -> None:
    """By the next update that comes for it, or by its timer, not by both; and another one has a timer of its own."""
    ann = talk(with_a_last_word)
    ann.say("/order")
    timers.cloud.clock.advance(61)
    assert ann.say("/order") == ["Too late for /order.", "What?"]
    assert timers.pass_time(2) == []
    assert timers.pass_time(61) == ["Too late for /order."]


def test_a_timer_runs_twice(talk: Callable[[Register], Talk], timers: Timers) -> None:
    """The scheduler delivers at least once: the second one finds it done."""
    ann = talk(with_a_last_word)
    ann.say("/order")
    [(name, one)] = timers.due.schedules.items()
    del name
    timers.cloud.clock.advance(70)
    body = one.target["Input"]
    for _ in range(2):
        timers.cloud.queue(body, one.target["SqsParameters"]["MessageGroupId"], timers.cloud.tasks_url)
        timers.cloud.clock.advance(400)  # SQS has forgotten that it had it
    assert timers.pass_time(0) == ["Too late for /order."]


def test_who_comes_too_late_finds_that_it_has_timed_out(talk: Callable[[Register], Talk], cloud: Cloud) -> None:
    """The handlers of TIMEOUT hear of it first, with the last update that the conversation had."""
    ann = talk(with_a_last_word)
    ann.say("/order")
    ann.say("seeds")
    cloud.clock.advance(61)
    assert ann.say("3") == ["Too late for seeds.", "?"]
    assert ann.say("3") == ["?"]


def test_a_bot_with_conversations_pays_one_read_per_update(talk: Callable[[Register], Talk], cloud: Cloud) -> None:
    """And a write for a step; nothing more, however many conversations it has."""

    def register(app: App) -> None:
        for name in ("order", "complain"):
            order(name=name)(app)

    ann = talk(register)
    for words, requests in (("/order", ["GetItem", "UpdateItem"]), ("/hello", ["GetItem"])):
        cloud.wire.requests.clear()
        ann.say(words)
        asked = [(name, params) for name, params in cloud.wire.requests if params.get("TableName") == "state"]
        found = [name for name, params in asked if params["Key"]["sk"] != {"S": "identity"}]
        assert found == requests


def test_a_conversation_must_be_persistent() -> None:
    """The next update may come to another worker."""
    with pytest.raises(HandlerNotUnderstood, match=r"ConversationHandler shop has its states in memory"):
        describe(order(name="shop", persistent=False))
    with pytest.raises(HandlerNotUnderstood, match=r"without a name has its states in memory"):
        describe(order(name=None, persistent=False))


def test_a_conversation_is_made_for_one_update() -> None:
    """One that is made with the module has one memory for all who talk at the same time."""
    one = ConversationHandler([CommandHandler("order", says("x"))], {}, [], name="order", persistent=True)
    with pytest.raises(HandlerNotUnderstood, match=r"order: make the ConversationHandler inside of `register`"):
        describe(lambda app: app.add_handler(one))


def test_a_state_must_be_known_again() -> None:
    """By another process: not by where it stands in this one's memory."""

    def register(app: App) -> None:
        app.add_handler(
            ConversationHandler(
                [CommandHandler("order", says("What?"))], {object(): []}, [], name="order", persistent=True
            )
        )

    with pytest.raises(HandlerNotUnderstood, match=r"order has the state <object object at \S+, which no other worker"):
        describe(register)


def test_two_conversations_need_two_names() -> None:
    """They would share their states."""

    def register(app: App) -> None:
        order()(app)
        order()(app)

    with pytest.raises(HandlerNotUnderstood, match=r"Two conversations are named order"):
        describe(register)
