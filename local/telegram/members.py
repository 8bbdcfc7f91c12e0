"""What a user is to a chat: ChatMember objects, and what they and the chat's permissions allow.

Problem: most of what a bot may do in a chat depends on its own standing there, and others' standing changes by calls,
by people and with time.
Rule: functions here make and read the Bot API's own objects and keep nothing. The names of rights and permissions are
those of Bot API 10.1. A ban or restriction whose time is over reads as what follows it.
Hazard: a member learned from a raw update may lack any field but `user` and `status`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

MEDIA_PERMISSIONS = (
    "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes",
)  # fmt: skip
PERMISSIONS = (
    *MEDIA_PERMISSIONS, "can_send_polls", "can_send_other_messages", "can_add_web_page_previews",
    "can_react_to_messages", "can_edit_tag", "can_change_info", "can_invite_users", "can_pin_messages",
    "can_manage_topics",
)  # fmt: skip
_RIGHTS = (
    "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members", "can_promote_members",
    "can_change_info", "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
)  # fmt: skip
_MORE_RIGHTS = {
    "group": ("can_pin_messages", "can_manage_tags"),
    "supergroup": ("can_pin_messages", "can_manage_topics", "can_manage_tags"),
    "channel": ("can_post_messages", "can_edit_messages", "can_manage_direct_messages"),
}
SHORTEST_S = 30  # a ban or restriction shorter or longer than these is forever (core.telegram.org/bots/api)
LONGEST_S = 366 * 86_400


def rights_in(chat_type: str) -> tuple[str, ...]:
    """Return the names of an administrator's rights in a chat of this type."""
    return _RIGHTS + _MORE_RIGHTS[chat_type]


def simple(user: Json, status: str) -> Json:
    """Return a ChatMember without rights: status member or left."""
    return {"status": status, "user": user}


def owner(user: Json) -> Json:
    """Return a chat's owner."""
    return {"status": "creator", "user": user, "is_anonymous": False}


def administrator(user: Json, chat_type: str, granted: Iterable[str], *, can_be_edited: bool) -> Json:
    """Return an administrator with the granted rights; the bot may edit those it promoted itself."""
    allowed = {*granted, "can_manage_chat"}  # implied by any other
    rights = {name: name in allowed for name in rights_in(chat_type)}
    return {"status": "administrator", "user": user, "can_be_edited": can_be_edited, "is_anonymous": False} | rights


def restricted(user: Json, allowed: Iterable[str], *, is_member: bool, until_date: int) -> Json:
    """Return a user who has only the allowed permissions."""
    permissions = {name: name in set(allowed) for name in PERMISSIONS}
    return {"status": "restricted", "user": user, "is_member": is_member, "until_date": until_date} | permissions


def banned(user: Json, until_date: int) -> Json:
    """Return a user who may not come back before the date, 0: never."""
    return {"status": "kicked", "user": user, "until_date": until_date}


def end_of(until_date: int, now: float) -> int:
    """Return the date as Telegram takes it: too near or too far is 0, forever."""
    return until_date if now + SHORTEST_S <= until_date <= now + LONGEST_S else 0


def current(member: Json, now: float) -> Json:
    """Return what the member is now that time has passed."""
    until_date = member.get("until_date", 0)
    if member["status"] not in ("kicked", "restricted") or not 0 < until_date <= now:
        return member
    return simple(member["user"], "member" if is_in(member) else "left")


def is_in(member: Json) -> bool:
    """Return whether the member is in the chat."""
    if member["status"] == "restricted":
        return bool(member.get("is_member", True))
    return member["status"] not in ("left", "kicked")


def leads(member: Json) -> bool:
    """Return whether the member is the owner or an administrator."""
    return member["status"] in ("creator", "administrator")


def has_right(member: Json, right: str) -> bool:
    """Return whether the member has an administrator's right."""
    return member["status"] == "creator" or (member["status"] == "administrator" and bool(member.get(right)))


def may(member: Json, permission: str, everyones: Mapping[str, bool]) -> bool:
    """Return whether the member has the permission, everyone's unless an administrator or restricted."""
    return leads(member) or (everyones[permission] and bool(member.get(permission, member["status"] != "restricted")))
