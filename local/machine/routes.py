"""What the right half of the page asks for on a click: an update's log lines, and a section of the runbook."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.machine.machine import Machine

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"


def routes(machine: Machine) -> list[Route]:
    """Return `/page/updates/<id>` and `/page/runbook/<section>`."""

    async def update(request: Request) -> Response:
        return JSONResponse({"lines": machine.lines.of(request.path_params["update_id"])})

    return [
        Route("/page/updates/{update_id:int}", update, methods=["GET"]),
        Route("/page/runbook/{section}", _runbook, methods=["GET"]),
    ]


async def _runbook(request: Request) -> Response:
    wanted = request.path_params["section"].lower()
    sections = re.split(r"^(?=## )", RUNBOOK.read_text(), flags=re.MULTILINE)
    found = next((text for text in sections if text.partition("\n")[0].removeprefix("## ").lower() == wanted), None)
    if found is None:
        return PlainTextResponse(f"docs/runbook.md has no section {wanted}.\n", 404)
    return PlainTextResponse(found)
