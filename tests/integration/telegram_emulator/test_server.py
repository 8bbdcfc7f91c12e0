"""The emulator's socket."""

import asyncio
import socket

from local.telegram.server import listen


async def test_an_answer_leaves_at_once() -> None:
    """What is written in two parts, head and body, does not wait for the first to be acknowledged."""
    listener = listen(0)
    at_once: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        at_once.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(accept, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await at_once == 1
        writer.close()
        await writer.wait_closed()
