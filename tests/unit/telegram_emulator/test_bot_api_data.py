"""The methods compared with the Bot API's own description, where it is at hand."""

import json
from pathlib import Path

import pytest

from local.telegram.api import METHODS
from local.telegram.members import PERMISSIONS, administrator, banned, owner, restricted, rights_in, simple
from tests.unit.telegram_emulator.harness import Harness

DATA = Path(__file__).parents[4] / "shared" / "bot-api" / "api.min.json"
GROUP = -1000000000001
OPTIONAL_IN_FACT = {("setWebhook", "url")}  # left out, it deletes the webhook, at Telegram too
VALUES = {
    "chat_id": 5, "from_chat_id": 5, "message_id": 1, "user_id": 5, "text": "x", "action": "typing",
    "commands": [], "results": [], "callback_query_id": "q", "inline_query_id": "i",
    "photo": "f", "document": "f", "file_id": "f", "media": [{"type": "photo", "media": "f"}],
    "title": "x", "permissions": {},
}  # fmt: skip

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/bot-api beside the project root")


def described() -> dict[str, dict[str, bool]]:
    """Return for each method its parameters and whether each is required."""
    methods = json.loads(DATA.read_text())["methods"]
    return {
        name: {item["name"]: item["required"] for item in about.get("fields", [])} for name, about in methods.items()
    }


def test_every_method_exists_in_the_bot_api() -> None:
    """The emulator invents no methods."""
    assert METHODS.keys() <= described().keys()


async def test_a_missing_required_parameter_is_refused(telegram: Harness) -> None:
    """Leaving out a required parameter fails with a 400; giving all gets no complaint about a missing one."""
    await telegram.order("updates", callback_query={"id": "q", "from": {"id": 5}})
    await telegram.order("updates", inline_query={"id": "i", "from": {"id": 5}})
    for method in METHODS:
        required = [name for name, is_required in described()[method].items() if is_required]
        for missing in required:
            if (method, missing) not in OPTIONAL_IN_FACT:
                given = {name: VALUES[name] for name in required if name != missing}
                code, description = await telegram.error(method, **given)
                assert (method, missing, code, description[:12]) == (method, missing, 400, "Bad Request:")


async def test_members_and_chats_have_their_required_fields(telegram: Harness) -> None:
    """A member of each status, a chat of each type and an update on a member have all that the Bot API requires."""
    types = json.loads(DATA.read_text())["types"]
    user = telegram.emulator.world.user(6)
    members = {
        "ChatMemberOwner": owner(user),
        "ChatMemberAdministrator": administrator(user, "channel", [], can_be_edited=True),
        "ChatMemberMember": simple(user, "member"),
        "ChatMemberRestricted": restricted(user, [], is_member=True, until_date=0),
        "ChatMemberLeft": simple(user, "left"),
        "ChatMemberBanned": banned(user, 0),
    }
    chats = {"ChatFullInfo": await telegram.result("getChat", chat_id=GROUP)}
    await telegram.order("members", chat_id=GROUP, status="administrator")
    changes = {"ChatMemberUpdated": (await telegram.result("getUpdates"))[-1]["my_chat_member"]}
    for name, value in (members | chats | changes).items():
        required = {item["name"] for item in types[name]["fields"] if item["required"]}
        assert (name, required - value.keys()) == (name, set())


def test_rights_and_permissions_are_the_bot_apis() -> None:
    """The permissions are those of ChatPermissions, and the rights those that promoteChatMember takes."""
    permissions = [item["name"] for item in json.loads(DATA.read_text())["types"]["ChatPermissions"]["fields"]]
    assert list(PERMISSIONS) == permissions
    rights = {name for kind in ("group", "supergroup", "channel") for name in rights_in(kind)}
    assert rights == {name for name in described()["promoteChatMember"] if name.startswith("can_")}
