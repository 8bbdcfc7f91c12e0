"""What the bot promises of floods, held in simulations of many workers against the emulator's own limits.

The figures that `make bench` prints are those of these scenarios, where a run takes a minute and more with longer ones:
ten minutes of saturated chats in place of three, five minutes' worth held back in place of three, a million chats in
place of 150 000.
"""

from __future__ import annotations

import pytest

from tests.simulation.scenarios import (
    CHATS,
    GROUP,
    PRIVATE,
    ask_about_chats,
    contend,
    crowd,
    flood,
    freeze_at_random,
    freeze_for,
    hold_back,
    saturate,
    trouble_the_table,
)

# PTB 22.8 warns of every 429 unless PTB_TIMEDELTA is set.
pytestmark = [
    pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning"),
    pytest.mark.timeout(1200),  # minutes of computing, on a machine that may do other things as well
]


def test_fifty_workers_use_what_telegram_allows_and_no_more() -> None:
    """In three minutes of more than can be answered, every chat gets 95 % of its limit, in order, without a 429."""
    chats = (GROUP, PRIVATE, *CHATS[:80])
    result = saturate(chats, duration_s=180.0)
    assert [after_s for after_s in result.refused_after_s if after_s > 1] == []
    assert result.out_of_order == []
    assert min(result.share(chat) for chat in chats) >= 0.95


@pytest.mark.parametrize("chat", [-5, 5], ids=["group", "private"])
def test_fifty_workers_share_one_chat(chat: int) -> None:
    """Also when all of them write to one chat at once, from updates of other chats."""
    result = contend(chat)
    assert result.refused == 0
    assert result.share >= 0.95


def test_random_freezes_lose_nothing_and_are_kept() -> None:
    """With one call in a hundred told to wait, all is answered once and in order, and no frozen chat is called."""
    result = freeze_at_random()
    assert result.freezes > 50
    assert (result.answers, result.dead_letters) == (result.messages, 0)
    assert result.out_of_order == []
    assert (result.called_while_frozen, result.refused) == (0, 0)


@pytest.mark.parametrize("seconds", [2, 30, 10_072, 43_200, 100_000], ids=lambda seconds: f"{seconds}s")
def test_a_freeze_is_waited_for_however_long(seconds: int) -> None:
    """After seconds or more than a day all is answered, once and in order, and nobody called meanwhile."""
    result, last_s = freeze_for(seconds)
    assert (result.answers, result.dead_letters, result.out_of_order) == (result.messages, 0, [])
    assert (result.freezes, result.called_while_frozen, result.refused) == (1, 0, 0)
    assert seconds < last_s < seconds + 30


def test_a_troubled_table_loses_and_repeats_nothing() -> None:
    """Requests are throttled and answers lost, also to botocore's second tries: all is answered once and in order."""
    result = trouble_the_table()
    assert min(result.faults.values()) > 100
    assert (result.answers, result.dead_letters) == (result.messages, 0)
    assert result.out_of_order == []


def test_a_flooder_slows_nobody_down() -> None:
    """Ten thousand messages of one person: others wait no longer than twice as long, and the flooder is told once."""
    result = flood()
    assert result.out_of_order == []
    assert max(result.slowdown(share) for share in (0.5, 0.9, 0.99, 1.0)) <= 2
    assert result.notices == 1


def test_what_the_bots_limit_holds_back_comes_through_at_the_limit() -> None:
    """Three minutes' worth at once takes little more than three minutes, and no minute holds more than it may."""
    result = hold_back("600/min", minutes=3, workers=20)
    assert result.answers == result.messages
    assert result.most <= 1
    assert result.last_s <= 1.2 * result.ideal_s


def test_very_many_chats_heat_no_key() -> None:
    """The bot's own limit holds in every minute and is used, and no key sees more than 100 writes in a second."""
    result = crowd(chats=150_000, limit="60000/min")
    assert result.admitted == 150_000
    assert result.hot_keys == {}
    assert result.most <= 1
    assert result.least >= 0.9


def test_chats_are_asked_about_once() -> None:
    """However many updates ask, Telegram is asked once per chat; a new title is seen by the chat's next update."""
    result = ask_about_chats()
    assert result.updates == 10_000
    assert set(result.asked.values()) == {1, 2}
    assert sum(count == 2 for count in result.asked.values()) == result.renamed
    assert result.stale == []
    assert result.duration_s < 300
