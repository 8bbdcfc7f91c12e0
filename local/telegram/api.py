"""One Bot API call: find the method, meet the faults, carry it out, keep a record.

Rule: METHODS is the whole list; a name outside it is answered 404. Case makes no difference to a name, as at Telegram.
A webhook's answer may carry a call too, except those that Telegram doesn't take from there.
Hazard: a call that a fault meets before it takes effect isn't checked at all, so its parameters may be wrong.
"""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from local.telegram import administration, editing, moderation, reading, receiving, sending
from local.telegram.emulator import Emulator
from local.telegram.errors import BotApiError, ConnectionDropped
from local.telegram.faults import Fault
from local.telegram.parameters import Parameters, from_body
from local.telegram.receiving import Described

Method = Callable[[Emulator, Parameters], Awaitable[Any]]

METHODS: dict[str, Method] = {
    "answerCallbackQuery": editing.answer_callback_query,
    "answerInlineQuery": editing.answer_inline_query,
    "banChatMember": moderation.ban_chat_member,
    "copyMessage": sending.copy_message,
    "deleteChatPhoto": administration.delete_chat_photo,
    "deleteMessage": editing.delete_message,
    "deleteWebhook": receiving.delete_webhook,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageMedia": editing.edit_message_media,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
    "editMessageText": editing.edit_message_text,
    "forwardMessage": sending.forward_message,
    "getChat": reading.get_chat,
    "getChatAdministrators": reading.get_chat_administrators,
    "getChatMember": reading.get_chat_member,
    "getChatMemberCount": reading.get_chat_member_count,
    "getFile": reading.get_file,
    "getMe": reading.get_me,
    "getMyCommands": reading.get_my_commands,
    "getUpdates": receiving.get_updates,
    "getUserProfilePhotos": reading.get_user_profile_photos,
    "getWebhookInfo": receiving.get_webhook_info,
    "leaveChat": administration.leave_chat,
    "pinChatMessage": administration.pin_chat_message,
    "promoteChatMember": moderation.promote_chat_member,
    "restrictChatMember": moderation.restrict_chat_member,
    "sendChatAction": editing.send_chat_action,
    "sendDocument": sending.send_document,
    "sendMediaGroup": sending.send_media_group,
    "sendMessage": sending.send_message,
    "sendPhoto": sending.send_photo,
    "setChatDescription": administration.set_chat_description,
    "setChatPermissions": administration.set_chat_permissions,
    "setChatPhoto": administration.set_chat_photo,
    "setChatTitle": administration.set_chat_title,
    "setMessageReaction": editing.set_message_reaction,
    "setMyCommands": reading.set_my_commands,
    "setWebhook": receiving.set_webhook,
    "unbanChatMember": moderation.unban_chat_member,
    "unpinAllChatMessages": administration.unpin_all_chat_messages,
    "unpinChatMessage": administration.unpin_chat_message,
}
_CANONICAL = {name.lower(): name for name in METHODS}
_NOT_IN_ANSWERS = frozenset({"setwebhook", "deletewebhook", "close", "logout"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered."""

    status: int
    body: dict[str, Any]


def canonical(name: str) -> str | None:
    """Return the method's name as documented, None if there is no such method."""
    return _CANONICAL.get(name.lower())


def check_token(emulator: Emulator, token: str) -> None:
    """Raise BotApiError unless the token is the bot's."""
    if ":" not in token:
        raise BotApiError(401, "Unauthorized: invalid token specified")
    if token != emulator.token:
        raise BotApiError(401, "Unauthorized")


async def call(emulator: Emulator, name: str, parameters: Parameters, via: str = "http") -> Answer:
    """Carry out the call, as the faults allow, and return its answer; raise ConnectionDropped if there is none."""
    method = canonical(name)
    started_at = emulator.clock.now()
    record: dict[str, Any] = {"at": started_at, "method": method or name, "via": via}
    record["parameters"] = parameters.record(emulator.token)
    emulator.calls.append(record)
    fault = emulator.faults.take(method, parameters.arguments.get("chat_id", "")) if method else None
    if fault is not None:
        record["fault"] = True
    answer = await _with_fault(emulator, method, parameters, fault)
    record["status"] = answer.status if answer else None
    record["latency_ms"] = round((emulator.clock.now() - started_at) * 1000, 1)
    if answer is not None and answer.status != 200:
        record["description"] = answer.body["description"]
    for watcher in emulator.updates.watchers:
        watcher.called(record)
    if answer is None:
        raise ConnectionDropped
    return answer


async def _with_fault(
    emulator: Emulator, method: str | None, parameters: Parameters, fault: Fault | None
) -> Answer | None:
    """Return the answer, None if a fault drops it."""
    if fault is None:
        return await _run(emulator, method, parameters)
    takes_effect = fault.after_delivery or (fault.error is None and not fault.drop)
    if not fault.after_delivery:
        await emulator.clock.sleep(fault.delay_s)
    answer = await _run(emulator, method, parameters) if takes_effect else None
    if fault.after_delivery:
        await emulator.clock.sleep(fault.delay_s)
    if fault.drop:
        return None
    return Answer(fault.error.code, fault.error.body()) if fault.error else answer


async def _run(emulator: Emulator, method: str | None, parameters: Parameters) -> Answer:
    if method is None:
        return Answer(404, BotApiError(404, "Not Found: method not found").body())
    try:
        result = await METHODS[method](emulator, parameters)
    except BotApiError as error:
        return Answer(error.code, error.body())
    if isinstance(result, Described):
        return Answer(200, {"ok": True, "result": result.result, "description": result.description})
    return Answer(200, {"ok": True, "result": result})


async def execute_answer(emulator: Emulator, content_type: str, body: bytes) -> None:
    """Carry out the call that a webhook's answer carries, if any; its outcome is in the calls and nowhere else."""
    try:
        arguments = from_body(content_type, body)
    except BotApiError:
        return
    name = arguments.pop("method", "")
    if is_for_answers(name):
        with contextlib.suppress(ConnectionDropped):
            await call(emulator, name, Parameters(arguments), via="webhook")


def is_for_answers(name: str) -> bool:
    """Say whether Telegram takes the method from a webhook's answer."""
    return bool(name) and name.lower() not in _NOT_IN_ANSWERS and not name.lower().startswith("get")
