"""A group that became a supergroup has a new id, and what is known of it moves there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floodgate.monitoring.logger import logger
from floodgate.monitoring.pseudonyms import hashed

if TYPE_CHECKING:
    from floodgate.cache.cache import Cache
    from floodgate.traffic.gate import Gates


async def migrate(old: int, new: int, gates: Gates | None, cache: Cache | None) -> None:
    """Let the supergroup `new` take the place of the group `old`, for every worker; any number of times.

    Its gate goes on where the old one stood, what is sent to `old` goes to `new`, and both are asked about anew. Raises
    what botocore raises.
    """
    logger.info("group migrated", chat=hashed(old), to_chat=hashed(new))
    if gates is not None:
        await gates.move(old, new)
    if cache is not None:
        await cache.forget(old)
        await cache.forget(new)
