"""What a worker loads at its cold start, and what it does not."""

import os
import subprocess
import sys

from tests.template.reading import ROOT

#: Models, which cost more than all of ours together; only an admin's order needs them.
HEAVY = {"pydantic", "pydantic_core", "floodgate.state.dead_letter"}
#: What only broadcasts need.
SELDOM = {"floodgate.announcements.chain", "floodgate.announcements.orders", "floodgate.state.broadcasts"}


def test_a_worker_starts_without_what_is_seldom_needed() -> None:
    """Whatever of our own a worker imports, it does not load pydantic, nor what sends broadcasts."""
    program = f"import sys, floodgate.delivery.worker; print(sorted({HEAVY | SELDOM!r} & set(sys.modules)))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "layers" / "floodgate")}
    loaded = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
