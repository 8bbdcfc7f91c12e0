"""Who runs which tests, where two processes share them, as `make test` has it.

Problem: the tests of what is deployed mostly wait, and must find one stack; all others mostly compute.
Rule: what needs built functions goes to one process, and first; files go to whichever process is free. One process
alone runs them all in pytest's own order.
Hazard: a module that is imported for the first time writes bytecode beside its source, and a build that copies the
folder at that moment fails. So all of it is written before the processes start.
"""

from __future__ import annotations

import compileall
from typing import TYPE_CHECKING, Any

import pytest

from local.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The people who talk to a bot under test, tests of tests, and a browser.
pytest_plugins = ["local.telegram.pytest_plugin", "pytester", "tests.chromium"]

_DEPLOYED = ("tests/e2e/", "tests/runtime/")
_COPIED_BY_BUILDS = ("functions", "layers")


def _needs_a_build(test: str) -> bool:
    return test.startswith(_DEPLOYED)


def _among_processes(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have what takes longest begin first."""
    if _among_processes(config):
        items.sort(key=lambda item: not _needs_a_build(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Iterable[object]) -> None:  # noqa: ARG001 - pytest asks for it by its name
    """Write the bytecode of all that is built."""
    for folder in _COPIED_BY_BUILDS:
        compileall.compile_dir(ROOT / folder, quiet=1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Return what hands out whole files, and what is deployed as if it were one."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # noqa: PLC0415 - if it is used

    class Scheduler(LoadScopeScheduling):  # type: ignore[misc] # it ships no types
        def _split_scope(self, nodeid: str) -> str:
            return "deployed" if _needs_a_build(nodeid) else nodeid.split("::", 1)[0]

    return Scheduler(config, log)
