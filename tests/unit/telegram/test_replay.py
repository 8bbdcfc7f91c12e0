"""A call that Telegram has answered is not made again, whatever a handler does and wherever it fails."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    InputSticker,
    Message,
    ReplyParameters,
)
from telegram.error import NetworkError, RetryAfter

from floodgate.telegram.errors import OutcomeUnknown
from floodgate.telegram.replay import Recorded, Replay, fingerprint
from tests.unit.telegram.replaying import Attempts, Telegram, garbage, never_sent, timed_out

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from telegram import Update
    from telegram.ext import ContextTypes, ExtBot

    type Bot = ExtBot[None]
    type Ask = Callable[[Bot], Awaitable[Any]]

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


class Failed(Exception):
    """What a handler of these tests raises."""


# The property: programs of calls, one after another and side by side, that fail anywhere.

CALLS: dict[str, Ask] = {
    "sendMessage 7001 a": lambda bot: bot.send_message(7001, "a"),
    "sendMessage 7001 b": lambda bot: bot.send_message(7001, "b"),
    "sendMessage 7002 a": lambda bot: bot.send_message(7002, "a"),
    "setMyName garden": lambda bot: bot.set_my_name("garden"),
}
UNKNOWN, LOST = "unknown", "lost"
FATES: dict[str, Callable[[], tuple[Exception, bool]]] = {
    "no connection": lambda: (never_sent(), False),
    "500": lambda: (NetworkError("Internal Server Error"), False),
    "429": lambda: (RetryAfter(60), False),
    f"{UNKNOWN}, and done": lambda: (timed_out(), True),
    f"{UNKNOWN}, and not done": lambda: (timed_out(), False),
    LOST: lambda: (garbage(), True),
}


@dataclass
class Story:
    """What a handler does, and what goes wrong: at which requests, and before which of its steps in each attempt."""

    steps: list[list[str]]
    fates: dict[int, str]
    fails_at: list[int]
    seed: int
    repeat_unknown: bool
    telegram: Telegram = field(default_factory=Telegram)
    #: The answers that each attempt was given, by call, in the order in which it asked.
    given: list[dict[str, list[Any]]] = field(default_factory=list)

    def run(self) -> Story:
        """Try until it succeeds, and return self."""
        self.telegram.fates = {number: FATES[fate]() for number, fate in self.fates.items()}
        attempts = Attempts(self.telegram, self.repeat_unknown)
        chance = random.Random(self.seed)  # noqa: S311 - no secret
        for number in range(20):
            asked: defaultdict[str, list[Any]] = defaultdict(list)
            self.given.append(asked)
            error, _ = attempts.attempt(self._work(asked, chance, [*self.fails_at, -1, *[-1] * 20][number]))
            if error is None:
                return self
        raise AssertionError("it never succeeded")

    def _work(
        self, asked: dict[str, list[Any]], chance: random.Random, fails_at: int
    ) -> Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, None]]:
        async def ask(bot: Bot, name: str) -> None:
            answers = asked[name]
            answers.append(None)
            place = len(answers) - 1
            answer = await CALLS[name](bot)
            answers[place] = answer.message_id if isinstance(answer, Message) else answer

        async def work(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
            for number, step in enumerate(self.steps):
                if number == fails_at:
                    raise Failed
                await asyncio.gather(*(ask(context.bot, name) for name in chance.sample(step, len(step))))
            if fails_at >= len(self.steps):
                raise Failed

        return work

    def unanswered(self, *kinds: str) -> Counter[str]:
        """Count the calls that came to such an end, by call."""
        ends = {str(FATES[fate]()[0]) for fate in FATES if fate.startswith(kinds)}
        return Counter(key for key, error in self.telegram.unanswered if str(error) in ends)


def stories(fates: list[str]) -> st.SearchStrategy[Story]:
    """Return stories in which nothing but `fates` befalls a request."""
    steps = st.lists(st.lists(st.sampled_from(sorted(CALLS)), min_size=1, max_size=4), min_size=1, max_size=4)
    return st.builds(
        Story,
        steps=steps,
        fates=st.dictionaries(st.integers(0, 12), st.sampled_from(fates), max_size=3),
        fails_at=st.lists(st.integers(0, 4), max_size=3),
        seed=st.integers(0, 1000),
        repeat_unknown=st.booleans(),
    ).map(Story.run)


def wanted(story: Story) -> Counter[str]:
    """Count what the handler wants done."""
    return Counter(name for step in story.steps for name in step)


def done(story: Story) -> Counter[str]:
    """Count what was done."""
    return Counter(request.key for request in story.telegram.done)


@settings(deadline=None)
@given(stories(["no connection", "500", "429"]))
def test_what_is_answered_is_made_once(story: Story) -> None:
    """Every call is made exactly as often as the handler makes it, and each gets an answer of its own."""
    assert done(story) == wanted(story)
    for name, answers in story.given[-1].items():
        made = [request.answer for request in story.telegram.done if request.key == name]
        assert sorted(answers) == sorted(one["message_id"] if isinstance(one, dict) else one for one in made)


@settings(deadline=None)
@given(stories(["no connection", "500", "429"]))
def test_an_answer_stays_with_its_call(story: Story) -> None:
    """The k-th call gets what the k-th was given before, as far as an earlier attempt got."""
    for name, answers in story.given[-1].items():
        for earlier in story.given[:-1]:
            known = earlier.get(name, [])
            if None not in known:
                assert answers[: len(known)] == known


@settings(deadline=None)
@given(stories(list(FATES)))
def test_what_nobody_knows_is_as_the_owner_wants(story: Story) -> None:
    """Skipped, it is done at most once; repeated, at least once; and what was surely done is never done again."""
    unknown = story.unanswered(UNKNOWN)
    for name, times in wanted(story).items():
        if name.startswith("set"):  # once more does no harm
            assert times <= done(story)[name] <= times + story.unanswered(UNKNOWN, LOST)[name]
        elif story.repeat_unknown:
            assert times <= done(story)[name] <= times + unknown[name]
        else:
            assert times - unknown[name] <= done(story)[name] <= times


# Each kind of call by itself.


async def _open_document(bot: Bot) -> Message:
    """Send a file that is read as it is sent, and closed by the time that anybody asks what it held."""
    with tempfile.TemporaryFile() as file:
        file.write(b"beans" * 1000)
        file.seek(0)
        return await bot.send_document(7001, InputFile(file, filename="beans", read_file_handle=False))


KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Beans", callback_data="beans")]])
TIME = datetime(2026, 11, 5, 12, tzinfo=UTC)
KINDS: dict[str, Ask] = {
    "keyboard": lambda bot: bot.send_message(7001, "x", reply_markup=KEYBOARD),
    "reply": lambda bot: bot.send_message(7001, "x", reply_parameters=ReplyParameters(5)),
    "bytes": lambda bot: bot.send_photo(7001, b"bytes"),
    "BytesIO": lambda bot: bot.send_photo(7001, BytesIO(b"bytes")),
    "open file": _open_document,
    "media group": lambda bot: bot.send_media_group(7001, [InputMediaPhoto(b"one"), InputMediaPhoto(BytesIO(b"two"))]),
    "thumbnail": lambda bot: bot.send_media_group(
        7001, [InputMediaDocument(b"one", thumbnail=b"t"), InputMediaDocument(b"two")]
    ),
    "poll": lambda bot: bot.send_poll(7001, "?", ["yes", "no"], open_period=timedelta(seconds=60)),
    "edit of a message": lambda bot: bot.edit_message_text("x", 7001, 5),
    "inline edit": lambda bot: bot.edit_message_text("x", inline_message_id="abc"),
    "copy": lambda bot: bot.copy_message(7001, 7002, 5),
    "link": lambda bot: bot.export_chat_invite_link(-1001),
    "ban until": lambda bot: bot.ban_chat_member(-1001, 7001, until_date=TIME),
    "commands": lambda bot: bot.set_my_commands([BotCommand("help", "Help"), ("id", "Id")]),
    "stickers": lambda bot: bot.create_new_sticker_set(7001, "s", "S", [InputSticker(b"s", ["x"], "static")]),
    "query": lambda bot: bot.answer_callback_query("9", "x"),
    "any": lambda bot: bot.do_api_request("sendMessage", {"chat_id": 7001, "text": "x"}, return_type=Message),
    "anything": lambda bot: bot.do_api_request("inventedYesterday", {"chat_id": 7001, "x": {"y": [1, 2]}}),
}


def comparable(answer: Any) -> Any:
    """Return an answer as its type and its content, all the way down."""
    if isinstance(answer, (list, tuple)):
        return type(answer), [comparable(one) for one in answer]
    return type(answer), answer.to_dict() if hasattr(answer, "to_dict") else answer


@pytest.mark.filterwarnings("ignore:Please use 'Bot")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_call_is_known_again(kind: str) -> None:
    """Made twice over in each of three attempts, it reaches Telegram twice, and its answers are of the same type."""
    attempts, answers = Attempts(), []

    async def work(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        answers.append([comparable(await KINDS[kind](context.bot)) for _ in range(2)])
        raise Failed

    for _ in range(3):
        error, this = attempts.attempt(work)
        assert isinstance(error, Failed)
        assert this.replay.divergences() == []
    assert len(attempts.telegram.done) == 2
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"one", b"two"),
        (BytesIO(b"one"), BytesIO(b"two")),
        (InputFile(b"one", filename="x"), InputFile(b"one", filename="y")),
    ],
)
def test_another_file_is_another_call(first: Any, second: Any) -> None:
    """Another content or another name, and it goes out, as a divergence."""
    attempts = Attempts()
    for file in (first, second):

        async def work(_update: Update, context: ContextTypes.DEFAULT_TYPE, file: Any = file) -> None:
            await context.bot.send_document(7001, file)
            raise Failed

        _, this = attempts.attempt(work)
    assert this.replay.divergences() == [("sendDocument", "7001")]
    assert len(attempts.telegram.done) == 2


def test_a_replayed_message_can_be_replied_to() -> None:
    """It has its bot, and the reply is a call of its own."""
    attempts = Attempts()

    async def work(_update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        sent = await context.bot.send_message(7001, "one")
        if attempts.kept:
            await sent.reply_text("two")
        raise Failed

    for _ in range(3):
        attempts.attempt(work)
    assert [request.key for request in attempts.telegram.done] == ["sendMessage 7001 one", "sendMessage 7001 two"]


# What differs.

ONE = Recorded("sendMessage", "7001", fingerprint("sendMessage", {"chat_id": 7001, "text": "one"}), '{"message_id": 1}')


def made(replay: Replay, method: str, **data: Any) -> Recorded | None:
    """Make a call; return the earlier one that it was answered from."""
    call = replay.open(method, data)
    if isinstance(call, Recorded):
        return call
    if call is not None:
        call.begins()
        call.answered({"message_id": 2})
    return None


def test_other_arguments_diverge_once_each() -> None:
    """As often as an earlier call stays unused while another of its method goes into its chat, and no oftener."""
    replay = Replay((ONE, ONE))
    assert made(replay, "sendMessage", chat_id=7001, text="one") is ONE
    for words in ("two", "three"):
        assert made(replay, "sendMessage", chat_id=7001, text=words) is None
    assert replay.divergences() == [("sendMessage", "7001")]


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("sendMessage", {"chat_id": 7002, "text": "two"}),
        ("sendPhoto", {"chat_id": 7001, "photo": "two"}),
        ("sendChatAction", {"chat_id": 7001, "action": "typing"}),
        ("getChat", {"chat_id": 7001}),
    ],
)
def test_another_chat_or_method_is_no_divergence(method: str, data: dict[str, Any]) -> None:
    """The handler may only have come by another way."""
    replay = Replay((ONE,))
    assert made(replay, method, **data) is None
    assert replay.divergences() == []


def test_failing_earlier_is_no_divergence() -> None:
    """What the handler did not come to is unused, and nothing went out in its place."""
    replay = Replay((ONE,))
    assert replay.divergences() == []
    call = replay.open("sendMessage", {"chat_id": 7001, "text": "two"})
    assert call is not None
    assert replay.divergences() == []  # it waits for its turn still, or was refused


def test_a_reply_to_what_nobody_knows_is_refused() -> None:
    """An edit, a reply or a deletion that would need the id raises; other calls go on."""
    unknown = Recorded("sendMessage", "7001", ONE.fingerprint, None)
    replay = Replay((unknown,))
    assert made(replay, "editMessageText", chat_id=7001, message_id=0, text="x") is None  # of the handler's own making
    assert made(replay, "sendMessage", chat_id=7001, text="one") is unknown
    for method, data in (
        ("editMessageText", {"message_id": 0, "text": "x"}),
        ("deleteMessages", {"message_ids": [5, 0]}),
        ("sendMessage", {"text": "x", "reply_parameters": ReplyParameters(0)}),
        ("forwardMessage", {"from_chat_id": 7001, "message_id": 0}),
    ):
        with pytest.raises(OutcomeUnknown):
            replay.open(method, {"chat_id": 7001, **data})
    assert made(replay, "sendMessage", chat_id=7001, text="two") is None
