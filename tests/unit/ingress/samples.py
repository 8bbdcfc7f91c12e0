"""One update of every type of Bot API 10.1, and where it belongs. All people and ids are made up."""

from dataclasses import dataclass
from typing import Any, Final

ANN: Final[dict[str, Any]] = {"id": 7001, "is_bot": False, "first_name": "Ann", "language_code": "pt-br"}
BOT: Final[dict[str, Any]] = {"id": 7900, "is_bot": True, "first_name": "Echo", "username": "echo_bot"}
PRIVATE: Final[dict[str, Any]] = {"id": 7001, "type": "private", "first_name": "Ann"}
GROUP: Final[dict[str, Any]] = {"id": -1001234567890, "type": "supergroup", "title": "Allotments"}
CHANNEL: Final[dict[str, Any]] = {"id": -1009876543210, "type": "channel", "title": "Frost warnings"}
DATE: Final = 1_781_136_000


@dataclass(frozen=True)
class Sample:
    """The update's one field, and what must be read from it."""

    type: str
    value: dict[str, Any]
    group: str
    chat_id: int | None
    user_id: int | None

    @property
    def update(self) -> dict[str, Any]:
        """The update as Telegram would send it."""
        return {"update_id": 500_000_001, self.type: self.value}


def message(chat: dict[str, Any], sender: dict[str, Any] | None = ANN, **more: Any) -> dict[str, Any]:
    """Return a text message; channel posts have no sender."""
    return {
        "message_id": 42,
        "date": DATE,
        "chat": chat,
        "text": "hello",
        **({"from": sender} if sender else {}),
        **more,
    }


_BOOST_SOURCE: Final = {"source": "premium", "user": ANN}
_MEMBER: Final = {"user": BOT, "status": "member"}
_CALLBACK: Final = {"id": "9", "from": ANN, "chat_instance": "-55", "data": "next"}
_ADDRESS: Final = {
    "country_code": "PT",
    "state": "",
    "city": "Porto",
    "street_line1": "1 Rua",
    "street_line2": "",
    "post_code": "4000",
}
_POLL: Final = {
    "id": "5068",
    "question": "Water today?",
    "options": [{"persistent_id": "a", "text": "yes", "voter_count": 1}],
    "total_voter_count": 1,
    "is_closed": False,
    "is_anonymous": False,
    "type": "regular",
    "allows_multiple_answers": False,
    "allows_revoting": True,
    "members_only": False,
}
_VOTE: Final = {"poll_id": "5068", "option_ids": [0], "option_persistent_ids": ["a"]}
_CHANGED_MEMBER: Final = {"from": ANN, "date": DATE, "old_chat_member": _MEMBER, "new_chat_member": _MEMBER}
_REACTION: Final = {
    "chat": GROUP,
    "message_id": 42,
    "date": DATE,
    "old_reaction": [],
    "new_reaction": [{"type": "emoji", "emoji": "👍"}],
}

IN_GROUP: Final = "chat:-1001234567890"
IN_CHANNEL: Final = "chat:-1009876543210"

SAMPLES: Final = [
    Sample("message", message(PRIVATE), "chat:7001", 7001, 7001),
    Sample("message", message(GROUP), IN_GROUP, GROUP["id"], 7001),
    Sample("edited_message", message(PRIVATE, edit_date=DATE), "chat:7001", 7001, 7001),
    Sample("channel_post", message(CHANNEL, None), IN_CHANNEL, CHANNEL["id"], None),
    Sample("edited_channel_post", message(CHANNEL, None, edit_date=DATE), IN_CHANNEL, CHANNEL["id"], None),
    Sample(
        "business_connection",
        {"id": "bc1", "user": ANN, "user_chat_id": 7001, "date": DATE, "is_enabled": True},
        "chat:7001",
        7001,
        7001,
    ),
    Sample("business_message", message(PRIVATE, business_connection_id="bc1"), "chat:7001", 7001, 7001),
    Sample("edited_business_message", message(PRIVATE, business_connection_id="bc1"), "chat:7001", 7001, 7001),
    Sample(
        "deleted_business_messages",
        {"business_connection_id": "bc1", "chat": PRIVATE, "message_ids": [42]},
        "chat:7001",
        7001,
        None,
    ),
    Sample("guest_message", message(GROUP, guest_query_id="gq1"), IN_GROUP, GROUP["id"], 7001),
    Sample("message_reaction", {**_REACTION, "user": ANN}, IN_GROUP, GROUP["id"], 7001),
    Sample("message_reaction", {**_REACTION, "actor_chat": CHANNEL}, IN_GROUP, GROUP["id"], None),
    Sample(
        "message_reaction_count",
        {"chat": CHANNEL, "message_id": 42, "date": DATE, "reactions": []},
        IN_CHANNEL,
        CHANNEL["id"],
        None,
    ),
    Sample("inline_query", {"id": "8", "from": ANN, "query": "frost", "offset": ""}, "q:7001", None, 7001),
    Sample("chosen_inline_result", {"result_id": "r1", "from": ANN, "query": "frost"}, "q:7001", None, 7001),
    Sample("callback_query", {**_CALLBACK, "message": message(GROUP, BOT)}, IN_GROUP, GROUP["id"], 7001),
    Sample(
        "callback_query",
        {**_CALLBACK, "message": {"chat": GROUP, "message_id": 42, "date": 0}},
        IN_GROUP,
        GROUP["id"],
        7001,
    ),
    Sample("callback_query", {**_CALLBACK, "inline_message_id": "im1"}, "q:7001", None, 7001),
    Sample(
        "shipping_query",
        {"id": "3", "from": ANN, "invoice_payload": "seeds", "shipping_address": _ADDRESS},
        "q:7001",
        None,
        7001,
    ),
    Sample(
        "pre_checkout_query",
        {"id": "4", "from": ANN, "currency": "EUR", "total_amount": 450, "invoice_payload": "seeds"},
        "q:7001",
        None,
        7001,
    ),
    Sample("purchased_paid_media", {"from": ANN, "paid_media_payload": "photo-1"}, "chat:7001", 7001, 7001),
    Sample("poll", _POLL, "poll:5068", None, None),
    Sample("poll_answer", {**_VOTE, "user": ANN}, "poll:5068", None, 7001),
    Sample("poll_answer", {**_VOTE, "voter_chat": CHANNEL}, "poll:5068", None, None),
    Sample("my_chat_member", {"chat": GROUP, **_CHANGED_MEMBER}, IN_GROUP, GROUP["id"], 7001),
    Sample("chat_member", {"chat": GROUP, **_CHANGED_MEMBER}, IN_GROUP, GROUP["id"], 7001),
    Sample(
        "chat_join_request",
        {"chat": GROUP, "from": ANN, "user_chat_id": 7001, "date": DATE},
        IN_GROUP,
        GROUP["id"],
        7001,
    ),
    Sample(
        "chat_boost",
        {
            "chat": CHANNEL,
            "boost": {"boost_id": "b1", "add_date": DATE, "expiration_date": DATE + 86_400, "source": _BOOST_SOURCE},
        },
        IN_CHANNEL,
        CHANNEL["id"],
        7001,
    ),
    Sample(
        "removed_chat_boost",
        {"chat": CHANNEL, "boost_id": "b1", "remove_date": DATE, "source": _BOOST_SOURCE},
        IN_CHANNEL,
        CHANNEL["id"],
        7001,
    ),
    Sample("managed_bot", {"user": ANN, "bot": BOT}, "chat:7001", 7001, 7001),
]
