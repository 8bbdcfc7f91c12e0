"""`kill -9` on the worker's processes of the deployed stack: nothing is lost, and what is repeated was in hand.

The local AWS runs each execution environment of a function as a process, a child of its own, and reports a killed one
as the invocation's error, "Worker process died". As on AWS the batch's messages stay hidden until their visibility
timeout, and the next invocation gets a new process. Two things differ: it has one batch of a FIFO queue under way at a
time, so there is one worker to kill, with up to ten messages in hand; and after an error it leaves the queue alone for
a second, before it starts the next.

What a killed worker costs is a parameter, 120 s, and with the least that the template takes these tests would still
wait for minutes. So the deployed function and its queue are given shorter times for a while, in the same proportion,
and the bot a feature to be killed in (mortal.py), with the calls that a deployment makes too. Afterwards all is as it
was.
"""

from __future__ import annotations

import io
import logging
import random
import time
import zipfile
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.e2e.test_pipeline import WITHIN_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

    from local.control import TelegramControl
    from local.stack import Stack

#: In place of 120, 20 and 10 s.
VISIBILITY_S = 20
TIMEOUT_S = 10
DEADLINE_S = 5
#: How long after the first kill the last one may come, so that no message is in hand at two of them.
KILLING_S = VISIBILITY_S - 4
#: How long until the queue tells what is in hand of a worker that was stopped: the local AWS may be about to delete a
#: batch that was just done.
SETTLED_S = 0.4
#: Within how much time a request arrives that was on its way when its worker was stopped; no new worker is as fast.
ARRIVED_S = 1.0
BATCH = 10
KILLS = 3

pytestmark = pytest.mark.timeout(600)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kill:
    """A worker's end: when, and how many messages it had in hand."""

    at: float
    in_hand: int


class Workers:
    """The processes in which the stack's local AWS runs the worker's function, and what is hidden in its queue."""

    def __init__(self, stack: Stack, function: str, queue: str) -> None:
        self._port = str(stack.ports.aws)
        self._function = function
        self._sqs = stack.aws.sqs
        self._queue = queue

    def kill(self, lost: int) -> Kill | None:
        """Kill the worker and return what that cost, None if there is none, or it has nothing in hand.

        `lost` are the messages that are hidden since earlier kills.
        """
        for worker in self._running():
            worker.suspend()
            at = time.time()
            time.sleep(SETTLED_S)
            if (in_hand := self.in_hand() - lost) > 0:
                worker.kill()
                return Kill(at, in_hand)
            worker.resume()
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have no worker go on within this block, which is to be shorter than TIMEOUT_S."""
        held = self._running()
        for worker in held:
            worker.suspend()
        try:
            yield
        finally:
            for worker in held:
                with suppress(psutil.NoSuchProcess):  # an idle one, which the local AWS has ended
                    worker.resume()

    def _running(self) -> list[psutil.Process]:
        """Return the processes, told by their environment; nobody else's are among them."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                environ = process.environ()
                of = environ.get("GATEWAY_PORT"), environ.get("AWS_LAMBDA_FUNCTION_NAME")
                if of == (self._port, self._function):
                    found.append(process)
        return found

    def in_hand(self) -> int:
        """Return how many messages of the queue are hidden."""
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture(scope="module")
def workers(stack: Stack, outputs: dict[str, str], waiting: Callable[[], int], sqs: SQSClient) -> Iterator[Workers]:
    """The workers, which for now have the feature and the shorter times."""
    functions, queue = stack.aws.functions, outputs["UpdatesQueue"]
    name = stack.aws.physical_ids("AWS::Lambda::Function")["WorkerFunction"]
    deployed = functions.get_function(FunctionName=name)
    timeout_s = deployed["Configuration"]["Timeout"]
    variables = deployed["Configuration"]["Environment"]["Variables"]
    code = httpx.get(deployed["Code"]["Location"], trust_env=False, timeout=30).raise_for_status().content
    times = {
        "UPDATE_DEADLINE_S": str(DEADLINE_S),
        "FUNCTION_TIMEOUT_S": str(TIMEOUT_S),
        "QUEUE_VISIBILITY_S": str(VISIBILITY_S),
    }
    wait_until(lambda: waiting() == 0)  # the local AWS ends a worker whose function changes
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(VISIBILITY_S)})
    _change(functions, name, TIMEOUT_S, {**variables, **times}, _with_feature(code))
    yield Workers(stack, name, queue)
    try:
        wait_until(lambda: waiting() == 0, within_s=3 * VISIBILITY_S)
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": variables["QUEUE_VISIBILITY_S"]})
        _change(functions, name, timeout_s, variables, code)


def _change(functions: LambdaClient, name: str, timeout_s: int, variables: dict[str, str], code: bytes) -> None:
    """Return once the function has these times and this code."""
    updated = functions.get_waiter("function_updated_v2")
    functions.update_function_configuration(FunctionName=name, Timeout=timeout_s, Environment={"Variables": variables})
    updated.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    functions.update_function_code(FunctionName=name, ZipFile=code)
    updated.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def _with_feature(code: bytes) -> bytes:
    """Return the bot's code with one more feature."""
    packed = io.BytesIO(code)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("bot/mortal.py", Path(__file__).with_name("mortal.py").read_text())
    return packed.getvalue()


def _sent(telegram: TelegramControl, chats: Sequence[int]) -> dict[int, list[tuple[float, str]]]:
    """Return when the bot sent what into each chat."""
    found: dict[int, list[tuple[float, str]]] = {chat: [] for chat in chats}
    for call in telegram.calls("sendMessage"):
        parameters = call["parameters"]
        if (chat := int(parameters["chat_id"])) in found:
            found[chat].append((call["at"], parameters["text"]))
    return found


def _kill_while_they_speak(
    telegram: TelegramControl, workers: Workers, chats: Sequence[int], said: Sequence[str]
) -> list[Kill]:
    """Have every chat say the words, kill workers meanwhile, and return the kills, KILLING_S after the first."""

    def say() -> None:
        for words in said:
            for chat in chats:
                telegram.say(chat, f"/slowly {words}")

    kills: list[Kill] = []
    free_at = began_at = time.time()
    with ThreadPoolExecutor() as pool:
        saying = pool.submit(say)
        while time.time() < (kills[0].at + KILLING_S if kills else began_at + WITHIN_S):
            if any(at > free_at for sent in _sent(telegram, chats).values() for at, _ in sent):  # one is at work
                time.sleep(random.uniform(0, 0.8))  # noqa: S311 - no secret
                if kill := workers.kill(lost=sum(kill.in_hand for kill in kills)):
                    kills.append(kill)
                    free_at = kill.at + ARRIVED_S
        saying.result()
    return kills


def test_what_killed_workers_had_in_hand_is_all_that_is_repeated(
    telegram: TelegramControl, workers: Workers, failures: Callable[[], dict[str, Any]], waiting: Callable[[], int]
) -> None:
    """280 messages of 56 chats, workers killed at random: all answered, in order, once but for what was in hand."""
    kept = failures()
    chats = range(80_001, 80_057)
    guests = range(83_001, 83_009)
    for chat in guests:
        telegram.say(chat, "/slowly good morning")
    for chat in guests:  # now all processes run that will be needed at once
        telegram.wait_for_reply(chat)

    kills: list[Kill] = []
    said: list[str] = []
    while len(kills) < KILLS:  # once, if this machine gets a new worker going in a few seconds
        more = [f"number {len(said) + number}" for number in range(5)]
        kills += _kill_while_they_speak(telegram, workers, chats, more)
        said += more
        wait_until(lambda: all(d["outcome"] != "pending" for d in telegram.deliveries()), within_s=3 * VISIBILITY_S)
        wait_until(lambda: waiting() == 0, within_s=3 * VISIBILITY_S)
    assert max(kill.in_hand for kill in kills) <= BATCH

    repeated_after: Counter[Kill] = Counter()
    for sent in _sent(telegram, chats).values():
        first_at: dict[str, float] = {}
        repeated = []
        for at, words in sent:
            if words in first_at:
                repeated.append(words)
            first_at.setdefault(words, at)
        assert list(first_at) == said
        assert repeated == [words for words in said if words in repeated]  # in order, and each of them once
        for words in repeated:
            ended_by = next(kill for kill in kills if kill.at > first_at[words] - ARRIVED_S)
            assert ended_by.at - first_at[words] < TIMEOUT_S
            repeated_after[ended_by] += 1
    _log.info(
        "%d messages, %d workers killed with %s in hand, %d repeated",
        len(chats) * len(said),
        len(kills),
        " + ".join(str(kill.in_hand) for kill in kills),
        repeated_after.total(),
    )
    assert [kill for kill in kills if repeated_after[kill] > kill.in_hand] == []
    assert failures() == kept
    telegram.say(guests[0], "/slowly all is well")
    assert telegram.wait_for_reply(guests[0], 2)[-1]["text"] == "all is well"


def test_an_update_that_kills_its_workers_is_given_up_after_the_second(
    telegram: TelegramControl,
    workers: Workers,
    chat_id: int,
    failures: Callable[[], dict[str, Any]],
    waiting: Callable[[], int],
) -> None:
    """The first crash blames nobody, the second the culprit, whose person is told; everybody else is answered.

    At the first crash its neighbours are in hand, and may be repeated. At the second nobody is who was not then: what
    may have killed a worker runs last, and alone.
    """
    before = failures().keys()
    early, late = range(81_001, 81_009), [82_001]
    for chat in [late[0], *early]:  # so that none of the neighbours is done when the deadly one is
        telegram.fault("sendMessage", delay_s=1, chat_id=chat)
    telegram.say(late[0], "/slowly hello")
    wait_until(lambda: workers.in_hand() == 1)
    with workers.held():  # while this one is in hand, a batch of ten gathers behind it
        for chat in early[:4]:
            telegram.say(chat, "/slowly hello")
        telegram.say(chat_id, "/die")
        for chat in early[4:]:
            telegram.say(chat, "/slowly hello")
        telegram.say(chat_id, "/slowly still here")
        wait_until(lambda: waiting() == 11)
    telegram.wait_for_reply(chat_id)
    died_at = time.time()

    while len(telegram.replies(chat_id)) < 2:
        assert time.time() < died_at + 2 * VISIBILITY_S
        assert failures().keys() == before
        late.append(late[-1] + 1)
        telegram.say(late[-1], "/slowly hello")
        time.sleep(0.3)
    wait_until(lambda: failures().keys() - before, within_s=2 * VISIBILITY_S)
    (reference,) = failures().keys() - before
    kept = failures()[reference]
    assert (kept["reason"]["S"], kept["group"]["S"]) == ("killed", f"chat:{chat_id}")
    assert b"/die" in zlib.decompress(kept["update"]["B"])

    wait_until(lambda: waiting() == 0, within_s=2 * VISIBILITY_S)
    replies = [reply["text"] for reply in telegram.wait_for_reply(chat_id, 4)]
    assert replies[:2] == ["dying", "dying"]
    assert sorted(reference if reference in reply else reply for reply in replies[2:]) == [reference, "still here"]
    sent = _sent(telegram, [*early, *late])
    assert min(sent[chat][-1][0] for chat in early) > died_at + VISIBILITY_S - TIMEOUT_S  # they were in hand
    assert [chat for chat in early if [words for _, words in sent[chat]] not in (["hello"], 2 * ["hello"])] == []
    assert [chat for chat in late if [words for _, words in sent[chat]] != ["hello"]] == []
    assert failures().keys() - before == {reference}
