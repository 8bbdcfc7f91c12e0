"""Wires the reload to a stack of `make run`, and what it says to a file that `make run` shows."""

import os
from collections.abc import Mapping
from pathlib import Path

from local import environment
from local.aws import LocalAws
from local.handlers.check import check
from local.handlers.code import Code
from local.handlers.functions import Functions
from local.handlers.reload import Json, Reload
from local.handlers.watching import Project

#: In the stack's folder: a line for each thing that was said.
LOG = "handlers.log"
_LAYERS = ("DependenciesLayer", "FloodgateLayer")


def following(root: Path, stack: Path, aws: LocalAws) -> Reload:
    """Return what brings the handlers below `root` to the stack whose files are in the folder `stack`."""
    built = stack.parent / f"build-{environment.architecture()}" / stack.name
    libraries = [built / layer / "python" for layer in _LAYERS]
    functions = Functions(aws)
    kept = environment.kept(os.environ)

    async def check_with_layers(code: Code, variables: Mapping[str, str]) -> Json:
        return await check(code, libraries, {**kept, **variables})

    def tell(text: str) -> None:
        with (stack / LOG).open("a") as log:
            log.write(f"{text}\n")

    return Reload(Project(root), functions, check_with_layers, tell=tell)
