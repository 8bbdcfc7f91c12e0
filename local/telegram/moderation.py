"""The methods that change others' standing: banChatMember, unbanChatMember, restrictChatMember, promoteChatMember.

Rule: access first, then the chat's type, then the member, then the bot's right, with the texts and in the order of
TDLib's DialogParticipantManager.cpp; texts in capitals are its servers'. The bot learns of what it does itself too: the
change goes through happenings.py.
Hazard: Telegram removes by a ban that it lifts a second later, two updates; here unbanChatMember of a member is one.
`revoke_messages` is ignored.
"""

from local.telegram import access, happenings
from local.telegram.administration import read_permissions
from local.telegram.emulator import Emulator
from local.telegram.errors import bad_request
from local.telegram.members import (
    Json,
    administrator,
    banned,
    end_of,
    has_right,
    is_in,
    restricted,
    rights_in,
    simple,
)
from local.telegram.parameters import Parameters
from local.telegram.reading import user_id_of
from local.telegram.world import Chat


def _restrictable(emulator: Emulator, chat: Chat, user_id: int) -> Json:
    """Return the ChatMember; raise BotApiError if the bot may not restrict, ban or unban them."""
    world = emulator.world
    member = world.member(chat, user_id)
    if member["status"] == "creator":
        raise bad_request("can't remove chat owner")
    if user_id == world.bot["id"]:
        raise bad_request("can't restrict self")
    is_group = chat.type == "group"  # where only the servers check
    lacking = "CHAT_ADMIN_REQUIRED" if is_group else "not enough rights to restrict/unrestrict chat member"
    access.check_right(world, chat, "can_restrict_members", lacking)
    if member["status"] == "administrator":
        raise bad_request("user is an administrator of the chat")
    return member


def _change(emulator: Emulator, chat: Chat, old: Json, new: Json) -> bool:
    if new != old:
        happenings.change_member(emulator, chat, emulator.world.bot, new)
    return True


async def ban_chat_member(emulator: Emulator, parameters: Parameters) -> bool:
    """Remove a user for some time or forever; a basic group only removes them."""
    user_id = user_id_of(parameters)
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    if chat.type == "private":
        raise bad_request("can't ban members in private chats")
    member = _restrictable(emulator, chat, user_id)
    if chat.type != "group":
        until_date = end_of(parameters.integer("until_date"), emulator.clock.now())
        return _change(emulator, chat, member, banned(member["user"], until_date))
    if not is_in(member):
        raise bad_request("USER_NOT_PARTICIPANT")
    return _change(emulator, chat, member, simple(member["user"], "left"))


async def unban_chat_member(emulator: Emulator, parameters: Parameters) -> bool:
    """Let a banned user come back; a user who is in the chat is removed, unless only_if_banned."""
    user_id = user_id_of(parameters)
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    if chat.type not in ("supergroup", "channel"):
        raise bad_request("method is available for supergroup and channel chats only")
    if parameters.boolean("only_if_banned") and emulator.world.member(chat, user_id)["status"] != "kicked":
        return True
    member = _restrictable(emulator, chat, user_id)
    return _change(emulator, chat, member, simple(member["user"], "left"))


async def restrict_chat_member(emulator: Emulator, parameters: Parameters) -> bool:
    """Leave a user only some permissions, for some time or forever; all of them lift the restriction."""
    user_id = user_id_of(parameters)
    permissions = read_permissions(parameters)
    chat = access.to_write(emulator.world, parameters.text("chat_id"))
    if chat.type != "supergroup":
        raise bad_request("method is available only for supergroups")
    member = _restrictable(emulator, chat, user_id)
    if all(permissions.values()):
        return _change(emulator, chat, member, simple(member["user"], "member" if is_in(member) else "left"))
    allowed = [name for name, is_allowed in permissions.items() if is_allowed]
    until_date = end_of(parameters.integer("until_date"), emulator.clock.now())
    new = restricted(member["user"], allowed, is_member=is_in(member), until_date=until_date)
    return _change(emulator, chat, member, new)


async def promote_chat_member(emulator: Emulator, parameters: Parameters) -> bool:
    """Make a user an administrator with the rights that are given, a plain member if none is."""
    user_id = user_id_of(parameters)
    world = emulator.world
    chat = access.to_write(world, parameters.text("chat_id"))
    if chat.type not in ("supergroup", "channel"):
        raise bad_request("method is available for supergroup and channel chats only")
    member = world.member(chat, user_id)
    if member["status"] == "creator":
        raise bad_request("can't remove chat owner")
    if user_id == world.bot["id"]:
        raise bad_request("can't promote self")
    access.check_right(world, chat, "can_promote_members", "not enough rights")
    if not is_in(member):
        raise bad_request("USER_NOT_PARTICIPANT")
    if member["status"] == "administrator" and not member.get("can_be_edited"):  # somebody else's to change
        raise bad_request("CHAT_ADMIN_REQUIRED")
    granted = [name for name in rights_in(chat.type) if parameters.boolean(name)]
    if not all(has_right(world.own_standing(chat), name) for name in granted):
        raise bad_request("RIGHT_FORBIDDEN")
    is_anonymous = parameters.boolean("is_anonymous")
    if not granted and not is_anonymous:
        is_plain = member["status"] != "administrator"
        return _change(emulator, chat, member, member if is_plain else simple(member["user"], "member"))
    new = administrator(member["user"], chat.type, granted, can_be_edited=True) | {"is_anonymous": is_anonymous}
    return _change(emulator, chat, member, new)
