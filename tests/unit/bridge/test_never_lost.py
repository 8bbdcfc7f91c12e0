"""Whatever fails, nothing is confirmed at Telegram before the webhook took it, and all of it arrives."""

import asyncio
import itertools
import json
from collections import Counter

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from local.telegram.faults import Fault
from tests.unit.bridge.harness import Crossing

CHATS = (5, 6, 7)
#: Longer than the longest pause between two tries of a delivery, and between two polls.
UNTIL_ALL_IS_WELL_S = 300

Step = tuple[str, int]

#: People write; time passes; a chat's deliveries fail or hang from now on; Telegram does not answer, or its answers get
#: lost, from now on; the bridge is killed, or stops as it should, and another begins.
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(CHATS)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 2, 5, 70])),
        st.tuples(st.sampled_from(["work", "fail", "hang"]), st.sampled_from(CHATS)),
        st.tuples(st.sampled_from(["line up", "line down", "answers lost", "kill", "stop"]), st.just(0)),
    ),
    max_size=25,
)


class Story:
    """People, a bot that works or does not, and a bridge, until all is well again."""

    def __init__(self) -> None:
        self.crossing = Crossing()
        self.crossing.handle = self._take
        self.crossing.build()
        self.manner = dict.fromkeys(CHATS, "work")
        self.said: dict[int, list[int]] = {chat: [] for chat in CHATS}
        self.taken: list[int] = []
        self.endings = 0

    async def play(self, script: list[Step]) -> None:
        """Carry out the script, then mend everything and wait."""
        await self.crossing.hook()
        for what, value in script:
            await self._step(what, value)
            self.check()
        self.crossing.line.fault = lambda _: None
        self.manner = dict.fromkeys(CHATS, "work")
        await self.crossing.clock.advance(UNTIL_ALL_IS_WELL_S)
        self.check()

    def check(self) -> None:
        """Assert that Telegram has forgotten nothing that the webhook has not taken."""
        confirmed = {number for number, outcome in self.crossing.outcomes().items() if outcome != "pending"}
        assert confirmed <= set(self.taken)

    async def _step(self, what: str, value: int) -> None:
        match what:
            case "say":
                self.said[value] += await self.crossing.say(value)
            case "wait":
                await self.crossing.clock.advance(value)
            case "work" | "fail" | "hang":
                self.manner[value] = what
            case "kill":
                await self.crossing.crash()
                await self._anew()
            case "stop":
                stopping = asyncio.create_task(self.crossing.bridge.stop())
                await self.crossing.clock.advance(60)
                await stopping
                await self._anew()
            case _:
                self.crossing.line.fault = {"line up": lambda _: None, "line down": _cut}.get(what, self._lose)

    async def _anew(self) -> None:
        self.endings += 1
        await self.crossing.bridge.sender.close()
        self.crossing.build()
        await self.crossing.hook()

    async def _take(self, request: httpx.Request) -> httpx.Response:
        update = json.loads(request.content)
        manner = self.manner[update["message"]["chat"]["id"]]
        if manner == "hang":
            await asyncio.Event().wait()
        if manner == "fail":
            return httpx.Response(500)
        self.taken.append(update["update_id"])
        return httpx.Response(200)

    def _lose(self, request: httpx.Request) -> httpx.Response | None:
        """Have Telegram carry the request out, and its answer lost."""
        if request.url.path.endswith("/getUpdates"):
            self.crossing.telegram.faults.clear()
            self.crossing.telegram.faults.add(_lost())
        return None


def _cut(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no network")


def _lost() -> Fault:
    return Fault("getUpdates", 1, after_delivery=True, drop=True)


@settings(max_examples=150, deadline=None)
@given(script=steps)
def test_nothing_is_confirmed_before_it_is_delivered_and_nothing_is_lost(script: list[Step]) -> None:
    """Through failing deliveries, lost answers and crashes: all arrive, in their chat's order, once for each bridge."""

    async def play() -> Story:
        story = Story()
        try:
            await story.play(script)
        finally:
            await story.crossing.close()
        return story

    story = asyncio.run(play())
    times = Counter(story.taken)
    first_taken = list(dict.fromkeys(story.taken))
    assert sorted(times) == sorted(itertools.chain(*story.said.values()))
    assert max(times.values(), default=0) <= 1 + story.endings
    assert set(story.crossing.outcomes().values()) <= {"confirmed"}
    for said in story.said.values():
        assert [number for number in first_taken if number in said] == said
