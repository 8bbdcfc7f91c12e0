"""Files that were sent, for the page to show.

Problem: anybody can send an HTML page or an SVG with a script in it, and what this address serves may act as the page.
Rule: pictures are known by their first bytes, never by what they are called, and shown; everything else is a download,
and neither may run or load anything.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.page.messages import FILES
from local.telegram.world import World

_PICTURES = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_HARMLESS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600",
}


def route(world: World) -> Route:
    """Return the route by which the page gets the world's files, by their unique ids."""

    async def file(request: Request) -> Response:
        unique_id = request.path_params["unique_id"]
        found = next((one for one in world.files.values() if one.unique_id == unique_id), None)
        if found is None:
            return PlainTextResponse("There is no such file in this run.", 404)
        picture = picture_type(found.data)
        name = quote(found.name.rpartition("/")[2] or "file", safe="")
        kind = "inline" if picture else "attachment"
        headers = {**_HARMLESS, "Content-Disposition": f"{kind}; filename*=UTF-8''{name}"}
        return Response(found.data, media_type=picture or "application/octet-stream", headers=headers)

    return Route(FILES + "{unique_id}", file, methods=["GET"])


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture that browsers show and that can't run, None for anything else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for beginning, kind in _PICTURES.items() if data.startswith(beginning)), None)
