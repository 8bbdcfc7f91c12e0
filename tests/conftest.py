"""Who runs which tests, where processes share them, as `make test` has it.

Problem: the tests of what is deployed mostly wait, and some of them share a stack; all others mostly compute.
Rule: what shares the stack goes to one process, what has stacks or builds of its own to another, and both first; other
files go to whichever process is free, those that take longest first. One process alone runs them all in pytest's own
order.
Hazard: a module that is imported for the first time writes bytecode beside its source, and a build that copies the
folder at that moment fails. So all of it is written before the processes start.
"""

from __future__ import annotations

import compileall
import gc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from local.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The people who talk to a bot under test, tests of tests, and a browser.
pytest_plugins = ["local.telegram.pytest_plugin", "pytester", "tests.chromium"]

# How long an example takes says what else this machine does.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

#: The groups of what is deployed, by the beginnings of their files' names; what is in none is spread file by file. The
#: owner's alarm waits for minutes: it has a stack of its own so that the others need not wait with it.
_TOGETHER = {
    "stacks of their own": (
        "tests/e2e/test_alerts.py",
        "tests/e2e/test_deployments.py",
        "tests/e2e/test_make_run.py",
        "tests/e2e/test_bridge.py",
        "tests/runtime/",
    ),
    "the stack": ("tests/e2e/",),
}
#: What computes for long: a process that came to it last would leave the others idle.
_LONG = (
    "tests/browser/",
    "tests/simulation/",
    "tests/chaos/",
    "tests/integration/admin/",
    "tests/integration/deadletter/",
)
_COPIED_BY_BUILDS = ("functions", "layers")


def _group(test: str) -> str | None:
    return next((group for group, files in _TOGETHER.items() if test.startswith(files)), None)


def _place(test: str) -> tuple[int, int]:
    """Return where a test stands among all: groups in their order, each with its files as listed, then what is long."""
    if group := _group(test):
        files = _TOGETHER[group]
        return list(_TOGETHER).index(group), next(place for place, file in enumerate(files) if test.startswith(file))
    return len(_TOGETHER), next((place for place, file in enumerate(_LONG) if test.startswith(file)), len(_LONG))


def _among_processes(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have what takes longest begin first."""
    if _among_processes(config):
        items.sort(key=lambda item: _place(item.nodeid))


def pytest_collection_finish() -> None:
    """Have the collector of garbage leave alone what is imported and collected: it lives to the end, and is much."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Iterable[object]) -> None:  # noqa: ARG001 - pytest asks for it by its name
    """Write the bytecode of all that is built."""
    for folder in _COPIED_BY_BUILDS:
        compileall.compile_dir(ROOT / folder, quiet=1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Return what hands out whole files, and a group as if it were one."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # noqa: PLC0415 - if it is used

    class Scheduler(LoadScopeScheduling):  # type: ignore[misc] # it ships no types
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid) or nodeid.split("::", 1)[0]

    return Scheduler(config, log)
