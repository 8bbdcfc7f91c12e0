"""What the delivery tests share: messages as Lambda hands them out, and records as SQS describes them."""

from typing import Any

from floodgate.delivery.message import Message

SENT_AT = 1_781_136_000.25


def message(name: str, group: str = "chat:7001", **changes: Any) -> Message:
    """Return a message called `name`."""
    fields: dict[str, Any] = {
        "id": name,
        "receipt_handle": f"receipt of {name}",
        "group": group,
        "body": '{"update_id": 1}',
        "receive_count": 1,
        "sent_at": SENT_AT,
        "first_received_at": SENT_AT,
        "origin": name,
    }
    return Message(**{**fields, **changes})
