"""The layers ship bytecode that Python takes as it is: compiling at a cold start would cost three times the imports.

SAM dates every entry of its zips 1980, so bytecode that remembers its source's date would always look stale.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.runtime.building import layers

if TYPE_CHECKING:
    from pathlib import Path

#: The function that has every layer.
EVERY = "AlertsFunction"
UNCHECKED_HASH = 1
"""The flag word of https://peps.python.org/pep-0552/: hash-based, and not checked against the source."""
_1980 = 315_532_800
_PROBE = """
import json, sys

compiled = []

def watch(event, arguments):
    if event == "compile":
        compiled.append(str(arguments[1]))

sys.addaudithook(watch)
import boto3, telegram.ext
import floodgate.alerts.status, font_source_sans_pro, resvg_py
import floodgate.delivery.deadletters, floodgate.delivery.worker, floodgate.telegram.custom_resource
import uncompiled

files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
print(json.dumps({"compiled": compiled, "files": files}))
"""


@pytest.fixture(scope="module")
def dated(built: Path) -> Path:
    """The built template, every source of whose layers is dated as SAM's zips date it."""
    for layer in layers(built, EVERY):
        for source in layer.rglob("*.py"):
            os.utime(source, (_1980, _1980))
    return built


@pytest.mark.parametrize("position", [0, 1, 2], ids=["dependencies", "floodgate", "charts"])
def test_every_module_of_a_layer_has_its_bytecode(built: Path, position: int) -> None:
    """For this Python's minor version, and never checked against its source."""
    layer = layers(built, EVERY)[position]
    sources = sorted(layer.rglob("*.py"))
    assert sources
    flags = {}
    for source in sources:
        bytecode = layer / importlib.util.cache_from_source(str(source))
        head = bytecode.read_bytes()[:8] if bytecode.exists() else b""
        flags[source] = int.from_bytes(head[4:], "little") if head[:4] == importlib.util.MAGIC_NUMBER else None
    assert [source for source, flag in flags.items() if flag != UNCHECKED_HASH] == []


def test_nothing_of_a_layer_is_compiled_at_a_cold_start(dated: Path, tmp_path: Path) -> None:
    """Everything a function loads of them comes from their bytecode; a module that has none would be seen."""
    control = tmp_path / "uncompiled.py"
    control.touch()
    path = [tmp_path, *layers(dated, EVERY)]
    environ = {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
    run = subprocess.run(
        [sys.executable, "-S", "-c", _PROBE], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stderr == ""
    report = json.loads(run.stdout)
    roots = tuple(f"{layer}{os.sep}" for layer in layers(dated, EVERY))
    for root in roots:
        assert [name for name in report["files"] if name.startswith(root)] != []
    assert str(control) in report["compiled"]
    assert [name for name in report["compiled"] if name.startswith((*roots, "/opt/python"))] == []
