"""How far updates may be confirmed at Telegram, which may begin anew at a lower number."""

from __future__ import annotations

import pytest

from local.bridge.window import Window
from local.telegram.updates import Pending

LIMIT = 4


def window(**outcomes: str) -> Window:
    """Return one to which Telegram has shown these updates."""
    made = Window()
    take(made, *(int(number.removeprefix("u")) for number in outcomes))
    for number, outcome in outcomes.items():
        settle(made, int(number.removeprefix("u")), outcome)
    return made


def take(made: Window, *numbers: int) -> list[int]:
    """Have Telegram show these updates, and return the new ones, which wait from then on."""
    new = [update["update_id"] for update in made.take([{"update_id": number} for number in numbers], LIMIT)]
    for number in new:
        settle(made, number, "pending")
    return new


def settle(made: Window, number: int, outcome: str) -> None:
    """Have an update that is held get that outcome."""
    made.hold(Pending({"update_id": number}, "message", "chat:5", 0, 9, outcome=outcome))


@pytest.mark.parametrize(
    ("outcomes", "offset"),
    [
        ({}, None),
        ({"u8": "pending"}, None),
        ({"u8": "delivered"}, 9),
        ({"u8": "delivered", "u9": "expired"}, 10),
        ({"u8": "delivered", "u9": "pending"}, 9),
        ({"u8": "pending", "u9": "delivered"}, None),
    ],
)
def test_the_offset_is_the_oldest_that_is_not_settled(outcomes: dict[str, str], offset: int | None) -> None:
    """None if that is the oldest of all, which Telegram shows anyway."""
    assert window(**outcomes).offset() == offset


def test_what_an_answer_does_not_show_is_gone() -> None:
    """Its number, higher than those that Telegram gives out now, confirms none of them."""
    made = window(u100="delivered")
    assert take(made, 7) == [7]
    settle(made, 7, "delivered")
    assert made.offset() == 8


def test_what_waits_here_and_is_gone_there_confirms_nothing() -> None:
    """It is delivered all the same."""
    made = window(u100="pending")
    assert take(made, 7) == [7]
    settle(made, 7, "delivered")
    assert (made.offset(), made.waiting) == (8, 1)


def test_what_is_behind_a_full_answer_may_be_there_still() -> None:
    """So what was delivered of it is not delivered again."""
    made = window(u1="pending", u2="delivered", u3="delivered", u4="delivered")
    settle(made, 5, "delivered")
    assert take(made, 1, 2, 3, 4) == []
    settle(made, 1, "delivered")
    assert made.offset() == 6
    assert take(made, 5) == []


def test_an_update_that_was_shown_and_not_taken_is_not_confirmed() -> None:
    """Whatever is behind it."""
    made = window(u8="delivered", u10="delivered")
    made.take([{"update_id": number} for number in (8, 9, 10)], LIMIT)
    assert made.offset() == 9


def test_an_old_answer_confirms_nothing() -> None:
    """Until there is another."""
    made = window(u100="delivered")
    made.doubt()
    assert made.offset() is None
    assert take(made, 100) == []
    assert made.offset() == 101
