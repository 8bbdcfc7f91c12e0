"""Print what the limits and the cache achieve, on virtual time: `make bench`.

The scenarios are those of tests/simulation, so the figures do not depend on the machine; how long they take does.
"""

from __future__ import annotations

import logging
import time
import warnings
from typing import TYPE_CHECKING

from tests.simulation import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator

type Row = tuple[str, str, str]
"""What is measured, its figure, and what it must be."""


def saturated() -> Iterator[Row]:
    """One group, one private chat and 200 more, each with more than may be answered."""
    result = scenarios.saturate()
    chats = [result.share(chat) for chat in scenarios.CHATS]
    yield (
        "ten minutes of more than can be answered, 50 workers: answers in a group, of 20 a minute",
        (f"{result.share(scenarios.GROUP):.1%}"),
        "≥ 95 %",
    )
    yield "… in a private chat, of one a second", f"{result.share(scenarios.PRIVATE):.1%}", "≥ 95 %"
    yield "… in 200 more private chats, the least", f"{min(chats):.1%}", "≥ 95 %"
    yield "… 429s after the first second", str(sum(after_s > 1 for after_s in result.refused_after_s)), "0"
    yield "… chats out of order", str(len(result.out_of_order)), "0"


def contended() -> Iterator[Row]:
    """One chat that all of 50 workers write to."""
    for name, chat in (("group", -5), ("private chat", 5)):
        result = scenarios.contend(chat)
        yield f"50 workers write to one {name}: messages, of what is allowed", f"{result.share:.1%}", "≥ 95 %"
        yield "… 429s", str(result.refused), "0"


def frozen() -> Iterator[Row]:
    """One call in a hundred is told to wait for 1 to 60 s."""
    result = scenarios.freeze_at_random()
    yield "one call in a hundred told to wait 1 to 60 s: answers", f"{result.answers}", f"{result.messages}"
    yield f"… calls into a chat while it is frozen, of {result.freezes} freezes", str(result.called_while_frozen), "0"


def troubled() -> Iterator[Row]:
    """DynamoDB throttles 5 % of the requests and loses the answers of 2 %."""
    result = scenarios.trouble_the_table()
    yield "DynamoDB throttles 5 % and loses 2 % of its answers: answers", f"{result.answers}", f"{result.messages}"
    yield "… chats answered out of order or twice", str(len(result.out_of_order)), "0"


def flooded() -> Iterator[Row]:
    """One person sends 10 000 messages at once among 1000 others."""
    result = scenarios.flood()
    for share in (0.5, 0.99, 1.0):
        yield (
            f"one sends 10 000 messages at once: what 1000 others wait, p{share * 100:.0f}, against without",
            (f"{result.slowdown(share):.2f} x"),
            "≤ 2 x",
        )
    yield "… notices to the one", str(result.notices), "1"


def held_back() -> Iterator[Row]:
    """Five minutes' worth of messages at once, through the queue."""
    result = scenarios.hold_back("600/min", minutes=5, workers=20)
    yield "five minutes' worth of the bot's limit at once: answers", f"{result.answers}", f"{result.messages}"
    yield (
        "… the last of them, of the time that the limit asks for",
        f"{result.last_s / result.ideal_s:.2f} x",
        "≤ 1.2 x",
    )
    yield "… most in a minute, of the limit", f"{result.most:.1%}", "≤ 100 %"


def crowded() -> Iterator[Row]:
    """A million chats at the limit of the whole bot."""
    result = scenarios.crowd(chats=1_000_000, limit="60000/min")
    yield "a million chats: least in a minute, of the bot's limit", f"{result.least:.1%}", "≥ 90 %"
    yield "… most in a minute", f"{result.most:.1%}", "≤ 100 %"
    yield "… most writes a second of a key that is no chat's own", str(result.bot_key_per_s), "≤ 100"


def cached() -> Iterator[Row]:
    """Ten thousand updates in 500 chats ask getChat."""
    result = scenarios.ask_about_chats()
    asked = str(sum(result.asked.values()))
    yield "10 000 updates ask about 500 chats, 50 of them renamed: calls that reach Telegram", asked, "550"
    yield "… updates that saw an old title", str(len(result.stale)), "0"


def main() -> None:
    """Print a Markdown table."""
    warnings.simplefilter("ignore")  # python-telegram-bot warns of every 429
    logging.getLogger("floodgate").setLevel(logging.CRITICAL)
    print("| what | figure | must be |\n| --- | --- | --- |")  # noqa: T201 - printing is what this is for
    started = time.monotonic()
    for scenario in (saturated, contended, frozen, troubled, flooded, held_back, crowded, cached):
        for row in scenario():
            print(f"| {' | '.join(row)} |", flush=True)  # noqa: T201
    print(f"\nin {time.monotonic() - started:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
