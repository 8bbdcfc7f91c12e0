"""What stands on the Telegram port of a local stack: the emulator, or the bridge to the real Telegram.

Hazard: with a bridge the stack gets a token of this run alone. The real one would stand in sam's command line and logs,
in the local AWS and in every function.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from local import environment
from local.bridge.account import local_token
from local.bridge.claim import Claimed
from local.bridge.leaving import STATUS
from local.ports import Ports


@dataclass(frozen=True, slots=True)
class Front:
    """One of the two, as a program to start and in parameters of the template."""

    name: str
    #: Answered as soon as it is ready.
    ready_path: str
    token: str
    admin_chat: str
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def emulator(cls, environ: Mapping[str, str], ports: Ports) -> Self:
        """Return the local Telegram, in which chat 1 is the admin's."""
        own = environment.for_telegram(environ, ports)
        return cls("local Telegram", "/control/deliveries", environment.BOT_TOKEN, "1", own)

    @classmethod
    def bridge(cls, environ: Mapping[str, str], ports: Ports, bot: Claimed) -> Self:
        """Return the bridge to that bot, whose owner's chat nobody knows."""
        token = local_token(bot.bot["id"])
        own = environment.for_bridge(environ, ports, local_token=token, token=bot.token, api=bot.api)
        return cls(f"bridge to {bot.api}", STATUS, token, "", own)
