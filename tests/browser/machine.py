"""A machine for the page to show, without AWS: a bot that answers by a script, and the feed that a stack would write.

Problem: the page is tried with every turn that updates can take, and a stack takes minutes to start.
Rule: it takes what the emulator delivers to its webhook, works one update of a chat at a time, some chats side by side,
calls the real Bot API of the emulator, and writes `invocations.jsonl` in the members and words of a real one. What
Telegram does not take is put back and tried again; of a chat that floods, some is answered and the rest is limited.
Hazard: it is as true as the feed's description; tests/e2e/test_page.py has the page on a real stack.
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.conversation import Telegram
from local.machine import account
from local.machine.feed import NAME
from local.stack import ROOT
from local.telegram.server import running

type Json = dict[str, Any]

_WORKERS = 4
_AGAIN_AFTER_S = 0.3
#: Of a chat, waiting: beyond it, its updates are limited.
_BURST = 5
_QUEUE = "http://localhost/000000000000/UpdatesQueue.fifo"
COMMANDS = [
    {"command": "start", "description": "Say hello"},
    {"command": "picture", "description": "Show a picture"},
    {"command": "menu", "description": "Choose by a keyboard"},
]
GREETING = "<b>Welcome!</b> This is <i>bold</i> and <code>code</code>, with a <a href='https://example.com/'>link</a>."
BUTTONS = {
    "inline_keyboard": [
        [{"text": "Yes", "callback_data": "yes"}, {"text": "No", "callback_data": "no"}],
        [{"text": "Read on", "url": "https://example.com/"}],
    ]
}
MENU = {"keyboard": [[{"text": "Tea"}, {"text": "Coffee"}]], "resize_keyboard": True, "is_persistent": True}
ASK = {"force_reply": True, "input_field_placeholder": "Your name"}
PICTURE = ROOT / "docs" / "images" / "dashboard.png"


class Account(account.Account):
    """What the local AWS would say: queues and alarms, as a test sets them."""

    def __init__(self) -> None:
        self.queues = {name: {"waiting": 0, "in_hand": 0} for name in account.QUEUES}
        self.alarms: tuple[Json, ...] = ()

    def look(self) -> account.Look:
        """Return it."""
        return account.Look(time.time(), self.queues, self.alarms)


class Machine:
    """Takes updates and has the scripted bot work on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.account = Account()
        #: How long the webhook takes for each update.
        self.accepts_after_s = 0.0
        self._feed = folder / NAME
        self.folder.mkdir(exist_ok=True)
        self._feed.touch()
        self._chats: dict[str, deque[Json]] = {}
        self._draining: set[asyncio.Task[None]] = set()
        self._api = ""
        self._client = httpx.AsyncClient(trust_env=False, timeout=10)
        self._busy = asyncio.Semaphore(_WORKERS)

    @contextlib.contextmanager
    def working_for(self, telegram: Telegram) -> Iterator[None]:
        """Serve the webhook, and have updates delivered to it."""
        self._api = f"{telegram.base_url}{telegram.token}"
        served = Starlette(routes=[Route("/webhook", self._take, methods=["POST"])], lifespan=self._work)
        with running(served) as url, httpx.Client(trust_env=False) as client:
            client.post(f"{self._api}/setMyCommands", json={"commands": COMMANDS}).raise_for_status()
            client.post(f"{self._api}/setWebhook", json={"url": f"{url}/webhook"}).raise_for_status()
            yield
            client.post(f"{self._api}/deleteWebhook").raise_for_status()

    async def _take(self, request: Request) -> Response:
        update = await request.json()
        await asyncio.sleep(self.accepts_after_s)
        chat = _chat(update)
        if chat not in self._chats:
            self._chats[chat] = deque()
            task = asyncio.create_task(self._drain(chat))
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)
        self._chats[chat].append(update)
        return Response()

    @contextlib.asynccontextmanager
    async def _work(self, _: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield
            for task in self._draining:
                task.cancel()

    async def _drain(self, chat: str) -> None:
        """Work on the chat's updates, one after the other, until none waits."""
        await asyncio.sleep(0)  # the first is only then there
        while waiting := self._chats[chat]:
            update, message_id, receives = waiting.popleft(), str(uuid.uuid4()), 1
            is_limited = len(waiting) > _BURST
            while not await self._attempt(update, message_id, receives, is_limited=is_limited):
                receives += 1
                await asyncio.sleep(_AGAIN_AFTER_S)
        del self._chats[chat]

    async def _attempt(self, update: Json, message_id: str, receives: int, *, is_limited: bool) -> bool:
        """Have the bot work on the update, and return whether that is its end."""
        async with self._busy:
            invocation, began = str(uuid.uuid4()), time.time()
            message: Json = {"id": message_id, "receipt": str(uuid.uuid4()), "queue": _QUEUE}
            message |= {"update_id": update["update_id"], "receives": receives}
            self._append("began", invocation, began, messages=[message])
            done = is_limited or await self._answer(update)
        ended = time.time()
        line = {
            "level": "INFO" if done else "ERROR",
            "message": "update",
            "outcome": "drop" if is_limited else "done" if done else "retry",
            "update_id": update["update_id"],
            "handler": "bot.scripted",
            "attempts": receives - 1,
            "queued_s": 0.01,
            "took_s": round(ended - began, 3),
            "message_id": message_id,
            "trace_id": f"1-{update['update_id']:08x}",
        }
        line |= {"reason": "user_limit"} if is_limited else {} if done else {"error": "BadGateway"}
        put_back = [] if done else [message_id]
        lines = [json.dumps(line), _metrics(AnswerTime=[(ended - began) * 1000], AttemptsFailed=[float(not done)])]
        self._append(
            "ended", invocation, ended, took_ms=(ended - began) * 1000, error=None, put_back=put_back, lines=lines
        )
        return done

    def _append(self, event: str, invocation: str, at: float, **more: Any) -> None:
        line = {"at": at, "event": event, "id": invocation, "function": "WorkerFunction", **more}
        with self._feed.open("a") as feed:
            feed.write(json.dumps(line) + "\n")

    async def _answer(self, update: Json) -> bool:
        """Have the bot say what it says, and return whether Telegram took it."""
        calls = _of_a_press(update["callback_query"]) if "callback_query" in update else _of(update.get("message", {}))
        for method, parameters in calls:
            parts = {
                name: json.dumps(value) if isinstance(value, dict) else value for name, value in parameters.items()
            }
            files = {name: (path.name, path.read_bytes()) for name, path in parts.items() if isinstance(path, Path)}
            data = {name: value for name, value in parts.items() if name not in files}
            answer = await self._client.post(f"{self._api}/{method}", data=data, files=files or None)
            if answer.status_code != httpx.codes.OK:
                return False
        return True


#: What the bot says to a command: the method, and the parameters besides the chat.
_SCRIPT: Mapping[str, list[tuple[str, Json]]] = {
    "/start": [("sendMessage", {"text": GREETING, "parse_mode": "HTML", "reply_markup": BUTTONS})],
    "/picture": [
        ("sendChatAction", {"action": "upload_photo"}),
        ("sendPhoto", {"photo": PICTURE, "caption": "The dashboard"}),
    ],
    "/menu": [("sendMessage", {"text": "What will it be?", "reply_markup": MENU})],
    "/ask": [("sendMessage", {"text": "Who are you?", "reply_markup": ASK})],
    "/typing": [("sendChatAction", {"action": "typing"})],
}


def _of(message: Json) -> list[tuple[str, Json]]:
    """Return the calls by which the bot answers a message."""
    text = str(message.get("text", ""))
    if not text:
        return []
    command = text.partition(" ")[0].partition("@")[0]
    calls = _SCRIPT.get(command, [("sendMessage", {"text": f"You said: {text}"})])
    return [(method, {"chat_id": message["chat"]["id"], **parameters}) for method, parameters in calls]


def _of_a_press(query: Json) -> list[tuple[str, Json]]:
    """Return the calls by which the bot answers a press."""
    message = query["message"]
    changed = {"chat_id": message["chat"]["id"], "message_id": message["message_id"], "text": f"It is {query['data']}."}
    return [("answerCallbackQuery", {"callback_query_id": query["id"], "text": "Noted"}), ("editMessageText", changed)]


def _chat(update: Json) -> str:
    body = update.get("message") or update.get("callback_query", {}).get("message") or {}
    return str(body.get("chat", {}).get("id", update["update_id"]))


def _metrics(**values: list[float]) -> str:
    metrics = [{"Name": name, "Unit": "None"} for name in values]
    about = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [{"Namespace": "Floodgate", "Metrics": metrics}],
    }
    return json.dumps({"_aws": about, "function": "worker", **values})
