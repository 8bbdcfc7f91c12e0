"""What `make run TOKEN=…` finds out before it starts anything."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.bridge.account import API, TelegramApiUnusable, TokenUnusable
from local.bridge.claim import TelegramUnreachable, WebhookInTheWay, claim
from local.telegram.app import create_app
from local.telegram.clock import ManualClock
from tests.unit.bridge.harness import REAL, Line

HOOK = {"url": "https://bot.example.localhost/path-nobody-needs-to-see"}


class There:
    """A Telegram with a bot that may have a webhook."""

    def __init__(self) -> None:
        self.app = create_app(token=REAL, clock=ManualClock(), webhook_transport=httpx.MockTransport(_refuse))
        self.line = Line(self.app)

    def call(self, path: str, **body: Any) -> Any:
        """Send it something, and return the answer."""

        async def send() -> Any:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://t") as client:
                return (await client.post(path, json=body)).json()

        return asyncio.run(send())

    def claim(self, token: str = REAL, *, may_remove: bool = False, ask: Callable[[str], bool] | None = None) -> Any:
        """Claim the bot."""
        return claim(token, API, may_remove=may_remove, ask=ask, transport=self.line)

    @property
    def has_webhook(self) -> bool:
        """Whether the bot has one."""
        return self.app.state.emulator.sender.webhook is not None

    @property
    def waiting(self) -> int:
        """How many updates wait."""
        return len(self.app.state.emulator.updates)


def _refuse(_: httpx.Request) -> httpx.Response:
    return httpx.Response(500)


@pytest.fixture
def there() -> There:
    """A Telegram without a webhook."""
    return There()


@pytest.fixture
def hooked(there: There) -> There:
    """That, with a webhook and two updates that wait for it."""
    assert there.call(f"/bot{REAL}/setWebhook", **HOOK)["ok"]
    for _ in range(2):
        there.call("/control/messages", chat_id=5, text="hello")
    return there


SITUATION = (
    "@floodgate_local_bot has a webhook at bot.example.localhost: Telegram sends what people write there, and 2 "
    "updates wait for it. Only without that webhook do updates come here; those that wait are kept. The deployed "
    "bot is silent then, until it is registered again (make deploy)."
)


def test_a_free_bot_is_claimed_by_its_name(there: There) -> None:
    """Who it is comes back, and what is printed of it holds no token."""
    claimed = there.claim()
    assert (claimed.name, claimed.api, claimed.token, claimed.removed) == ("@floodgate_local_bot", API, REAL, "")
    assert REAL not in repr(claimed)
    assert there.line.methods() == ["getMe", "getWebhookInfo"]


def test_a_webhook_is_left_alone(hooked: There) -> None:
    """The sentence has its host, the bot's name, how many updates wait, and how to have it removed."""
    with pytest.raises(WebhookInTheWay) as refusal:
        hooked.claim()
    assert str(refusal.value) == (
        f"{SITUATION}\nNothing was started, and nothing changed. To remove it and run the bot here: "
        "make run TOKEN=… REMOVE_WEBHOOK=1"
    )
    assert (hooked.has_webhook, hooked.waiting) == (True, 2)


def test_a_webhook_is_removed_if_its_owner_says_so(hooked: There) -> None:
    """In a terminal by an answer, and what waits is kept."""
    questions: list[str] = []

    def yes(question: str) -> bool:
        questions.append(question)
        return True

    claimed = hooked.claim(ask=yes)
    assert (claimed.name, claimed.removed) == ("@floodgate_local_bot", "bot.example.localhost")
    assert questions == [f"{SITUATION}\nRemove it?"]
    assert (hooked.has_webhook, hooked.waiting) == (False, 2)


def test_no_is_no(hooked: There) -> None:
    """An answer that is not yes changes nothing."""
    with pytest.raises(WebhookInTheWay):
        hooked.claim(ask=lambda _: False)
    assert (hooked.has_webhook, hooked.waiting) == (True, 2)


def test_a_webhook_is_removed_if_that_was_asked_for(hooked: There) -> None:
    """REMOVE_WEBHOOK=1 asks nobody, and keeps what waits."""
    hooked.claim(may_remove=True)
    assert (hooked.has_webhook, hooked.waiting) == (False, 2)


@pytest.mark.parametrize("token", ["", "abc", "123", "123:", "0:abc", "123:a b", "1:" + "x" * 61, "ghp_something"])
def test_what_cannot_be_a_token_goes_nowhere(there: There, token: str) -> None:
    """It is refused in a sentence that does not repeat it."""
    with pytest.raises(TokenUnusable, match="TOKEN is not a bot's token: a number, a colon") as refusal:
        there.claim(token)
    assert "ghp_something" not in str(refusal.value)
    assert there.line.requests == []


def test_a_token_that_telegram_does_not_know(there: There) -> None:
    """A 401 is a sentence that says what to do."""
    with pytest.raises(TokenUnusable, match=r"Telegram knows no bot with this token \(401\): .* from @BotFather again"):
        there.claim("777:another")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            httpx.ConnectError(f"no /bot{REAL}/getMe"),
            r"does not answer \(ConnectError: no /bot<token>/getMe\)\. Is this",
        ),
        (httpx.Response(503, text=""), r"answers 503 Service Unavailable\. Try again in a while\."),
        (httpx.Response(200, text="welcome"), r"does not answer \(an answer 200 that is not Telegram's\)"),
    ],
    ids=["no network", "503", "a portal"],
)
def test_a_telegram_that_does_not_answer(there: There, answer: httpx.Response | httpx.HTTPError, sentence: str) -> None:
    """Without a network nothing is started, and the sentence names where Telegram was looked for."""

    def instead(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    there.line.fault = instead
    with pytest.raises(TelegramUnreachable, match=rf"Telegram at {API} {sentence}"):
        there.claim()


@pytest.mark.parametrize("api", ["api.telegram.org", "ftp://api.telegram.org", "https://", "https://x/?a=b"])
def test_an_address_that_cannot_be_one(api: str) -> None:
    """FLOODGATE_TELEGRAM_API is named with an example."""
    with pytest.raises(TelegramApiUnusable, match="FLOODGATE_TELEGRAM_API must be an address such as https://api"):
        claim(REAL, api, may_remove=False, ask=None)
