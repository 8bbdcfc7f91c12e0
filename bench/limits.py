"""Print what the limits and the cache achieve, on virtual time: `make bench`.

The scenarios are those of tests/simulation, so the figures do not depend on the machine; how long they take does.
"""

from __future__ import annotations

import logging
import time
import warnings
from statistics import median
from typing import TYPE_CHECKING

from tests.simulation import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator

type Row = tuple[str, str]


def saturated() -> Iterator[Row]:
    """One group, one private chat and 200 more, each with more than may be answered."""
    result = scenarios.saturate()
    chats = [result.share(chat) for chat in scenarios.CHATS]
    yield "answers in the group, of 20 a minute", f"{result.share(scenarios.GROUP):.1%}"
    yield "answers in the private chat, of 1 a second", f"{result.share(scenarios.PRIVATE):.1%}"
    yield "answers in 200 more private chats, least and median", f"{min(chats):.1%}, {median(chats):.1%}"
    yield "429s after the first second", str(sum(after_s > 1 for after_s in result.refused_after_s))
    yield "chats out of order", str(len(result.out_of_order))


def contended() -> Iterator[Row]:
    """One chat that all of 50 workers write to."""
    for name, chat in (("group", -5), ("private chat", 5)):
        result = scenarios.contend(chat)
        yield f"messages of 50 workers into one {name}, of what is allowed", f"{result.share:.1%}"
        yield f"429s in that {name}", str(result.refused)


def frozen() -> Iterator[Row]:
    """One call in a hundred is told to wait for 1 to 60 s."""
    result = scenarios.freeze_at_random()
    yield "random freezes, answers of messages", f"{result.freezes}, {result.answers} of {result.messages}"
    yield "calls into a frozen chat", str(result.called_while_frozen)


def troubled() -> Iterator[Row]:
    """DynamoDB throttles 5 % of the requests and loses the answers of 2 %."""
    result = scenarios.trouble_the_table()
    yield "a table in trouble, answers of messages", f"{result.answers} of {result.messages}"
    yield "chats out of order or answered twice", str(len(result.out_of_order))


def flooded() -> Iterator[Row]:
    """One person sends 10 000 messages at once among 1000 others."""
    result = scenarios.flood()
    for share in (0.5, 0.99, 1.0):
        yield f"others' waiting beside a flooder, p{share * 100:.0f}, of undisturbed", f"{result.slowdown(share):.2f} x"
    yield "the flooder's answers and notices", f"{result.answers} and {result.notices}"


def held_back() -> Iterator[Row]:
    """Five minutes' worth of messages at once, through the queue."""
    result = scenarios.hold_back("600/min", minutes=5, workers=20)
    yield "five minutes' worth of the bot's limit at once: answered", f"{result.answers} of {result.messages}"
    yield "the last of them, of the time at the limit itself", f"{result.last_s / result.ideal_s:.2f} x"
    yield "most in a minute, of the limit", f"{result.most:.1%}"


def crowded() -> Iterator[Row]:
    """A million chats at the limit of the whole bot."""
    result = scenarios.crowd(chats=1_000_000, limit="60000/min")
    yield "a million chats: of the bot's limit, least and most in a minute", f"{result.least:.1%}, {result.most:.1%}"
    yield "most writes a second to the bot's own key", str(result.bot_key_per_s)
    yield "keys above 100 writes a second", str(len(result.hot_keys))


def cached() -> Iterator[Row]:
    """Ten thousand updates in 500 chats ask getChat."""
    result = scenarios.ask_about_chats()
    yield "getChat calls for 10 000 updates in 500 chats, 50 of them renamed", str(sum(result.asked.values()))
    yield "updates that saw an old title", str(len(result.stale))


def main() -> None:
    """Print a Markdown table."""
    warnings.simplefilter("ignore")  # python-telegram-bot warns of every 429
    logging.getLogger("floodgate").setLevel(logging.CRITICAL)
    print("| what | figure |\n| --- | --- |")  # noqa: T201 - printing is what this is for
    started = time.monotonic()
    for scenario in (saturated, contended, frozen, troubled, flooded, held_back, crowded, cached):
        for what, figure in scenario():
            print(f"| {what} | {figure} |", flush=True)  # noqa: T201
    print(f"\nin {time.monotonic() - started:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
