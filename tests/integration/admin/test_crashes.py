"""Whatever call the process dies at, or whose answer is lost: nothing lost, nobody told twice, nothing sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from floodgate.ingress.dead_letter import reference
from tests.integration.admin.conftest import BUG, HOME, OWNER, person
from tests.integration.admin.kill import Killed, Point
from tests.integration.deadletter.conftest import ADMIN, function
from tests.integration.worker.conftest import text
from tests.integration.worker.scenes import said, settle
from tests.unit.ingress.samples import BOT, DATE

if TYPE_CHECKING:
    from tests.integration.admin.conftest import Owner
    from tests.integration.worker.cloud import Cloud
    from tests.unit.telegram.wire import TelegramWire

#: The points that each piece of work has; the last test of each kind holds them to it.
LETTER_POINTS = 24
PRESS_POINTS = {"retry": 32, "retry_all": 28}
#: A process dies before and after each call; an answer is lost after it, for one that was never asked for is an error.
DIES = [(at, True) for at in range(max(LETTER_POINTS, *PRESS_POINTS.values()))]
LOSES = [(at, False) for at, _ in DIES if at % 2]
HOW = pytest.mark.parametrize("kill", [True, False], ids=["killed", "answer lost"])


def receive_letter(owner: Owner, point: Point, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a letter received while something goes wrong at that point, then again until its queue is empty."""
    point.install(owner.cloud, owner.telegram, monkeypatch)
    update = text("words 1", 600_001, chat=person(1))
    owner.letters.bury(update, message_id="message-1", group="chat:8001", fingerprint=BUG, handler="start")
    point.armed = True
    try:
        owner.cloud.deliver(
            point.kills(lambda event: owner.letters.function.drain(event, lambda: 90.0)), owner.cloud.dead_url
        )
    except Killed:
        owner.letters.function = function(owner.cloud, admin=ADMIN)
    point.armed = False
    owner.letters.settle()


@pytest.mark.parametrize(("at", "kill"), [(at, kill) for at, kill in DIES + LOSES if at < LETTER_POINTS])
def test_a_letter_survives(
    owner: Owner,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    kill: bool,  # noqa: FBT001 - a case
) -> None:
    """It is kept and counted once, its user told at most once, and the admin shown the count in the end."""
    point = Point(at, kill)
    receive_letter(owner, point, monkeypatch)
    assert point.reached
    [failure] = owner.letters.kept
    [kind] = [item for item in cloud.items("state") if item["pk"] == {"S": "fingerprint"}]
    assert (failure["state"], kind["count"], kind["shown_count"]) == ({"S": "open"}, {"N": "1"}, {"N": "1"})
    assert len(said(owner.telegram, 8001)) <= 1
    assert len(said(owner.telegram, ADMIN)) in {1, 2}  # Telegram knows no way to ask whether a message arrived


@HOW
def test_these_are_all_points_of_a_letter(
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    kill: bool,  # noqa: FBT001 - a case
) -> None:
    """One point further nothing goes wrong."""
    point = Point(LETTER_POINTS, kill)
    receive_letter(owner, point, monkeypatch)
    assert (point.passed, point.seen[-1]) == (LETTER_POINTS, "UpdateItem")
    assert (len(said(owner.telegram, 8001)), len(said(owner.telegram, ADMIN))) == (1, 1)


def press_retry(owner: Owner, point: Point, order: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a failure retried while something goes wrong at that point, then whatever follows; return its reference."""
    name = owner.give_up(1)
    owner.telegram.calls.clear()
    point.install(owner.cloud, owner.telegram, monkeypatch)
    content = {
        "id": "query-1",
        "from": OWNER,
        "chat_instance": "-55",
        "data": f"floodgate:{order}:{BUG}",
        "message": {"message_id": 77, "date": DATE, "chat": HOME, "from": BOT, "text": "a failure"},
    }
    owner.cloud.clock.now += 60
    owner.cloud.queue({"update_id": 700_001, "callback_query": content}, f"chat:{ADMIN}")
    point.armed = True
    try:
        owner.cloud.deliver(point.kills(owner.drain))
    except Killed:
        owner.restart()
    point.armed = False
    settle(owner.cloud, owner.drain)
    return name


@pytest.mark.parametrize(
    ("order", "at", "kill"),
    [(order, at, kill) for order, count in PRESS_POINTS.items() for at, kill in DIES + LOSES if at < count],
)
def test_a_retry_survives(
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    at: int,
    kill: bool,  # noqa: FBT001 - a case
) -> None:
    """The update is handled again, once; its failure is marked, and open for nobody to press again."""
    point = Point(at, kill)
    name = press_retry(owner, point, order, monkeypatch)
    assert point.reached
    assert (owner.handled, said(owner.telegram, 8001)) == (["words 1"], ["done"])
    assert owner.state(name) == ("retried", 1)
    assert name == reference("message-1")


@HOW
@pytest.mark.parametrize("order", ["retry", "retry_all"])
def test_these_are_all_points_of_a_retry(
    owner: Owner,
    telegram: TelegramWire,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    kill: bool,  # noqa: FBT001 - a case
) -> None:
    """No press has more; and where nothing goes wrong it is answered once."""
    point = Point(PRESS_POINTS[order], kill)
    press_retry(owner, point, order, monkeypatch)
    assert (point.passed, point.seen[-1]) == (PRESS_POINTS[order], "editMessageText")
    assert telegram.methods.count("answerCallbackQuery") == 1
