"""The functions and layers as `sam build` makes them for this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from local import environment
from local.ports import Ports
from tests.template.reading import ROOT, Template

if TYPE_CHECKING:
    from pathlib import Path

    from local.processes import Programs

SAM = ROOT / "tools" / "sam"


def uv() -> str:
    """Return the uv to run: the one that runs these tests, else the checkout's own, else any."""
    own = ROOT / ".tools" / "uv" / "bin" / "uv"
    return os.environ.get("UV") or (str(own) if own.exists() else "uv")


def build(folder: Path, programs: Programs) -> Path:
    """Build everything below `folder` and return the built template's path; its code paths are relative to it.

    Nothing is shared with other builds, so several may run at once. Raises StepFailed with sam's last words.
    """
    sync(SAM, folder, programs)
    binaries = SAM / ".venv" / "bin"
    (folder / "samconfig.toml").write_text("version = 0.1\n")
    command: list[str | Path] = [binaries / "sam", "build", "--config-file", folder / "samconfig.toml", "--parallel"]
    command += ["--region", environment.REGION, "--build-dir", folder / "build"]
    command += ["--parameter-overrides", f"Architecture={environment.architecture()}"]
    programs.run(
        "sam build",
        command,
        # No AWS is asked anything; the port stands for none.
        env=environment.for_sam(os.environ, Ports(), bin_folder=binaries, state=folder / "sam"),
        folder=ROOT,
        log=folder / "build.log",
    )
    return folder / "build" / "template.yaml"


def sync(project: Path, folder: Path, programs: Programs) -> None:
    """Have the tool's environment be what its lock says."""
    programs.run(
        f"uv sync of {project.name}",
        [uv(), "sync", "--quiet", "--locked", "--project", project],
        env=environment.without_aws(os.environ),
        folder=ROOT,
        log=folder / f"{project.name}.log",
    )


def layers(built: Path, function: str) -> list[Path]:
    """Return the `python` folder of each of a function's layers, in the order in which Lambda looks into them."""
    template = Template.read(built)
    return [
        built.parent / template.resources[layer]["Properties"]["ContentUri"] / "python"
        for layer in template.layers(function)
    ]
