"""The long form of the chaos suite: `make chaos`. Exits with 1 if a promise was broken.

Each seed is a run of its own; as many run at once as there are cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from multiprocessing import get_context

from tests.chaos.long_form import Figures, run_seed

_UPDATES_PER_SEED = 2500
_SHOWN = 20
#: What must be, where it must be something.
_TARGETS = {
    "lost": 0,
    "repeated": 0,
    "missing": 0,
    "order violations": 0,
    "frozen chats called": 0,
}
_ROWS = (
    "updates",
    "answered",
    "told and kept",
    "told",
    "limited",
    "stale",
    *_TARGETS,
    "kills",
    "in hand at kills",
    "repeated updates in hand at kills",
)


def main() -> int:
    """Run it all, print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=100_000, help="how many to drive, at least")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    asked = parser.parse_args()
    runs = -(-asked.updates // _UPDATES_PER_SEED)
    began_at = time.monotonic()
    total = Figures()
    seeds = [(seed, _UPDATES_PER_SEED) for seed in range(asked.seed, asked.seed + runs)]
    with get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=5) as pool:  # or memory would grow with the seeds
        for number, done in enumerate(pool.imap_unordered(run_seed, seeds), start=1):
            total.add(done)
            sys.stderr.write(f"\r{number} of {runs} seeds, {len(total.broken)} promises broken")
    sys.stderr.write("\n")
    sys.stdout.write(_report(total, runs, time.monotonic() - began_at))
    return 1 if total.broken else 0


def _report(total: Figures, runs: int, took_s: float) -> str:
    lines = [
        *(f"{name:<40}{total.figures[name]:>9}" + (" (0)" if name in _TARGETS else "") for name in _ROWS),
        f"{'faults injected':<40}{sum(total.injected.values()):>9}",
        *(f"  {name:<38}{count:>9}" for name, count in total.injected.most_common()),
        *(f"frozen chat called, {why:<20}{count:>9}" for why, count in total.frozen_calls.items() if why != "known"),
        f"{runs} seeds in {took_s:.0f} s on {os.cpu_count()} cores",
        *total.broken[:_SHOWN],
    ]
    if len(total.broken) > _SHOWN:
        lines.append(f"… and {len(total.broken) - _SHOWN} more promises broken")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
