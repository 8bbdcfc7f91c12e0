"""How functions call AWS: tight timeouts, and blocking calls kept off the event loop.

Problem: a boto3 call blocks, and on the event loop it would stop every chat of the batch. Rule: the worker's calls go
through `AwsCalls`, whose threads match the connections of a client, and nobody waits for one for longer than CALL_S: an
update has a deadline, and makes several. Hazard: a call that nobody waits for any more still runs to its end in its
thread, so what it writes must be right whenever it lands.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Calls under way at once: as many as a batch has messages.
CONNECTIONS = 10

#: How long anybody waits for a call, botocore's second try included, in seconds.
CALL_S = 3.0

CONFIG = Config(
    connect_timeout=1,
    read_timeout=5,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": 2},
    tcp_keepalive=True,
)

#: For invoking another function, which may have to start first; asked once, for its caller has no time for two.
SLOW_CONFIG = CONFIG.merge(Config(read_timeout=60, retries={"total_max_attempts": 1}))


def fault(error: BotoCoreError | ClientError) -> str:
    """Return the name of what went wrong, for a log: AWS's code, or botocore's class; texts may quote a request."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


class AwsCalls:
    """Runs blocking AWS calls in threads of its own; asyncio's default pool is smaller than a batch on Lambda."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="aws")

    async def run[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns; its exceptions are raised here, and ReadTimeoutError after CALL_S."""
        return await self.run_within(CALL_S, call, *args, **kwargs)

    async def run_within[**P, T](self, limit_s: float, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the same for a call that may take another time than CALL_S."""
        try:
            async with asyncio.timeout(limit_s):
                return await self._call(call, *args, **kwargs)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url="AWS", error=error) from error

    def wait_for[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns, as `run` does, but stop the event loop meanwhile."""
        try:
            return self._threads.submit(_in_context(call, *args, **kwargs)).result(CALL_S)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url="AWS", error=error) from error

    async def _call[**P, T](self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _in_context(call, *args, **kwargs))


def _in_context[**P, T](call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
    """Return the call as whoever asks for it: what it logs names the update in hand."""
    return partial(copy_context().run, call, *args, **kwargs)
