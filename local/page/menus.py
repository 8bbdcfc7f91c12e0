"""The command menu of one person in one chat, for the page.

Rule: GET /page/menu?chat_id=…&user_id=… has what the person is offered there. Who is asked about need not have spoken
yet; their private chat then has the menu that it will have.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.telegram.commands import menu
from local.telegram.errors import BotApiError
from local.telegram.world import World


def route(world: World) -> Route:
    """Return the route that answers with the commands, each as in setMyCommands."""

    async def commands(request: Request) -> Response:
        try:
            chat = world.known(request.query_params.get("chat_id", ""))
            user_id = int(request.query_params.get("user_id", ""))
        except (BotApiError, ValueError):
            return JSONResponse({"error": "there is no such chat, or no such person"}, 404)
        return JSONResponse({"commands": menu(world, chat, user_id)})

    return Route("/page/menu", commands, methods=["GET"])
