"""A handler's attempts, one after another, on the real bot and Application, with a Telegram that counts below them."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, override

import httpx
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.ext import TypeHandler
from telegram.request import BaseRequest

from floodgate.aws import AwsCalls
from floodgate.delivery.journal import pack, unpack
from floodgate.ingress.facts import shown
from floodgate.ingress.updates import parse
from floodgate.state.records import Records
from floodgate.telegram.bot import make_bot
from floodgate.telegram.errors import MustWait
from floodgate.telegram.limiter import Limiter
from floodgate.telegram.processing import process, run_handlers
from floodgate.telegram.replay import Recorded, Replay
from floodgate.telegram.run import Run
from floodgate.telegram.update_data import Memory
from floodgate.traffic.gate import Ticket
from tests.unit.delivery.virtual_time import run
from tests.unit.ingress.samples import BOT, DATE, PRIVATE, message
from tests.unit.telegram.wire import API_URL, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from telegram import Update
    from telegram.ext import ContextTypes
    from telegram.request import RequestData

    type Work = Callable[[Update, ContextTypes.DEFAULT_TYPE], Coroutine[Any, Any, Any]]

BODY = json.dumps({"update_id": 1, "message": message(PRIVATE, text="hello")})
_MESSAGES = {"sendMessage", "sendPhoto", "sendDocument", "sendPoll", "editMessageText"}


@dataclass(frozen=True)
class Request:
    """A call that Telegram has carried out, with its answer."""

    method: str
    parameters: dict[str, Any]
    files: list[bytes]
    answer: Any

    @property
    def key(self) -> str:
        """The call, without its answer: method, chat, words."""
        told = (self.parameters.get(name) for name in ("chat_id", "text", "name"))
        return " ".join([self.method, *(str(value) for value in told if value is not None)])


class Telegram(BaseRequest):
    """Carries out every call, unless there are other plans for its number."""

    def __init__(self) -> None:
        self.done: list[Request] = []
        #: By the number of the request: what is raised, and whether the call is carried out all the same.
        self.fates: dict[int, tuple[Exception, bool]] = {}
        #: The calls that were not answered, in order.
        self.unanswered: list[tuple[str, Exception]] = []
        self._asked = itertools.count()
        self._ids = itertools.count(1000)

    @override
    async def initialize(self) -> None:
        """Nothing to do."""

    @override
    async def shutdown(self) -> None:
        """Nothing to do."""

    @property
    @override
    def read_timeout(self) -> float:
        """What httpx has by default."""
        return 5.0

    @override
    async def do_request(  # type: ignore[override] # its timeouts are nothing to us
        self, url: str, method: str, request_data: RequestData | None = None, **_: Any
    ) -> tuple[int, bytes]:
        """Return a status and a body."""
        endpoint = url.rpartition("/")[2]
        parameters = dict(request_data.parameters) if request_data else {}
        assert method == "POST"
        files = [file[1] for file in ((request_data.multipart_data if request_data else None) or {}).values()]
        read = [file if isinstance(file, bytes) else file.read() for file in files]
        error, is_done = self.fates.get(next(self._asked), (None, True))
        await asyncio.sleep(0.01)
        made = Request(endpoint, parameters, read, self._answer(endpoint, parameters))
        if is_done:
            self.done.append(made)
        if error is not None:
            self.unanswered.append((made.key, error))
            raise error
        return 200, json.dumps({"ok": True, "result": made.answer}).encode()

    def _answer(self, endpoint: str, parameters: dict[str, Any]) -> Any:
        if endpoint == "copyMessage":
            return {"message_id": next(self._ids)}
        if endpoint == "exportChatInviteLink":
            return f"https://t.me/+{next(self._ids)}"
        if endpoint == "sendMediaGroup":
            return [self._message(parameters) for _ in parameters["media"]]
        return self._message(parameters) if endpoint in _MESSAGES and "chat_id" in parameters else True

    def _message(self, parameters: dict[str, Any]) -> dict[str, Any]:
        chat = {"id": parameters["chat_id"], "type": "private"}
        return {"message_id": next(self._ids), "date": DATE, "chat": chat, "text": parameters.get("text", "")}


#: What no handler of these tests asks for anything.
NO_MEMORY: Memory = Memory(Records(cast("Any", None), "state", AwsCalls(), time.time))


@dataclass
class Attempts:
    """One update, tried again and again; what the journal keeps in between goes through its bytes."""

    telegram: Telegram = field(default_factory=Telegram)
    repeat_unknown: bool = False
    kept: bytes = b""

    def attempt(self, work: Work) -> tuple[BaseException | None, Run]:
        """Run a handler; return what it failed with, and the run that it was."""
        return run(self._attempt(work))

    async def _attempt(self, work: Work) -> tuple[BaseException | None, Run]:
        bot = make_bot(TOKEN, API_URL, Limiter(BOT, repeat_unknown=self.repeat_unknown), self.telegram)
        await bot.initialize()
        update = parse(BODY)
        this = Run(
            update=update,
            ticket=Ticket(update.update_id, "m"),
            group="chat:7001",
            own=7001,
            deadline=asyncio.get_running_loop().time() + 10,
            gates=None,
            shown=shown(update),
            replay=Replay(unpack(self.kept)),
        )
        error: BaseException | None = None
        try:
            await process(bot, lambda app: app.add_handler(TypeHandler(object, work)), this, NO_MEMORY, run_handlers)
        except (MustWait, Exception) as raised:  # noqa: BLE001 - as a worker does
            error = raised
        self.kept = pack(this.replay.records())
        return error, this

    @property
    def records(self) -> tuple[Recorded, ...]:
        """What the next attempt will know."""
        return unpack(self.kept)


def never_sent() -> TelegramError:
    """Return what python-telegram-bot raises where there is no connection."""
    return _caused(NetworkError("httpx.ConnectError"), httpx.ConnectError("x"))


def timed_out() -> TelegramError:
    """Return what it raises when no answer comes."""
    return _caused(TimedOut(), httpx.ReadTimeout("x"))


def garbage() -> TelegramError:
    """Return what it raises when nobody can read the answer to what was done."""
    return _caused(TelegramError("Invalid server response"), ValueError("x"))


def _caused(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error
