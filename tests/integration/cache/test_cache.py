"""Two workers on one table: what each sees, when, and what it costs."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram.error import BadRequest, Forbidden, NetworkError, TimedOut

from floodgate.cache.memory import MEMORY_S
from tests.integration.cache.conftest import Telegram, WorkerCache, new_worker
from tests.integration.worker.cloud import Cloud
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import ANN, GROUP, message

G = GROUP["id"]
PK = f"cache#getChat#{G}"
RENAMED = message(GROUP | {"title": "Beds"}, new_chat_title="Beds")


def requests(cloud: Cloud) -> list[str]:
    """Return the operations that the workers asked DynamoDB for, and forget them."""
    operations = [operation for operation, _ in cloud.wire.requests]
    cloud.wire.requests.clear()
    return operations


def stored(cloud: Cloud) -> dict[str, Any]:
    """Return the chat's item."""
    [item] = [item for item in cloud.items("traffic") if item["pk"] == {"S": PK}]
    return item


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    """Return level, sentence and error of each record of the log."""
    records = [record for record in caplog.records if record.name == "floodgate"]
    return [(record.levelname, record.getMessage(), record.__dict__["error"]) for record in records]


def test_memory_then_the_table_then_telegram(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """A first question costs a read, a call and a write; within 5 s nothing; after them, and elsewhere, one read."""
    costs = []
    for worker, later_s in ((ann, 0), (ann, 4.999), (ann, 0.001), (bob, 0)):
        cloud.clock.now += later_s
        assert worker.title() == "Allotments"
        costs.append((requests(cloud), telegram.questions))
    assert costs == [(["GetItem", "PutItem"], 1), ([], 1), (["GetItem"], 1), (["GetItem"], 1)]


def test_the_table_is_read_as_it_is_now(cloud: Cloud, ann: WorkerCache) -> None:
    """An eventually consistent read could miss what another worker has just forgotten."""
    ann.title()
    assert [asked["ConsistentRead"] for asked in cloud.wire.asked("GetItem")] == [True]


def test_an_answer_that_took_long_is_served_from_when_the_table_took_it(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache
) -> None:
    """Nobody had forgotten it until then; but it is no fresher for having taken long."""

    async def slowly() -> None:
        cloud.clock.now += 4

    telegram.meanwhile = [slowly]
    ann.title()
    cloud.clock.now += 4.875
    requests(cloud)
    ann.title()
    assert requests(cloud) == []
    assert float(stored(cloud)["fresh_until"]["N"]) == cloud.clock.now - 8.875 + 300


def test_an_item_says_what_it_holds_and_until_when(cloud: Cloud, ann: WorkerCache) -> None:
    """DynamoDB may delete it a minute after it has expired."""
    ann.title()
    now = int(cloud.clock.now)
    assert stored(cloud) == {
        "pk": {"S": PK},
        "value": {"S": json.dumps({**GROUP, "accent_color_id": 3})},
        "refusal": {"S": ""},
        "overruled": {"S": "{}"},
        "fetched_at": {"N": f"{now}.000000"},
        "fresh_until": {"N": f"{now + 300}.000000"},
        "expires_at": {"N": f"{now + 360}"},
    }


def test_an_answer_expires_after_five_minutes_though_the_item_is_still_there(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """To the millisecond, in memory as well as in the table; until then, no change that nobody announced is seen."""
    ann.title()
    telegram.title = "Beds"
    cloud.clock.now += 299.999
    assert [ann.title(), bob.title()] == ["Allotments", "Allotments"]
    cloud.clock.now += 0.001
    assert [ann.title(), bob.title()] == ["Beds", "Beds"]
    assert (telegram.questions, len(cloud.items("traffic"))) == (2, 1)


def test_after_a_forgetting_a_second_worker_sees_the_past_for_less_than_five_seconds(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """The worker that forgot sees the change at once."""
    ann.title()
    bob.title()
    telegram.title = "Beds"
    ann.forgets()
    cloud.clock.now += 0.125
    assert ann.title() == "Beds"
    cloud.clock.now += MEMORY_S - 0.25
    assert bob.title() == "Allotments"
    cloud.clock.now += 0.125
    assert bob.title() == "Beds"
    assert telegram.questions == 2


def test_forgetting_costs_one_write_per_key_and_leaves_a_tombstone(cloud: Cloud, ann: WorkerCache) -> None:
    """With the time, and with nothing of what was known."""
    ann.title()
    requests(cloud)
    ann.hears("message", RENAMED)
    now = int(cloud.clock.now)
    assert requests(cloud) == ["UpdateItem"]
    assert stored(cloud) == {
        "pk": {"S": PK},
        "forgot_at": {"N": f"{now}.000000"},
        "expires_at": {"N": f"{now + 900}"},
    }


def test_an_ordinary_message_and_a_reply_cost_nothing(cloud: Cloud, ann: WorkerCache) -> None:
    """No read, no write."""
    ann.hears("message", message(GROUP))
    ann.calls("sendMessage", chat_id=G, text="hello")
    assert requests(cloud) == []


@pytest.mark.parametrize("later_s", [0.05, 0])
def test_an_answer_that_was_asked_for_before_a_forgetting_is_refused(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache, later_s: float
) -> None:
    """Whoever asked gets it, but it is remembered nowhere: the next one asks again."""

    async def change() -> None:
        telegram.title = "Beds"
        cloud.clock.now += later_s
        await bob.cache.forget(G)
        cloud.clock.now += 0.05

    telegram.meanwhile = [change]
    assert ann.title() == "Allotments"
    assert stored(cloud).keys() == {"pk", "forgot_at", "expires_at"}
    assert [ann.title(), bob.title()] == ["Beds", "Beds"]
    assert telegram.questions == 2


def test_an_answer_does_not_replace_one_that_was_asked_for_later(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """Though the tombstone between them is gone by then."""

    async def change() -> None:
        telegram.title = "Beds"
        cloud.clock.now += 0.05
        await bob.cache.forget(G)
        cloud.clock.now += 0.05
        await bob.cache.answer("getChat", {"chat_id": G}, telegram)

    telegram.meanwhile = [change]
    assert ann.title() == "Allotments"
    assert [ann.title(), bob.title()] == ["Beds", "Beds"]
    assert telegram.questions == 2


@pytest.mark.parametrize("refusal", [BadRequest("Chat not found"), Forbidden("bot was kicked")])
def test_a_refusal_is_remembered_for_thirty_seconds(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache, refusal: Exception
) -> None:
    """By every worker, as the same class with the same message."""
    telegram.trouble = refusal
    for worker, later_s in ((ann, 0), (ann, 1), (bob, 28.999)):
        cloud.clock.now += later_s
        with pytest.raises(type(refusal)) as caught:
            worker.title()
        assert (type(caught.value), str(caught.value)) == (type(refusal), str(refusal))
    assert telegram.questions == 1
    telegram.trouble = None
    cloud.clock.now += 0.001
    assert [ann.title(), bob.title()] == ["Allotments", "Allotments"]


def test_a_refusal_is_forgotten_like_an_answer(cloud: Cloud, telegram: Telegram, ann: WorkerCache) -> None:
    """The bot that is let in sees the chat at once."""
    telegram.trouble = Forbidden("bot is not a member of the supergroup chat")
    with pytest.raises(Forbidden):
        ann.title()
    telegram.trouble = None
    cloud.clock.now += 0.001
    ann.hears("my_chat_member", {"chat": GROUP, "from": ANN, "date": 0})
    assert ann.title() == "Allotments"


@pytest.mark.parametrize("trouble", [TimedOut(), NetworkError("Bad Gateway")])
def test_trouble_on_the_way_to_telegram_is_not_remembered(
    telegram: Telegram, ann: WorkerCache, trouble: Exception
) -> None:
    """It says nothing of the chat, though BadRequest is of the same family."""
    telegram.trouble = trouble
    with pytest.raises(type(trouble)):
        ann.title()
    telegram.trouble = None
    assert ann.title() == "Allotments"
    assert telegram.questions == 2


def test_the_next_update_of_a_chat_sees_its_new_title_whoever_handles_it(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """Bob has the old one in memory, fresh; what his update shows is newer."""
    bob.title()
    telegram.title = "Beds"
    cloud.clock.now += 0.01
    ann.hears("message", RENAMED)
    cloud.clock.now += 0.01
    assert bob.title({G: GROUP | {"title": "Beds"}}) == "Beds"
    assert ann.title({G: GROUP | {"title": "Beds"}}) == "Beds"
    assert telegram.questions == 2


def test_a_change_that_only_the_next_update_shows_is_seen(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """No update type announces it, and both levels hold the past; the other worker then finds it in the table."""
    ann.title()
    bob.title()
    telegram.title = "Beds"
    cloud.clock.now += 1
    assert ann.title({G: GROUP | {"title": "Beds"}}) == "Beds"
    requests(cloud)
    assert bob.title({G: GROUP | {"title": "Beds"}}) == "Beds"
    assert (requests(cloud), telegram.questions) == (["GetItem"], 2)


def test_updates_that_waited_do_not_have_telegram_asked_again_each(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """They show an old title; Telegram has overruled it once, and that is enough for all workers."""
    telegram.title = "Beds"
    for worker in (ann, bob, ann, bob):
        cloud.clock.now += 1
        assert worker.title({G: GROUP}) == "Beds"
    assert telegram.questions == 1
    assert json.loads(stored(cloud)["overruled"]["S"]) == {str(G): {"type": "supergroup", "title": "Allotments"}}


def test_a_member_who_took_another_name_is_seen(telegram: Telegram, ann: WorkerCache) -> None:
    """No update type announces names of people; every message of theirs shows them."""
    question = ("getChatMember", {"chat_id": G, "user_id": 7001})
    anna = ANN | {"first_name": "Anna"}
    before, after = ({"status": "member", "user": user} for user in (ANN, anna))
    assert ann.asks(*question, before, {7001: ANN}) == before
    assert ann.asks(*question, after, {7001: ANN}) == before
    assert ann.asks(*question, after, {7001: anna}) == after
    assert telegram.questions == 2


def test_a_ban_is_about_one_member(cloud: Cloud, ann: WorkerCache) -> None:
    """Others, and the chat, are still known."""
    questions = [
        ("getChat", {"chat_id": G}),
        ("getChatMember", {"chat_id": G, "user_id": 7001}),
        ("getChatMember", {"chat_id": G, "user_id": 7002}),
        ("getChatAdministrators", {"chat_id": G}),
    ]
    for question in questions:
        ann.asks(*question, "before")
    cloud.clock.now += 0.001
    ann.calls("banChatMember", chat_id=str(G), user_id=7002)
    cloud.clock.now += 0.001
    assert [ann.asks(*question, "after") for question in questions] == ["before", "before", "after", "after"]


def test_a_chat_asked_for_by_name_hears_its_updates(cloud: Cloud, telegram: Telegram, ann: WorkerCache) -> None:
    """Their chat has both an id and a username."""
    assert ann.title(chat="@Allotments") == "Allotments"
    telegram.title = "Beds"
    cloud.clock.now += 0.001
    ann.hears("message", message(GROUP | {"username": "allotments", "title": "Beds"}, new_chat_title="Beds"))
    assert ann.title(chat="@allotments") == "Beds"


def test_what_a_caller_does_to_an_answer_nobody_else_sees(ann: WorkerCache) -> None:
    """The one who had Telegram asked included."""
    for _ in range(2):
        answer = ann.asks("getChat", {"chat_id": G}, {"id": G, "permissions": {}})
        assert answer == {"id": G, "permissions": {}}
        answer["permissions"]["can_send_messages"] = True


def test_a_table_out_of_reach_costs_calls_not_answers(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, caplog: pytest.LogCaptureFixture
) -> None:
    """Memory still spares most of them; each question that got as far as the table is one warning."""
    cloud.wire.faults["GetItem"] = [
        EndpointConnectionError(endpoint_url="https://aws.example"),
        "ProvisionedThroughputExceededException",
    ]
    for later_s in (0, 4.999, 0.001):
        cloud.clock.now += later_s
        assert ann.title() == "Allotments"
    assert telegram.questions == 2
    assert requests(cloud) == ["GetItem", "GetItem"]
    assert logged(caplog) == [
        ("WARNING", "cache not read", "EndpointConnectionError"),
        ("WARNING", "cache not read", "ProvisionedThroughputExceededException"),
    ]


def test_an_answer_that_could_not_be_written_is_served_from_memory(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache, caplog: pytest.LogCaptureFixture
) -> None:
    """Only there."""
    cloud.wire.faults["PutItem"] = ["InternalServerError"]
    assert [ann.title(), ann.title(), bob.title()] == ["Allotments"] * 3
    assert telegram.questions == 2
    assert logged(caplog) == [("WARNING", "cache not written", "InternalServerError")]


def test_a_forgetting_that_fails_is_told_and_raises_nothing(
    cloud: Cloud, ann: WorkerCache, caplog: pytest.LogCaptureFixture
) -> None:
    """The memory is dropped all the same, so that the table, which may be right by now, is asked."""
    ann.title()
    requests(cloud)
    cloud.wire.faults["UpdateItem"] = ["InternalServerError"]
    ann.forgets()
    ann.title()
    assert requests(cloud) == ["UpdateItem", "UpdateItem", "GetItem"]
    assert logged(caplog) == [("WARNING", "cache not forgotten", "InternalServerError")]


def test_an_answer_too_large_for_an_item_is_served_from_memory(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache
) -> None:
    """For five seconds, since nothing else can confirm it."""
    telegram.title = "x" * 300_000
    for later_s in (0, 4.999, 0.001):
        cloud.clock.now += later_s
        assert len(ann.title()) == 300_000
    assert telegram.questions == 2
    assert (requests(cloud), cloud.items("traffic")) == (["GetItem", "GetItem"], [])


def test_a_cancelled_leader_leaves_the_question_to_the_next(cloud: Cloud, telegram: Telegram, ann: WorkerCache) -> None:
    """Its update ran out of time; the other update's did not."""

    async def never() -> Any:
        telegram.questions += 1
        await asyncio.sleep(3600)

    async def two_updates() -> Any:
        leader = asyncio.create_task(ann.cache.answer("getChat", {"chat_id": G}, never))
        follower = asyncio.create_task(ann.cache.answer("getChat", {"chat_id": G}, telegram))
        await asyncio.sleep(10)
        leader.cancel()
        return await follower

    assert run(two_updates())["title"] == "Allotments"
    assert telegram.questions == 2
    assert stored(cloud)["pk"] == {"S": PK}


steps = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "change", "forget"]), st.integers(0, 1), st.integers(1, 64)), max_size=20
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_happens_nobody_sees_more_of_the_past_than_promised(
    cloud: Cloud, steps: list[tuple[str, int, int]]
) -> None:
    """The worker that forgot sees no title older than that; the other none older than what was forgotten 5 s ago."""
    for item in cloud.items("traffic"):
        cloud.dynamodb.delete_item(TableName="traffic", Key={"pk": item["pk"]})
    telegram, version = Telegram(title="0"), 0
    workers = [new_worker(cloud, telegram), new_worker(cloud, telegram)]
    forgotten: list[tuple[float, int, int]] = []
    for action, number, later in steps:
        cloud.clock.now += later / 8  # exact in floating point
        now = cloud.clock.now
        if action == "change":
            version += 1
            telegram.title = str(version)
        elif action == "forget":
            workers[number].forgets()
            forgotten.append((now, number, version))
        else:
            due = [known for at, by, known in forgotten if by == number or at + MEMORY_S <= now]
            assert int(workers[number].title()) >= max(due, default=0)


def test_a_flood_asks_telegram_once_per_chat(
    cloud: Cloud, telegram: Telegram, ann: WorkerCache, bob: WorkerCache
) -> None:
    """1 000 updates in 50 chats within five minutes, getChat in each handler, two workers; one chat is renamed."""
    titles: Counter[tuple[int, str]] = Counter()
    for number in range(1_000):
        cloud.clock.now += 0.25
        worker, chat = (ann, bob)[number % 3 % 2], {**GROUP, "id": -1000 - number % 50}
        if number == 500:
            worker.hears("message", message(chat | {"title": "Beds"}, new_chat_title="Beds"))
            cloud.clock.now += 0.01
        shown = chat | {"title": "Beds" if number >= 500 and chat["id"] == -1000 else "Allotments"}
        answer = {**shown, "accent_color_id": 3}
        titles[chat["id"], worker.asks("getChat", {"chat_id": chat["id"]}, answer, {chat["id"]: shown})["title"]] += 1
    assert telegram.questions == 51
    assert titles == {(-1000 - chat, "Allotments"): 20 for chat in range(50)} | {
        (-1000, "Allotments"): 10,
        (-1000, "Beds"): 10,
    }
