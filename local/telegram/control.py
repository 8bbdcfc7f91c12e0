"""Orders from tests and people, under /control: press, read, inject; speaking.py and people.py have the others.

Problem: a test needs to be the people in the chats and the fate of the calls, and to see what the bot did.
Rule: JSON in and out. A field that is missing, unknown or of the wrong type is a 400 whose sentence says what to send
instead; what does not exist is a 404. docs/emulator.md lists the orders with examples.
Hazard: orders act for anybody in any chat and there is no login, which is why the emulator listens on loopback only.
"""

import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.telegram import people, speaking
from local.telegram.api import METHODS, canonical
from local.telegram.emulator import Emulator
from local.telegram.errors import ControlError
from local.telegram.faults import Fault
from local.telegram.members import Json
from local.telegram.orders import body_of, chat_with, fields, id_in, speaker_in
from local.telegram.world import ADMIN_ID, Chat

MAX_UPDATE_ID = 2**31 - 1
MAX_CALLBACK_DATA_BYTES = 64
_MEDIA = ("photo", "document", "contact", "location")
_SERVICE = (
    "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo", "pinned_message",
    "migrate_to_chat_id", "migrate_from_chat_id",
)  # fmt: skip


def take_update(emulator: Emulator, body: Json) -> Json:
    """Send any update on its way and return its id."""
    given = body.get("update_id")
    if given is not None and (not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MAX_UPDATE_ID):
        raise ControlError(
            f"'update_id' must be a whole number from 1 to {MAX_UPDATE_ID}: leave it out to get the next"
        )
    update = {"update_id": given} | {name: value for name, value in body.items() if name != "update_id"}
    update["update_id"] = emulator.updates.take_id(given)
    emulator.receive(update)
    return {"update_id": update["update_id"]}


def press(emulator: Emulator, body: Json) -> Json:
    """Let a user press a button under one of the bot's messages and return the ids of the update and the query."""
    order = fields(body, {"chat_id": int, "message_id": int, "data": str}, {"user_id": int})
    chat_id = id_in(order, "chat_id", 0)
    chat = chat_with(emulator, chat_id)
    message = chat.messages.get(order["message_id"])
    if message is None:
        raise ControlError(
            f"chat {chat_id} has no message {order['message_id']}: see /control/chats/{chat_id}/messages", 404
        )
    if message.get("from", emulator.world.bot)["id"] != emulator.world.bot["id"]:
        raise ControlError(f"message {order['message_id']} isn't the bot's: only the bot's messages have buttons")
    if not 1 <= len(order["data"].encode()) <= MAX_CALLBACK_DATA_BYTES:
        raise ControlError(f"'data' must have 1 to {MAX_CALLBACK_DATA_BYTES} bytes")
    user = emulator.world.user(speaker_in(order, chat_id, ADMIN_ID))
    query_id = str(secrets.randbits(62))
    emulator.world.questions["callback_query", query_id] = emulator.clock.now()
    query = {"id": query_id, "from": user, "message": chat.shown(order["message_id"]), "chat_instance": str(chat_id)}
    update_id = emulator.announce("callback_query", query | {"data": order["data"]}, chat_id)
    return {"update_id": update_id, "callback_query_id": query_id}


def transcript(emulator: Emulator, chat: Chat) -> list[Json]:
    """Return the chat's messages, oldest first, as people would see them."""
    shown = []
    for message_id in sorted(chat.messages):
        message = chat.messages[message_id]
        sender_id = message.get("from", {}).get("id")
        from_bot = sender_id == emulator.world.bot["id"] or (sender_id is None and chat.type == "channel")
        line: Json = {
            "message_id": message_id,
            "from": "bot" if from_bot else "user",
            "text": message.get("text", message.get("caption", "")),
            "date": message["date"],
        }
        if media := next((name for name in _MEDIA if name in message), None):
            line["media"] = media
        if service := next((name for name in _SERVICE if name in message), None):
            line["service"] = service
        if reactions := chat.reactions.get(message_id):
            line["reactions"] = reactions
        if markup := message.get("reply_markup", chat.keyboards.get(message_id)):
            line["reply_markup"] = markup
        if "edit_date" in message:
            line["edited"] = True
        shown.append(line)
    return shown


def add_fault(emulator: Emulator, body: Json) -> Json:
    """Let the next calls of a method fail and return the fault as taken."""
    optional = {"error_code": int, "description": str, "retry_after": int, "delay_s": float}
    of_chats = {"chat_id": int, "spares_chat_id": int}
    required = {"method": str, "count": int}
    order = fields(body, required, {**optional, **of_chats, "after_delivery": bool, "drop": bool})
    method = "*" if order["method"] == "*" else canonical(order["method"])
    if method is None:
        raise ControlError(f"'method' must be \"*\" or one of {', '.join(METHODS)}")
    if order["count"] < 1:
        raise ControlError("'count' must be at least 1: DELETE /control/faults takes faults back")
    if order.get("delay_s", 0) < 0 or order.get("retry_after", 1) < 1:
        raise ControlError("'delay_s' must not be negative and 'retry_after' must be at least 1")
    if "retry_after" in order:
        order.setdefault("error_code", 429)
    if not 400 <= order.get("error_code", 500) <= 599:
        raise ControlError("'error_code' must be from 400 to 599")
    if not (order.get("drop") or "error_code" in order or order.get("delay_s")):
        raise ControlError("say what goes wrong: send 'error_code', 'retry_after', 'delay_s' or 'drop'")
    if of_chats.keys() <= order.keys():
        raise ControlError("send 'chat_id', whose calls fail, or 'spares_chat_id', whose calls do not; not both")
    fault = Fault(**order | {"method": method})
    emulator.faults.add(fault)
    return order | {"method": method}


def _emulator(request: Request) -> Emulator:
    emulator: Emulator = request.app.state.emulator
    return emulator


async def _health(request: Request) -> Response:
    reason = await _emulator(request).sender.unreachable_because()
    body = {"status": "ok"} if reason is None else {"status": "unavailable", "reason": reason}
    return JSONResponse(body, 200 if reason is None else 503)


def _order(carry_out: Callable[[Emulator, Json], Json]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(carry_out(_emulator(request), await body_of(request)))

    return endpoint


def _file_order(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse(await speaking.send_file(_emulator(request), request, kind))

    return endpoint


async def _chat_messages(request: Request) -> Response:
    given = request.path_params["chat_id"]
    try:
        chat_id = int(given)
    except ValueError:
        raise ControlError(f"a chat's id is a whole number, not {given!r}") from None
    emulator = _emulator(request)
    return JSONResponse(transcript(emulator, chat_with(emulator, chat_id)))


async def _clear_faults(request: Request) -> Response:
    _emulator(request).faults.clear()
    return JSONResponse({})


async def _calls(request: Request) -> Response:
    given = request.query_params.get("method")
    wanted = canonical(given) or given if given else None
    return JSONResponse([item for item in _emulator(request).calls if wanted in (None, item["method"])])


async def _deliveries(request: Request) -> Response:
    return JSONResponse([item.report() for item in _emulator(request).updates.history])


ROUTES = (
    Route("/control/health", _health, methods=["GET"]),
    Route("/control/messages", _order(speaking.say), methods=["POST"]),
    Route("/control/photos", _file_order("photo"), methods=["POST"]),
    Route("/control/documents", _file_order("document"), methods=["POST"]),
    Route("/control/contacts", _order(speaking.share_contact), methods=["POST"]),
    Route("/control/locations", _order(speaking.share_location), methods=["POST"]),
    Route("/control/updates", _order(take_update), methods=["POST"]),
    Route("/control/callbacks", _order(press), methods=["POST"]),
    Route("/control/members", _order(people.set_member), methods=["POST"]),
    Route("/control/chats", _order(people.set_chat), methods=["POST"]),
    Route("/control/groups", _order(people.make_group), methods=["POST"]),
    Route("/control/users", _order(people.set_user), methods=["POST"]),
    Route("/control/migrations", _order(people.migrate), methods=["POST"]),
    Route("/control/chats/{chat_id}/messages", _chat_messages, methods=["GET"]),
    Route("/control/faults", _order(add_fault), methods=["POST"]),
    Route("/control/faults", _clear_faults, methods=["DELETE"]),
    Route("/control/calls", _calls, methods=["GET"]),
    Route("/control/deliveries", _deliveries, methods=["GET"]),
)
