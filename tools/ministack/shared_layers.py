"""Layers are unpacked once for all processes of all functions, instead of once for each process.

Problem: ministack 1.5 unpacks every layer anew, 90 MB in six thousand files, whenever it starts a process: that is most
of a cold start, and forty processes take 4 GB. Rule: replaces `_spawn` of lambda_runtime's `Worker`. Each layer of its
function stands in a folder that is named after what is in it, and the process is told where by the variable by which
ministack tells it (`_LAMBDA_LAYERS_DIRS`); of layers it then finds none to unpack. A layer that a deployment replaces
is another folder, and the old one stays until the stack goes: a process may still import from it.
Hazard: on AWS /opt is read-only, and here a function that writes there writes for all. Nothing of ours does: the layers
bring their bytecode.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from unpacked import Unpacked

_TOLD_BY = "_LAMBDA_LAYERS_DIRS"


def install() -> None:
    """Have processes share their layers from now on."""
    unpacked = Unpacked(Path(tempfile.gettempdir()) / "layers")
    spawn = lambda_runtime.Worker._spawn

    def spawn_on_shared_layers(worker: Any) -> None:
        whole = worker.config
        zips = [lambda_svc._resolve_layer_zip(layer) for layer in whole.get("Layers") or []]
        folders = [str(unpacked.folder_of(one)) for one in zips if one]
        variables = (whole.get("Environment") or {}).get("Variables") or {}
        told = {**variables, _TOLD_BY: os.pathsep.join(folders)} if folders else variables
        worker.config = {**whole, "Layers": [], "Environment": {"Variables": told}}
        try:
            spawn(worker)
        finally:
            worker.config = whole

    lambda_runtime.Worker._spawn = spawn_on_shared_layers
