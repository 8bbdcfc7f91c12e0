"""However many ask at once, Telegram is asked once; nobody suffers from whoever asked first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, override

import pytest
from botocore.exceptions import EndpointConnectionError
from telegram.error import BadRequest, ChatMigrated, NetworkError, RetryAfter, TelegramError, TimedOut

from floodgate.aws import AwsCalls
from floodgate.cache import forget
from floodgate.cache.cache import Cache, caching
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

G = {"chat_id": GROUP["id"]}
ROUND_TRIP_S = 0.01


class SlowCalls(AwsCalls):
    """AWS at a distance: every call takes effect, and is answered, after a round trip."""

    def __init__(self, round_trip_s: float) -> None:
        super().__init__()
        self.round_trip_s = round_trip_s

    @override
    async def run[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(self.round_trip_s)
        return call(*args, **kwargs)


class Table:
    """A table that refuses nothing, so that a worker must see for itself what was forgotten on the way."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def get_item(self, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Return the item."""
        return {"Item": dict(self.items.get(Key["pk"]["S"], {}))}

    def put_item(self, Item: dict[str, Any], **_: Any) -> None:  # noqa: N803
        """Keep the item."""
        self.items[Item["pk"]["S"]] = Item

    def update_item(self, Key: dict[str, Any], **_: Any) -> None:  # noqa: N803
        """Bury the item."""
        self.items.pop(Key["pk"]["S"], None)


class LostTable(Table):
    """A table that cannot be reached."""

    @override
    def get_item(self, Key: dict[str, Any], **_: Any) -> dict[str, Any]:
        raise EndpointConnectionError(endpoint_url="https://aws.example")


class Telegram:
    """Answers getChat with a title that counts the questions, a second after each."""

    def __init__(self) -> None:
        self.questions = 0
        self.trouble: Exception | None = None

    async def __call__(self) -> Any:
        """Answer."""
        self.questions += 1
        title = f"title {self.questions}"
        await asyncio.sleep(1)
        if self.trouble is not None:
            raise self.trouble
        return {"id": GROUP["id"], "type": "supergroup", "title": title}


def worker(table: Table | None = None, round_trip_s: float = ROUND_TRIP_S) -> Cache:
    """Return the cache of a worker on the virtual loop's time."""
    dynamodb: Any = table or Table()
    return Cache(
        dynamodb, "traffic", SlowCalls(round_trip_s), lambda: 1_781_136_000 + asyncio.get_running_loop().time()
    )


def named(title: str) -> dict[int, dict[str, Any]]:
    """Return what an update shows of the chat."""
    return {GROUP["id"]: {**GROUP, "title": title}}


@pytest.fixture
def telegram() -> Telegram:
    """A Telegram that counts."""
    return Telegram()


def test_a_hundred_handlers_make_one_call(telegram: Telegram) -> None:
    """All get the same answer, each a copy of their own."""

    async def crowd() -> list[Any]:
        cache = worker()
        return await asyncio.gather(*(cache.answer("getChat", G, telegram) for _ in range(100)))

    answers = run(crowd())
    assert telegram.questions == 1
    assert [answer["title"] for answer in answers] == ["title 1"] * 100
    assert len({id(answer) for answer in answers}) == 100


def test_different_questions_do_not_wait_for_each_other(telegram: Telegram) -> None:
    """A chat's answer takes as long as one call, whatever else is asked."""

    async def crowd() -> float:
        cache = worker()
        await asyncio.gather(*(cache.answer("getChat", {"chat_id": chat}, telegram) for chat in range(1, 6)))
        return asyncio.get_running_loop().time()

    assert run(crowd()) == pytest.approx(1 + 2 * ROUND_TRIP_S)
    assert telegram.questions == 5


def test_what_is_not_remembered_is_asked_each_time(telegram: Telegram) -> None:
    """A call with parameters beyond the key goes straight to Telegram."""

    async def twice() -> None:
        cache = worker()
        for _ in range(2):
            await cache.answer("getChatAdministrators", {**G, "return_bots": True}, telegram)

    run(twice())
    assert telegram.questions == 2


# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "told"), [(RetryAfter, 7), (TimedOut, None), (ChatMigrated, -1005), (BadRequest, "Chat not found")]
)
def test_an_error_goes_to_all_who_wait(telegram: Telegram, kind: Callable[[Any], TelegramError], told: Any) -> None:
    """One call, and each of them learns how it went."""
    telegram.trouble = trouble = kind(told)

    async def crowd() -> list[Any]:
        cache = worker()
        questions = (cache.answer("getChat", G, telegram) for _ in range(3))
        return await asyncio.gather(*questions, return_exceptions=True)

    errors = run(crowd())
    assert [(type(error), str(error)) for error in errors] == [(type(trouble), str(trouble))] * 3
    assert telegram.questions == 1


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize(
    ("kind", "told", "questions"),
    [(RetryAfter, 7, 2), (TimedOut, None, 2), (NetworkError, "Bad Gateway", 2), (BadRequest, "No", 1)],
)
def test_only_a_refusal_is_remembered(telegram: Telegram, kind: type[TelegramError], told: Any, questions: int) -> None:
    """Trouble on the way passes; the next one asks again. A BadRequest is an answer."""
    telegram.trouble = kind(told)

    async def twice() -> None:
        cache = worker()
        for _ in range(2):
            with pytest.raises(kind):
                await cache.answer("getChat", G, telegram)

    run(twice())
    assert telegram.questions == questions


def test_when_the_first_is_cancelled_the_next_takes_over(telegram: Telegram) -> None:
    """Their updates have deadlines of their own; a cancelled one costs the others one more call and nothing else."""

    async def crowd() -> list[Any]:
        cache = worker()
        first, *others = (asyncio.create_task(cache.answer("getChat", G, telegram)) for _ in range(4))
        await asyncio.sleep(0.5)
        first.cancel()
        answers = await asyncio.gather(*others)
        assert first.cancelled()
        return answers

    assert [answer["title"] for answer in run(crowd())] == ["title 2"] * 3
    assert telegram.questions == 2


def test_when_the_first_is_cancelled_after_telegram_answered_nobody_asks_again(telegram: Telegram) -> None:
    """The answer is there; only its writing was cut short."""

    async def crowd() -> list[Any]:
        cache = worker()
        first, *others = (asyncio.create_task(cache.answer("getChat", G, telegram)) for _ in range(4))
        await asyncio.sleep(1 + 1.5 * ROUND_TRIP_S)
        first.cancel()
        return await asyncio.gather(*others)

    assert [answer["title"] for answer in run(crowd())] == ["title 1"] * 3
    assert telegram.questions == 1


def test_a_cancelled_follower_takes_nobody_along(telegram: Telegram) -> None:
    """The first one's call goes on."""

    async def crowd() -> Any:
        cache = worker()
        first, follower = (asyncio.create_task(cache.answer("getChat", G, telegram)) for _ in range(2))
        await asyncio.sleep(0.5)
        follower.cancel()
        return await first

    assert run(crowd())["title"] == "title 1"
    assert telegram.questions == 1


def test_a_follower_whose_update_shows_another_name_asks_again(telegram: Telegram) -> None:
    """The call under way may have begun before the change; the others take what it brought."""

    async def crowd() -> list[Any]:
        cache = worker()
        shown = [named("title 1"), named("title 2"), named("title 1")]
        return await asyncio.gather(*(cache.answer("getChat", G, telegram, names) for names in shown))

    assert [answer["title"] for answer in run(crowd())] == ["title 1", "title 2", "title 1"]


def test_what_was_asked_before_a_forgetting_is_not_remembered_after_it(telegram: Telegram) -> None:
    """Whoever asks then neither joins it nor finds it in memory."""

    async def race() -> list[Any]:
        cache = worker()
        early = asyncio.create_task(cache.answer("getChat", G, telegram))
        await asyncio.sleep(0.5)
        await cache.forget(GROUP["id"])
        late = asyncio.create_task(cache.answer("getChat", G, telegram))
        answers = [await early]
        later = await cache.answer("getChat", G, telegram)
        return [*answers, later, await late]

    assert [answer["title"] for answer in run(race())] == ["title 1", "title 2", "title 2"]
    assert telegram.questions == 2


def test_what_is_read_while_a_forgetting_is_under_way_is_not_remembered(telegram: Telegram) -> None:
    """The table still has it until the tombstone lands."""

    async def race() -> list[Any]:
        cache = worker()
        answers = [await cache.answer("getChat", G, telegram)]
        await asyncio.sleep(10)  # out of memory, still in the table
        forgetting = asyncio.create_task(cache.forget(GROUP["id"]))
        other_chats_handler = asyncio.create_task(cache.answer("getChat", G, telegram))
        await forgetting
        answers.append(await cache.answer("getChat", G, telegram))
        await other_chats_handler
        return answers

    assert [answer["title"] for answer in run(race())] == ["title 1", "title 2"]


def test_a_table_that_fails_slowly_does_not_make_memory_useless(telegram: Telegram) -> None:
    """Memory counts from when Telegram was asked, not from when the table was."""

    async def twice() -> float:
        cache = worker(LostTable(), round_trip_s=6)
        for _ in range(2):
            await cache.answer("getChat", G, telegram)
        return asyncio.get_running_loop().time()

    assert (run(twice()), telegram.questions) == (7, 1)


def test_a_handler_forgets_by_hand(telegram: Telegram) -> None:
    """`forget` is about the cache of the update in hand, in tasks that its handler starts as well."""

    async def handler() -> list[Any]:
        cache = worker()
        with caching(cache):
            answers = [await cache.answer("getChat", G, telegram)]
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(forget(GROUP["id"]))
            answers.append(await cache.answer("getChat", G, telegram))
        return answers

    assert [answer["title"] for answer in run(handler())] == ["title 1", "title 2"]


def test_outside_an_update_there_is_nothing_to_forget() -> None:
    """A handler that is called by hand fails loudly."""
    with pytest.raises(LookupError):
        run(forget(GROUP["id"]))
