"""What was sent, served to the page without harm; and the people and menus that the page asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from local.page import files, menus, people
from local.page.app import create_app
from local.page.people import GROUP_ID
from local.telegram import app as telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.telegram.emulator import Emulator

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


@pytest.fixture
def emulator() -> Emulator:
    """Return an emulator in which the page's people have settled."""
    made: Emulator = telegram.create_app().state.emulator
    people.settle(made.world)
    return made


@pytest.fixture
async def page(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the page."""
    app = create_app(telegram.create_app(), routes=[files.route(emulator.world), menus.route(emulator.world)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8081") as client:
        yield client


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (PNG, "cat.html", "image/png"),
        (b"\xff\xd8\xff\xe0", "cat.jpg", "image/jpeg"),
        (b"GIF89a", "cat.gif", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "cat.webp", "image/webp"),
    ],
    ids=["png", "jpeg", "gif", "webp"],
)
async def test_pictures_are_shown(
    page: httpx.AsyncClient, emulator: Emulator, data: bytes, name: str, kind: str
) -> None:
    """By what they are, whatever they are called."""
    file = emulator.world.store_file(name, "text/html", data, "photos")
    answer = await page.get(f"/page/files/{file.unique_id}")
    assert (answer.content, answer.headers["content-type"]) == (data, kind)
    assert answer.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"<script>alert(1)</script>", "text/html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
        (b"alert(1)", "text/javascript"),
    ],
    ids=["html", "svg", "script"],
)
async def test_nothing_that_was_sent_can_run(
    page: httpx.AsyncClient, emulator: Emulator, data: bytes, content_type: str
) -> None:
    """It is a download of no type, sniffed by nobody, and may load nothing if it is opened all the same."""
    file = emulator.world.store_file('a"b\n.html', content_type, data, "documents")
    answer = await page.get(f"/page/files/{file.unique_id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%22b%0A.html"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_a_file_that_is_not_there_is_not_found(page: httpx.AsyncClient) -> None:
    """Of another run, say."""
    assert (await page.get("/page/files/nothing")).status_code == 404


async def test_the_page_runs_nothing_but_its_own_files(page: httpx.AsyncClient) -> None:
    """Its policy names itself alone, on the page and on its files."""
    for path in ("/", "/page/static/page.js"):
        policy = (await page.get(path)).headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy


async def test_the_menu_is_the_persons_own(page: httpx.AsyncClient, emulator: Emulator) -> None:
    """Also of somebody who has not yet met the bot."""
    go = [{"command": "go", "description": "Go"}]
    emulator.world.commands['{"type": "default"}', "de"] = go
    assert (await page.get("/page/menu?chat_id=503&user_id=503")).json() == {"commands": go}
    assert (await page.get("/page/menu?chat_id=501&user_id=501")).json() == {"commands": []}
    assert (await page.get("/page/menu?chat_id=404&user_id=404")).status_code == 404
    assert (await page.get("/page/menu?chat_id=501")).status_code == 404


def test_people_are_there_before_anything_is_said(emulator: Emulator) -> None:
    """A few people and their group, with the bot in it, and no update tells of them."""
    world = emulator.world
    assert [user["first_name"] for user in world.users.values()] == ["Local bot", "Admin", "Ann", "Ben", "Cem", "Dora"]
    assert {member["user"]["id"] for member in world.members(world.chats[GROUP_ID])} == set(world.users)
    assert (len(emulator.updates), sum(len(chat.messages) for chat in world.chats.values())) == (0, 0)
